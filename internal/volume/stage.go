package volume

import (
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
	// LoadVolumes calls volume for everything that is kept of volumes, by key, and
	// cluster for every declared cluster, by name.
	LoadVolumes(ctx context.Context, volume func(*resource.StoredVolume) error, cluster func(*resource.Cluster) error) error
	// CommitVolumes applies m in one transaction, or nothing of it.
	CommitVolumes(ctx context.Context, m *resource.VolumeMutation) error
}

// Options are what a stage needs. Store, Get and Now are required.
type Options struct {
	Store Store
	// Get returns a resource of the live graph, or nil. It is asked for the roots
	// and the references in the identity of a drive only.
	Get func(resource.ID) *resource.Resource
	// Clusters are those of the configuration.
	Clusters []resource.Cluster
	Now      func() time.Time
	Log      *slog.Logger // nil discards
	// Keep is how many sets of changes subscribers may lag behind; 0 means 1024.
	Keep int
}

// Stage is the volume stage. Run works volumes out; the other methods are safe
// for concurrent use, also before and after Run.
type Stage struct {
	opts     Options
	feed     *feed.Log[*resource.VolumeChanges]
	ready    chan struct{}  // closed when the first snapshot is worked out
	position *feed.Position // in the inventory: changes up to it are worked out

	// work is held by who changes volumes: Run, and acts of users. It is taken
	// before mu. What follows belongs to its holder.
	work    sync.Mutex
	started bool // ready is closed
	// torn says that a commit failed, so that what follows is ahead of the store and
	// has to be worked out afresh.
	torn  bool
	graph *graph
	// entries are the volumes, by ID; those that are detached are in detached, too.
	entries  map[resource.ID]*entry
	detached map[resource.ID]bool
	byKey    map[string]resource.ID // of entries
	// rows are what the store has, by key. rowOf has the keys by the drive's ID.
	rows  map[string]*resource.StoredVolume
	rowOf map[resource.ID]string
	// onHost has the volumes of each host, by host_id.
	onHost   map[int64]map[resource.ID]bool
	load     *load
	declared map[string]*resource.Cluster
	known    *clusters
	seq      uint64

	mu sync.RWMutex // for writing, taken only by who holds work
	// volumes are those of entries; the volumes are never modified.
	volumes map[resource.ID]*resource.Volume
	// bare are the drives that count though they are no volumes.
	bare  map[resource.ID]*resource.Volume
	shown *clusters
}

// entry is a volume and what the stage knows of it beside.
type entry struct {
	key  string
	v    *resource.Volume
	runs []string // the hosts on which its users are
	// taken says that it has become used since its homing was looked at.
	taken bool
}

