package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// The pause between two update scans is at least minPeriod, so that a plugin
// cannot keep the host busy by mistake, and at most maxPeriod, which nobody will
// notice.
const (
	minPeriod = 100 * time.Millisecond
	maxPeriod = 365 * 24 * time.Hour
)

// run is one session of one plugin process.
type run struct {
	*Session
	p   Plugin
	id  string
	dec decoder
	// queue is what the plugin sent, in order, for apply.
	queue  chan item
	failed chan struct{} // closed when a turn was refused

	// target is what the scans talk to, at the address; nil if nothing bounds them.
	target  *resource.Target
	address string
	// held is set while a scan may still run in the plugin that nobody waits for:
	// it gives the turn at the address back.
	held func()

	wake chan struct{} // has room for one: lost is not empty

	mu   sync.Mutex
	last int64   // the last turn that was applied
	err  error   // why a turn was refused
	lost []int64 // handles of deleted resources that the plugin was not told of
}

// item is a batch, or a mark that is closed when apply gets there.
type item struct {
	batch wire.Batch
	mark  chan struct{}
}

// scan runs the hooks of the session until one fails or ctx ends.
func (r *run) scan(ctx context.Context) error {
	res, err := r.turn(ctx, wire.MethodInitialScan)
	if err != nil {
		return err
	}
	r.live(ctx, res)
	period := r.period(res)
	for first := true; ; first = false {
		if res.Updates && !r.retired() {
			if _, err := r.turn(ctx, wire.MethodUpdateScan); err != nil {
				return err
			}
			r.o.Sink.Contact(r.o.ID, r.o.Now())
		}
		if first {
			r.state(ctx, func(st *resource.RootState) { st.Offline = false })
		}
		var next <-chan time.Time
		if res.Updates {
			next = r.o.After(period)
		}
		select {
		case <-next:
		case <-r.p.Retired():
			return errRetired
		case <-r.failed:
			return r.refusal()
		case <-r.p.Done():
			return r.p.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// retired reports whether the session is to leave its process.
func (r *run) retired() bool {
	select {
	case <-r.p.Retired():
		return true
	default:
		return false
	}
}

// period is the pause between update scans (guide, "update_period").
func (r *run) period(res wire.TurnResult) time.Duration {
	switch wanted := res.UpdatePeriod; {
	case wanted <= 0:
		return r.o.UpdatePeriod
	case wanted >= maxPeriod.Seconds():
		return maxPeriod
	default:
		return max(minPeriod, time.Duration(wanted*float64(time.Second)))
	}
}

// live notes that the session is up.
func (r *run) live(ctx context.Context, res wire.TurnResult) {
	r.state(ctx, func(st *resource.RootState) {
		st.Live, st.Error, st.NextTry = true, "", time.Time{}
		st.LastContact, st.Incomplete = r.o.Now(), res.Incomplete
	})
}

// turn has the plugin run a hook, and returns when all that it reported is
// committed.
func (r *run) turn(ctx context.Context, method string) (wire.TurnResult, error) {
	return r.hook(ctx, method, wire.SessionParams{Session: r.id})
}

// hook is turn for a hook with parameters of its own.
func (r *run) hook(ctx context.Context, method string, params any) (res wire.TurnResult, err error) {
	leave, err := r.enter(ctx, method)
	if err != nil {
		return res, err
	}
	began := r.o.Now()
	defer func() {
		r.o.Scanned(method, r.o.Now().Sub(began), err != nil)
		if ctx.Err() != nil {
			r.held = leave // the plugin goes on with the hook
		} else {
			leave()
		}
		if err != nil {
			err = &HookError{Hook: strings.TrimPrefix(method, "session/"), Err: err}
		}
	}()
	if err := r.p.Call(ctx, method, params, &res); err != nil {
		// Why the host refused a turn says more than how the plugin took it.
		if refused := r.refusal(); refused != nil {
			return res, refused
		}
		return res, err
	}
	return res, r.applied(res.Turn)
}

// enter waits until a scan may begin, if the method is one and something bounds
// it. While it waits the root says so.
func (r *run) enter(ctx context.Context, method string) (leave func(), err error) {
	if r.target == nil || method != wire.MethodInitialScan && method != wire.MethodUpdateScan {
		return func() {}, nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	retired, gone := r.p.Retired(), r.p.Done()
	go func() {
		defer cancel()
		select {
		case <-retired:
		case <-gone:
		case <-r.failed:
		case <-waiting.Done():
		}
	}()
	told := false
	leave, err = r.o.Gate.Enter(waiting, r.address, r.target, func() {
		told = true
		r.state(ctx, func(st *resource.RootState) { st.Waiting = "waiting for its turn at " + r.address })
	})
	if told {
		r.state(ctx, func(st *resource.RootState) { st.Waiting = "" })
	}
	switch {
	case err == nil:
		return leave, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case r.refusal() != nil:
		return nil, r.refusal()
	case r.retired():
		return nil, errRetired
	}
	return nil, r.p.Err()
}

// applied waits until all that the plugin has sent is applied. That must go as
// far as the given turn, since a plugin sends its batches before its answer.
func (r *run) applied(turn int64) error {
	mark := make(chan struct{})
	r.queue <- item{mark: mark} // apply takes it: it ends after this hook only
	<-mark
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.last < turn {
		return fmt.Errorf("the plugin answered that its turn was %d, and sent no such turn, or only a part; the last was %d", turn, r.last)
	}
	return r.err
}

func (r *run) refusal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// teardown ends the session in the plugin. A process that is gone needs none.
// A plugin that is still in a hook tears the session down after it; the session
// waits for that only so long, so that nobody who edits or removes a root has to.
// The error is that of the hook.
func (r *run) teardown(ctx context.Context) error {
	release := func() {
		if r.held != nil {
			r.held()
		}
	}
	select {
	case <-r.p.Done():
		release()
		return nil
	default:
	}
	began := r.o.Now()
	done := make(chan error, 1)
	go func() {
		err := r.p.Call(ctx, wire.MethodTeardown, wire.SessionParams{Session: r.id}, nil)
		if err != nil && r.p.Err() == nil {
			r.o.Log.Warn("the teardown failed", "error", err)
		}
		release() // the hook that ran has ended
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return &HookError{Hook: "teardown", Err: err}
		}
	case <-r.o.After(r.o.TeardownTimeout):
		r.o.Log.Warn("the plugin is still busy; it tears the session down later", "waited", r.o.Now().Sub(began))
	}
	return nil
}

// apply turns the batches of the session into turns and has them committed, in
// order, until the session is over and all of them are. After a turn that is
// refused it drops the rest, so that the plugin's answer behind it can arrive.
func (r *run) apply(ctx context.Context, over <-chan struct{}) {
	t := &turn{}
	for {
		it, ok := r.next(over)
		switch {
		case !ok:
			return
		case it.mark != nil:
			close(it.mark)
			continue
		case r.refusal() != nil:
			continue
		}
		err := r.step(ctx, &t, &it.batch)
		if err == nil {
			continue
		}
		err = fmt.Errorf("turn %d was refused: %w", it.batch.Turn, err)
		if nerr := r.p.Notify(wire.NoteRejected, wire.Rejected{Session: r.id, Turn: it.batch.Turn, Error: err.Error()}); nerr != nil {
			r.o.Log.Debug("the plugin was not told of a refused turn", "error", nerr)
		}
		r.mu.Lock()
		r.err = err
		r.mu.Unlock()
		close(r.failed)
	}
}

// next waits for an item. When the session is over it returns what is left.
func (r *run) next(over <-chan struct{}) (item, bool) {
	select {
	case it := <-r.queue:
		return it, true
	case <-over:
	}
	select {
	case it := <-r.queue:
		return it, true
	default:
		return item{}, false
	}
}

// step takes one batch in, and has the turn committed if it is the last of it.
func (r *run) step(ctx context.Context, t **turn, in *wire.Batch) error {
	if in.Part == 0 {
		if err := r.begins(*t, in); err != nil {
			return err
		}
		*t = &turn{number: in.Turn}
	}
	if in.Turn != (*t).number || in.Part != (*t).parts {
		return fmt.Errorf("part %d of turn %d came out of order", in.Part, in.Turn)
	}
	if err := r.dec.add(*t, in); err != nil {
		return err
	}
	if !in.Last {
		return nil
	}
	if in.Complete && r.last > 0 {
		return errors.New("only the first turn of a session can be complete")
	}
	whole := *t
	*t = &turn{number: whole.number}
	r.dec.endTurn()
	err := r.o.Sink.Apply(ctx, &resource.Batch{
		Root: r.o.ID, Session: r.id, Plugin: r.o.Plugin, Turn: whole.number, Complete: in.Complete,
		Ops: joined(whole.ops), Samples: joined(whole.samples),
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = in.Turn
	return nil
}

// joined returns the parts of a turn as one.
func joined[T any](parts [][]T) []T {
	if len(parts) == 1 {
		return parts[0]
	}
	return slices.Concat(parts...)
}

// begins checks that a new turn may begin.
func (r *run) begins(before *turn, in *wire.Batch) error {
	switch {
	case before.parts > 0:
		return fmt.Errorf("turn %d began, and turn %d had no last part", in.Turn, before.number)
	case in.Turn <= before.number:
		return fmt.Errorf("turn %d came after turn %d", in.Turn, before.number)
	}
	return nil
}

// deleted notes what the plugin must be told of; see Sink.
func (r *run) deleted(handles []resource.Handle) {
	r.mu.Lock()
	for _, h := range handles {
		r.lost = append(r.lost, int64(h))
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// tell tells the plugin of deleted resources, until the session is over.
func (r *run) tell(over <-chan struct{}) {
	for {
		select {
		case <-r.wake:
		case <-over:
			return
		}
		r.mu.Lock()
		lost := r.lost
		r.lost = nil
		r.mu.Unlock()
		if err := r.p.Notify(wire.NoteDeleted, wire.Deleted{Session: r.id, Handles: lost}); err != nil {
			r.o.Log.Debug("the plugin was not told of deleted resources", "error", err)
		}
	}
}
