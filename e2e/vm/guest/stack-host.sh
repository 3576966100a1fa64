# shellcheck shell=bash
# The stack of a storage server, as far as the lane's disks carry it.

mkdir -p /srv/{data,logs,mirror,bind,part,ora,arch,crypt,loop}

# --- LVM on a multipath map: volumes, a thin pool, a snapshot, swap ---------------
expect map data wwid="$(wwid data)" on=disk:data failed=0 paths=2 queueing=
step "PV" pvcreate -q -y /dev/mapper/data
step "VG" vgcreate -q vg_data /dev/mapper/data
step "LV data" lvcreate -q -y -L 256M -n data vg_data
step "LV logs" lvcreate -q -y -L 320M -n logs vg_data
step "LV swap" lvcreate -q -y -L 32M -n swap vg_data
step "thin pool" lvcreate -q -y --type thin-pool -L 64M -n pool vg_data
step "thin LV" lvcreate -q -y -V 200M --thin -n thin vg_data/pool
step "ext4" mkfs.ext4 -q -L data -U 11111111-1111-4111-8111-111111111111 /dev/vg_data/data
step "xfs" mkfs.xfs -q -L logs -m uuid=22222222-2222-4222-8222-222222222222 /dev/vg_data/logs
step "swap" mkswap -q -L swp /dev/vg_data/swap
step "swapon" swapon /dev/vg_data/swap
step "snapshot" lvcreate -q -y -s -L 32M -n snap vg_data/data
step "mount data" mount /dev/vg_data/data /srv/data
step "mount logs" mount -o noatime /dev/vg_data/logs /srv/logs
# How much of the map its head takes depends on how the disk wants to be written to.
expect group vg_data on=map:data size="$(vgs --noheadings --nosuffix --units b -o vg_size vg_data | tr -d ' ')" missing=0
expect volume vg_data/data size=$((256 << 20)) fs=ext4 label=data uuid=11111111-1111-4111-8111-111111111111
expect volume vg_data/logs size=$((320 << 20)) fs=xfs label=logs uuid=22222222-2222-4222-8222-222222222222 on=map:data
expect volume vg_data/swap size=$((32 << 20)) fs=swap on=map:data
expect volume vg_data/thin size=$((200 << 20)) type=thin pool=vg_data/pool
expect volume vg_data/snap size=$((256 << 20)) origin=vg_data/data fs=ext4
expect volume vg_data/pool size=$((64 << 20)) type=thin-pool
expect mount /srv/data device=volume:vg_data/data type=ext4
expect mount /srv/logs device=volume:vg_data/logs type=xfs option=noatime
expect mount swap device=volume:vg_data/swap type=swap

# --- partitions on a multipath map --------------------------------------------------
expect map ora wwid="$(wwid ora)" on=disk:ora failed=0 paths=2 queueing=
sfdisk -q --no-reread --no-tell-kernel -w always /dev/mapper/ora <<'S' || say "partitions of ora cannot be written"
label: gpt
label-id: AAAAAAAA-0000-4000-8000-000000000001
size=128M, name=ora1, uuid=AAAAAAAA-0000-4000-8000-000000000011
name=ora2, uuid=AAAAAAAA-0000-4000-8000-000000000012
S
# udev's own rules may be at it, too, once the writer has closed the map.
udevadm settle -t 300
ora_parts() {
	{ [ -b /dev/mapper/ora-part1 ] && [ -b /dev/mapper/ora-part2 ]; } || {
		kpartx -a -p -part /dev/mapper/ora
		udevadm settle -t 300
		false
	}
}
until_true 300 "partitions of ora" ora_parts
step "ext4 ora1" mkfs.ext4 -q -L ora1 /dev/mapper/ora-part1
step "mount ora1" mount /dev/mapper/ora-part1 /srv/ora
expect partition ora1 of=map:ora number=1 size=$((128 << 20)) fs=ext4 label=ora1
expect partition ora2 of=map:ora number=2 size="$(size /dev/mapper/ora-part2)"
expect mount /srv/ora device=partition:ora1 type=ext4

# --- a map that nothing uses --------------------------------------------------------
expect map "$(map_of "$(wwid cold)")" wwid="$(wwid cold)" on=disk:cold failed=0 paths=2 queueing=

