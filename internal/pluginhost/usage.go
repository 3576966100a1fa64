package pluginhost

import (
	"time"

	"github.com/prometheus/procfs"
)

// Usage returns the resident memory of the process in bytes and the CPU time
// that it took so far; processes that it started itself are not counted. Both
// are zero where the system does not tell; after the end of the process rss is 0
// and cpu the final figure. It is safe for concurrent use.
func (p *Process) Usage() (rss int64, cpu time.Duration) {
	select {
	case <-p.child.exited:
		return 0, p.child.state.UserTime() + p.child.state.SystemTime()
	default:
	}
	proc, err := procfs.NewProc(p.Pid())
	if err != nil {
		return 0, 0
	}
	stat, err := proc.Stat()
	if err != nil {
		return 0, 0
	}
	return int64(stat.ResidentMemory()), time.Duration(stat.CPUTime() * float64(time.Second))
}

// Handles returns how many descriptors the process has open and how many threads
// it has. Both are zero where the system does not tell, and after its end. It is
// safe for concurrent use.
func (p *Process) Handles() (descriptors, threads int) {
	select {
	case <-p.child.exited:
		return 0, 0
	default:
	}
	proc, err := procfs.NewProc(p.Pid())
	if err != nil {
		return 0, 0
	}
	stat, err := proc.Stat()
	if err != nil {
		return 0, 0
	}
	if descriptors, err = proc.FileDescriptorsLen(); err != nil {
		descriptors = 0 // another user's process: the threads are told all the same
	}
	return descriptors, stat.NumThreads
}
