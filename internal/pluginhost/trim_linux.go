package pluginhost

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
)

// GiveBack returns memory to the system that this process does not need for now:
// what Go keeps for later, and the pages of the program that only its start needed.
// The system reads those again from the file if they are needed after all. It is for
// processes that are idle most of the time, and costs a garbage collection.
func GiveBack() {
	debug.FreeOSMemory()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, r := range cleanRanges(maps, exe) {
		// It fails where the pages are locked, and then they stay.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r[0], r[1]-r[0], syscall.MADV_DONTNEED)
	}
}

// cleanRanges returns the address ranges of smaps that are a file's, cannot be written
// to, and hold no page that differs from the file: what the linker has made read-only
// after it wrote to it (RELRO) would be lost.
func cleanRanges(smaps []byte, file string) (ranges [][2]uintptr) {
	var r [2]uintptr
	for line := range bytes.Lines(smaps) {
		var from, to uintptr
		var mode, offset, device, inode, path string
		if n, _ := fmt.Sscanf(string(line), "%x-%x %s %s %s %s %s", &from, &to, &mode, &offset, &device, &inode, &path); n >= 6 {
			r = [2]uintptr{}
			if path == file && len(mode) == 4 && mode[1] == '-' && mode[3] == 'p' {
				r = [2]uintptr{from, to}
			}
			continue
		}
		var kib int
		if n, _ := fmt.Sscanf(string(line), "Anonymous: %d kB", &kib); n == 1 && kib == 0 && r[1] != 0 {
			ranges = append(ranges, r)
		}
	}
	return ranges
}
