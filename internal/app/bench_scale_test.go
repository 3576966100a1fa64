package app

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
)

// The site of the scale benchmarks: 10 arrays of 40,000 disks, with the shelves,
// pools, LUNs and paths that belong to so many, 1,045,040 resources and
// 1,605,000 edges in all. A fault of an array's power feed reaches all of it.
const (
	siteArrays = 10
	siteDisks  = 40_000 // an array's
	shelfDisks = 80
	poolDisks  = 10
	poolLUNs   = 5
	lunPaths   = 2
)

// siteClass declares a class whose attributes are texts; the first one
// identifies it.
func siteClass(name, base string, scope resource.IDScope, attributes ...string) *resource.Class {
	c := &resource.Class{Plugin: "site", Name: name, Bases: []string{resource.BaseResource}, IDScope: scope, IDNames: attributes[:1]}
	if base != "" {
		c.Bases = []string{base, resource.BaseResource}
	}
	for _, a := range attributes {
		c.Attributes = append(c.Attributes, resource.Attribute{Name: a, Kind: resource.String})
	}
	return c
}

type site struct {
	array, feed, enclosure, controller, disk, pool, lun, path *resource.Class
}

func newSiteClasses() *site {
	s := &site{
		array:      siteClass("Array", resource.BaseScannable, resource.Global, "address"),
		feed:       siteClass("Feed", "", resource.Scoped, "name", "status"),
		controller: siteClass("Controller", "Controller", resource.Scoped, "serial", "status"),
		enclosure:  siteClass("Enclosure", "Enclosure", resource.Scoped, "serial", "model"),
		disk:       siteClass("Disk", "PhysicalDisk", resource.Scoped, "serial", "model", "firmware", "status", "slot"),
		pool:       siteClass("Pool", "StoragePool", resource.Scoped, "name", "status", "level"),
		lun:        siteClass("Lun", "LogicalDrive", resource.Scoped, "wwid", "name", "status"),
		path:       siteClass("Path", "", resource.Scoped, "name", "state"),
	}
	for _, c := range s.classes() {
		c.Index()
	}
	return s
}

func (s *site) classes() []*resource.Class {
	return []*resource.Class{s.array, s.feed, s.controller, s.enclosure, s.disk, s.pool, s.lun, s.path}
}

// scan is what the initial scan of one array reports.
func (s *site) scan(array int) *resource.Batch {
	b := &resource.Batch{Complete: true}
	next := resource.Handle(0)
	put := func(c *resource.Class, parents []resource.Handle, values ...string) resource.Handle {
		op := resource.Op{Kind: resource.Put, Class: c, Parents: parents, Values: make([]resource.Value, len(values))}
		for i, v := range values {
			op.Values[i] = resource.StringValue(v)
		}
		next++
		op.Handle = next
		b.Ops = append(b.Ops, op)
		return next
	}
	feed, controller := put(s.feed, nil, "A", "OK"), put(s.controller, nil, "CTRL0", "OK")
	var shelf resource.Handle
	var members []resource.Handle
	for i := range siteDisks {
		if i%shelfDisks == 0 {
			shelf = put(s.enclosure, []resource.Handle{feed}, fmt.Sprintf("SHELF%06d", i), "EX-80")
		}
		members = append(members, put(s.disk, []resource.Handle{shelf},
			fmt.Sprintf("DISK%02d%08d", array, i), "ST18000NM004J", "E004", "OK", fmt.Sprint(i%shelfDisks)))
		if len(members) < poolDisks {
			continue
		}
		pool := put(s.pool, members, fmt.Sprintf("pool%05d", i/poolDisks), "OK", "RAID6")
		members = nil
		for k := range poolLUNs {
			lun := put(s.lun, []resource.Handle{pool}, fmt.Sprintf("600A0B80%02d%06d%02d", array, i, k), fmt.Sprintf("lun%d", k), "OK")
			for p := range lunPaths {
				parents := []resource.Handle{lun, controller}
				put(s.path, parents[:2-p], fmt.Sprintf("%d/%d/%d", i, k, p), "ACTIVE")
			}
		}
	}
	return b
}

// ingest adds an array and applies its scan, after which its session ends. It
// returns how long the former took.
func (s *site) ingest(b *testing.B, inv *inventory.Inventory, array int) (*resource.Resource, time.Duration) {
	b.Helper()
	root, took := s.apply(b, inv, fmt.Sprintf("array%d.example", array), s.scan(array))
	inv.CloseSession(root.ID, "s")
	return root, took
}

