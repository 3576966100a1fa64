#!/bin/bash
# What `make test-vm` runs: builds the test programs and runs them in the guests
# of the lanes that are named. Fails if a test failed, or if no lane could run.
#
#   test.sh LANE...    of uml and qemu
set -euo pipefail
{ # read as a whole, so that an edit meanwhile does no harm
here=$(dirname "$(realpath "$0")")
cd "$here/../.."
bin=$(realpath -m "${FAULTLINE_VM:-.cache/vm}")/bin
mkdir -p "$bin"
export CGO_ENABLED=0 # static: the guest has its own library, if it has one
go build -o "$bin/faultline" ./cmd/faultline
go test -c -o "$bin/pluginhost.test" ./internal/pluginhost
go test -c -o "$bin/vm.test" ./e2e/vm

# What control groups of a real kernel have to keep, and all that plugins are
# contained by beside them. Nothing of it may be skipped there.
limits=("$bin/pluginhost.test" -test.v -test.timeout 8m
	-test.run '^(TestKernel.*|TestDelegation|TestOverBudget|TestEscape|TestHostDies.*|TestContainment|TestHide|TestRunsAsUser|TestClosedToUser)$')

# What the linux device plugin says of the devices that were built.
devices=("$bin/vm.test" -test.v -test.timeout 20m)
stack=(--stack host --file "$bin/faultline" --env FAULTLINE_VM_PROGRAM=/test/faultline --memory 2048 --timeout 1500)

ran=no
failed=
for lane in "$@"; do
	status=0
	case $lane in
	# Control groups are the same in both kernels, and this one is quick.
	uml) "$here/run.sh" --lane uml --env FAULTLINE_REQUIRE_CGROUPS=1 "${stack[@]}" -- "${limits[@]}" -- "${devices[@]}" || status=$? ;;
	qemu) "$here/run.sh" --lane qemu "${stack[@]}" -- "${devices[@]}" || status=$? ;;
	*)
		echo "vm: no such lane: $lane" >&2
		exit 2
		;;
	esac
	case $status in
	0) ran=yes ;;
	3) echo "vm: $lane: COULD NOT RUN, for the reason above" >&2 ;;
	*)
		ran=yes
		failed+=" $lane"
		;;
	esac
done
[ $ran = yes ] || {
	echo "vm: FAILED: no lane could run, so nothing was tested" >&2
	exit 1
}
[ -z "$failed" ] || {
	echo "vm: FAILED:$failed" >&2
	exit 1
}
exit
}
