# shellcheck shell=bash
# User-mode Linux: the kernel as a process of this machine, at the speed of its
# processor. Its disks are made inside, by the kernel's own SCSI target.

# boot HOME SECONDS MIB: the guest's console is the standard output.
boot() {
	# The guest's memory is a file, which has to be on a file system that lets it be
	# executed; in memory if there is one.
	local memory=$1/memory
	[ ! -w /dev/shm ] || memory=/dev/shm
	mkdir -p "$1/memory"
	TMPDIR=$memory exec timeout -k 10 "$2" "$1/kernel" uml_dir="$1/uml" mem="$3M" initrd="$1/initrd" rdinit=/init \
		con=null con0=null,fd:1 ssl=null panic=-1 quiet loglevel=1
}
