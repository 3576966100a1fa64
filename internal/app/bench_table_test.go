package app

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// BenchmarkTable measures pages of tables of a million resources, as a server
// works them out before it renders them: the first one of its kind, then one
// after a change, then one without. It says also what lists keep in memory.
func BenchmarkTable(b *testing.B) {
	s := newSiteClasses()
	inv, err := inventory.New(b.Context(), inventory.Options{Store: memory.New(), Classes: s.classes(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	var roots []*resource.Resource
	for i := range siteArrays {
		root, _ := s.ingest(b, inv, i)
		roots = append(roots, root)
	}
	all, err := inv.List(resource.Query{})
	if err != nil {
		b.Fatal(err)
	}
	ill := map[resource.ID]resource.Severity{}
	steps, _ := inv.Walk(roots[0].ID, resource.Down, 0, 5000)
	for i, st := range steps {
		ill[st.Resource.ID] = resource.Severity(1 + i%3)
	}
	before := heap()
	alias := 0
	list := func(q resource.Query) func() error {
		return func() error { _, err := inv.List(q); return err }
	}
	search := func(text string) func() error {
		return func() error { inv.Search(text, 5); return nil }
	}
	for _, q := range []struct {
		name string
		page func() error
	}{
		{"all by name", list(resource.Query{Sort: "name"})},
		{"all by health", list(resource.Query{Sort: "-health", Sick: ill})},
		{"paths by name", list(resource.Query{Class: "Path", Sort: "name"})},
		{"disks by serial, middle", list(resource.Query{Class: "Disk", Sort: "serial", Offset: 200_000})},
		{"disks by slot, end", list(resource.Query{Class: "Disk", Sort: "-slot", Offset: 399_900})},
		{"disks of a slot", list(resource.Query{Class: "Disk", Sort: "name", Where: []resource.Predicate{{Attribute: "slot", Op: resource.Equal, Text: "7"}}})},
		{"disks with a text", list(resource.Query{Class: "Disk", Sort: "name", Text: "0012"})},
		{"sick disks", list(resource.Query{Class: "Disk", Sort: "name", Sick: ill, Health: []resource.Severity{resource.Error}})},
		{"search of a serial", list(resource.Query{Text: "disk0500031234", Sort: "-health", Sick: ill})},
		{"search of a wwn", list(resource.Query{Text: "60:0a:0b:80:05:03", Sort: "-health", Sick: ill})},
		{"search that finds most", list(resource.Query{Text: "disk", Sort: "-health", Sick: ill})},
		{"global search of a serial", search("DISK0500031234")},
		{"global search that finds most", search("disk")},
		{"search in vain", list(resource.Query{Text: "no such thing", Sort: "-health", Sick: ill})},
	} {
		b.Run(q.name, func(b *testing.B) {
			page := func() float64 {
				start := time.Now()
				if err := q.page(); err != nil {
					b.Fatal(err)
				}
				return float64(time.Since(start).Microseconds()) / 1000
			}
			runtime.GC()
			first, again, changed := page(), page(), 0.0
			for b.Loop() {
				alias++
				name := fmt.Sprint("renamed ", alias)
				if err := inv.Edit(b.Context(), all.Items[len(all.Items)/2].ID, inventory.Edit{Alias: &name}); err != nil {
					b.Fatal(err)
				}
				changed = page()
			}
			b.ReportMetric(first, "first-ms")
			b.ReportMetric(again, "again-ms")
			b.ReportMetric(changed, "changed-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Logf("%.0f bytes a resource are kept for lists", float64(heap()-before)/float64(all.Total))
}
