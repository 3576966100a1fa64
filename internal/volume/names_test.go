package volume_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestNames names the facts of behaviours A19 that it holds the stage to.
func TestNames(t *testing.T) {
	t.Parallel()
	disk := func(w *world) { w.hosts("a"); w.add("Drive", "6001", nil); w.node("a", "/dev/sda", "6001") }
	for name, tt := range map[string]struct {
		steps []func(*world)
		want  []string // after each
	}{
		"19.1 the serial number of the disk": {[]func(*world){disk}, []string{"6001"}},
		"19.2 the label of the controller's LUN, which came later": {
			[]func(*world){disk, func(w *world) { w.add("Lun", "scratch", nil); w.link("scratch", "6001") }}, []string{"6001", "scratch"},
		},
		"19.2 that of a LUN which came first, as it is called now": {
			[]func(*world){
				func(w *world) { w.add("Lun", "scratch", nil); disk(w); w.link("scratch", "6001") },
				func(w *world) { w.edit(w.ids["scratch"]).Label = "home" },
				func(w *world) { w.edit(w.ids["scratch"]).Alias = "my home" },
				func(w *world) { w.remove("scratch") },
			}, []string{"scratch", "home", "my home", "6001"},
		},
		"19.2 two LUNs: whose name would it be": {
			[]func(*world){func(w *world) {
				w.add("Lun", "x", nil)
				w.add("Lun", "y", nil)
				disk(w)
				w.link("x", "6001")
				w.link("y", "6001")
			},
				func(w *world) { w.edit(w.ids["y"]).Label = "x" }}, []string{"6001", "x"},
		},
		"19.2 the LUN of a virtualizer, not the one behind it": {
			[]func(*world){func(w *world) {
				w.add("Lun", "backend", nil)
				w.add("Pool", "pool", nil, "backend")
				w.add("Lun", "virtual", nil, "pool")
				disk(w)
				w.link("virtual", "6001")
			}}, []string{"virtual"},
		},
		"19.3 a logical volume has its own label": {
			[]func(*world){func(w *world) {
				w.add("Lun", "scratch", nil)
				disk(w)
				w.link("scratch", "6001")
				w.add("Group", "vg", nil, "a:/dev/sda")
				w.add("Part", "vg-lv", nil, "vg")
				w.node("a", "/dev/mapper/vg-lv", "vg-lv")
			}}, []string{"vg-lv"},
		},
		"19.3 and 19.4 a part without a label of its own is named after the whole": {
			[]func(*world){func(w *world) {
				disk(w)
				w.add("Part", "odd", map[string]any{"number": 7}, "6001")
				w.edit(w.ids["odd"]).OwnLabel = false
				w.node("a", "/dev/sda7", "odd")
			}}, []string{"6001-7"},
		},
		"19.6 a stack is not called after a disk": {
			[]func(*world){func(w *world) {
				disk(w)
				w.add("Drive", "tank", nil, "a:/dev/sda") // on nodes
				w.node("a", "tank", "tank")
			}, func(w *world) {
				w.unlink("a:/dev/sda", "tank")
				w.add("Mount", "member", nil, "6001") // or below the drive, with an occupier in between
				w.link("member", "tank")
			}}, []string{"tank", "tank"},
		},
		"19.5 an alias on the drive": {
			[]func(*world){disk, func(w *world) { w.edit(w.ids["6001"]).Alias = "left" }}, []string{"6001", "left"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			for i, f := range tt.steps {
				w.change(func() { f(w) })
				var got []string
				for _, v := range w.all() {
					got = append(got, v.Name())
				}
				if d := cmp.Diff([]string{tt.want[i]}, got); d != "" {
					t.Errorf("after step %d (-want +got):\n%s", i+1, d)
				}
			}
		})
	}
}

