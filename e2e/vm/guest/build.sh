# shellcheck shell=bash
# Sourced by init when a stack is wanted: udev and multipathd, the disks of the
# lane, and then what the stack's script makes of them. Each script writes down
# what it built, so that a test can tell whether exactly that is found.

# step NAME COMMAND...: a part of the building. What does not work ends the guest.
step() {
	local name=$1 up
	shift
	read -r up _ </proc/uptime
	echo "@step $up $name"
	"$@" >/run/step.log 2>&1 </dev/null || {
		local status=$?
		say "the stack cannot be built: $name: status $status of: $*"
		while IFS= read -r text; do say "  $text"; done </run/step.log
		dmesg | tail -n 50
		finish 4
	}
	# What is written to a device while udev still looks at it for the step before, udev does not see.
	udevadm settle -t 300 || :
}

# until_true SECONDS NAME COMMAND...: waits for what has no event to wait for.
until_true() {
	local end=$((SECONDS + $1)) name=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || {
			say "the stack cannot be built: there is no $name"
			lsblk 2>&1 | while IFS= read -r text; do say "  $text"; done
			dmesg | tail -n 50
			finish 4
		}
		sleep 0.1
	done
}

# module NAME...: each may be built in.
module() { modprobe -a -q "$@"; }

. /guest/expect.sh
mkdir -p /run/stack

module dm_mod dm_multipath dm_round_robin dm_service_time dm_snapshot dm_thin_pool dm_crypt raid1 raid456 loop configfs ext4 xfs btrfs scsi_mod sd_mod sg scsi_dh_alua
mount -t configfs configfs /sys/kernel/config
# udev and multipathd come first, so that each device gets its events as it
# would on a machine.
cat >/etc/multipath.conf <<'C'
defaults {
	user_friendly_names yes
	find_multipaths yes
	path_grouping_policy group_by_prio
	polling_interval 2
}
blacklist {
	devnode "^(vd|loop|sr)"
	protocol "nvme.*"
}
C
. "/guest/disks-$lane.sh"
{
	echo 'multipaths {'
	for role in data ora; do printf '\tmultipath {\n\t\twwid %s\n\t\talias %s\n\t}\n' "$(wwid $role)" "$role"; done
	echo '}'
} >>/etc/multipath.conf
# As Debian's initramfs does: LVM volumes and arrays are activated by events.
sed -i 's/^\(\s*\)#* *udev_sync.*/\1udev_sync = 1/' /etc/lvm/lvm.conf 2>/dev/null
step udevd /usr/lib/systemd/systemd-udevd --daemon
step multipathd multipathd
stage drivers
make_disks
udevadm settle -t 120
# The kernel has a map before udev has made its node.
node_of() { [ -b "/dev/mapper/$(map_of "$1")" ]; }
for role in data ora cold; do until_true 300 "multipath map of $role" node_of "$(wwid $role)"; done
udevadm settle -t 300
stage disks
. "/guest/stack-$stack.sh"
udevadm settle -t 120
