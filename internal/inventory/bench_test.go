package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// nowhere is a store that keeps nothing, so that only the inventory is measured.
type nowhere struct{}

func (nowhere) Load(context.Context, func(resource.StoredResource) error, func(resource.StoredEdge) error) (uint64, resource.ID, error) {
	return 0, 1, nil
}

func (nowhere) Commit(context.Context, *resource.Mutation) error { return nil }

func (nowhere) Log(context.Context, uint64, int) ([]resource.LogEntry, error) { return nil, nil }

func (nowhere) History(context.Context, resource.ID, uint64, int) ([]resource.StoredChange, error) {
	return nil, nil
}
func (nowhere) Former(context.Context, string, resource.ID) (resource.ID, error)  { return 0, nil }
func (nowhere) LogBack(context.Context, uint64, int) ([]resource.LogEntry, error) { return nil, nil }

func (nowhere) Position(context.Context, string) (uint64, error) { return 0, nil }

const benchDisks = 100_000

// plant is an inventory with one root, and what its scan reports: disks in
// enclosures of 84, in pools of 10.
type plant struct {
	inv         *inventory.Inventory
	root        resource.ID
	opened      int
	enclosure   *resource.Class
	disk, pool  *resource.Class
	diskHandles []resource.Handle
}

func newPlant(b *testing.B) *plant {
	b.Helper()
	p := &plant{
		enclosure: class("Enclosure", "", resource.Scoped, "id", "id", "status"),
		disk:      class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status", "&enclosure", "model", "serial", "firmware?", "slot", "size"),
		pool:      class("Pool", "StoragePool", resource.Scoped, "id", "id", "status"),
	}
	array := class("Array", resource.BaseScannable, resource.Global, "id", "id")
	var err error
	p.inv, err = inventory.New(b.Context(), inventory.Options{
		Store: nowhere{}, Classes: []*resource.Class{p.enclosure, p.disk, p.pool, array}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	r, _, err := p.inv.AddRoot(b.Context(), array, []resource.Value{resource.StringValue("a")})
	if err != nil {
		b.Fatal(err)
	}
	p.root = r.ID
	return p
}

func (p *plant) scan() *resource.Batch {
	b := &resource.Batch{Complete: true}
	next := resource.Handle(1)
	put := func(c *resource.Class, parents []resource.Handle, values ...resource.Value) resource.Handle {
		b.Ops = append(b.Ops, resource.Op{Kind: resource.Put, Handle: next, Class: c, Values: values, Parents: parents})
		next++
		return next - 1
	}
	text := func(format string, args ...any) resource.Value {
		return resource.StringValue(fmt.Sprintf(format, args...))
	}
	p.diskHandles = p.diskHandles[:0]
	var enclosure, pool resource.Handle
	for i := range benchDisks {
		if i%84 == 0 {
			enclosure = put(p.enclosure, []resource.Handle{0}, text("e%d", i/84), text("OK"))
		}
		if i%10 == 0 {
			pool = put(p.pool, nil, text("p%d", i/10), text("OK"))
		}
		d := put(p.disk, []resource.Handle{enclosure}, text("d%d", i), text("OK"), resource.RefValue(int64(enclosure)),
			text("model"), text("serial %d", i), text("1.0"), text("%d", i%84), text("4 TB"))
		p.diskHandles = append(p.diskHandles, d)
		b.Ops = append(b.Ops, resource.Op{Kind: resource.Link, Handle: pool, Parents: []resource.Handle{d}})
	}
	return b
}

func (p *plant) open(b *testing.B) {
	b.Helper()
	p.opened++
	if err := p.inv.OpenSession(p.root, fmt.Sprint(p.opened), nil); err != nil {
		b.Fatal(err)
	}
}

// apply applies a batch that is made outside of the measured time.
func (p *plant) apply(b *testing.B, batch *resource.Batch) {
	b.Helper()
	batch.Root, batch.Session = p.root, fmt.Sprint(p.opened)
	b.StartTimer()
	err := p.inv.Apply(b.Context(), batch)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkApply measures the inventory's part of a scan of 100,000 disks, of
// the same scan again, of an update of 1 % of them, and of the removal of all.
func BenchmarkApply(b *testing.B) {
	measure := func(name string, f func(b *testing.B, p *plant)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.StopTimer()
			for range b.N {
				p := newPlant(b)
				p.open(b)
				f(b, p)
			}
		})
	}
	quiet := func(b *testing.B, p *plant) {
		b.Helper()
		batch := p.scan()
		batch.Root, batch.Session = p.root, fmt.Sprint(p.opened)
		if err := p.inv.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	measure("first", func(b *testing.B, p *plant) { p.apply(b, p.scan()) })
	measure("again", func(b *testing.B, p *plant) {
		quiet(b, p)
		p.open(b)
		p.apply(b, p.scan())
	})
	measure("1%", func(b *testing.B, p *plant) {
		quiet(b, p)
		batch := &resource.Batch{}
		for i := 0; i < benchDisks; i += 100 {
			batch.Ops = append(batch.Ops, resource.Op{Kind: resource.Set, Handle: p.diskHandles[i], Set: []resource.AttrValue{{Index: 1, Value: resource.StringValue("BAD")}}})
		}
		p.apply(b, batch)
	})
	measure("none left", func(b *testing.B, p *plant) {
		quiet(b, p)
		p.open(b)
		p.apply(b, &resource.Batch{Complete: true})
	})
}
