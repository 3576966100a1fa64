package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func small(t testing.TB) *Array { return newArray(t, Options{Boot: "b1"}) }

func newArray(t testing.TB, o Options) *Array {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func apply(t testing.TB, a *Array, faults ...string) {
	t.Helper()
	for _, text := range faults {
		f, err := ParseFault(text)
		if err == nil {
			err = a.Apply(f)
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func fetch(a http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func get[T any](t testing.TB, a http.Handler, path string) T {
	t.Helper()
	w := fetch(a, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, w.Body)
	}
	return v
}

type listing[T any] struct {
	Boot     string
	Revision uint64
	Total    int
	Size     int
	Next     *int
	Removed  []string
	Items    []T
}

func one[T any](t testing.TB, a *Array, list, id string) T {
	t.Helper()
	for _, v := range get[listing[T]](t, a, "/api/v1/"+list+"?limit=10000").Items {
		if reflect.ValueOf(v).FieldByName("ID").String() == id {
			return v
		}
	}
	t.Fatalf("no %s in %s", id, list)
	panic("unreachable")
}

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		disks int
		want  map[string]int
	}{
		{4, map[string]int{"controller": 2, "enclosure": 1, "fan": 4, "psu": 2, "disk": 4, "pool": 1, "lun": 1, "path": 2}},
		{168, map[string]int{"controller": 2, "enclosure": 2, "fan": 8, "psu": 4, "disk": 168, "pool": 16, "lun": 24, "path": 48}},
		{100_000, map[string]int{"controller": 2, "enclosure": 1191, "fan": 4764, "psu": 2382, "disk": 100_000, "pool": 10_000, "lun": 15_000, "path": 30_000}},
	} {
		s := get[system](t, newArray(t, Options{Disks: tt.disks}), "/api/v1/system")
		if d := cmp.Diff(tt.want, s.Counts); d != "" {
			t.Errorf("%d disks: %s", tt.disks, d)
		}
		if s.Status != statusOK {
			t.Errorf("%d disks: the array is %s", tt.disks, s.Status)
		}
	}
	for _, o := range []Options{{Disks: 3}, {Disks: 100_001}, {Disks: -1}, {SampleEvery: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) made an array", o)
		}
	}
}

func TestSameOptionsSameArray(t *testing.T) {
	dump := func(o Options) string {
		a := newArray(t, o)
		apply(t, a, "sample", "fail-disk disk-3", "remove-disk disk-4", "rebuild pool-1 1h", "sample")
		var b strings.Builder
		for _, list := range []string{"controllers", "enclosures", "fans", "power-supplies", "disks", "pools", "luns", "paths"} {
			b.WriteString(fetch(a, "/api/v1/"+list+"?limit=10000").Body.String())
		}
		return b.String()
	}
	first := dump(Options{Boot: "x", Disks: 200, Seed: 7})
	if d := cmp.Diff(first, dump(Options{Boot: "x", Disks: 200, Seed: 7})); d != "" {
		t.Error("the same options make two arrays:", d)
	}
	if first == dump(Options{Boot: "x", Disks: 200, Seed: 8}) {
		t.Error("the seed makes no difference")
	}
}

func TestUniqueIdentities(t *testing.T) {
	a := newArray(t, Options{Disks: 20_000, Seed: 3})
	seen := map[string]string{}
	check := func(kind, v, id string) {
		if other, ok := seen[kind+v]; ok {
			t.Errorf("%s and %s share the %s %s", id, other, kind, v)
		}
		seen[kind+v] = id
	}
	for pos := range a.disks.rows {
		check("serial", a.disks.at(pos).Serial, a.disks.at(pos).ID)
	}
	for pos := range a.luns.rows {
		l := a.luns.at(pos)
		check("wwid", strings.ToLower(l.WWID), l.ID)
		check("uuid", l.UUID, l.ID)
		if len(l.WWID) != 33 || len(l.UUID) != 36 {
			t.Fatalf("%+v", l)
		}
	}
	for pos := range a.powerSupplies.rows {
		check("serial", a.powerSupplies.at(pos).Serial, a.powerSupplies.at(pos).ID)
	}
}

// ids lists the objects that changed since a revision, and what was removed.
func ids(t *testing.T, a *Array, since uint64) (out []string) {
	t.Helper()
	for _, list := range []string{"controllers", "enclosures", "fans", "power-supplies", "disks", "pools", "luns", "paths"} {
		l := get[listing[struct{ ID string }]](t, a, fmt.Sprintf("/api/v1/%s?since=%d&boot=b1&limit=10000", list, since))
		for _, id := range l.Removed {
			out = append(out, "-"+id)
		}
		for _, o := range l.Items {
			out = append(out, o.ID)
		}
	}
	return out
}

func TestFaults(t *testing.T) {
	spares := "disk-0161" // the first of the default array
	for _, tt := range []struct {
		faults  []string
		changed []string // by the last fault
		check   func(a *Array) any
		want    any
	}{
		{[]string{"fail-disk disk-17"}, []string{"disk-0017", "pool-02", "lun-2", "lun-3"},
			func(a *Array) any {
				return []string{a.disks.at(16).Status, a.pools.at(1).Status, a.luns.at(1).Status, a.summary().Status}
			},
			[]string{"FAILED", "DEGRADED", "DEGRADED", "DEGRADED"}},
		{[]string{"fail-disk disk-17", "fail-disk disk-17"}, nil, nil, nil},
		{[]string{"warn-disk disk-17"}, []string{"disk-0017"}, func(a *Array) any { return a.pools.at(1).Status }, "OK"},
		{[]string{"fail-disk disk-11", "lose-disk disk-12", "remove-disk disk-13"},
			[]string{"-disk-0013", "pool-02", "lun-2", "lun-3"},
			func(a *Array) any {
				return []string{a.disks.at(11).Status, a.pools.at(1).Status, a.luns.at(2).Status, a.summary().Status}
			},
			[]string{"MISSING", "FAILED", "FAILED", "FAILED"}},
		{[]string{"remove-disk disk-13", "add-disk"}, []string{"disk-0169"},
			func(a *Array) any { d := a.disks.at(168); return []any{d.Slot, d.Pool, d.Status} }, []any{13, "", "OK"}},
		{[]string{"remove-disk disk-100", "add-disk enclosure-2"}, []string{"disk-0169"},
			func(a *Array) any { return a.disks.at(168).Slot }, 16},
		// A spare takes the failed disk's place.
		{[]string{"fail-disk disk-17", "rebuild pool-2"}, []string{"disk-0017", spares, "pool-02"},
			func(a *Array) any {
				return []any{a.disks.at(16).Pool, a.disks.at(160).Pool, a.disks.at(160).Status, a.pools.at(1).Status, *a.pools.at(1).RebuildPercent}
			},
			[]any{"", "pool-02", "REBUILDING", "REBUILDING", 0}},
		{[]string{"remove-disk disk-17", "rebuild pool-2"}, []string{spares, "pool-02"},
			func(a *Array) any { return len(a.pools.at(1).members) }, 10},
		{[]string{"overheat enclosure-2 20"}, nil,
			func(a *Array) any {
				e, d := a.enclosures.at(1), a.disks.at(84)
				return []int{e.TemperatureC - e.base, d.TemperatureC - d.base, a.disks.at(83).TemperatureC - a.disks.at(83).base}
			}, []int{20, 20, 0}},
		{[]string{"fail-fan fan-2-1"}, []string{"fan-2-1"}, func(a *Array) any { return a.fans.at(4).RPM }, 0},
		{[]string{"fail-psu psu-1-2"}, []string{"psu-1-2"}, func(a *Array) any { return a.powerSupplies.at(1).Status }, "FAILED"},
		// LUN 4 prefers controller 0, LUN 3 controller 1.
		{[]string{"lose-path lun-4 controller-0"}, []string{"lun-4", "lun-4/controller-0", "lun-4/controller-1"},
			func(a *Array) any { return []string{a.paths.at(6).State, a.paths.at(7).State, a.luns.at(3).Status} },
			[]string{"FAILED", "ACTIVE", "DEGRADED"}},
		{[]string{"lose-path lun-4 controller-0", "lose-path lun-4 controller-1"}, []string{"lun-4", "lun-4/controller-1"},
			func(a *Array) any { return a.luns.at(3).Status }, "FAILED"},
		{[]string{"lose-path lun-4 controller-0", "fail-controller controller-0", "heal controller-0"}, nil,
			func(a *Array) any { return []string{a.paths.at(6).State, a.paths.at(4).State} }, []string{"FAILED", "STANDBY"}},
		{[]string{"upgrade-firmware 2.5%"}, []string{"disk-0040", "disk-0080", "disk-0120", "disk-0160"}, nil, nil},
		{[]string{"fail-fan fan-1-1", "heal fan-1-1"}, []string{"fan-1-1"}, func(a *Array) any { return a.fans.at(0).Status }, "OK"},
		{[]string{"fail-psu psu-1-1", "heal psu-1-1"}, []string{"psu-1-1"}, nil, nil},
		{[]string{"overheat enclosure-1", "heal enclosure-1"}, nil, func(a *Array) any { return a.enclosures.at(0).heat }, 0},
		{[]string{"fail-disk disk-1", "heal disk-1"}, []string{"disk-0001", "pool-01", "lun-1"}, nil, nil},
		{[]string{"lose-path lun-1 controller-0", "heal lun-1"}, []string{"lun-1", "lun-1/controller-0"}, nil, nil},
		{[]string{"lose-path lun-1 controller-0", "heal lun-1/controller-0"}, []string{"lun-1", "lun-1/controller-0"}, nil, nil},
		{[]string{"remove-disk disk-1", "fail-disk disk-2", "fail-disk disk-3", "heal pool-1"},
			[]string{"disk-0002", "disk-0003", spares, "pool-01", "lun-1"}, func(a *Array) any { return a.disks.at(160).Status }, "OK"},
		{[]string{"fail-disk disk-1", "rebuild pool-1 1h", "heal"}, []string{"disk-0001", spares, "pool-01", "lun-1"},
			func(a *Array) any { return len(a.rebuilding) }, 0},
	} {
		t.Run(strings.Join(tt.faults, ", "), func(t *testing.T) {
			a := small(t)
			last := len(tt.faults) - 1
			apply(t, a, tt.faults[:last]...)
			before := a.Revision()
			apply(t, a, tt.faults[last])
			changed := ids(t, a, before)
			if tt.changed != nil || tt.check == nil {
				if d := cmp.Diff(tt.changed, changed); d != "" {
					t.Error("changed:", d)
				}
			}
			if (a.Revision() > before) != (len(changed) > 0) {
				t.Errorf("revision %d became %d with changes %v", before, a.Revision(), changed)
			}
			if tt.check != nil {
				if d := cmp.Diff(tt.want, tt.check(a)); d != "" {
					t.Error(d)
				}
			}
			// Whatever happened, heal makes the array well.
			apply(t, a, "heal")
			for pos := range a.pools.rows {
				if p := a.pools.at(pos); p.Status != statusOK || len(p.members) != p.width {
					t.Errorf("after heal: %+v", p)
				}
			}
			for pos := range a.luns.rows {
				if l := a.luns.at(pos); l.Status != statusOK {
					t.Errorf("after heal: %+v", l)
				}
			}
		})
	}
}

func TestRebuildWithoutSparesSwapsTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArray(t, Options{Disks: 20, Boot: "b1"})
		apply(t, a, "fail-disk disk-17")
		before := a.Revision()
		apply(t, a, "rebuild pool-2 20s")
		if d := cmp.Diff([]string{"-disk-0017", "disk-0021", "pool-02"}, ids(t, a, before)); d != "" {
			t.Error(d)
		}
		d := one[disk](t, a, "disks", "disk-0021")
		if d.Slot != 17 || d.Pool != "pool-02" || d.Status != statusRebuilding {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Second - 1)
		if p := one[pool](t, a, "pools", "pool-02"); *p.RebuildPercent != 0 {
			t.Errorf("after a second less a nanosecond: %d %%", *p.RebuildPercent)
		}
		time.Sleep(1)
		if p := one[pool](t, a, "pools", "pool-02"); *p.RebuildPercent != 5 {
			t.Errorf("after a second: %d %%", *p.RebuildPercent)
		}
		time.Sleep(19 * time.Second)
		if d := one[disk](t, a, "disks", "disk-0021"); d.Status != statusOK {
			t.Errorf("after the rebuild: %+v", d)
		}
	})
}

