package pluginhost

import (
	"time"
)

// Use is what a plugin's process and all that it started use.
type Use struct {
	Memory int64 // bytes, as Limits.Memory counts them
	// CPU is the time taken since the process was started. Processes that it
	// started and never waited for may take theirs along when they end.
	CPU       time.Duration
	OpenFiles int // of the process that has the most
	Processes int
	Threads   int // of all processes

	// shared tells the memory without counting what processes share more than
	// once, -1 if that is unknown; nil if there is nothing to tell.
	shared func() int64
}

// Use looks at what the plugin uses now; all is 0 where the system does not tell,
// and when the process has ended. It is safe for concurrent use.
func (p *Process) Use() Use {
	select {
	case <-p.child.exited:
		return Use{}
	default:
		return p.child.family.use()
	}
}

// User is whom the process runs as, empty if that is the host's own user.
func (p *Process) User() string { return p.child.user }

// budget looks at the use of a process every SampleEvery, until it is over, and
// ends it when it is over budget.
func (p *Process) budget() {
	t := time.NewTicker(p.opts.SampleEvery)
	defer t.Stop()
	m := meter{limits: p.opts.Limits, group: p.child.group}
	for {
		select {
		case now := <-t.C:
			if err := m.check(now, p.child.family.use()); err != nil {
				p.fail(err)
				return
			}
			if err := p.child.group.broken(p.opts.Limits); err != nil {
				p.fail(err)
				return
			}
		case <-p.child.exited:
			return
		}
	}
}

// A meter compares what is used with the limits. It serves one goroutine.
type meter struct {
	limits Limits
	group  *cgroup
	past   []reading // of the last window, oldest first
}

type reading struct {
	at  time.Time
	cpu time.Duration
}

// check returns a *BudgetError if a limit is broken that the kernel does not keep
// by itself.
func (m *meter) check(now time.Time, u Use) error {
	l := m.limits
	if l.Memory > 0 && u.Memory > l.Memory && !m.group.limits(BudgetMemory) {
		if u.Processes > 1 && u.shared != nil {
			if n := u.shared(); n >= 0 {
				u.Memory = min(u.Memory, n)
			}
		}
		if u.Memory > l.Memory {
			return &BudgetError{Budget: BudgetMemory, Limit: float64(l.Memory), Use: float64(u.Memory)}
		}
	}
	if l.Processes > 0 && u.Threads > l.Processes {
		return &BudgetError{Budget: BudgetProcesses, Limit: float64(l.Processes), Use: float64(u.Threads)}
	}
	// The kernel refuses one more, so that there never are.
	if l.OpenFiles > 0 && u.OpenFiles >= l.OpenFiles {
		return &BudgetError{Budget: BudgetOpenFiles, Limit: float64(l.OpenFiles), Use: float64(u.OpenFiles)}
	}
	if l.CPU > 0 && !m.group.limits(BudgetCPU) {
		return m.cpu(now, u.CPU)
	}
	return nil
}

// cpu checks the average over the window.
func (m *meter) cpu(now time.Time, cpu time.Duration) error {
	window := m.limits.window()
	m.past = append(m.past, reading{now, cpu})
	for len(m.past) > 1 && now.Sub(m.past[1].at) >= window {
		m.past = m.past[1:]
	}
	span := now.Sub(m.past[0].at)
	if span < window {
		return nil
	}
	if cores := (cpu - m.past[0].cpu).Seconds() / span.Seconds(); cores > m.limits.CPU {
		return &BudgetError{Budget: BudgetCPU, Limit: m.limits.CPU, Use: cores, Window: window}
	}
	return nil
}
