# shellcheck shell=bash
# What was built, one line a thing: KIND NAME KEY=VALUE...; the value of ON and its
# like are other things, KIND:NAME, with commas between them. A later line for the
# same thing changes what it names of it; KEY= takes one back, and "gone" all.

expected=/run/stack/expected

# expect KIND NAME [KEY=VALUE]...
expect() {
	local IFS=$'\t'
	echo "$*" >>"$expected"
}

# disk ROLE: a device of the disk that has the role, one of its paths if it has several.
disk() { disks "$1" | head -n 1; }

# disks ROLE: all its paths, by the kernel's names.
disks() {
	local d want have
	want=$(kernel_wwid "$1")
	for d in /sys/block/sd*; do
		if read -r have <"$d/device/wwid" && [ "$have" = "$want" ]; then echo "${d##*/}"; fi
	done
}

# map_of WWID: the name of its multipath map.
map_of() {
	local d uuid
	for d in /sys/block/dm-*; do
		read -r uuid <"$d/dm/uuid" || continue
		[ "$uuid" != "mpath-$1" ] || {
			read -r uuid <"$d/dm/name"
			echo "$uuid"
			return 0
		}
	done 2>/dev/null
	return 1
}

# size PATH: in bytes.
size() { blockdev --getsize64 "$1"; }
