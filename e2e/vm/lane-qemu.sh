# shellcheck shell=bash
# A whole machine, its processor emulated by qemu (TCG). What /dev/kvm promises is
# not asked for: where it can be opened it may still hang.

# boot HOME SECONDS MIB: the guest's console is the standard output.
boot() {
	disks=$1/disks
	rm -rf "$disks"
	mkdir -p "$disks"
	machine=()
	[ -z "$stack" ] || attach
	exec timeout -k 10 "$2" qemu-system-x86_64 -machine q35,usb=off -accel tcg,thread=multi,tb-size=512 -cpu qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt \
		-smp 2 -m "$3" -nodefaults -display none -no-reboot -monitor none -kernel "$1/kernel" -initrd "$1/initrd" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr tsc=nowatchdog rdinit=/init" -serial stdio "${machine[@]}"
}

# image NAME MIB: a disk's content, sparse.
image() { truncate -s "$2M" "$disks/$1"; }

# backend NODE NAME: a way to that content; a disk with two paths has two.
backend() { machine+=(-blockdev "driver=raw,node-name=$1,file.driver=file,file.filename=$disks/$2,file.locking=off"); }

# scsi BUS ID LUN ROLE PATH PRODUCT: a path of the disk that has the role. Its serial
# number and name are those that guest/disks-qemu.sh expects.
scsi() {
	backend "$4-$5" "$4"
	machine+=(-device "scsi-hd,bus=$1,channel=0,scsi-id=$2,lun=$3,drive=$4-$5,serial=$(serial "$4"),wwn=0x$(naa "$4"),port_wwn=0x$(naa "$4" "$5"),port_index=1,vendor=ACME,product=$6,ver=1.01,share-rw=on")
}

attach() {
	. "$here/guest/names-qemu.sh"
	local role i
	for role in data:1024 ora:512 cold:64 mirror1:64 mirror2:64 lone:64 parts:256 raid1:64 raid2:64 raid3:64 raid4:64 spare:16 crypt:64 nvme:128 solo:192 virtio:192 usb:16 jbod:16; do
		image "${role%:*}" "${role#*:}"
	done
	machine+=(-device virtio-scsi-pci,id=vs0 -device virtio-scsi-pci,id=vs1)
	for i in 0 1; do
		scsi vs$i.0 0 0 data $i VRAID9000
		scsi vs$i.0 0 1 ora $i VRAID9000
		scsi vs$i.0 0 2 cold $i VRAID9000
	done
	i=1
	for role in mirror1 mirror2 lone parts spare; do
		scsi vs0.0 $i 0 $role 0 EXOS
		i=$((i + 1))
	done
	machine+=(-device mptsas1068,id=sas0,sas_address=0x500605b000000001)
	for i in 1 2 3 4; do scsi sas0.0 $((i - 1)) 0 raid$i 0 EXOS; done
	machine+=(-device megasas-gen2,id=mr0,use_jbod=on)
	scsi mr0.0 0 0 jbod 0 EXOS
	backend nvme nvme
	machine+=(-device nvme-subsys,id=sub0,nqn=sub0 -device nvme,id=c0,serial=NVMESHARED01,subsys=sub0 -device nvme,id=c1,serial=NVMESHARED01,subsys=sub0
		-device nvme-ns,drive=nvme,nsid=1,bus=c0,shared=on,uuid=5d0e1f2a-0002-4000-8000-000000000001,eui64=0x5254000000000001)
	backend solo solo
	machine+=(-device nvme,id=c2,serial=NVMESOLO01,drive=solo)
	backend virtio virtio
	machine+=(-device virtio-blk-pci,drive=virtio,serial=VBLK0001)
	backend crypt crypt
	machine+=(-device "ide-hd,bus=ide.0,drive=crypt,serial=ATASER0001,wwn=0x$(naa crypt),rotation_rate=7200" -device ide-cd,bus=ide.1)
	backend usb usb
	machine+=(-device qemu-xhci,id=xhci -device usb-storage,bus=xhci.0,drive=usb,serial=USBSER0001,removable=on)
}
