// Package inventory keeps the one graph of everything, in memory and in a
// store. It takes batches from sessions and acts of users, applies each as one
// transaction, and tells subscribers what changed, in one total order.
//
// A change is worked out on a copy of what it touches (txn), committed to the
// store, and only then made visible. Nodes are immutable once visible, so
// readers hold a lock only while they look a node up.
package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Store is what the inventory asks of a database; see storetest for its rules.
// Calls are serial.
type Store interface {
	// Load hands over every stored resource and edge, and returns the position of
	// the change log and the next free resource ID.
	Load(ctx context.Context, res func(resource.StoredResource) error, edge func(resource.StoredEdge) error) (seq uint64, next resource.ID, err error)
	// Commit applies the mutation in one transaction, or not at all. What it
	// acknowledged survives the death of the process and of the machine.
	Commit(ctx context.Context, m *resource.Mutation) error
	// Log returns up to limit entries of the change log after a position, in
	// order, and LogBack those up to and including one, the newest first. They
	// return fewer if those are large, but one if there is any.
	Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error)
	LogBack(ctx context.Context, from uint64, limit int) ([]resource.LogEntry, error)
	// History returns up to limit changes of a resource with a position of at most
	// from, the newest first.
	History(ctx context.Context, id resource.ID, from uint64, limit int) ([]resource.StoredChange, error)
	// Former returns the last resource before another that was deleted and had a
	// key, or 0.
	Former(ctx context.Context, key string, before resource.ID) (resource.ID, error)
	// Position returns the position that is kept under a name, or 0.
	Position(ctx context.Context, name string) (uint64, error)
}

// earlyStore is what a store may offer besides: to begin writing the resources
// that a mutation creates while the rest of it is still worked out.
type earlyStore interface {
	// CommitEarly is Commit of what rest returns. The new resources of that are
	// the given ones, in their order. The store calls rest once, on a goroutine of
	// its own, and may read the given resources meanwhile, but for their Parents and
	// Children. If rest fails, or returns nil, nothing is committed, and the error is
	// that of rest.
	CommitEarly(ctx context.Context, created []*resource.Resource, rest func() (*resource.Mutation, error)) error
}

// Options configure New. Store is required.
type Options struct {
	Store Store
	// Classes are those known at the start; see SetClasses for later ones.
	Classes []*resource.Class
	Log     *slog.Logger     // slog.Default if nil
	Now     func() time.Time // required: stages have no clock of their own
	// Unguarded turns the mass-delete guard off: a scan removes what it lacks,
	// however much that is.
	Unguarded bool
	// Keep is how many changes a subscriber may lag behind; 4096 if 0.
	Keep int
}

// Inventory is the graph. All methods are safe for concurrent use.
type Inventory struct {
	store Store
	log   *slog.Logger
	now   func() time.Time
	feed  *feed.Log[*resource.Changes]
	// unguarded is Options.Unguarded.
	unguarded bool

	// write is held by the one writer at a time, through the commit. Its holder
	// may read what mu guards without mu, because nobody else changes it.
	write    sync.Mutex
	sessions map[resource.ID]*session

	mu       sync.RWMutex // held for short: look-ups, and to publish a commit
	nodes    table
	identity map[idKey]resource.ID
	classes  map[string]*resource.Class // by full name
	members  map[*resource.Class][]resource.ID
	reported map[resource.ID]map[resource.ID]struct{} // root → what its sessions report
	holders  map[resource.ID]map[resource.ID]struct{} // target → who refers to it
	rel      *relations
	// unseen counts the rows of classes that nobody declared, by class.
	unseen map[string]int
	seq    uint64
	next   resource.ID

	// What lists need, made when somebody asks for it. They have locks of their own,
	// which are taken before mu.
	// few is how many resources are sorted for one page; more are picked from an
	// order that is kept.
	few        int
	orders     kept[orderKey, dated]
	selections kept[selectionKey, dated]
	texts      texts
}

