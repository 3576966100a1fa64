package pluginhost

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
)

// GiveBack returns memory to the system that this process does not need for now: what
// Go keeps for later, and what Unmap does. It costs a garbage collection.
func GiveBack() {
	debug.FreeOSMemory()
	Unmap()
}

// Unmap takes the pages of the program's file out of this process, which finds those
// that it needs again in the system's cache. Linux maps sixteen where one is used, so that
// a process which works for a moment now and then holds most of a large program. It is
// for such processes, when the moment is over, and costs less than a millisecond.
func Unmap() {
	for _, r := range programRanges() {
		// It fails where the pages are locked, and then they stay.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, r[0], r[1]-r[0], syscall.MADV_DONTNEED)
	}
}

// programRanges are where the program's file is in memory, as far as it can be read
// again. They stay what they are.
var programRanges = sync.OnceValue(func() [][2]uintptr {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return nil
	}
	return cleanRanges(maps, exe)
})

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
