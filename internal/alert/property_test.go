package alert_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

// model is what the stage should say, computed from nothing but the present
// state and the last samples, without any cleverness.
type model struct {
	w *world
	// last has the last sample of each statistic that the stage has seen.
	last map[resource.ID]map[string]float64
}

// holds returns the alerts that should be active on a resource.
func (m *model) holds(r *resource.Resource) []string {
	var out []string
	for i := range r.Class.Conditions {
		c := &r.Class.Conditions[i]
		v := resource.Null
		if at := r.Class.Attr(c.Attribute); at >= 0 {
			v = r.Values[at]
		} else if f, ok := m.last[r.ID][c.Attribute]; ok {
			v = resource.FloatValue(f)
		}
		for _, sev := range resource.Severities {
			if c.Holds(sev, v) {
				out = append(out, fmt.Sprint(c.Name(), "/", c.Attribute, "/", sev))
			}
		}
	}
	if r.Root != nil && r.Root.Offline {
		out = append(out, "offline//warning")
	}
	slices.Sort(out)
	return out
}

func (m *model) own(id resource.ID) (worst resource.Severity) {
	for _, a := range m.w.stage.Own(id) {
		worst = max(worst, a.Severity)
	}
	return worst
}

// health goes up every path.
func (m *model) health(id resource.ID) resource.Severity {
	worst := m.own(id)
	for _, p := range m.w.all[id].Parents {
		worst = max(worst, m.health(p))
	}
	return worst
}

// TestTheStageAgreesWithANaiveModel makes random changes, restarts included,
// and compares everything after each.
func TestTheStageAgreesWithANaiveModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, nil)
		w.up()
		defer func() {
			if w.stop != nil {
				w.stop()
			}
		}()
		m := &model{w: w, last: map[resource.ID]map[string]float64{}}
		seen := uint64(0) // of the feed
		told := map[resource.AlertID]*resource.Alert{}
		for range rapid.IntRange(1, 25).Draw(rt, "changes") {
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				w.stop()
				w.up()
			case 1: // changes while the stage is down
				w.stop()
				for range rapid.IntRange(1, 3).Draw(rt, "missed") {
					m.change(rt)
					w.publish()
				}
				w.up()
			default:
				for range rapid.IntRange(1, 6).Draw(rt, "together") {
					m.change(rt)
				}
				w.tell()
			}
			m.compare(rt)
			m.compareIncidents(rt)
			seen = m.follow(rt, seen, told)
		}
	})
}

func (m *model) change(rt *rapid.T) {
	w := m.w
	ids := slices.Sorted(maps.Keys(w.all))
	kind := rapid.IntRange(0, 9).Draw(rt, "change")
	if kind <= 2 || len(ids) == 0 {
		var parents []resource.ID
		if len(ids) > 0 {
			parents = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, min(2, len(ids)), rapid.ID).Draw(rt, "parents")
		}
		class := acme[rapid.SampledFrom([]string{"Array", "Fan", "Drive", "Pool", "Scratch"}).Draw(rt, "class")]
		w.create(class, fmt.Sprint("r", w.next), nil, parents...)
		return
	}
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	r := w.all[id]
	switch {
	case kind == 3:
		w.remove(id)
		delete(m.last, id)
	case kind == 4: // a new edge leads from the older to the newer, so that there is no cycle
		other := rapid.SampledFrom(ids).Draw(rt, "other")
		if other != id {
			w.link(min(id, other), max(id, other))
		}
	case kind == 5 && len(r.Parents) > 0:
		w.unlink(rapid.SampledFrom(r.Parents).Draw(rt, "parent"), id)
	case r.Class == acme["Drive"] && kind >= 8:
		stat := rapid.SampledFrom([]string{"temperature", "io_errors"}).Draw(rt, "stat")
		v := rapid.SampledFrom([]float64{0, 1, 70, 71, 85, 86}).Draw(rt, "sample")
		w.sample(id, stat, v)
		if m.last[id] == nil {
			m.last[id] = map[string]float64{}
		}
		m.last[id][stat] = v
	case r.Class == acme["Drive"]:
		w.set(id, "status", rapid.SampledFrom([]resource.Value{resource.Null, str("OK"), str("NEAR"), str("FAILED"), integer(3)}).Draw(rt, "status"))
	case r.Class == acme["Fan"]:
		w.set(id, "speed", rapid.SampledFrom([]resource.Value{resource.Null, integer(5000), integer(1000), integer(999), integer(99), str("5")}).Draw(rt, "speed"))
	case r.Class == acme["Array"]:
		w.state(id, resource.RootState{Offline: rapid.Bool().Draw(rt, "offline")})
	default:
		w.alias(id, "renamed")
	}
}