// TestWhatAVolumeSays holds the stage to behaviours 18.4, 18.13, 18.14 and 18.15.
func TestWhatAVolumeSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clusters = []resource.Cluster{{Name: "ab", Hosts: []string{"a", "b"}}}
	w.start()
	w.change(func() {
		w.hosts("a", "b")
		w.shared([]string{"one", "set"}, "a")
		w.shared([]string{"two"}, "a", "b")
		w.set("one", "size", 1<<40)
		w.set("one", "filesystem_type", "xfs")
		w.set("set", "usable_for_lustre", false)
		w.add("Dataset", "tank/home", nil)
		w.node("a", "tank/home", "tank/home")
	})
	one, two, set := w.volume("one"), w.volume("two"), w.volume("set")
	if one.Kind != "SCSI device" || one.Plugin != "srv" || one.Class != "Drive" || one.Size != 1<<40 || one.FilesystemType != "xfs" {
		t.Errorf("%+v", one)
	}
	for _, c := range []struct {
		v      *resource.Volume
		ha     resource.HAStatus
		usable bool
	}{{one, resource.NoHA, true}, {two, resource.HA, true}, {set, resource.NoHA, false}} {
		if c.v.HA() != c.ha || c.v.Usable() != c.usable {
			t.Errorf("%s: %s, usable %v", c.v.Label, c.v.HA(), c.v.Usable())
		}
	}
	if w.volume("tank/home").Usable() {
		t.Error("a volume of a class that is not for targets is usable")
	}
	if err := w.decide("two", resource.VolumeEdit{Primary: new(resource.NoHost)}); err != nil {
		t.Fatal(err)
	}
	if v := w.volume("two"); v.HA() != resource.Unconfigured || v.Usable() {
		t.Errorf("without a primary: %s, usable %v", v.HA(), v.Usable())
	}
	w.change(func() { w.set("one", "filesystem_type", nil); w.set("set", "usable_for_lustre", true) })
	if one, set := w.volume("one"), w.volume("set"); one.FilesystemType != "" || !set.Usable() {
		t.Errorf("%+v, %+v", one, set)
	}
}

