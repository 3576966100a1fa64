package volume_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/internal/volume"
)

// world is an inventory of scripted plugins, with a stage that follows it.
type world struct {
	t       testing.TB
	classes map[string]*resource.Class
	store   volume.Store
	stage   *volume.Stage
	stop    func()

	mu   sync.Mutex
	now  time.Time
	byID map[resource.ID]*resource.Resource
	ids  map[string]resource.ID
	next resource.ID
	seq  uint64
	feed *feed.Log[*resource.Changes]
	// tx is the change that is being made; nil outside change.
	tx    *change
	ready *resource.Changes // to be published
	// clusters are those of the configuration.
	clusters []resource.Cluster
}

type change struct {
	created, touched, deleted map[resource.ID]bool
	old                       map[resource.ID]*resource.Resource
}

var testClasses = []*resource.Class{
	{Plugin: "faultline", Name: "Host", Bases: []string{"Host", "Resource"}, IDScope: resource.Global, IDNames: []string{"fqdn"},
		Attributes: []resource.Attribute{{Name: "fqdn", Kind: resource.Hostname}}},
	{Plugin: "san", Name: "Lun", Bases: []string{"LogicalDrive", "Resource"}},
	{Plugin: "san", Name: "Dataset", Bases: []string{"LogicalDrive", "Resource"}, NotForTargets: true},
	{Plugin: "san", Name: "Pool", Bases: []string{"StoragePool", "Resource"}},
	{Plugin: "san", Name: "Disk", Bases: []string{"PhysicalDisk", "Resource"}},
	{Plugin: "san", Name: "Port", Bases: []string{"PathWeight", "Resource"}, Attributes: []resource.Attribute{{Name: "weight", Kind: resource.Integer}}},
	{Plugin: "srv", Name: "Drive", OwnLabel: "SCSI device", Bases: []string{"LogicalDrive", "Resource"}},
	{Plugin: "srv", Name: "Part", Bases: []string{"LogicalDriveSlice", "LogicalDrive", "Resource"},
		Attributes: []resource.Attribute{{Name: "number", Kind: resource.Integer, Optional: true}}},
	{Plugin: "srv", Name: "Group", Bases: []string{"StoragePool", "Resource"}},
	{Plugin: "srv", Name: "Node", Bases: []string{"DeviceNode", "Resource"},
		Attributes: []resource.Attribute{{Name: "host_id", Kind: resource.Integer}, {Name: "path", Kind: resource.Path}, {Name: "logical_drive", Kind: resource.Reference, Optional: true}}},
	{Plugin: "srv", Name: "Mount", Bases: []string{"LogicalDriveOccupier", "Resource"}},
	{Plugin: "srv", Name: "Crypt", Bases: []string{"Resource"}},
	{Plugin: "srv", Name: "HaNode", Bases: []string{"Resource"},
		Attributes: []resource.Attribute{{Name: "host_id", Kind: resource.Integer}, {Name: "ha_cluster", Kind: resource.String, Optional: true}, {Name: "ha_nodes", Kind: resource.String, Optional: true}}},
	{Plugin: "fs", Name: "OST", Bases: []string{"Target", "Resource"}},
	{Plugin: "fs", Name: "FileSystem", Bases: []string{"Resource"}},
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, classes: map[string]*resource.Class{}, store: memory.New(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		byID: map[resource.ID]*resource.Resource{}, ids: map[string]resource.ID{}, next: 1, seq: 1,
		feed: feed.New[*resource.Changes](100_000, 1),
	}
	for _, proto := range testClasses {
		c := *proto
		if slices.Contains(c.Bases, "LogicalDrive") {
			c.Attributes = append([]resource.Attribute{{Name: "size", Kind: resource.Bytes, Optional: true}, {Name: "filesystem_type", Kind: resource.String, Optional: true},
				{Name: "usable_for_lustre", Kind: resource.Boolean, Optional: true}}, c.Attributes...)
		}
		if len(c.IDNames) == 0 {
			c.IDScope, c.IDNames = resource.Global, []string{"key"}
			c.Attributes = append(slices.Clone(c.Attributes), resource.Attribute{Name: "key", Kind: resource.String})
		}
		c.Index()
		w.classes[c.Name] = &c
	}
	return w
}

// Get returns a resource of the live graph.
func (w *world) Get(id resource.ID) *resource.Resource {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byID[id]
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// start runs a stage until the test or stop ends.
func (w *world) start() {
	w.t.Helper()
	w.stage = w.newStage()
	ctx, cancel := context.WithCancel(context.Background())
	all, seq := w.snapshot()
	done := make(chan error, 1)
	stage := w.stage
	go func() { done <- stage.Run(ctx, all, seq, w.feed.Since(ctx, seq)) }()
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				w.t.Errorf("the stage ended: %v", err)
			}
		})
	}
	w.t.Cleanup(w.stop)
	w.wait()
}

