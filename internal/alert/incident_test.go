package alert_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

// incidentText is an incident in one line: causes, then the effects.
func incidentText(w *world, i *resource.Incident) string {
	return fmt.Sprintf("%s %v: %d causes, %d effects %v %v", w.all[i.Resource].Label, i.Severity, len(i.Causes), i.Effects.Total, i.Effects.BySeverity, i.Effects.ByClass)
}

func wantIncidents(t *testing.T, w *world, alerts int, want ...string) {
	t.Helper()
	list, n := w.stage.Incidents()
	var got []string
	for _, i := range list {
		got = append(got, incidentText(w, i))
	}
	if d := cmp.Diff(want, got); d != "" || n != alerts {
		t.Errorf("%d alerts, want %d; incidents (-want +got):\n%s", n, alerts, d)
	}
}

func TestIncidents(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	wantIncidents(t, w, 0)
	array := w.create(acme["Array"], "array", nil)
	fan := w.create(acme["Fan"], "fan", nil, array)
	d1 := w.create(acme["Drive"], "d1", nil, fan)
	d2 := w.create(acme["Drive"], "d2", nil, fan)
	pool := w.create(acme["Pool"], "pool", nil, d1, d2)
	sensor := w.create(acme["Sensor"], "sensor", nil, pool)
	w.create(acme["Scratch"], "fs", nil, sensor)
	w.tell()

	w.set(sensor, "volts", float(1))
	w.tell()
	wantIncidents(t, w, 1, "sensor error: 1 causes, 0 effects [0 0 0 0] map[]")

	// Drives above it fail: it is an effect of both, through the healthy pool.
	w.set(d1, "status", str("FAILED"))
	w.tell()
	w.set(d2, "status", str("NEAR"))
	w.tell()
	wantIncidents(t, w, 5, "d1 error: 2 causes, 1 effects [0 0 0 1] map[acme.Sensor:1]", "d2 error: 2 causes, 1 effects [0 0 0 1] map[acme.Sensor:1]")

	// A note causes nothing, and is part of what is caused.
	w.sample(sensor, "load", 95)
	w.tell()
	w.set(d1, "status", str("OK"))
	w.tell()
	wantIncidents(t, w, 3, "d2 error: 2 causes, 1 effects [0 0 0 1] map[acme.Sensor:1]")

	// A sick fan above all is the one cause.
	w.set(fan, "speed", integer(500))
	w.tell()
	wantIncidents(t, w, 4, "fan error: 1 causes, 3 effects [0 1 1 1] map[acme.Drive:2 acme.Sensor:1]")
	inc, effects := w.stage.Incident(fan)
	var got []string
	for _, a := range effects {
		got = append(got, a.Severity.String()+" "+a.Name)
	}
	if !slices.Equal(got, []string{"error sensor", "warning d2", "info d2"}) || inc.Resource != fan {
		t.Errorf("effects: %q", got)
	}
	if inc, _ := w.stage.Incident(d2); inc != nil {
		t.Error("an effect is an incident")
	}

	// It takes no change of an alert to move an effect: the edges do.
	w.unlink(fan, d2)
	w.tell()
	wantIncidents(t, w, 4, "d2 error: 2 causes, 1 effects [0 0 0 1] map[acme.Sensor:1]", "fan error: 1 causes, 1 effects [0 0 0 1] map[acme.Sensor:1]")
	w.link(fan, d2)
	w.tell()

	// An offline root is sick as any other resource; a held removal is not.
	w.state(array, resource.RootState{Held: &resource.HeldRemoval{Lacking: 30, Of: 40}})
	w.tell()
	wantIncidents(t, w, 4, "fan error: 1 causes, 3 effects [0 1 1 1] map[acme.Drive:2 acme.Sensor:1]")
	w.state(array, resource.RootState{Offline: true})
	w.tell()
	wantIncidents(t, w, 5, "array error: 1 causes, 4 effects [0 1 2 1] map[acme.Drive:2 acme.Fan:1 acme.Sensor:1]")

	// Its own alerts say since when it is, and whether it is known.
	inc, _ = w.stage.Incident(array)
	if inc.Acknowledged() || !inc.Began().Equal(inc.Causes[0].Began) {
		t.Errorf("incident %+v", inc)
	}
	if _, err := w.stage.Acknowledge(t.Context(), resource.AlertSelection{IDs: []resource.AlertID{inc.Causes[0].ID}}, "olga", ""); err != nil {
		t.Fatal(err)
	}
	if inc, _ = w.stage.Incident(array); !inc.Acknowledged() {
		t.Error("it is not acknowledged")
	}
	w.remove(array)
	w.tell()
	wantIncidents(t, w, 4, "fan error: 1 causes, 3 effects [0 1 1 1] map[acme.Drive:2 acme.Sensor:1]")
}

