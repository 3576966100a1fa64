package alert_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// watched is what a naive model knows of one condition at one severity: since
// when it holds, if it does, and the alert, if there is one.
type watched struct {
	since       time.Time
	raised      bool
	held, began time.Time
}

// holdModel is what the stage should say of conditions with a duration and a
// clear threshold, worked out one value at a time.
type holdModel struct {
	w     *world
	state map[resource.AlertKey]*watched
}

func (m *holdModel) each(f func(id resource.ID, c *resource.Condition, sev resource.Severity, st *watched)) {
	for id, r := range m.w.all {
		for i := range r.Class.Conditions {
			c := &r.Class.Conditions[i]
			for _, sev := range resource.Severities {
				if !c.Watches(sev) {
					continue
				}
				k := resource.AlertKey{Resource: id, Condition: c.Name(), Attribute: c.Attribute, Severity: sev}
				if m.state[k] == nil {
					m.state[k] = &watched{}
				}
				f(id, c, sev, m.state[k])
			}
		}
	}
}

// ripen raises what has held for long enough.
func (m *holdModel) ripen(now time.Time) {
	m.each(func(_ resource.ID, c *resource.Condition, _ resource.Severity, st *watched) {
		if due := st.since.Add(c.For); !st.raised && !st.since.IsZero() && !due.After(now) {
			st.raised, st.held, st.began = true, st.since, due
		}
	})
}

// judge applies a value of an attribute or statistic.
func (m *holdModel) judge(id resource.ID, name string, v resource.Value, now time.Time) {
	m.each(func(of resource.ID, c *resource.Condition, sev resource.Severity, st *watched) {
		if of != id || c.Attribute != name {
			return
		}
		n, number := v.Number()
		back, hysteresis := c.Clear[sev]
		switch {
		case c.Holds(sev, v):
			if st.since.IsZero() {
				st.since = now
			}
			return
		case st.raised && hysteresis && number && (c.Kind == resource.UpperBound && n > back || c.Kind == resource.LowerBound && n < back):
			return
		}
		*st = watched{}
	})
}

// TestHoldAndClearAgreeWithANaiveModel makes random changes of what conditions
// watch, restarts and advances of the clock.
func TestHoldAndClearAgreeWithANaiveModel(t *testing.T) {
	// A class as it is, and as a newer version of its plugin declares it.
	sensor := acme["Sensor"]
	newer := *sensor
	newer.Conditions = slices.Clone(sensor.Conditions)
	newer.Conditions[0].For = 10 * time.Second
	newer.Conditions[1].For = 0
	newer.Conditions[2].For = 5 * time.Second
	newer.Index()
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, memory.New())
			w.clock = true
			w.up()
			m := &holdModel{w: w, state: map[resource.AlertKey]*watched{}}
			for range rapid.IntRange(1, 30).Draw(rt, "acts") {
				m.act(rt, sensor, &newer)
				synctest.Wait()
				m.compare(rt)
			}
		})
	})
}

// inBubble runs f in a synctest bubble. A panic, by which rapid ends a try,
// comes out of it.
func inBubble(t *testing.T, f func(*testing.T)) {
	var panicked any
	synctest.Test(t, func(t *testing.T) {
		defer func() { panicked = recover() }()
		f(t)
	})
	switch fmt.Sprintf("%T", panicked) { // rapid tells panics apart by their lines
	case "<nil>":
	case "rapid.invalidData":
		panic(panicked)
	default:
		panic(panicked)
	}
}