func (w *world) newStage() *volume.Stage {
	s, err := volume.New(volume.Options{Store: w.store, Get: w.Get, Clusters: w.clusters, Now: w.time, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func (w *world) snapshot() (iter.Seq[*resource.Resource], uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*resource.Resource
	for _, r := range w.byID {
		all = append(all, r)
	}
	return slices.Values(all), w.seq
}

// wait waits until the stage has seen every change.
func (w *world) wait() {
	w.t.Helper()
	w.mu.Lock()
	seq := w.seq
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.stage.WaitSeq(ctx, seq); err != nil {
		w.t.Fatal(err)
	}
}

// change makes one commit of what f does.
func (w *world) change(f func()) {
	w.t.Helper()
	w.prepare(f)
	w.publish()
}

// prepare works out what f changes, and publish tells it to the stage.
func (w *world) prepare(f func()) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tx = &change{map[resource.ID]bool{}, map[resource.ID]bool{}, map[resource.ID]bool{}, map[resource.ID]*resource.Resource{}}
	f()
	w.ready = w.changes()
	w.tx = nil
	w.now = w.now.Add(time.Second)
}

func (w *world) publish() {
	w.t.Helper()
	w.feed.Append(w.ready.Seq, w.ready)
	if w.stage != nil {
		w.wait()
	}
}

func (w *world) changes() *resource.Changes {
	w.seq++
	c := &resource.Changes{Seq: w.seq, Time: w.now}
	for id := range w.tx.created {
		if !w.tx.deleted[id] {
			c.Created = append(c.Created, w.byID[id])
		}
	}
	for id := range w.tx.deleted {
		if !w.tx.created[id] {
			c.Deleted = append(c.Deleted, w.tx.old[id])
		}
	}
	for id := range w.tx.touched {
		if w.tx.created[id] || w.tx.deleted[id] {
			continue
		}
		old, now := w.tx.old[id], w.byID[id]
		u := resource.Update{Resource: now, Edges: !slices.Equal(old.Parents, now.Parents) || !slices.Equal(old.Children, now.Children),
			Name: old.Name() != now.Name() || old.Label != now.Label}
		for i := range now.Values {
			if now.Values[i] != old.Values[i] {
				u.Attributes = append(u.Attributes, i)
			}
		}
		c.Updated = append(c.Updated, u)
	}
	return c
}

// edit returns a resource that the change may modify.
func (w *world) edit(id resource.ID) *resource.Resource {
	old := w.byID[id]
	if old == nil {
		w.t.Fatalf("there is no resource %d", id)
	}
	if w.tx.touched[id] || w.tx.created[id] {
		return old
	}
	r := *old
	r.Values, r.Parents, r.Children = slices.Clone(r.Values), slices.Clone(r.Parents), slices.Clone(r.Children)
	w.tx.touched[id], w.tx.old[id], w.byID[id] = true, old, &r
	return &r
}

// add makes a resource of a class under a name, with values by attribute and
// parents by name.
func (w *world) add(class, name string, values map[string]any, parents ...string) {
	w.t.Helper()
	c := w.classes[class]
	r := &resource.Resource{ID: w.next, Class: c, Label: name, OwnLabel: true, Values: make([]resource.Value, len(c.Attributes)), Identity: strconv.Quote(name), Scope: 1}
	w.next++
	for n, v := range values {
		i := c.Attr(n)
		if i < 0 {
			w.t.Fatalf("%s has no attribute %s", class, n)
		}
		r.Values[i] = w.value(v)
	}
	for _, id := range []string{"key", "fqdn"} {
		if i := c.Attr(id); i >= 0 && r.Values[i].IsNull() {
			r.Values[i] = resource.StringValue(name)
		}
	}
	w.byID[r.ID], w.ids[name], w.tx.created[r.ID] = r, r.ID, true
	for _, p := range parents {
		w.link(p, name)
	}
}

func (w *world) value(v any) resource.Value {
	switch v := v.(type) {
	case int:
		return resource.IntValue(int64(v))
	case string:
		return resource.StringValue(v)
	case bool:
		return resource.BoolValue(v)
	case resource.ID:
		return resource.RefValue(int64(v))
	case nil:
		return resource.Null
	}
	w.t.Fatalf("no value: %v", v)
	return resource.Null
}

func (w *world) set(name, attr string, v any) {
	r := w.edit(w.ids[name])
	r.Values[r.Class.Attr(attr)] = w.value(v)
}

func (w *world) link(parent, child string) {
	p, c := w.ids[parent], w.ids[child]
	if p == 0 || c == 0 {
		w.t.Fatalf("no such resource: %s or %s", parent, child)
	}
	a, b := w.edit(p), w.edit(c)
	a.Children, b.Parents = insert(a.Children, c), insert(b.Parents, p)
}

func (w *world) unlink(parent, child string) {
	p, c := w.ids[parent], w.ids[child]
	a, b := w.edit(p), w.edit(c)
	a.Children, b.Parents = drop(a.Children, c), drop(b.Parents, p)
}

func (w *world) remove(name string) {
	id := w.ids[name]
	r := w.edit(id)
	for _, p := range r.Parents {
		a := w.edit(p)
		a.Children = drop(a.Children, id)
	}
	for _, c := range r.Children {
		b := w.edit(c)
		b.Parents = drop(b.Parents, id)
	}
	for other, o := range w.byID {
		if o.Class.Name == "Node" {
			if ref, ok := o.Values[o.Class.Attr("logical_drive")].Ref(); ok && resource.ID(ref) == id {
				w.edit(other).Values[o.Class.Attr("logical_drive")] = resource.Null
			}
		}
	}
	w.tx.deleted[id] = true
	delete(w.byID, id)
	delete(w.ids, name)
}

func insert(ids []resource.ID, id resource.ID) []resource.ID {
	i, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(ids, i, id)
}

func drop(ids []resource.ID, id resource.ID) []resource.ID {
	return slices.DeleteFunc(ids, func(o resource.ID) bool { return o == id })
}

// host adds a host, and node one of its device nodes.
func (w *world) host(name string) { w.add("Host", name, nil) }

func (w *world) node(host, path string, parents ...string) {
	w.add("Node", host+":"+path, map[string]any{"host_id": int(w.ids[host]), "path": path}, parents...)
}