// tops returns the topmost sick resources among a resource and its ancestors, by
// going up every path.
func (m *model) tops(id resource.ID) map[resource.ID]bool {
	out := map[resource.ID]bool{}
	for _, p := range m.w.all[id].Parents {
		maps.Copy(out, m.tops(p))
	}
	if len(out) == 0 && slices.ContainsFunc(m.w.stage.Own(id), (*resource.Alert).MayCause) {
		out[id] = true
	}
	return out
}

func (m *model) compareIncidents(rt *rapid.T) {
	want := map[resource.ID][]resource.AlertID{} // effects
	total := 0
	for id := range m.w.all {
		tops := m.tops(id)
		for _, a := range m.w.stage.Own(id) {
			if len(tops) > 0 {
				total++
			}
			for top := range tops {
				if top != id {
					want[top] = append(want[top], a.ID)
				} else if want[top] == nil {
					want[top] = []resource.AlertID{}
				}
			}
		}
	}
	list, alerts := m.w.stage.Incidents()
	if alerts != total || len(list) != len(want) {
		rt.Fatalf("%d incidents of %d alerts, want %d of %d", len(list), alerts, len(want), total)
	}
	for i, inc := range list {
		got, effects := m.w.stage.Incident(inc.Resource)
		if got != inc || i > 0 && list[i-1].Severity < inc.Severity {
			rt.Fatalf("incident %d is not where it should be", inc.Resource)
		}
		ids := []resource.AlertID{}
		counts := resource.AlertCounts{ByClass: map[string]int{}}
		worst := inc.Causes[0].Severity
		for _, a := range effects {
			ids = append(ids, a.ID)
			counts.Total++
			counts.BySeverity[a.Severity]++
			counts.ByClass[a.Plugin+"."+a.Class]++
			worst = max(worst, a.Severity)
		}
		slices.Sort(ids)
		slices.Sort(want[inc.Resource])
		if !slices.Equal(ids, want[inc.Resource]) || !cmp.Equal(counts, inc.Effects) || worst != inc.Severity {
			rt.Fatalf("incident %d: %v %+v %v, want %v %+v %v", inc.Resource, ids, inc.Effects, inc.Severity, want[inc.Resource], counts, worst)
		}
		if !slices.Equal(inc.Causes, m.w.stage.Own(inc.Resource)) {
			rt.Fatalf("incident %d: causes %v", inc.Resource, inc.Causes)
		}
	}
}

// TestAnEffectIsNotOlderThanAChangeBesideIt changes the graph while the effect
// is computed from it.
func TestAnEffectIsNotOlderThanAChangeBesideIt(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	top := w.create(acme["Fan"], "fan", map[string]resource.Value{"speed": integer(1)})
	child := w.create(acme["Drive"], "d", nil)
	w.tell()
	changed := false
	w.whenRead = func(id resource.ID) {
		if id != top || changed {
			return
		}
		changed = true // the walk has read what is below the fan, and then:
		w.link(top, child)
		w.tell()
	}
	w.stage.Health(child)
	if got := w.stage.Health(child); got != resource.Error {
		t.Errorf("the health of a child that was linked meanwhile is %v", got)
	}
	if list, _ := w.stage.Incidents(); len(list) != 1 {
		t.Errorf("%d incidents", len(list))
	}
}

// BenchmarkTenThousandEffects makes the one incident of 10,000 alerts that
// changed at once, below one sick array, and compares it with a plain walk over
// the same resources.
func BenchmarkTenThousandEffects(b *testing.B) {
	w := newWorld(b, nil)
	w.up()
	array := w.create(acme["Array"], "a", nil)
	w.state(array, resource.RootState{Offline: true})
	w.tell()
	var ids []resource.ID
	for i := range 10_000 {
		pool := array
		if i%10 > 0 {
			pool = ids[i/10*10]
		}
		r := &resource.Resource{ID: w.next, Class: acme["Fan"], Label: fmt.Sprint("f", i), Parents: []resource.ID{pool}, Values: []resource.Value{integer(500)}}
		w.next++
		w.all[r.ID] = r
		w.all[pool].Children = append(w.all[pool].Children, r.ID)
		w.pending.Created = append(w.pending.Created, r)
		ids = append(ids, r.ID)
	}
	w.tell()
	var walk, whole time.Duration
	for b.Loop() {
		b.StopTimer()
		r := w.Get(array)
		w.state(array, resource.RootState{Offline: true, Error: "x"})
		w.state(array, *r.Root)
		w.set(ids[0], "speed", integer(5))
		w.tell()
		w.set(ids[0], "speed", integer(500))
		w.tell() // an alert began and ended: what was computed is old
		began := time.Now()
		if steps, _ := w.Walk(array, resource.Down, 0, 0); len(steps) != 10_001 {
			b.Fatal(len(steps))
		}
		walk += time.Since(began)
		b.StartTimer()
		began = time.Now()
		if list, n := w.stage.Incidents(); len(list) != 1 || n != 10_001 {
			b.Fatalf("%d incidents of %d alerts", len(list), n)
		}
		whole += time.Since(began)
	}
	b.ReportMetric(float64(whole)/float64(walk), "walks/op")
}