# --- MD: a mirror of whole disks, RAID5 with a spare under LVM, a degraded mirror -----
step "mirror" mdadm --create /dev/md/mirror --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean --homehost=stackhost --name=mirror "/dev/$(disk mirror1)" "/dev/$(disk mirror2)"
until_true 60 /dev/md/mirror test -e /dev/md/mirror
step "ext4 mirror" mkfs.ext4 -q -L mirror /dev/md/mirror
step "mount mirror" mount /dev/md/mirror /srv/mirror
step "bind" mount --bind /srv/mirror /srv/bind
expect raid mirror level=raid1 disks=2 degraded=0 metadata=1.2 on=disk:mirror1,disk:mirror2 fs=ext4 label=mirror
expect mount /srv/mirror device=raid:mirror type=ext4
# Not expected: it shows what /srv/mirror shows.
step "RAID5" mdadm --create /dev/md/r5 --run --metadata=1.2 --level=5 --raid-devices=3 --spare-devices=1 --assume-clean --homehost=stackhost --name=r5 \
	"/dev/$(disk raid1)" "/dev/$(disk raid2)" "/dev/$(disk raid3)" "/dev/$(disk raid4)"
until_true 60 /dev/md/r5 test -e /dev/md/r5
step "PV r5" pvcreate -q -y /dev/md/r5
step "VG r5" vgcreate -q vg_md /dev/md/r5
step "LV arch" lvcreate -q -y -L 64M -n arch vg_md
step "ext4 arch" mkfs.ext4 -q -L arch /dev/vg_md/arch
step "mount arch" mount /dev/vg_md/arch /srv/arch
expect raid r5 level=raid5 disks=3 degraded=0 on=disk:raid1,disk:raid2,disk:raid3,disk:raid4 spare=disk:raid4
expect group vg_md on=raid:r5 missing=0
expect volume vg_md/arch size=$((64 << 20)) on=raid:r5 fs=ext4 label=arch
expect mount /srv/arch device=volume:vg_md/arch type=ext4
step "degraded mirror" mdadm --create /dev/md/lone --run --metadata=1.2 --level=1 --raid-devices=2 --homehost=stackhost --name=lone "/dev/$(disk lone)" missing
expect raid lone level=raid1 disks=2 degraded=1 on=disk:lone

# --- a disk with partitions -----------------------------------------------------------
parts=/dev/$(disk parts)
sfdisk -q -w always "$parts" <<'S' || say "partitions of parts cannot be written"
label: gpt
label-id: BBBBBBBB-0000-4000-8000-000000000001
size=32M, type=swap, name=swp, uuid=BBBBBBBB-0000-4000-8000-000000000011
size=128M, type=linux, name=root, uuid=BBBBBBBB-0000-4000-8000-000000000012
type=lvm, name=pv, uuid=BBBBBBBB-0000-4000-8000-000000000013
S
udevadm settle -t 60
step "ext4 part" mkfs.ext4 -q -L root "${parts}2"
step "mount part" mount -o ro "${parts}2" /srv/part
step "PV part" pvcreate -q -y "${parts}3"
expect partition parts1 of=disk:parts number=1 size=$((32 << 20))
expect partition parts2 of=disk:parts number=2 size=$((128 << 20)) fs=ext4 label=root
expect partition parts3 of=disk:parts number=3 size="$(size "${parts}3")" fs=LVM2_member
expect mount /srv/part device=partition:parts2 type=ext4 option=ro

# --- LUKS ------------------------------------------------------------------------------
printf secret >/run/key
step "LUKS" cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --cipher aes-cbc-essiv:sha256 --key-size 256 "/dev/$(disk crypt)" /run/key
step "LUKS open" cryptsetup open --key-file /run/key "/dev/$(disk crypt)" secret
step "ext4 crypt" mkfs.ext4 -q -L crypt /dev/mapper/secret
step "mount crypt" mount /dev/mapper/secret /srv/crypt
expect crypt secret on=disk:crypt fs=ext4 label=crypt size="$(size /dev/mapper/secret)"
expect mount /srv/crypt device=crypt:secret type=ext4

# --- a loop device with a partition, on a file of one of the above ---------------------
truncate -s 32M /srv/data/image
sfdisk -q /srv/data/image <<'S' || say "partitions of the image cannot be written"
label: dos
label-id: 0xfa017000
size=16M, type=83
S
step "loop" losetup -P /dev/loop0 /srv/data/image
udevadm settle -t 60
step "ext4 loop" mkfs.ext4 -q -L loopfs /dev/loop0p1
step "mount loop" mount /dev/loop0p1 /srv/loop
expect loop loop0 file=/srv/data/image size=$((32 << 20))
expect partition loop0p1 of=loop:loop0 number=1 size=$((16 << 20)) fs=ext4 label=loopfs
expect mount /srv/loop device=partition:loop0p1 type=ext4

more_disks
