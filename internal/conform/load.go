package conform

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// parallel runs many sessions at once in one process.
func (b *bench) parallel(ctx context.Context) verdict {
	p, err := b.process(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	sessions := make([]*session, b.o.Parallel)
	for i := range sessions {
		sessions[i] = b.prepare(p)
	}
	seen := make([]findings, len(sessions))
	// Each step is one of all sessions, so that they run at the same time.
	step := func(what string, f func(*session) error) {
		var all sync.WaitGroup
		for i, s := range sessions {
			if len(seen[i]) > 0 {
				continue
			}
			all.Go(func() {
				if err := f(s); err != nil {
					seen[i].add("session %s: %s, with %d others at once: %v", s.rec.Name, what, len(sessions)-1, err)
				}
			})
		}
		all.Wait()
	}
	step("open", func(s *session) error {
		return s.call(ctx, wire.MethodSessionOpen, b.openParams(s, b.stored), nil)
	})
	b.crowd(true)
	defer b.crowd(false)
	began, busy := time.Now(), b.rec.busy()
	step("the first hook", func(s *session) error { return s.scan(ctx) })
	took := max(0, time.Since(began)-(b.rec.busy()-busy))
	step("an update", func(s *session) error {
		if !s.updates {
			return nil
		}
		_, err := s.later(ctx)
		return err
	})
	var all findings
	for i, s := range sessions {
		if len(seen[i]) == 0 {
			seen[i] = b.compare(s)
		}
		all = append(all, seen[i]...)
	}
	for i := range seen {
		seen[i] = nil // all are torn down
	}
	step("teardown", func(s *session) error { return s.end(ctx) })
	for _, f := range seen {
		all = append(all, f...)
	}
	return judge(all, fmt.Sprintf("%s were scanned at once in %v, one takes %v", count(len(sessions), "session"),
		took.Round(time.Millisecond), middle(b.first).Round(time.Millisecond)))
}

// crowd says whether hooks run at once from now on.
func (b *bench) crowd(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.crowded = on
}

// footprint is what a process holds.
type footprint struct {
	memory               int64
	descriptors, threads int
}

func footprintOf(p *pluginhost.Process) footprint {
	var f footprint
	f.memory, _ = p.Usage()
	f.descriptors, f.threads = p.Handles()
	return f
}

// leakTries is how often leaks looks again, at twice as many sessions, before it
// believes in a leak: a young process takes memory for its garbage collector too.
const leakTries = 3

// leaks runs sessions one after the other in a process of its own. What grows in
// each of two halves alike, however many sessions there are, is a leak; what
// grows once is a cache or a pool.
func (b *bench) leaks(ctx context.Context) verdict {
	p, err := b.launch(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	defer kill(ctx, p)
	half := max(2, b.o.Sessions/2)
	run := func(n int) error {
		for range n {
			s, err := b.open(ctx, p, b.stored)
			if err == nil {
				err = s.scan(ctx)
			}
			if err == nil && s.updates {
				_, err = s.later(ctx)
			}
			if err == nil {
				err = s.end(ctx)
			}
			if err != nil {
				return fmt.Errorf("session %s of the same root in one process: %w", s.rec.Name, err)
			}
		}
		return nil
	}
	if err := run(max(3, half/2)); err != nil { // until caches are warm
		return judge([]string{err.Error()}, "")
	}
	at := [3]footprint{2: footprintOf(p)}
	// Rounded, since a thread that is just ending may be counted once.
	grown := func(of func(footprint) int64) int64 {
		n := int64(half)
		return (min(of(at[1])-of(at[0]), of(at[2])-of(at[1])) + n/2) / n
	}
	var descriptors, threads int64
	for try := 0; ; try++ {
		at[0] = at[2]
		for i := 1; i < len(at); i++ {
			if err := run(half); err != nil {
				return judge([]string{err.Error()}, "")
			}
			at[i] = footprintOf(p)
		}
		b.growth = max(0, grown(func(f footprint) int64 { return f.memory }))
		descriptors = grown(func(f footprint) int64 { return int64(f.descriptors) })
		threads = grown(func(f footprint) int64 { return int64(f.threads) })
		if try == leakTries || b.growth <= b.o.MaxGrowth && descriptors <= 0 && threads <= 0 {
			break
		}
		half *= 2
	}
	b.memory, b.descriptors, b.threads = at[2].memory, at[2].descriptors, at[2].threads
	if b.memory == 0 {
		return passed("the system does not tell how much memory a process has")
	}
	var seen findings
	if b.growth > b.o.MaxGrowth {
		seen.add("each session leaves %s of memory behind, over %s; at most %s may be", size(b.growth), count(2*half, "session"), size(b.o.MaxGrowth))
	}
	if descriptors > 0 {
		seen.add("each session leaves %s open: %d after %s", count(int(descriptors), "descriptor"), b.descriptors, count(2*half, "session"))
	}
	if threads > 0 {
		seen.add("each session leaves %s running: %d after %s", count(int(threads), "thread"), b.threads, count(2*half, "session"))
	}
	return judge(seen, fmt.Sprintf("%s a session over %s", size(b.growth), count(2*half, "session")))
}

// cost compares what was measured with the bounds.
func (b *bench) cost(context.Context) verdict {
	scan, update := middle(b.first), middle(b.update)
	var seen findings
	if b.o.MaxScan > 0 && scan > b.o.MaxScan {
		seen.add("an initial scan takes %v, and at most %v may be", scan.Round(time.Millisecond), b.o.MaxScan)
	}
	memory := b.memory
	if memory == 0 && b.p != nil { // leaks was left out
		memory, _ = b.p.Usage()
		b.memory = memory
	}
	if b.o.MaxMemory > 0 && memory > b.o.MaxMemory {
		seen.add("the process has %s of memory, and at most %s may be", size(memory), size(b.o.MaxMemory))
	}
	return judge(seen, fmt.Sprintf("an initial scan takes %v, an update %v; %s of memory", short(scan), short(update), size(memory)))
}

func short(d time.Duration) time.Duration {
	if d > 10*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return count(int(n), "byte")
}