func TestRefusedFaultsChangeNothing(t *testing.T) {
	a := small(t)
	apply(t, a, "fail-disk disk-11", "fail-disk disk-12", "fail-disk disk-13")
	before := a.Revision()
	for _, tt := range []struct {
		fault Fault
		want  string
	}{
		{Fault{Name: "fail-disk", Target: "disk-169"}, "fail-disk: the array has no disk-0169; it has 168 of that kind"},
		{Fault{Name: "lose-path", Target: "lun-1", Controller: "controller-2"}, "lose-path: the array has no lun-1/controller-2; it has 48 of that kind"},
		{Fault{Name: "rebuild", Target: "pool-1"}, "rebuild: pool-01 has no disk to rebuild"},
		{Fault{Name: "rebuild", Target: "pool-2"}, "rebuild: pool-02 lost more than 2 disks, which RAID 6 does not survive; heal it"},
		{Fault{Name: "add-disk"}, "add-disk: no enclosure has an empty bay"},
		{Fault{Name: "add-disk", Target: "enclosure-1"}, "add-disk: enclosure-1 has no empty bay"},
		{Fault{Name: "heal", Target: "disk-9999"}, "heal: the array has no disk-9999; it has 168 of that kind"},
		{Fault{Name: "heal", Delay: 1}, "heal has an argument that it does not take; it is written: heal [OBJECT]"},
		{Fault{Name: "silent", Target: "disk-1"}, "silent has an argument that it does not take; it is written: silent [DURATION] [hang|reset]"},
		{Fault{Name: "silent", For: -1}, "silent: a duration is negative"},
		{Fault{Name: "slow"}, "slow lacks its DELAY; write: slow DELAY [DURATION]"},
	} {
		if err := a.Apply(tt.fault); err == nil || err.Error() != tt.want {
			t.Errorf("%v: got error %v, want %s", tt.fault, err, tt.want)
		}
	}
	if a.Revision() != before {
		t.Errorf("revision %d became %d", before, a.Revision())
	}
}

func TestSamplesComeOnlyWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		still := small(t)
		time.Sleep(time.Hour)
		if r := still.Revision(); r != 1 {
			t.Errorf("a still array is at revision %d after an hour", r)
		}
		a := newArray(t, Options{SampleEvery: 10 * time.Second, Boot: "b1"})
		first := fetch(a, "/api/v1/disks").Body.String()
		time.Sleep(10*time.Second - 1)
		if d := cmp.Diff(first, fetch(a, "/api/v1/disks").Body.String()); d != "" {
			t.Error("changed before the sample:", d)
		}
		time.Sleep(1)
		before := one[disk](t, small(t), "disks", "disk-0001")
		after := one[disk](t, a, "disks", "disk-0001")
		if after.ReadBytes <= before.ReadBytes || after.Status != before.Status {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if n := len(ids(t, a, 1)); n != 2+8+168+24 {
			t.Errorf("%d objects changed, want all with statistics", n)
		}
		if e := get[eventList](t, a, "/api/v1/events?since=1&wait=0s"); len(e.Events) != 0 || e.Revision != 2 {
			t.Errorf("samples made events: %+v", e)
		}
	})
}

func TestTombstonesAreBounded(t *testing.T) {
	tab := newTable[disk](kindDisk, 0)
	for i := range maxTombstones + 2 {
		tab.remove(tab.add(fmt.Sprint(i), disk{}, 1), uint64(i+2))
	}
	if tab.horizon != 3 || len(tab.removed) != maxTombstones {
		t.Errorf("horizon %d, %d tombstones", tab.horizon, len(tab.removed))
	}
}

