# shellcheck shell=bash
# Disks of the emulated machine: virtio-scsi, SAS, a RAID controller that passes its
# disk through, SATA, USB, NVMe with one and with two controllers, virtio-blk.

. /guest/names-qemu.sh

wwid() { printf '3%s' "$(naa "$1")"; }
kernel_wwid() { printf 'naa.%s' "$(naa "$1")"; }

make_disks() {
	module virtio_pci virtio_scsi scsi_transport_sas sd_mod sr_mod nvme ahci mptsas megaraid_sas xhci_pci usb_storage virtio_blk
	until_true 120 "all disks" all_disks
	local role
	for role in data:1024 ora:512 cold:64; do
		expect disk "${role%:*}" wwid="$(wwid "${role%:*}")" page80="$(serial "${role%:*}")" vendor=ACME model=VRAID9000 size=$((${role#*:} << 20)) paths=2 state=running
	done
	for role in mirror1:64 mirror2:64 lone:64 parts:256 raid1:64 raid2:64 raid3:64 raid4:64 spare:16 jbod:16; do
		expect disk "${role%:*}" wwid="$(wwid "${role%:*}")" page80="$(serial "${role%:*}")" vendor=ACME model=EXOS size=$((${role#*:} << 20)) paths=1 state=running
	done
	for role in 1 2 3 4; do expect disk raid$role transport=sas; done
	expect disk crypt wwid="$(wwid crypt)" serial=ATASER0001 size=$((64 << 20)) paths=1 transport=sata
	expect disk usb serial=USBSER0001 size=$((16 << 20)) paths=1 transport=usb
	expect disk nvme serial=NVMESHARED01 size=$((128 << 20)) paths=1 controllers=2 transport=pcie
	expect disk solo serial=NVMESOLO01 size=$((192 << 20)) paths=1 controllers=1 transport=pcie
	expect disk virtio serial=VBLK0001 size=$((192 << 20)) paths=1 transport=virtio
}

all_disks() {
	set -- /sys/block/sd*
	[ $# -eq 18 ] && [ -e /dev/vda ] && nvme_of NVMESHARED01 && nvme_of NVMESOLO01
}

# nvme_of SERIAL: the node of the first namespace of the controller or subsystem.
nvme_of() {
	local d
	for d in /sys/block/nvme*n1; do
		case $(cat "$d/device/serial" 2>/dev/null) in
		$1*) [ ! -e "/dev/${d##*/}" ] || {
			echo "/dev/${d##*/}"
			return 0
		} ;;
		esac
	done
	return 1
}

more_disks() {
	mkdir -p /srv/{nvme,btr,sub}
	local shared solo
	shared=$(nvme_of NVMESHARED01)
	solo=$(nvme_of NVMESOLO01)
	step "ext4 nvme" mkfs.ext4 -q -L nvmefs "$shared"
	step "mount nvme" mount "$shared" /srv/nvme
	expect disk nvme fs=ext4 label=nvmefs
	expect mount /srv/nvme device=disk:nvme type=ext4
	step "btrfs" mkfs.btrfs -q -f -L pool -d raid1 -m raid1 "$solo" /dev/vda
	udevadm settle -t 60
	step "mount btrfs" mount "$solo" /srv/btr
	step "subvolume" btrfs subvolume create /srv/btr/home
	step "mount subvolume" mount -o subvol=home "$solo" /srv/sub
	expect disk solo fs=btrfs label=pool
	expect disk virtio fs=btrfs label=pool
	expect mount /srv/btr device=disk:solo type=btrfs
	# /srv/sub is not expected: it shows a part of that.
}

# unplug ROLE and plug ROLE: the disk is gone, and is back.
unplug() {
	readlink -f "/sys/block/$(disk "$1")/device" >"/run/stack/$1"
	echo 1 >"/sys/block/$(disk "$1")/device/delete"
}
plug() {
	local host
	host=$(grep -oE 'host[0-9]+/' "/run/stack/$1" | tr -d /)
	echo '- - -' >"/sys/class/scsi_host/$host/scan"
}