// node is a resource and where its parents come from. It is immutable once
// visible.
type node struct {
	resource.Resource
	in []inEdge // ascending by parent
	// own says that in belongs to the transaction that made the node, which may
	// change it in place. It means nothing once the node is visible.
	own bool
}

// inEdge is an edge to a parent. It exists as long as somebody stands for it.
type inEdge struct {
	parent resource.ID
	roots  []resource.ID // whose sessions reported it, ascending
	rules  []int32       // relations that make it, ascending
}

type idKey struct {
	class *resource.Class
	scope resource.ID // 0 for a global class
	id    string
}

// session is the open session of a root.
type session struct {
	id string
	// handles has the resources under the handles that were put and not removed.
	// Handles are never used again, so those that ended need no memory.
	handles map[resource.Handle]resource.ID
	last    resource.Handle // the highest that was put
	// deleted is told of handles whose resources are gone, though the session did
	// not remove them.
	deleted func([]resource.Handle)
}

// New loads the inventory from its store.
func New(ctx context.Context, o Options) (*Inventory, error) {
	inv := &Inventory{
		store: o.Store, log: o.Log, now: o.Now, unguarded: o.Unguarded,
		sessions: map[resource.ID]*session{},
		identity: map[idKey]resource.ID{},
		classes:  map[string]*resource.Class{},
		members:  map[*resource.Class][]resource.ID{},
		reported: map[resource.ID]map[resource.ID]struct{}{},
		holders:  map[resource.ID]map[resource.ID]struct{}{},
		unseen:   map[string]int{},

		few:        8192,
		orders:     kept[orderKey, dated]{most: keepOrders},
		selections: kept[selectionKey, dated]{most: keepSelections},
	}
	if inv.log == nil {
		inv.log = slog.New(slog.DiscardHandler)
	}
	for _, c := range o.Classes {
		inv.classes[c.FullName()] = c
	}
	if err := inv.load(ctx); err != nil {
		return nil, fmt.Errorf("load inventory: %w", err)
	}
	// Positions must never repeat, also not those of changes that no store saw
	// because they held only samples. The clock is beyond any of them.
	inv.seq = inv.position(inv.now())
	inv.feed = feed.New[*resource.Changes](cmp.Or(o.Keep, 4096), inv.seq)
	// Relations are not stored. What they link is what they linked before, so
	// nobody is told and nothing is written.
	t := inv.begin(0)
	t.rel = newRelations(inv.classes)
	t.relateAfresh()
	t.settle()
	t.install(nil)
	return inv, nil
}

// position returns the position of a change that is made now: after any other,
// and never behind the clock, so that a position tells how old it is.
func (inv *Inventory) position(now time.Time) uint64 {
	return max(inv.seq+1, uint64(max(0, now.UnixMicro())))
}