// ingestSick adds an array whose power feed has failed, with all that depends on it.
func (s *site) ingestSick(b *testing.B, inv *inventory.Inventory, array int) {
	b.Helper()
	batch := s.scan(array)
	batch.Ops[0].Values[1] = resource.StringValue("FAILED")
	s.apply(b, inv, "sick.example", batch)
}

// apply adds an array and applies a scan of it. It returns how long the latter took.
func (s *site) apply(b *testing.B, inv *inventory.Inventory, address string, scan *resource.Batch) (*resource.Resource, time.Duration) {
	b.Helper()
	root, _, err := inv.AddRoot(b.Context(), s.array, []resource.Value{resource.StringValue(address)})
	if err != nil {
		b.Fatal(err)
	}
	if err := inv.OpenSession(root.ID, "s", nil); err != nil {
		b.Fatal(err)
	}
	scan.Root, scan.Session, scan.Plugin = root.ID, "s", "site"
	runtime.GC()
	start := time.Now()
	if err := inv.Apply(b.Context(), scan); err != nil {
		b.Fatal(err)
	}
	return root, time.Since(start)
}

func openInventory(b *testing.B, path string, classes []*resource.Class) (*inventory.Inventory, *sqlite.DB) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	inv, err := inventory.New(b.Context(), inventory.Options{Store: db, Classes: classes, Log: slog.New(slog.DiscardHandler), Now: time.Now, Keep: 1})
	if err != nil {
		b.Fatal(err)
	}
	return inv, db
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers of the first let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMillion measures a site of a million resources in SQLite: how fast it comes in, what it needs in memory, how fast a server
// starts with it, and how fast impact and causes are found. A bare walk over
// slices of integers with the same edges is measured beside the latter.
func BenchmarkMillion(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "faultline.db")
		s := newSiteClasses()
		before := heap()
		inv, db := openInventory(b, path, s.classes())
		var ingest time.Duration
		for i := range siteArrays {
			_, took := s.ingest(b, inv, i)
			ingest += took
		}
		resources, edges := 0, 0
		for _, c := range s.classes() {
			resources += inv.Count(c)
		}
		b.ReportMetric(float64(resources)/ingest.Seconds(), "ingested/s")
		inv = nil
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}

		start := time.Now()
		inv, db = openInventory(b, path, s.classes())
		b.ReportMetric(time.Since(start).Seconds(), "start-s")
		b.ReportMetric(float64(heap()-before)/float64(resources), "B/resource")
		all, _, _ := inv.Subscribe(b.Context())
		for r := range all {
			edges += len(r.Parents)
		}
		b.ReportMetric(float64(resources), "resources")
		b.ReportMetric(float64(edges), "edges")
		measureWalks(b, inv, s)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(0, "ns/op")
	}
}

// measureWalks measures impact and causes of 1,000 nodes, and the impact of a
// node that has 100,000 descendants.
func measureWalks(b *testing.B, inv *inventory.Inventory, s *site) {
	b.Helper()
	bare := newBareGraph(b, inv)
	rank := func(c *resource.Class, dir resource.Direction, name string) {
		page, err := inv.List(resource.Query{Plugin: "site", Class: c.Name, Limit: 1000})
		if err != nil {
			b.Fatal(err)
		}
		var times []time.Duration
		for _, r := range page.Items {
			start := time.Now()
			inv.Walk(r.ID, dir, 0, 0)
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), name+"-p50-us")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), name+"-p99-us")
	}
	rank(s.disk, resource.Down, "impact")
	rank(s.path, resource.Up, "causes")

	page, err := inv.List(resource.Query{Plugin: "site", Class: s.feed.Name})
	if err != nil {
		b.Fatal(err)
	}
	hub := page.Items[0].ID
	var ours, least []time.Duration
	for range 21 {
		start := time.Now()
		n := bare.walk(hub)
		least = append(least, time.Since(start))
		start = time.Now()
		steps, _ := inv.Walk(hub, resource.Down, 0, 0)
		ours = append(ours, time.Since(start))
		if len(steps) != n || n < 100_000 {
			b.Fatalf("%d resources, and %d by the bare walk", len(steps), n)
		}
	}
	slices.Sort(ours)
	slices.Sort(least)
	b.ReportMetric(float64(ours[10].Microseconds())/1000, "100k-walk-ms")
	b.ReportMetric(ours[10].Seconds()/least[10].Seconds(), "100k-walk-to-bare")
}

