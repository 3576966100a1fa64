# shellcheck shell=bash
# Disks of user-mode Linux: files behind the kernel's own SCSI target (LIO), seen
# through its loopback ports. Each port is a SCSI host; a disk behind two ports has
# two paths, in two target port groups (ALUA).

target=/sys/kernel/config/target

# What LIO makes of a unit serial number: the registered identifier of its vendor,
# and as many digits as fit.
serial() { printf 'fa017%011x' "$(number "$1")"; }
wwid() { printf '36001405%s000000000' "$(serial "$1")"; }
kernel_wwid() { printf 'naa.6001405%s000000000' "$(serial "$1")"; }

roles=(data ora cold mirror1 mirror2 lone parts raid1 raid2 raid3 raid4 spare crypt)
number() {
	local i
	for i in "${!roles[@]}"; do [ "${roles[$i]}" != "$1" ] || echo "$i"; done
}

# store ROLE MIB PRODUCT
store() {
	local c=$target/core/fileio_0/$1 g
	mkdir -p "$c" "$c/alua/g1" "$c/alua/g2"
	echo "fd_dev_name=/run/lun/$1,fd_dev_size=$(($2 * 1048576))" >"$c/control"
	echo ACME >"$c/wwn/vendor_id"
	echo "$3" >"$c/wwn/product_id"
	serial "$1" >"$c/wwn/vpd_unit_serial"
	echo 1 >"$c/enable"
	for g in 1 2; do
		echo $g >"$c/alua/g$g/tg_pt_gp_id"
		echo 3 >"$c/alua/g$g/alua_access_type"
	done
	echo 0 >"$c/alua/g1/alua_access_state" # active/optimized
	echo 1 >"$c/alua/g2/alua_access_state" # active/non-optimized
}

# port N: a SCSI host.
port() {
	mkdir -p "$target/loopback/naa.500140500000000$1/tpgt_1"
	echo "naa.500140500000001$1" >"$target/loopback/naa.500140500000000$1/tpgt_1/nexus"
}

# lun PORT NUMBER ROLE [GROUP]
lun() {
	local l=$target/loopback/naa.500140500000000$1/tpgt_1/lun/lun_$2
	mkdir -p "$l"
	ln -s "$target/core/fileio_0/$3" "$l/lun"
	[ -z "${4:-}" ] || echo "$4" >"$l/alua_tg_pt_gp"
}

make_disks() {
	module target_core_mod target_core_file tcm_loop
	mkdir -p /run/lun
	step targets make_targets
	until_true 60 "all disks" all_disks
}

make_targets() (
	local i=0 role
	set -e
	for role in 1 2 3; do port $role; done
	for role in data:1024 ora:512 cold:64; do
		store "${role%:*}" "${role#*:}" VRAID9000
		lun 1 $i "${role%:*}" g1
		lun 2 $i "${role%:*}" g2
		i=$((i + 1))
		expect disk "${role%:*}" wwid="$(wwid "${role%:*}")" page80="$(serial "${role%:*}")" vendor=ACME model=VRAID9000 size=$((${role#*:} * 1048576)) paths=2 state=running
	done
	i=0
	for role in mirror1:64 mirror2:64 lone:64 parts:256 raid1:64 raid2:64 raid3:64 raid4:64 spare:16 crypt:64; do
		store "${role%:*}" "${role#*:}" EXOS
		lun 3 $i "${role%:*}"
		i=$((i + 1))
		expect disk "${role%:*}" wwid="$(wwid "${role%:*}")" page80="$(serial "${role%:*}")" vendor=ACME model=EXOS size=$((${role#*:} * 1048576)) paths=1 state=running
	done
)

all_disks() {
	set -- /sys/block/sd*
	[ $# -eq 16 ]
}

# Other disks than those that both lanes have.
more_disks() { :; }

# unplug ROLE and plug ROLE: the disk is gone, and is back.
unplug() { rm "$(echo "$target"/loopback/*3/tpgt_1/lun/lun_*/lun | tr ' ' '\n' | while read -r l; do [ "$(readlink -f "$l")" != "$(readlink -f "$target/core/fileio_0/$1")" ] || echo "$l"; done)"; }
plug() { lun 3 20 "$1"; }