func (inv *Inventory) load(ctx context.Context) error {
	seq, next, err := inv.store.Load(ctx, func(row resource.StoredResource) error {
		class := inv.classes[row.Plugin+"."+row.Class]
		if class == nil {
			inv.unseen[row.Plugin+"."+row.Class]++
			return nil
		}
		n, err := read(&row, class)
		if err != nil {
			return err
		}
		inv.nodes.set(n)
		inv.identity[n.key()] = n.ID
		inv.index(n)
		return nil
	}, func(e resource.StoredEdge) error {
		if n := inv.nodes.get(e.Child); n != nil && inv.nodes.get(e.Parent) != nil {
			n.in = append(n.in, inEdge{parent: e.Parent, roots: e.Roots})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, n := range inv.unseen {
		inv.log.Warn("resources of a class that nobody declared stay in the store, unseen", "class", name, "resources", n)
	}
	for _, ids := range inv.members {
		slices.Sort(ids)
	}
	inv.nodes.link()
	inv.seq, inv.next = seq, max(next, 1)
	return nil
}

// read makes the node of a row, without its edges.
func read(row *resource.StoredResource, c *resource.Class) (*node, error) {
	r, err := row.Resource(c)
	if err != nil {
		return nil, fmt.Errorf("resource %d (%s): %w", row.ID, c.FullName(), err)
	}
	// A user has taken a root back that another root's scan still finds: a root
	// is among its own reporters.
	if r.Root != nil && !slices.Contains(r.Reporters, r.ID) {
		r.Root = nil
	}
	return &node{Resource: r}, nil
}

func parents(in []inEdge) []resource.ID {
	if len(in) == 0 {
		return nil
	}
	ids := make([]resource.ID, len(in))
	for i := range in {
		ids[i] = in[i].parent
	}
	return ids
}

// index enters a node in the look-up tables, those by ID and by identity aside.
// The caller holds mu, or is New.
func (inv *Inventory) index(n *node) {
	inv.members[n.Class] = append(inv.members[n.Class], n.ID)
	for _, root := range n.Reporters {
		addTo(inv.reported, root, n.ID)
	}
	for _, v := range n.Values {
		if target, ok := v.Ref(); ok {
			addTo(inv.holders, resource.ID(target), n.ID)
		}
	}
}

// unindex takes a node out of all look-up tables, but for members, which install cuts in one go.
func (inv *Inventory) unindex(n *node) {
	inv.nodes.drop(n.ID)
	delete(inv.identity, n.key())
	for _, root := range n.Reporters {
		dropFrom(inv.reported, root, n.ID)
	}
	for _, v := range n.Values {
		if target, ok := v.Ref(); ok {
			dropFrom(inv.holders, resource.ID(target), n.ID)
		}
	}
}

func (n *node) key() idKey { return keyOf(n.Class, n.Scope, n.Identity) }

func keyOf(c *resource.Class, scope resource.ID, id string) idKey {
	if c.IDScope != resource.Scoped {
		scope = 0
	}
	return idKey{c, scope, id}
}

func addTo(m map[resource.ID]map[resource.ID]struct{}, k, v resource.ID) {
	set := m[k]
	if set == nil {
		set = map[resource.ID]struct{}{}
		m[k] = set
	}
	set[v] = struct{}{}
}

func dropFrom(m map[resource.ID]map[resource.ID]struct{}, k, v resource.ID) {
	if set := m[k]; set != nil {
		if delete(set, v); len(set) == 0 {
			delete(m, k)
		}
	}
}

// OpenSession says that a session of the root begins. Batches of an older
// session of the root are refused from now on. If resources that the session
// reports are deleted for what happens outside it, deleted is called with their
// handles; it must not block, nor call the inventory. It may be nil.
func (inv *Inventory) OpenSession(root resource.ID, id string, deleted func([]resource.Handle)) error {
	inv.write.Lock()
	defer inv.write.Unlock()
	n := inv.nodes.get(root)
	if n == nil || n.Root == nil {
		return resource.Errorf(resource.NotFound, "resource %d is not a root that sessions can be opened for", root)
	}
	inv.sessions[root] = &session{id: id, handles: map[resource.Handle]resource.ID{0: root}, deleted: deleted}
	return nil
}

// CloseSession ends the session; it does nothing if a newer one is open.
func (inv *Inventory) CloseSession(root resource.ID, id string) {
	inv.write.Lock()
	defer inv.write.Unlock()
	if s := inv.sessions[root]; s != nil && s.id == id {
		delete(inv.sessions, root)
	}
}

// Subscribe returns all resources as they are now, the position that they
// stand for, and the changes after it, without gap or duplicate.
func (inv *Inventory) Subscribe(ctx context.Context) (iter.Seq[*resource.Resource], uint64, iter.Seq2[*resource.Changes, error]) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	all := make([]*resource.Resource, 0, inv.nodes.len())
	for _, n := range inv.nodes.all() {
		all = append(all, &n.Resource)
	}
	return slices.Values(all), inv.seq, inv.feed.Since(ctx, inv.seq)
}

// Seq is the position of the newest change.
func (inv *Inventory) Seq() uint64 {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.seq
}

// errNoStore is what a commit failure wraps, so that callers can tell it from
// a batch that is at fault.
var errNoStore = errors.New("the store did not take the change")
