package inventory_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
)

// TestListsFollowChanges compares lists, asked for again and again while resources
// come, change and go, with what a look at all resources gives.
func TestListsFollowChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shelf := class("Shelf", "Enclosure", resource.Scoped, "id", "id", "status?")
		disk := class("Disk", "PhysicalDisk", resource.Scoped, "id", "id", "status?", "&shelf?", "size?", "name?")
		disk.Attributes[3].Kind = resource.Integer
		disk.Index()
		w := newWorld(t, shelf, disk)
		w.inv.SortAtMost(rapid.SampledFrom([]int{0, 3, 1000}).Draw(rt, "few"))
		w.root("a")
		var names []string
		for range rapid.IntRange(2, 12).Draw(rt, "rounds") {
			for range rapid.IntRange(1, 5).Draw(rt, "ops") {
				w.update("a", change(rt, w, &names)...)
			}
			if rapid.Bool().Draw(rt, "rename") {
				rename(rt, w)
			}
			for range 3 {
				checkList(rt, w.inv, query(rt))
			}
		}
	})
}

// change draws an operation of a session.
func change(t *rapid.T, w *world, names *[]string) []string {
	id := rapid.SampledFrom([]string{"d1", "d2", "d10", "D3", "d03", "d4"}).Draw(t, "id")
	status := rapid.SampledFrom([]string{"", "OK", "bad", "10", "9"}).Draw(t, "status")
	known := slices.Contains(*names, id)
	switch kind := rapid.SampledFrom([]string{"put", "set", "remove"}).Draw(t, "kind"); {
	case kind == "remove" && known:
		*names = slices.DeleteFunc(*names, func(n string) bool { return n == id })
		return []string{"remove " + id}
	case known && status != "":
		return []string{fmt.Sprintf("set Disk %s status=%s", id, status)}
	case known:
		return nil
	}
	*names = append(*names, id)
	shelf := rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "shelf")
	var lines []string
	if _, ok := w.handles["a"][shelf]; !ok && !slices.Contains(*names, shelf) {
		*names = append(*names, shelf)
		lines = append(lines, "put Shelf "+shelf)
	}
	line := fmt.Sprintf("put Disk %s shelf=&%s", id, shelf)
	if name := rapid.SampledFrom([]string{"", "zeta", "Alpha", "d1"}).Draw(t, "name"); name != "" { // which is not what it is called
		line += " name=" + name
	}
	if status != "" {
		line += " status=" + status
	}
	return append(lines, line)
}