func TestChangeLog(t *testing.T) {
	var l changeLog
	l.add(change{2, kindDisk, 1, opAdd})
	l.add(change{3, kindDisk, 2, opChange})
	l.add(change{3, kindPool, 1, opChange})
	l.add(change{4, kindDisk, 1, opChange})
	l.add(change{5, kindDisk, 3, opAdd})
	l.add(change{6, kindDisk, 3, opRemove})
	l.add(change{6, kindDisk, 2, opRemove})
	for since, want := range map[uint64][]change{
		1: {{3, kindPool, 1, opChange}, {4, kindDisk, 1, opAdd}, {6, kindDisk, 2, opRemove}},
		3: {{4, kindDisk, 1, opChange}, {6, kindDisk, 2, opRemove}},
		5: {{6, kindDisk, 3, opRemove}, {6, kindDisk, 2, opRemove}},
		6: nil,
	} {
		got, ok := l.after(since)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(change{})); d != "" || !ok {
			t.Errorf("after %d: %v %s", since, ok, d)
		}
	}
	for i := range maxChanges {
		l.add(change{uint64(7 + i), kindDisk, i, opChange})
	}
	if _, ok := l.after(6); ok {
		t.Error("the log reaches back for ever")
	}
	if got, ok := l.after(uint64(6 + maxChanges - 2)); !ok || len(got) != 2 {
		t.Errorf("the end of the log: %v, %v", got, ok)
	}
}