func (m *holdModel) act(rt *rapid.T, sensor, newer *resource.Class) {
	w := m.w
	switch rapid.IntRange(0, 11).Draw(rt, "act") {
	case 0:
		w.stop()
		time.Sleep(time.Duration(rapid.IntRange(0, 40).Draw(rt, "down")) * time.Second)
		// What changes meanwhile counts from the start. Samples are lost.
		for _, id := range slices.Sorted(maps.Keys(w.all)) {
			if rapid.Bool().Draw(rt, "changes") {
				w.set(id, "degrees", rapid.SampledFrom(degrees).Draw(rt, "degrees"))
			}
		}
		w.publish()
		w.up()
		for id, r := range w.all {
			for i := range r.Class.Attributes {
				m.judge(id, r.Class.Attributes[i].Name, r.Values[i], time.Now())
			}
		}
		m.ripen(time.Now())
	case 1, 2, 3, 4:
		time.Sleep(time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second)
		m.ripen(time.Now())
	case 5:
		w.create(sensor, fmt.Sprint("s", w.next), nil)
		w.tell()
	case 6:
		from, to := sensor, newer
		if rapid.Bool().Draw(rt, "back") {
			from, to = newer, sensor
		}
		w.redeclare(from, to)
		w.tell()
		m.ripen(time.Now())
	default:
		ids := slices.Sorted(maps.Keys(w.all))
		if len(ids) == 0 {
			return
		}
		id := rapid.SampledFrom(ids).Draw(rt, "id")
		switch rapid.IntRange(0, 6).Draw(rt, "what") {
		case 0:
			w.remove(id)
			maps.DeleteFunc(m.state, func(k resource.AlertKey, _ *watched) bool { return k.Resource == id })
		case 1:
			w.alias(id, "renamed")
		case 2:
			v := rapid.SampledFrom([]float64{70, 80, 85, 90, 91}).Draw(rt, "load")
			w.sample(id, "load", v)
			m.judge(id, "load", resource.FloatValue(v), time.Now())
		case 3:
			v := rapid.SampledFrom([]resource.Value{str("OK"), str("BAD"), str("WORSE")}).Draw(rt, "state")
			w.set(id, "state", v)
			m.judge(id, "state", v, time.Now())
		case 4:
			v := rapid.SampledFrom([]resource.Value{float(2.9), float(3), float(3.2), float(3.3), resource.Null}).Draw(rt, "volts")
			w.set(id, "volts", v)
			m.judge(id, "volts", v, time.Now())
		default:
			v := rapid.SampledFrom(degrees).Draw(rt, "degrees")
			w.set(id, "degrees", v)
			m.judge(id, "degrees", v, time.Now())
		}
		m.ripen(time.Now()) // where the class of now has no duration
		w.tell()
	}
}

var degrees = []resource.Value{resource.Null, integer(30), integer(35), integer(36), integer(40), integer(41), integer(60), integer(61)}

func (m *holdModel) compare(rt *rapid.T) {
	waiting := map[resource.AlertKey]time.Time{}
	if _, _, err := m.w.store.LoadAlerts(context.Background(), func(*resource.Alert) error { return nil },
		func(p *resource.PendingAlert) error { waiting[p.AlertKey] = p.Since; return nil }); err != nil {
		rt.Fatal(err)
	}
	want := 0
	m.each(func(id resource.ID, c *resource.Condition, sev resource.Severity, st *watched) {
		k := resource.AlertKey{Resource: id, Condition: c.Name(), Attribute: c.Attribute, Severity: sev}
		var alert *resource.Alert
		for _, a := range m.w.stage.Own(id) {
			if a.Key() == k {
				alert = a
			}
		}
		if (alert != nil) != st.raised {
			rt.Fatalf("%v: alert %v, want one: %v", k, alert, st.raised)
		}
		if alert != nil && (!alert.Since.Equal(st.held) || !alert.Began.Equal(st.began)) {
			rt.Fatalf("%v: held since %v, began %v; want %v, %v", k, alert.Since, alert.Began, st.held, st.began)
		}
		if since := waiting[k]; !st.raised && !since.Equal(st.since) {
			rt.Fatalf("%v: pending since %v, want %v", k, since, st.since)
		}
		if !st.raised && !st.since.IsZero() {
			want++
		}
	})
	if len(waiting) != want {
		rt.Fatalf("%d are pending, want %d", len(waiting), want)
	}
}
