#!/bin/bash
# Boots a Debian kernel without any help of this machine's processor, builds a block
# stack in it, runs static programs there, prints what they print, and exits with
# the status of the first that failed.
#
#   run.sh [OPTION]... -- PROGRAM [ARG]... [-- PROGRAM [ARG]...]...
#
#   --lane uml|qemu     user-mode Linux (the default), or a whole emulated machine: slower, with more kinds of disks
#   --stack NAME        guest/stack-NAME.sh builds it; without one there are no disks
#   --timeout SECONDS   the whole life of the guest; default 600
#   --memory MIB        of the guest; default 1536
#   --file PATH         goes along, as /test/NAME; may be given again
#   --env NAME=VALUE    in the environment of the programs; may be given again
#
# Status 3: the guest could not be made or did not start, or ended without a
# result; 4: the stack could not be built; 124: time was up. What it said is in the work folder, in LANE/console.log.
# FAULTLINE_VM names the work folder; default .cache/vm of the repository.
set -euo pipefail
{ # read as a whole, so that an edit meanwhile does no harm
here=$(dirname "$(realpath "$0")")
cache=${FAULTLINE_VM:-$here/../../.cache/vm}
lane=uml
stack=
limit=600
memory=1536
settings=()
files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	--lane) lane=$2 ;;
	--stack) stack=$2 ;;
	--timeout) limit=$2 ;;
	--memory) memory=$2 ;;
	--file) files+=("$2") ;;
	--env) settings+=("export $(printf '%q' "$2")") ;;
	*)
		echo "vm: unknown option $1" >&2
		exit 2
		;;
	esac
	shift 2
done
[ $# -gt 1 ] || {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

say() { printf 'vm: %s: %s\n' "$lane" "$*" >&2; }
die() {
	say "$*"
	exit 3
}
for tool in apt-get dpkg-deb cpio depmod flock timeout $([ "$lane" != qemu ] || echo qemu-system-x86_64); do
	PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || die "there is no $tool here; scripts/setup-debian.sh vm installs what a Debian machine lacks"
done
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$cache"
cache=$(realpath "$cache")
home=$cache/$lane
exec 9>"$cache/lock"
flock -w 900 9 || die "another run has had $cache for 15 minutes"
"$here/build-root.sh" "$lane" "$cache" 9>&- || exit 3

# What changes from run to run is a second archive, which the kernel unpacks over
# the first.
extra=$home/extra
rm -rf "$extra"
mkdir -p "$extra/test" "$extra/guest"
cp "$here"/guest/* "$extra/guest/"
install -m755 "$here/guest/init" "$extra/init"
printf '%s\n' "lane=$lane" "stack=$(printf '%q' "$stack")" "${settings[@]}" >"$extra/guest/settings"
for file in "${files[@]}"; do install -m755 "$file" "$extra/test/$(basename "$file")"; done
n=0
while [ $# -gt 0 ]; do
	shift # the --
	n=$((n + 1))
	[ -f "${1:-}" ] || die "there is no program ${1:-}"
	install -m755 "$1" "$extra/test/$n-$(basename "$1")"
	line=$(printf '%q' "/test/$n-$(basename "$1")")
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		line+=" $(printf '%q' "$1")"
		shift
	done
	echo "$line" >>"$extra/guest/programs"
done
(cd "$extra" && find . | cpio -o -H newc -R 0:0 --quiet) >"$home/extra.cpio"
cat "$home/root.cpio" "$home/extra.cpio" >"$home/initrd"

. "$here/lane-$lane.sh"
start=$SECONDS
say "starting"
# The emulator is the only process in the pipe that can take long: when it is gone,
# the others have end of file. It gets no descriptor that keeps the lock.
set +e
(boot "$home" "$limit" "$memory" </dev/null 2>"$home/emulator.log" 9>&-) | sed -u 's|\r$||' | tee "$home/console.log" |
	sed -un 's/^@out //p; s/^@say /vm: /w /dev/stderr'
status=${PIPESTATUS[0]}
set -e
result=$(sed -nE 's/^@exit ([0-9]+)$/\1/p' "$home/console.log" | tail -n 1)
say "ended after $((SECONDS - start)) s"
if [ -z "$result" ]; then
	tail -n 30 "$home/console.log" "$home/emulator.log" >&2
	[ "$status" != 124 ] && [ "$status" != 137 ] || {
		say "time was up: $limit s"
		exit 124
	}
	die "the guest ended without a result (the emulator's status is $status)"
fi
[ "$result" = 0 ] || say "the console is in $home/console.log"
exit "$result"
}
