package inventory_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestSorted compares what is sorted by keys with what is sorted by values: texts that
// begin alike, are alike but for their end, or hold NUL; numbers; nothing; and classes
// that mean different things by one attribute.
func TestSorted(t *testing.T) {
	classes := sortClasses()
	start := rapid.SampledFrom([]string{"", "", "disk ", "Disk 00", "shelf 12 of the second array, bay ", "z"})
	end := rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune("aA0129\x00\x01é"))), rapid.SampledFrom([]string{"the same long text, and 1", "the same long text, and 2"}))
	value := rapid.Custom(func(t *rapid.T) resource.Value {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return resource.Value{}
		case 1:
			return resource.FloatValue(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, 1 + 0x1p-52, -1, 1e300}).Draw(t, "number"))
		}
		return resource.StringValue(start.Draw(t, "start") + end.Draw(t, "end"))
	})
	rapid.Check(t, func(t *rapid.T) {
		var list []*resource.Resource
		for i, v := range rapid.SliceOfN(value, 0, 60).Draw(t, "values") {
			list = append(list, sortable(classes, resource.ID(1000-7*i), v))
		}
		checkSorted(t, list)
	})
}

// TestManyAreSorted does the same with so many that several cores work on them.
func TestManyAreSorted(t *testing.T) {
	for _, column := range sortColumns() {
		t.Run(column.name, func(t *testing.T) {
			checkSorted(t, column.rows(30_000))
		})
	}
}

// BenchmarkSort sorts 400,000 resources, as for the first page of a table by another
// column.
func BenchmarkSort(b *testing.B) {
	for _, column := range sortColumns() {
		b.Run(column.name, func(b *testing.B) {
			list := column.rows(400_000)
			for b.Loop() {
				inventory.Sorted(list, "x")
			}
		})
	}
}

type sortColumn struct {
	name  string
	value func(i int) resource.Value
}

// rows returns resources with the values of a column, of which one in 100 has none.
func (c *sortColumn) rows(n int) (list []*resource.Resource) {
	classes := sortClasses()
	for i := range n {
		v := c.value(i)
		if i%100 == 0 {
			v = resource.Value{}
		}
		list = append(list, sortable(classes, resource.ID(i+1), v))
	}
	return list
}

// sortColumns are what tables of disks are sorted by: few values and many, in the
// order in which they were found and in none.
func sortColumns() []sortColumn {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	text := func(format string, args ...any) resource.Value {
		return resource.StringValue(fmt.Sprintf(format, args...))
	}
	return []sortColumn{
		{"slot", func(i int) resource.Value { return resource.FloatValue(float64(i % 60)) }},
		{"temperature", func(int) resource.Value { return resource.FloatValue(20 + 30*random.Float64()) }},
		{"model", func(i int) resource.Value { return text("HUH721212AL%d", 4200+i*7%13*100) }},
		{"serial in order", func(i int) resource.Value { return text("disk%010d", i) }},
		{"serial", func(int) resource.Value { return text("WD-WCC%08X", random.Uint32()) }},
		{"name", func(int) resource.Value { return text("Disk %d of shelf %d", random.IntN(90), random.IntN(5000)) }},
	}
}

// sortClasses returns classes whose attribute x is a text and a number.
func sortClasses() [2]*resource.Class {
	text, number := class("Text", "", resource.Scoped, "", "x?"), class("Number", "", resource.Scoped, "", "x?")
	number.Attributes[0].Kind = resource.Float
	number.Index()
	return [2]*resource.Class{text, number}
}

func sortable(classes [2]*resource.Class, id resource.ID, x resource.Value) *resource.Resource {
	c := classes[0]
	if _, ok := x.Number(); ok {
		c = classes[1]
	}
	return &resource.Resource{ID: id, Class: c, Values: []resource.Value{x}}
}

func checkSorted(t interface{ Fatalf(string, ...any) }, list []*resource.Resource) {
	want, nulls := slices.Clone(list), 0
	kind := func(v resource.Value) int {
		if _, ok := v.Number(); ok {
			return 0
		} else if v.IsNull() {
			return 2
		}
		return 1
	}
	text := func(v resource.Value) string {
		s, _ := v.Text()
		return strings.ToLower(s)
	}
	slices.SortFunc(want, func(a, b *resource.Resource) int {
		v, w := a.Values[0], b.Values[0]
		n, _ := v.Number()
		m, _ := w.Number()
		return cmp.Or(cmp.Compare(kind(v), kind(w)), cmp.Compare(n, m), resource.Natural(text(v), text(w)), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range want {
		if r.Values[0].IsNull() {
			nulls++
		}
	}
	got, gotNulls := inventory.Sorted(list, "x")
	if gotNulls != nulls {
		t.Fatalf("%d without a value, want %d", gotNulls, nulls)
	}
	for i, r := range want {
		if got[i] != r.ID {
			t.Fatalf("at %d of %d stands %d, want %d (%q)", i, len(want), got[i], r.ID, r.Values[0].String())
		}
	}
}
