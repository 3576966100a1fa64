package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Store is what the stage asks of a database. See storetest for its rules.
type Store interface {
	// LoadAlerts calls alert for every active alert and pending for every pending
	// one. It returns the next free ID and the greatest seq of any alert.
	LoadAlerts(ctx context.Context, alert func(*resource.Alert) error, pending func(*resource.PendingAlert) error) (next resource.AlertID, seq uint64, err error)
	// CommitAlerts applies m in one transaction, or nothing of it.
	CommitAlerts(ctx context.Context, m *resource.AlertMutation) error
	// Position returns the position that is kept under a name, or 0.
	Position(ctx context.Context, name string) (uint64, error)
	// Alert returns one alert, active or ended, or a NotFound fault.
	Alert(ctx context.Context, id resource.AlertID) (*resource.Alert, error)
	// AlertsSince returns up to limit alerts whose last change is after the given
	// Seq, by that.
	AlertsSince(ctx context.Context, seq uint64, limit int) ([]*resource.Alert, error)
	// Alerts answers a query.
	Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error)
}

// Options are what a stage needs. Store, Get, Walk, Now and After are required.
type Options struct {
	Store Store
	// Get returns a resource of the live graph, or nil.
	Get func(resource.ID) *resource.Resource
	// Walk goes along the live graph; see resource.Step.
	Walk func(start resource.ID, dir resource.Direction, depth, limit int) (steps []resource.Step, truncated bool)
	// Missed yields the changes of the inventory after a position, up to another:
	// those that were committed and not evaluated when the server ended. It yields
	// feed.ErrBehind, once and last, if some of them are no longer kept. Without
	// Missed there are none.
	Missed func(ctx context.Context, after, upTo uint64) iter.Seq2[*resource.Changes, error]
	// Class returns a class that the server knows now, or nil. The alerts of a
	// resource that is gone are ended only if its class is known. Without Class
	// all are.
	Class func(plugin, name string) *resource.Class
	// Count returns how many resources a class has. HealthCounts needs it.
	Count func(*resource.Class) int
	// Seq is the position of the inventory. A condition that has held for long
	// enough is raised when all changes up to it are evaluated, for one of them
	// may say that it holds no longer. Without Seq that is always.
	Seq func() uint64
	// Now and After are the clock. Changes carry their own time.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
	Log   *slog.Logger // nil discards
	// Keep is how many sets of alerts subscribers may lag behind; 0 means 4096.
	Keep int
}

// Stage is the alert stage. Run evaluates; the other methods are safe for
// concurrent use, also before and after Run.
type Stage struct {
	opts      Options
	loaded    chan struct{}  // closed when feed is set
	position  *feed.Position // in the inventory: changes up to it are evaluated
	poke      chan struct{}  // wakes the clock when there is something new to wait for
	effects   effects
	incidents incidents

	// work is held by who evaluates: Run, its clock, and Acknowledge. It is taken
	// before mu.
	work    sync.Mutex
	classes map[*resource.Class]*watch
	// pending has the conditions that do not hold long enough yet, by resource;
	// due has them by when they do. The pending ones are never modified.
	pending map[resource.ID][]*pending
	due     queue

	mu sync.RWMutex // for writing, taken only by who holds work
	// own has the active alerts by resource, worst first. The slices and the
	// alerts are never modified.
	own    map[resource.ID][]*resource.Alert
	active map[resource.AlertID]*resource.Alert
	next   resource.AlertID
	seq    uint64
	kept   uint64    // the position that the store has; used by Run only
	keptAt time.Time // when it was written; used by Run only
	feed   *feed.Log[[]*resource.Alert]
}

