package pluginhost

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// A family is a plugin's process and all that it started, as far as can be told.
// Where the process has a control group, that says it. Elsewhere the family
// follows parents to children, remembers whom it has seen, and at the end looks
// for the mark in the environment of every process; what hides from all of
// that has meant to.
type family struct {
	pid   int
	mark  string
	group *cgroup

	mu   sync.Mutex
	seen map[int]uint64 // when each process started, in ticks since boot: numbers are used again
	cpu  time.Duration  // as far as known; a process that ends takes its own along
}

func newFamily(pid int, mark string, group *cgroup) *family {
	return &family{pid: pid, mark: mark, group: group, seen: map[int]uint64{}}
}

// look brings the list of processes up to date and returns their state.
func (t *family) look() []procfs.ProcStat {
	t.mu.Lock()
	defer t.mu.Unlock()
	var stats []procfs.ProcStat
	found := map[int]uint64{}
	add := func(pid int) bool {
		if _, ok := found[pid]; ok {
			return false
		}
		proc, err := procfs.NewProc(pid)
		if err != nil {
			return false
		}
		stat, err := proc.Stat()
		if err != nil || stat.State == "X" {
			return false
		}
		found[pid] = stat.Starttime
		stats = append(stats, stat)
		return true
	}
	var todo []int
	enter := func(pid int) {
		if add(pid) {
			todo = append(todo, pid)
		}
	}
	enter(t.pid)
	for _, pid := range t.group.procs() {
		enter(pid)
	}
	for pid, start := range t.seen {
		if proc, err := procfs.NewProc(pid); err == nil {
			if stat, err := proc.Stat(); err == nil && stat.Starttime == start {
				enter(pid)
			}
		}
	}
	for len(todo) > 0 {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range childrenOf(pid) {
			enter(c)
		}
	}
	t.seen = found
	return stats
}

// childrenOf returns the children of all threads of a process. A kernel that
// does not tell them leaves the process's group and the mark.
func childrenOf(pid int) (list []int) {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children") // the pattern is a good one
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			if n, err := strconv.Atoi(field); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// kill kills every process of the family that is known.
func (t *family) kill() {
	t.group.kill()
	t.mu.Lock()
	defer t.mu.Unlock()
	for pid, start := range t.seen {
		if pid == t.pid { // its number is ours to know
			continue
		}
		killSame(pid, start)
	}
}

// killSame kills a process if it is the one that started then.
func killSame(pid int, start uint64) {
	p, err := os.FindProcess(pid) // holds on to the process where the kernel can
	if err != nil {
		return
	}
	defer p.Release() //nolint:errcheck // nothing is lost
	if proc, err := procfs.NewProc(pid); err == nil {
		if stat, err := proc.Stat(); err == nil && stat.Starttime == start {
			_ = p.Signal(syscall.SIGKILL) // it may have ended
		}
	}
}

// endRounds is how often end looks for what was started while it killed.
const endRounds = 50

// end kills what is left when the process itself has ended.
func (t *family) end() {
	for range endRounds {
		left := t.look()
		t.kill()
		if n := t.killMarked(); n == 0 && (len(left) == 0 || len(left) == 1 && left[0].PID == t.pid) {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// killMarked kills every process whose environment has the mark of this one, and
// returns how many there were.
func (t *family) killMarked() (n int) {
	mark := []byte(markVar + "=" + t.mark)
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == t.pid {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil || !bytes.Contains(env, mark) {
			continue
		}
		proc, err := procfs.NewProc(pid)
		if err != nil {
			continue
		}
		if stat, err := proc.Stat(); err == nil && stat.State != "Z" {
			killSame(pid, stat.Starttime)
			n++
		}
	}
	return n
}

// use returns what the family uses now.
func (t *family) use() Use {
	var u Use
	var procs []procfs.Proc
	var cpu time.Duration
	for _, stat := range t.look() {
		if stat.State == "Z" {
			cpu += ticks(stat.UTime + stat.STime)
			continue
		}
		u.Processes++
		u.Threads += stat.NumThreads
		// What children took that were waited for counts with their parent.
		cpu += ticks(stat.UTime+stat.STime) + ticks(uint(max(0, stat.CUTime))+uint(max(0, stat.CSTime)))
		proc, err := procfs.NewProc(stat.PID)
		if err != nil {
			continue
		}
		procs = append(procs, proc)
		u.Memory += private(proc)
		if n, err := proc.FileDescriptorsLen(); err == nil {
			u.OpenFiles = max(u.OpenFiles, n)
		}
	}
	if exact, ok := t.group.cpu(); ok {
		cpu = exact
	}
	t.mu.Lock()
	t.cpu = max(t.cpu, cpu)
	u.CPU = t.cpu
	t.mu.Unlock()
	u.shared = func() int64 { return together(procs) }
	return u
}

// private is the memory of a process that is not of files.
func private(p procfs.Proc) int64 {
	s, err := p.NewStatus()
	if err != nil {
		return 0
	}
	return int64(s.RssAnon + s.RssShmem + s.VmSwap)
}

// together is the memory of processes without counting what they share more than
// once, as after a fork. It takes the kernel a while to tell. It returns -1 if it
// does not.
func together(procs []procfs.Proc) (sum int64) {
	for _, p := range procs {
		m, err := p.ProcSMapsRollup()
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ESRCH):
			continue // it has ended
		case err != nil:
			return -1
		}
		sum += int64(m.Pss + m.SwapPss)
	}
	return sum
}

// ticks are what the kernel counts CPU time in.
func ticks(n uint) time.Duration { return time.Duration(n) * (time.Second / 100) }

// tasksOf counts the threads of all processes of a user.
func tasksOf(uid int) (n int) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	for _, p := range all {
		info, err := os.Stat("/proc/" + strconv.Itoa(p.PID))
		if err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != uid {
			continue
		}
		if stat, err := p.Stat(); err == nil {
			n += stat.NumThreads
		}
	}
	return n
}

// MachineMemory is the memory of this machine in bytes, 0 if that is unknown.
func MachineMemory() int64 {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	m, err := fs.Meminfo()
	if err != nil || m.MemTotalBytes == nil {
		return 0
	}
	return int64(*m.MemTotalBytes)
}