func rename(t *rapid.T, w *world) {
	page, err := w.inv.List(resource.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	r := rapid.SampledFrom(page.Items).Draw(t, "renamed")
	alias := rapid.SampledFrom([]string{"", "bad 2", "Zulu", "shelf by the door"}).Draw(t, "alias")
	if err := w.inv.Edit(context.Background(), r.ID, inventory.Edit{Alias: &alias}); err != nil {
		t.Fatal(err)
	}
}

func query(t *rapid.T) resource.Query {
	q := resource.Query{
		Class: rapid.SampledFrom([]string{"", "Disk"}).Draw(t, "class"),
		Sort:  rapid.SampledFrom([]string{"", "-id", "name", "-name", "updated", "status", "-status", "shelf", "-shelf", "health", "-health", "attribute.name", "-attribute.name"}).Draw(t, "sort"),
		Text:  rapid.SampledFrom([]string{"", "", "bad", "D1", "shelf", "nowhere"}).Draw(t, "text"),
		Sick:  map[resource.ID]resource.Severity{},
		Limit: rapid.IntRange(1, 4).Draw(t, "limit"),
	}
	for _, text := range rapid.SampledFrom([][]string{nil, nil, {"status=bad"}, {"status=", "status=OK"}, {"name~d"}, {"attribute.name~a", "name~d"}, {"shelf~door", "status!=10"}}).Draw(t, "where") {
		p, err := resource.ParsePredicate(text)
		if err != nil {
			t.Fatal(err)
		}
		if p.Attribute == "shelf" || p.Attribute == "attribute.name" {
			q.Class = "Disk"
		}
		q.Where = append(q.Where, p)
	}
	for id := resource.ID(1); id < 12; id += 3 {
		q.Sick[id] = resource.Severity(1 + id%3)
	}
	q.Health = rapid.SampledFrom([][]resource.Severity{nil, nil, {resource.Error, resource.Warning}, {resource.OK}}).Draw(t, "health")
	return q
}

// checkList reads a list by cursor and by offset.
func checkList(t *rapid.T, inv *inventory.Inventory, q resource.Query) {
	want := naive(inv, q)
	for _, byOffset := range []bool{false, true} {
		var got []resource.ID
		for q.Cursor, q.Offset = "", 0; ; {
			page, err := inv.List(q)
			if err != nil {
				t.Fatal(err)
			}
			if page.Total != len(want) {
				t.Fatalf("%+v: a total of %d, want %d", q, page.Total, len(want))
			}
			for _, r := range page.Items {
				got = append(got, r.ID)
			}
			if page.Next == "" {
				break
			}
			if byOffset {
				q.Offset += len(page.Items)
			} else {
				q.Cursor = page.Next
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: %v, want %v", q, got, want)
		}
	}
	q.Cursor, q.Offset = "", 0
	if all, err := inv.Find(q); err != nil || !slices.Equal(all, want) {
		t.Fatalf("%+v: %v and %v, want %v", q, all, err, want)
	}
}

// naive answers a query by a look at all resources.
func naive(inv *inventory.Inventory, q resource.Query) (ids []resource.ID) {
	type row struct {
		id   resource.ID
		null bool
		num  float64
		text string
	}
	by, desc := strings.CutPrefix(q.Sort, "-")
	name := func(id resource.ID) string { return inv.Get(id).Name() }
	read := func(r *resource.Resource, attr string) string {
		if attr == "name" {
			return strings.ToLower(r.Name())
		}
		i := r.Class.Attr(strings.TrimPrefix(attr, "attribute."))
		return strings.ToLower(r.Class.Attributes[i].Format(r.Values[i], name))
	}
	fits := func(r *resource.Resource) bool {
		if q.Class != "" && r.Class.Name != q.Class || q.Health != nil && !slices.Contains(q.Health, q.Sick[r.ID]) {
			return false
		}
		text := strings.ToLower(r.Name() + "\n" + r.Label)
		for _, a := range r.Class.Attributes {
			text += "\n" + read(r, "attribute."+a.Name)
		}
		if !strings.Contains(text, strings.ToLower(q.Text)) {
			return false
		}
		equal := 0 // -1 none of those that were asked for, 1 one of them
		for _, p := range q.Where {
			if p.Attribute != "name" && r.Class.Attr(strings.TrimPrefix(p.Attribute, "attribute.")) < 0 {
				return false
			}
			got, want := read(r, p.Attribute), strings.ToLower(p.Text)
			switch p.Op {
			case resource.Equal:
				if got == want {
					equal = 1
				} else if equal == 0 {
					equal = -1
				}
			case resource.NotEqual:
				if got == want {
					return false
				}
			case resource.Contains:
				if !strings.Contains(got, want) {
					return false
				}
			}
		}
		return equal >= 0
	}
	var rows []row
	all, _, _ := inv.Subscribe(context.Background())
	for r := range all {
		if !fits(r) {
			continue
		}
		k := row{id: r.ID}
		switch by {
		case "", "id":
		case "attribute.name":
			i := r.Class.Attr("name")
			if k.null = i < 0 || r.Values[i].IsNull(); !k.null {
				k.text = read(r, by)
			}
		case "name":
			k.text = strings.ToLower(r.Name())
		case "updated":
			k.num = float64(r.Updated.UnixMicro())
		case "health":
			k.num = float64(q.Sick[r.ID])
		default:
			i := r.Class.Attr(by)
			if k.null = i < 0 || r.Values[i].IsNull(); !k.null {
				k.text = read(r, by)
			}
		}
		rows = append(rows, k)
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.null != b.null {
			return cmp.Compare(strconv.FormatBool(a.null), strconv.FormatBool(b.null))
		}
		c := cmp.Or(cmp.Compare(a.num, b.num), resource.Natural(a.text, b.text), cmp.Compare(a.id, b.id))
		if desc {
			return -c
		}
		return c
	})
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

func TestSearchFindsWorldWideNames(t *testing.T) {
	w := newWorld(t, class("Disk", "", resource.Scoped, "id", "id", "wwn?"))
	w.root("a")
	w.scan("a", "put Disk d1 wwn=50:00:C5:00:a1:b2:c3:d4", "put Disk d2 wwn=naa.5000c500a1b2c3d5", "put Disk d3 wwn=0x5000c500a1b2c3d6")
	for text, want := range map[string]string{
		"5000c500a1b2c3d4": "d1", "50:00:c5:00:a1:b2:c3:d5": "d2", "0x5000C500A1B2C3D5": "d2", "naa.5000c500a1b2c3d6": "d3",
		"5000c500": "d1 d2 d3", "0000": "", "c5:00:a1:b2": "d1 d2 d3",
	} {
		page, err := w.inv.List(resource.Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range page.Items {
			got = append(got, r.Values[0].String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

func TestWhereIsRefused(t *testing.T) {
	w := newWorld(t, disk())
	for text, want := range map[string]string{
		"size=1":       `"size" is no attribute of these resources`,
		"status>1":     "attribute status is no number; > compares numbers, so use =, != or ~",
		"status":       `"status" is no condition; write the name of an attribute, one of = != ~ < <= > >=, and a value`,
		"=1":           `"=1" is no condition; write the name of an attribute, one of = != ~ < <= > >=, and a value`,
		"status ~ bad": "",
	} {
		p, err := resource.ParsePredicate(text)
		if err == nil {
			_, err = w.inv.List(resource.Query{Class: "Disk", Where: []resource.Predicate{p}})
		}
		var f *resource.Fault
		if want == "" && err != nil || want != "" && (!errors.As(err, &f) || f.Field != "where" || f.Text != want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestKeepListsEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, disk())
		w.inv.SortAtMost(0)
		w.root("a")
		w.scan("a", "put Disk d1", "put Disk d2")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.inv.KeepLists(ctx, time.After) }()
		time.Sleep(time.Minute) // of a clock that is faked
		w.update("a", "remove d1")
		time.Sleep(time.Minute)
		if page, err := w.inv.List(resource.Query{Class: "Disk", Sort: "name"}); err != nil || page.Total != 1 {
			t.Errorf("%+v, %v", page, err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestScopesAreOneOfSeveralRoots: no roots at all are not the same as any root.
func TestScopesAreOneOfSeveralRoots(t *testing.T) {
	t.Parallel()
	w := newWorld(t, disk())
	a, b, c := w.root("a"), w.root("b"), w.root("c")
	w.scan("a", "put Disk d1")
	w.scan("b", "put Disk d2", "put Disk d3")
	w.scan("c", "put Disk d4")
	for _, tc := range []struct {
		scopes []resource.ID
		want   int
	}{
		{nil, 4}, {[]resource.ID{}, 0}, {[]resource.ID{a}, 1}, {[]resource.ID{a, b}, 3}, {[]resource.ID{a, b, c}, 4},
	} {
		if page, err := w.inv.List(resource.Query{Class: "Disk", Scopes: tc.scopes}); err != nil || page.Total != tc.want {
			t.Errorf("%v: %d disks, %v; want %d", tc.scopes, page.Total, err, tc.want)
		}
	}
	if _, err := w.inv.List(resource.Query{Scopes: []resource.ID{a, 999}}); err == nil || !strings.Contains(err.Error(), "999") {
		t.Errorf("a root that is not there: %v", err)
	}
}