// New returns a stage that knows no alerts yet. It starts nothing.
func New(opts Options) (*Stage, error) {
	if opts.Store == nil || opts.Get == nil || opts.Walk == nil || opts.Now == nil || opts.After == nil {
		return nil, errors.New("alert: the options Store, Get, Walk, Now and After are required")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Keep == 0 {
		opts.Keep = 4096
	}
	return &Stage{
		opts:   opts,
		loaded: make(chan struct{}), position: feed.NewPosition(), poke: make(chan struct{}, 1),
		pending: make(map[resource.ID][]*pending),
		own:     make(map[resource.ID][]*resource.Alert),
		active:  make(map[resource.AlertID]*resource.Alert),
	}, nil
}

// Run loads the stored alerts, evaluates the changes that were missed, brings
// the alerts in line with the snapshot, which was taken at position seq of the
// inventory, and follows the changes until they end. It returns the error that
// ended it, or ctx's. After an error that was not ctx's the caller may run it
// again, from a new snapshot; it must not run twice at a time.
//
// What a change raises and ends is committed together with the position of the
// change. The position of a change that does neither is written now and then:
// to evaluate it again gives nothing new.
func (s *Stage) Run(ctx context.Context, snapshot iter.Seq[*resource.Resource], seq uint64, changes iter.Seq2[*resource.Changes, error]) error {
	if err := s.load(ctx); err != nil {
		return fmt.Errorf("load alerts: %w", err)
	}
	if err := s.catchUp(ctx, seq); err != nil {
		return fmt.Errorf("evaluate missed changes: %w", err)
	}
	if err := s.reconcile(ctx, snapshot, seq); err != nil {
		return fmt.Errorf("bring alerts in line with the inventory: %w", err)
	}
	s.position.Move(seq)
	err := s.follow(ctx, changes)
	// A clean stop leaves nothing to be evaluated again.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, s.keepPosition(last, 0))
}

func (s *Stage) follow(ctx context.Context, changes iter.Seq2[*resource.Changes, error]) error {
	if err := s.elapse(ctx); err != nil {
		return err
	}
	stop := s.watchClock(ctx)
	defer stop()
	for c, err := range changes {
		if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		if err := s.observe(ctx, c); err != nil {
			return fmt.Errorf("evaluate change %d: %w", c.Seq, err)
		}
		s.position.Move(c.Seq)
		// The clock may have waited for this change.
		if err := s.elapse(ctx); err != nil {
			return err
		}
		if err := s.keepPosition(ctx, keepEvery); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// keepEvery bounds how many changes, in time, are evaluated again after a crash.
const keepEvery = 10 * time.Second

// keepPosition writes the position if it moved and was not written for so long.
func (s *Stage) keepPosition(ctx context.Context, after time.Duration) error {
	if s.position.Seq() == s.kept { // only Run, which calls this, writes them
		return nil
	}
	now := s.opts.Now()
	if d := now.Sub(s.keptAt); d >= 0 && d < after {
		return nil
	}
	if err := s.opts.Store.CommitAlerts(ctx, &resource.AlertMutation{Position: s.position.Seq()}); err != nil {
		return fmt.Errorf("keep the position: %w", err)
	}
	s.kept, s.keptAt = s.position.Seq(), now
	return nil
}

// observe evaluates one set of changes and commits what it raises and ends.
func (s *Stage) observe(ctx context.Context, c *resource.Changes) error {
	s.work.Lock()
	defer s.work.Unlock()
	// What had held for long enough before the change is raised before it.
	if err := s.fire(ctx, c.Time); err != nil {
		return err
	}
	p := s.begin(c.Time, c.Seq)
	gone := make(map[resource.ID]bool, len(c.Deleted))
	for _, r := range c.Deleted {
		gone[r.ID] = true
		p.endAll(r.ID)
	}
	for _, r := range c.Created {
		p.all(r)
	}
	for i := range c.Updated {
		u := &c.Updated[i]
		switch {
		case gone[u.Resource.ID]:
		case u.Name:
			// A new declaration of the class also comes as a change of name.
			p.all(u.Resource)
		default:
			p.attributes(u.Resource, u.Attributes)
			if u.State {
				p.offline(u.Resource)
			}
		}
	}
	p.samples(c, gone)
	s.effects.changed(c)
	return p.commit(ctx)
}

// WaitSeq waits until the changes of the inventory up to and including seq are
// evaluated and committed, and visible to the other methods. It returns ctx's
// error if ctx ends before.
func (s *Stage) WaitSeq(ctx context.Context, seq uint64) error {
	select {
	case <-s.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.position.Wait(ctx, seq)
}

// Seq is the Seq of the last alert that changed.
func (s *Stage) Seq() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.seq
}

// Since yields the alerts that changed after seq, those that changed together
// together and by Seq, then waits for more until ctx ends. What happened too
// long ago, or before the server started, comes from the store, which knows of
// every alert its last change. It yields feed.ErrBehind, once and last, if seq
// is a position that no alert has reached. The alerts must not be modified.
func (s *Stage) Since(ctx context.Context, seq uint64) iter.Seq2[[]*resource.Alert, error] {
	return func(yield func([]*resource.Alert, error) bool) {
		select {
		case <-s.loaded:
		case <-ctx.Done():
			return
		}
		for {
			for list, err := range s.feed.Since(ctx, seq) {
				if errors.Is(err, feed.ErrBehind) && seq < s.Seq() {
					break
				}
				// A reader may have stopped in the middle of a set.
				for len(list) > 0 && list[0].Seq <= seq {
					list = list[1:]
				}
				if !yield(list, err) || err != nil {
					return
				}
				seq = list[len(list)-1].Seq
			}
			if ctx.Err() != nil {
				return
			}
			list, err := s.opts.Store.AlertsSince(ctx, seq, storedPage)
			if err != nil || len(list) == 0 {
				yield(nil, cmp.Or(err, feed.ErrBehind))
				return
			}
			if !yield(list, nil) {
				return
			}
			seq = list[len(list)-1].Seq
		}
	}
}

// storedPage is how many alerts of the past are read and told of at once.
const storedPage = 500