// New returns a stage that knows no volumes yet. It starts nothing.
func New(opts Options) (*Stage, error) {
	if opts.Store == nil || opts.Get == nil || opts.Now == nil {
		return nil, errors.New("volume: the options Store, Get and Now are required")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Keep == 0 {
		opts.Keep = 1024
	}
	s := &Stage{opts: opts, ready: make(chan struct{}), position: feed.NewPosition()}
	s.volumes, s.bare = make(map[resource.ID]*resource.Volume), make(map[resource.ID]*resource.Volume)
	// Positions must not repeat after a restart, and they are not kept.
	s.seq = uint64(max(0, opts.Now().UnixMicro()))
	s.feed = feed.New[*resource.VolumeChanges](opts.Keep, s.seq)
	s.known = newClusters(nil, nil, nil, nil)
	s.shown = s.known
	return s, nil
}

// Run loads what is kept, works the volumes out of the snapshot, which was taken
// at position seq of the inventory, and follows the changes until they end. It
// returns the error that ended it, or ctx's. After an error that was not ctx's
// the caller may run it again, from a new snapshot; it must not run twice at a
// time.
func (s *Stage) Run(ctx context.Context, snapshot iter.Seq[*resource.Resource], seq uint64, changes iter.Seq2[*resource.Changes, error]) error {
	if err := s.begin(ctx, snapshot); err != nil {
		return fmt.Errorf("work out the volumes: %w", err)
	}
	s.position.Move(seq)
	for c, err := range changes {
		if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		if err := s.observe(ctx, c); err != nil {
			return fmt.Errorf("work out the volumes after change %d: %w", c.Seq, err)
		}
		s.position.Move(c.Seq)
	}
	return ctx.Err()
}

// begin works everything out.
func (s *Stage) begin(ctx context.Context, snapshot iter.Seq[*resource.Resource]) error {
	s.work.Lock()
	defer s.work.Unlock()
	s.graph = newGraph()
	for r := range snapshot {
		s.graph.put(r)
	}
	if err := s.afresh(ctx); err != nil {
		return err
	}
	if !s.started {
		s.started = true
		close(s.ready)
	}
	return nil
}

// afresh works everything out of the graph and what the store has.
func (s *Stage) afresh(ctx context.Context) error {
	s.torn = true
	s.entries, s.detached = make(map[resource.ID]*entry), make(map[resource.ID]bool)
	s.byKey, s.onHost = make(map[string]resource.ID), make(map[int64]map[resource.ID]bool)
	s.rows, s.rowOf = make(map[string]*resource.StoredVolume), make(map[resource.ID]string)
	s.load, s.declared = newLoad(), make(map[string]*resource.Cluster)
	err := s.opts.Store.LoadVolumes(ctx, func(row *resource.StoredVolume) error {
		s.keep(row)
		return nil
	}, func(c *resource.Cluster) error {
		s.declared[c.Name] = c
		return nil
	})
	if err != nil {
		return fmt.Errorf("load what is kept of volumes: %w", err)
	}
	m := newMarks()
	for id, v := range s.graph.byID {
		if v.c.kind.isDrive() {
			m.dirty[id] = true
		}
	}
	m.clusters = true
	p := s.pass()
	p.whole = true
	p.evaluate(m)
	return p.commit(ctx)
}

// act begins an act of a user, which holds work.
func (s *Stage) act(ctx context.Context) error {
	if !s.started {
		return resource.Errorf(resource.Unavailable, "the volumes are not worked out yet; try again later")
	}
	if s.torn {
		return s.afresh(ctx)
	}
	return nil
}

// observe works out what one set of changes means.
func (s *Stage) observe(ctx context.Context, c *resource.Changes) error {
	s.work.Lock()
	defer s.work.Unlock()
	m := s.graph.apply(c)
	if s.torn {
		return s.afresh(ctx)
	}
	if m.empty() {
		return nil
	}
	p := s.pass()
	p.evaluate(m)
	return p.commit(ctx)
}

// keep notes a row as the store has it.
func (s *Stage) keep(row *resource.StoredVolume) {
	if old := s.rows[row.Key]; old != nil && s.rowOf[old.ID] == row.Key {
		delete(s.rowOf, old.ID)
	}
	s.rows[row.Key] = row
	s.rowOf[row.ID] = row.Key
}

func (s *Stage) forget(key string) {
	if old := s.rows[key]; old != nil && s.rowOf[old.ID] == key {
		delete(s.rowOf, old.ID)
	}
	delete(s.rows, key)
}

// WaitSeq waits until the changes of the inventory up to and including seq are
// worked out and committed, and visible to the other methods. It returns ctx's
// error if ctx ends before.
func (s *Stage) WaitSeq(ctx context.Context, seq uint64) error {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.position.Wait(ctx, seq)
}

// Seq is the Seq of the last volumes that changed.
func (s *Stage) Seq() uint64 { return s.feed.Last() }

// Since yields the volumes that changed after seq, those that changed together
// together, then waits for more until ctx ends. It yields feed.ErrBehind, once
// and last, if changes after seq are no longer kept: those of before the server
// started never are. The changes must not be modified.
func (s *Stage) Since(ctx context.Context, seq uint64) iter.Seq2[*resource.VolumeChanges, error] {
	return s.feed.Since(ctx, seq)
}

// Get returns the volume with the ID, or nil.
func (s *Stage) Get(id resource.ID) *resource.Volume {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.volumes[id]
}