func (m *model) compare(rt *rapid.T) {
	s := m.w.stage
	active := 0
	for id, r := range m.w.all {
		var got []string
		for _, a := range s.Own(id) {
			got = append(got, fmt.Sprint(a.Condition, "/", a.Attribute, "/", a.Severity))
		}
		active += len(got)
		slices.Sort(got)
		if want := m.holds(r); !slices.Equal(got, want) {
			rt.Fatalf("%s %d: alerts %q, want %q", r.Class.Name, id, got, want)
		}
		if got, want := s.Health(id), m.health(id); got != want {
			rt.Fatalf("%s %d: health %v, want %v", r.Class.Name, id, got, want)
		}
		var inherited resource.Severity
		for _, a := range s.Inherited(id) {
			if a.Resource == id {
				rt.Fatalf("%d inherits its own alert", id)
			}
			inherited = max(inherited, a.Severity)
		}
		if max(inherited, m.own(id)) != m.health(id) {
			rt.Fatalf("%d: inherited %v, own %v, health %v", id, inherited, m.own(id), m.health(id))
		}
	}
	for _, c := range acme {
		var want [4]int
		for id, r := range m.w.all {
			if r.Class == c {
				want[m.health(id)]++
			}
		}
		if got := s.HealthCounts(c); got != want {
			rt.Fatalf("%s: health counts %v, want %v", c.Name, got, want)
		}
	}
	total := 0
	for _, n := range s.ActiveCounts() {
		total += n
	}
	stored := 0
	if _, _, err := m.w.store.LoadAlerts(context.Background(), func(a *resource.Alert) error {
		stored++
		if *s.Get(a.ID) != *a {
			rt.Fatalf("alert %d: the store has %+v, the stage %+v", a.ID, a, s.Get(a.ID))
		}
		return nil
	}, func(*resource.PendingAlert) error { return nil }); err != nil {
		rt.Fatal(err)
	}
	if total != active || stored != active {
		rt.Fatalf("%d alerts on resources, %d counted, %d stored", active, total, stored)
	}
}

// follow reads the feed, as far as it reaches back, into told, and checks that
// it leads to what is active. A new stage starts a new feed.
func (m *model) follow(rt *rapid.T, seen uint64, told map[resource.AlertID]*resource.Alert) uint64 {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for seen < m.w.stage.Seq() {
		for list, err := range m.w.stage.Since(ctx, seen) {
			if err != nil {
				rt.Fatal(err)
			}
			for _, a := range list {
				if a.Seq != seen+1 {
					rt.Fatalf("seq %d follows %d", a.Seq, seen)
				}
				seen = a.Seq
				if a.Active() == (told[a.ID] != nil) {
					rt.Fatalf("alert %d began or ended twice", a.ID)
				}
				if a.Active() {
					told[a.ID] = a
				} else {
					delete(told, a.ID)
				}
			}
			break
		}
	}
	n := 0
	for _, c := range m.w.stage.ActiveCounts() {
		n += c
	}
	if n != len(told) {
		rt.Fatalf("subscribers know %d alerts, %d are active", len(told), n)
	}
	return seen
}