// bareGraph is the children of each node as slices of integers: the least that
// a walk needs.
type bareGraph struct {
	index    map[resource.ID]int32
	children [][]int32
}

func newBareGraph(b *testing.B, inv *inventory.Inventory) *bareGraph {
	b.Helper()
	g := &bareGraph{index: map[resource.ID]int32{}}
	all, _, _ := inv.Subscribe(b.Context())
	for r := range all {
		g.index[r.ID] = int32(len(g.index))
	}
	g.children = make([][]int32, len(g.index))
	for r := range all {
		for _, c := range r.Children {
			i := g.index[r.ID]
			g.children[i] = append(g.children[i], g.index[c])
		}
	}
	return g
}

// walk counts what can be reached from a node, breadth first.
func (g *bareGraph) walk(from resource.ID) int {
	seen := make([]bool, len(g.children))
	start := g.index[from]
	seen[start] = true
	queue := []int32{start}
	for i := 0; i < len(queue); i++ {
		for _, c := range g.children[queue[i]] {
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	return len(queue)
}

// BenchmarkRelations measures how LUNs are tied to the device nodes of hosts:
// 100,000 LUNs, each seen by two hosts, 200,000 nodes. Beside it comes in the
// same without relations.
func BenchmarkRelations(b *testing.B) {
	const luns = 100_000
	ingest := func(related bool) time.Duration {
		array, host := siteClass("Array", resource.BaseScannable, resource.Global, "address"), siteClass("Host", resource.BaseHostRoot, resource.Global, "address")
		lun, device := siteClass("Lun", "LogicalDrive", resource.Scoped, "wwid", "name", "status"), siteClass("Device", "DeviceNode", resource.Scoped, "path", "wwid", "size")
		if related {
			lun.Relations = []resource.Relation{{Provide: true, Plugin: "site", Class: "Device", Attributes: []string{"wwid"}, IgnoreCase: true}}
		}
		classes := []*resource.Class{array, host, lun, device}
		for _, c := range classes {
			c.Index()
		}
		inv, db := openInventory(b, filepath.Join(b.TempDir(), "faultline.db"), classes)
		var took time.Duration
		report := func(root *resource.Class, address string, c *resource.Class, row func(i int) []string) {
			r, _, err := inv.AddRoot(b.Context(), root, []resource.Value{resource.StringValue(address)})
			if err != nil {
				b.Fatal(err)
			}
			if err := inv.OpenSession(r.ID, "s", nil); err != nil {
				b.Fatal(err)
			}
			batch := &resource.Batch{Root: r.ID, Session: "s", Plugin: "site", Complete: true}
			for i := range luns {
				op := resource.Op{Kind: resource.Put, Class: c, Handle: resource.Handle(i + 1)}
				for _, v := range row(i) {
					op.Values = append(op.Values, resource.StringValue(v))
				}
				batch.Ops = append(batch.Ops, op)
			}
			runtime.GC()
			start := time.Now()
			if err := inv.Apply(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			took += time.Since(start)
		}
		report(array, "array", lun, func(i int) []string {
			return []string{fmt.Sprintf("600A0B8000%022X", i), fmt.Sprint("lun", i), "OK"}
		})
		for _, h := range []string{"host1", "host2"} {
			report(host, h, device, func(i int) []string {
				return []string{fmt.Sprint("/dev/sd", i), fmt.Sprintf("600a0b8000%022x", i), "1 TiB"}
			})
		}
		links := 0
		all, _, _ := inv.Subscribe(b.Context())
		for r := range all {
			links += len(r.Parents)
		}
		if want := 2 * luns; related && links != want || !related && links != 0 {
			b.Fatalf("%d links, related: %v", links, related)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		return took
	}
	for b.Loop() {
		without, with := ingest(false), ingest(true)
		b.ReportMetric(with.Seconds(), "linked-s")
		b.ReportMetric(with.Seconds()/without.Seconds(), "ratio-to-unlinked")
		b.ReportMetric(0, "ns/op")
	}
}