// TestList holds the stage to behaviour 23.14, and pages to what they promise.
func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.change(func() {
		w.hosts("a.example", "b.example")
		for i := range 12 {
			name := fmt.Sprint("v", i)
			w.add("Drive", name, map[string]any{"size": 100 - i%3})
			w.node("a.example", "/dev/"+name, name)
			if i%2 == 0 {
				w.node("b.example", "/dev/x"+name, name)
			}
		}
		w.add("OST", "ost", nil, "a.example:/dev/v3")
		w.add("FileSystem", "fs", nil, "ost")
		w.add("FileSystem", "other", nil)
		w.set("v5", "usable_for_lustre", false)
	})
	names := func(q resource.VolumeQuery) string {
		t.Helper()
		var out []string
		for {
			page, err := w.stage.List(q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			for _, v := range page.Items {
				out = append(out, strings.TrimPrefix(v.Name(), "v"))
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return strings.Join(out, " ")
			}
			if len(page.Items) != q.Limit {
				t.Fatalf("%+v: a page of %d", q, len(page.Items))
			}
		}
	}
	for _, tt := range []struct {
		q    resource.VolumeQuery
		want string
	}{
		{resource.VolumeQuery{}, "0 1 2 3 4 5 6 7 8 9 10 11"}, // as people count
		{resource.VolumeQuery{Limit: 1}, "0 1 2 3 4 5 6 7 8 9 10 11"},
		{resource.VolumeQuery{Limit: 5, Sort: "-name"}, "11 10 9 8 7 6 5 4 3 2 1 0"},
		{resource.VolumeQuery{Limit: 5, Sort: "size"}, "2 5 8 11 1 4 7 10 0 3 6 9"},
		{resource.VolumeQuery{Category: "unused"}, "0 1 2 4 5 6 7 8 9 10 11"},
		{resource.VolumeQuery{Category: "usable", Limit: 3}, "0 1 2 4 6 7 8 9 10 11"},
		{resource.VolumeQuery{Host: "b.example"}, "0 2 4 6 8 10"},
		{resource.VolumeQuery{Host: "B"}, "0 2 4 6 8 10"}, // the short name tells
		{resource.VolumeQuery{Host: fmt.Sprint(w.ids["b.example"])}, "0 2 4 6 8 10"},
		{resource.VolumeQuery{Host: "c"}, ""},
		{resource.VolumeQuery{Primary: "b"}, "4 8 10"},
		{resource.VolumeQuery{FileSystem: w.ids["fs"]}, "3"},
		{resource.VolumeQuery{FileSystem: w.ids["other"]}, ""},
		{resource.VolumeQuery{FileSystem: 99999}, ""},
		{resource.VolumeQuery{Text: "/DEV/XV"}, "0 2 4 6 8 10"},
		{resource.VolumeQuery{Text: "scsi", Host: "b", Category: "usable"}, "0 2 4 6 8 10"},
	} {
		if got := names(tt.q); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.q, got, tt.want)
		}
	}
	for field, q := range map[string]resource.VolumeQuery{
		"category": {Category: "odd"}, "sort": {Sort: "colour"}, "limit": {Limit: -1}, "cursor": {Cursor: "x"},
	} {
		var f *resource.Fault
		if _, err := w.stage.List(q); !errors.As(err, &f) || f.Field != field {
			t.Errorf("%+v: %v", q, err)
		}
	}
	page, err := w.stage.List(resource.VolumeQuery{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.stage.List(resource.VolumeQuery{Sort: "-name", Cursor: page.Next}); err == nil {
		t.Error("a cursor of another order was taken")
	}
}

// TestClusters holds the stage to what the package says about HA clusters, and
// to behaviour 20.8 as it should be: a host in two clusters is a problem of its
// own.
func TestClusters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clusters = []resource.Cluster{{Name: "conf", Hosts: []string{"A.example", "b"}}, {Name: "twice", Hosts: []string{"b", "c"}}}
	w.start()
	say := func(host, cluster, nodes string) {
		w.add("HaNode", "ha "+host, map[string]any{"host_id": int(w.ids[host]), "ha_cluster": cluster, "ha_nodes": nodes})
	}
	w.change(func() {
		for _, h := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
			w.host(h + ".example")
		}
		say("d.example", "hacluster", "d e")
		say("e.example", "hacluster", "d e")
		say("f.example", "hacluster", "f g") // the same name, and not the same cluster
		say("g.example", "hacluster", "f g")
		say("a.example", "hacluster", "a h") // is declared
		say("h.example", "hacluster", "a h")
		say("i.example", "", "")
		w.shared([]string{"v"}, "a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example", "h.example")
	})
	draw := func() (out []string) {
		for _, k := range w.stage.Clusters() {
			line := fmt.Sprintf("%s %s: %s", k.Source, k.Name, strings.Join(k.Members, " "))
			for _, h := range slices.Sorted(func(yield func(string) bool) {
				for h := range k.Problems {
					if !yield(h) {
						return
					}
				}
			}) {
				line += " !" + h
			}
			if len(k.Missing) > 0 {
				line += " missing " + strings.Join(k.Missing, " ")
			}
			out = append(out, line)
		}
		return out
	}
	want := []string{
		"configuration conf: a.example b.example !b.example",
		"found hacluster (a, h): a.example h.example",
		"found hacluster (d, e): d.example e.example",
		"found hacluster (f, g): f.example g.example",
		"configuration twice: b.example c.example !b.example",
	}
	if d := cmp.Diff(want, draw()); d != "" {
		t.Errorf("clusters (-want +got):\n%s", d)
	}
	for primary, secondary := range map[string]string{"d": "e", "g": "f", "a": "", "b": "", "c": "", "h": ""} {
		if err := w.decide("v", resource.VolumeEdit{Primary: new(primary)}); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(w.volume("v").Choice.Secondary, ".example"); got != secondary {
			t.Errorf("with the primary %s the secondary is %q: %s", primary, got, w.volume("v").Choice.WhySecondary)
		}
	}
	if err := w.decide("v", resource.VolumeEdit{Primary: new("b")}); err != nil {
		t.Fatal(err)
	}
	if why := w.volume("v").Choice.WhySecondary; why != "b.example is declared in the HA clusters conf (configuration) and twice (configuration), and can be in one only: take it out of the others" {
		t.Errorf("why: %s", why)
	}

	// What users declare goes before what is found, as long as it is declared.
	for _, tt := range []struct {
		name  string
		hosts []string
		field string
	}{
		{"mine", []string{"e", "f", "later"}, ""}, {"conf", []string{"x", "y"}, "name"}, {"other", []string{"a", "z"}, "hosts"},
		{"", []string{"x", "y"}, "name"}, {"x/y", []string{"x", "y"}, "name"}, {"one", []string{"x", "x"}, "hosts"}, {"blank", []string{"x", " "}, "hosts"},
	} {
		_, err := w.stage.Declare(t.Context(), tt.name, tt.hosts)
		var f *resource.Fault
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &f) || f.Field != tt.field) {
			t.Errorf("declare %s: %v", tt.name, err)
		}
	}
	if err := w.decide("v", resource.VolumeEdit{Primary: new("f")}); err != nil {
		t.Fatal(err)
	}
	if got := w.volume("v").Choice.Secondary; got != "e.example" {
		t.Errorf("with a declared cluster the secondary is %q", got)
	}
	w.restart()
	if got := draw(); !slices.Contains(got, "user mine: e.example f.example missing later") {
		t.Errorf("after a restart: %q", got)
	}
	if err := w.stage.Undeclare(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if got := w.volume("v").Choice.Secondary; got != "g.example" {
		t.Errorf("without it the secondary is %q", got)
	}
	for name, kind := range map[string]resource.ErrorKind{"mine": resource.NotFound, "conf": resource.Conflict, "hacluster (d, e)": resource.Conflict} {
		if err := w.stage.Undeclare(t.Context(), name); resource.KindOf(err) != kind {
			t.Errorf("undeclare %s: %v", name, err)
		}
	}

	// Two clusters that say the same of themselves cannot be told apart.
	w.change(func() {
		say("c.example", "x", "n1 n2")
		say("b.example", "x", "n1 n2")
		w.host("j")
		say("j", "x", "n1 n2")
	})
	if got := draw(); !slices.Contains(got, "found x: b.example c.example j !j missing n1 n2") {
		t.Errorf("three hosts of a cluster of two: %q", got)
	}
}
