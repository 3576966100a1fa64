#!/bin/bash
# change.sh NAME [ARG]: changes the stack that was built, as accidents and people do, and
# writes down what is to be found then. Fails if the change could not be made.
set -e
. /guest/settings
. /guest/expect.sh
. "/guest/disks-$lane.sh"

# wait_for COMMAND...: at most a minute.
wait_for() {
	for _ in $(seq 600); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "in vain: $*" >&2
	return 1
}
whole() { [ "$(cat "/sys/block/$1/md/degraded")" = 0 ] && [ "$(cat "/sys/block/$1/md/sync_action")" = idle ]; }

cold=$(map_of "$(wwid cold)")
mirror=$(basename "$(readlink -f /dev/md/mirror)")
case $1 in
path-fails)
	path=$(disk cold)
	echo "$path" >/run/stack/path
	echo offline >"/sys/block/$path/device/state"
	multipathd fail path "$path"
	expect map "$cold" failed=1
	expect disk cold state=
	;;
path-returns)
	path=$(cat /run/stack/path)
	echo running >"/sys/block/$path/device/state"
	multipathd reinstate path "$path"
	expect map "$cold" failed=0
	expect disk cold state=running
	;;
member-fails)
	mdadm -q /dev/md/mirror --fail "/dev/$(disk mirror2)"
	expect raid mirror degraded=1 in_sync=disk:mirror1 faulty=disk:mirror2
	;;
member-returns)
	mdadm -q /dev/md/mirror --remove "/dev/$(disk mirror2)"
	mdadm -q /dev/md/mirror --add "/dev/$(disk mirror2)"
	wait_for whole "$mirror"
	expect raid mirror degraded=0 in_sync=disk:mirror1,disk:mirror2 faulty=
	;;
volume-comes)
	lvcreate -q -y -W n -L 16M -n new vg_data
	expect volume vg_data/new size=$((16 << 20)) on=map:data
	;;
volume-goes)
	lvremove -q -y vg_data/new
	expect volume vg_data/new gone
	;;
unmount)
	umount /srv/loop
	expect mount /srv/loop gone
	;;
mount)
	mount -o ro /dev/loop0p1 /srv/loop
	expect mount /srv/loop device=partition:loop0p1 type=ext4 option=ro
	;;
disk-goes)
	unplug spare
	expect disk spare gone
	;;
disk-comes)
	plug spare
	expect disk spare wwid="$(wwid spare)" page80="$(serial spare)" vendor=ACME model=EXOS size=$((16 << 20)) paths=1 state=running
	;;
clock) # to seconds since 1970; no device is another one for it
	date -s "@$2" >/dev/null
	;;
*)
	echo "there is no change $1" >&2
	exit 2
	;;
esac
