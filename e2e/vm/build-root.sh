#!/bin/bash
# Makes the guest of a lane: a Debian kernel and a root file system, from Debian
# packages that are downloaded and unpacked, never installed on this machine. Needs
# neither root nor anything but dpkg, kmod and cpio.
#
#   build-root.sh LANE CACHE    LANE is uml or qemu
#
# Leaves CACHE/LANE/kernel and CACHE/LANE/root.cpio, and keeps them while the
# versions of the packages and this script stay as they are.
set -euo pipefail
{ # read as a whole, so that an edit meanwhile does no harm
lane=$1
cache=$2
self=$(realpath "$0")
mkdir -p "$cache/$lane" "$cache/debs"
cache=$(realpath "$cache")
home=$cache/$lane

say() { printf 'vm: %s: %s\n' "$lane" "$*" >&2; }
die() {
	say "$*"
	exit 1
}

arch=$(dpkg --print-architecture)
case $lane in
uml)
	[ "$arch" = amd64 ] || die "Debian has user-mode Linux for amd64 only, and this machine is $arch"
	kernel=user-mode-linux
	;;
qemu)
	[ "$arch" = amd64 ] || die "the emulated machine is amd64, and apt here knows the packages of $arch only"
	kernel=linux-image-amd64
	;;
*) die "no such lane; there are uml and qemu" ;;
esac
packages="$kernel base-files busybox-static bash util-linux mount udev kmod iproute2
	lvm2 mdadm multipath-tools kpartx dmsetup fdisk e2fsprogs xfsprogs btrfs-progs cryptsetup-bin
	thin-provisioning-tools sg3-utils nvme-cli smartmontools"
# What those depend on for the sake of an installation, which is not what happens
# here. busybox stands in for coreutils; the rules of sg3-utils-udev run a dozen
# programs for each event of each disk, and udev has its own that say the same.
unneeded='^(adduser|coreutils|cpio|debconf|dpkg|gcc-12-base|init-system-helpers|initramfs-tools.*|klibc-utils|libklibc|libdb5.3|libfile-find-rule-perl|libgdbm.*|libgssapi.*|libk5crypto.*|libkrb5.*|libnsl2|libnumber-compare-perl|libperl.*|libpython.*|libsqlite3-0|libtext-glob-perl|libtirpc.*|linux-image-amd64|lsb-base|media-types|passwd|perl.*|python.*|sg3-utils-udev|tar|usrmerge)$'
# Modules and what they need go into the guest; the rest of some thousands stays out.
modules="dm_mod dm_multipath dm_round_robin dm_service_time dm_queue_length dm_snapshot dm_thin_pool dm_crypt dm_mirror dm_raid
	raid0 raid1 raid10 raid456 loop ext4 xfs btrfs configfs target_core_mod target_core_file tcm_loop
	scsi_mod sd_mod sr_mod sg ses enclosure scsi_dh_alua scsi_dh_rdac scsi_transport_sas scsi_debug
	virtio_pci virtio_scsi virtio_blk nvme ahci mptsas megaraid_sas xhci_pci usb_storage uas
	veth crc32c_generic crc32c_intel cbc essiv xts algif_skcipher nls_ascii nls_cp437 vfat"

# The closure of the packages from an empty system: what apt would install.
: >"$cache/no-packages"
wanted=$(apt-get install -s --no-install-recommends -o Dir::State::status="$cache/no-packages" $packages 2>"$home/apt.log" |
	sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p' | awk -F= -v no="$unneeded" '$1 !~ no' | sort) || wanted=
if [ -z "$wanted" ]; then
	[ -s "$home/root.cpio" ] || die "apt cannot say which packages are needed (is apt-get update due?): $(tail -n 3 "$home/apt.log")"
	say "apt cannot say which packages are needed; going on with the guest that there is"
	exit
fi
key=$({ cat "$self"; echo "$wanted"; } | sha256sum)
[ "$(cat "$home/key" 2>/dev/null)" != "$key" ] || [ ! -s "$home/root.cpio" ] || exit 0
rm -f "$home/key"

missing=()
files=()
for package in $wanted; do
	file=$(echo "$cache/debs/${package%%=*}_$(sed 's/:/%3a/' <<<"${package#*=}")"_*.deb)
	[ -f "$file" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
	say "downloading ${#missing[@]} packages"
	(cd "$cache/debs" && timeout 600 apt-get download -q "${missing[@]}") >"$home/download.log" 2>&1 ||
		die "the download failed: $(tail -n 3 "$home/download.log")"
fi
for package in $wanted; do
	files+=("$(echo "$cache/debs/${package%%=*}_$(sed 's/:/%3a/' <<<"${package#*=}")"_*.deb)")
done

say "unpacking ${#files[@]} packages"
root=$home/root
rm -rf "$root"
mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
for file in "${files[@]}"; do
	dpkg-deb --fsys-tarfile "$file" | tar -x --keep-directory-symlink --no-same-owner -C "$root" \
		--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/info' \
		--exclude='*/gconv/*' --exclude='*/udev/hwdb.d' --exclude='./boot/System.map*' --exclude='*/libicudata*' || die "cannot unpack $file"
done
if [ "$lane" = uml ]; then
	mv "$root/usr/lib/uml/modules" "$root/usr/lib/modules"
	mv "$root/usr/bin/linux.uml" "$home/kernel"
else
	mv "$root"/boot/vmlinuz-* "$home/kernel"
	rm -rf "$root/boot"
fi

version=$(ls "$root/usr/lib/modules")
depmod -b "$root" "$version"
kept=$home/modules
rm -rf "$kept"
for module in $modules; do
	# What is not there is built in, or not part of this kernel: the guest says so
	# when it misses something.
	modprobe -d "$root" -S "$version" --show-depends "$module" 2>/dev/null || true
done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
	install -D -m644 "$file" "$kept/${file#*/lib/modules/}"
done
cp "$root/usr/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$kept/$version/"
rm -rf "$root/usr/lib/modules"
mv "$kept" "$root/usr/lib/modules"
depmod -b "$root" "$version"

for name in $("$root/usr/bin/busybox" --list); do
	[ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s busybox "$root/usr/bin/$name"
done
ln -sf bash "$root/usr/bin/sh"
mkdir -p "$root"/{proc,sys,dev,run,tmp,root,test,etc/multipath,etc/lvm}
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'daemon:x:1:1::/:/bin/false' 'nobody:x:65534:65534::/nonexistent:/bin/false' >"$root/etc/passwd"
# The groups that udev's rules name.
printf '%s\n' root:x:0: daemon:x:1: tty:x:5: disk:x:6: lp:x:7: dialout:x:20: cdrom:x:24: tape:x:26: audio:x:29: video:x:44: \
	input:x:104: kvm:x:105: render:x:106: sgx:x:107: kmem:x:15: floppy:x:25: nogroup:x:65534: >"$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet) >"$home/root.cpio.new"
mv "$home/root.cpio.new" "$home/root.cpio"
rm -rf "$root"
echo "$key" >"$home/key"
say "guest with Linux $version: $(du -m "$home/root.cpio" | cut -f1) MiB"
exit
}
