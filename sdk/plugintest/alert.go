package plugintest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Alert is an alert that a server would show for what the plugin reported, by the
// conditions that its classes declare (guide, "Alert Conditions").
type Alert struct {
	Resource  Resource // as it was when the alert was raised
	Condition string   // the author's id, or else the attribute
	Attribute string   // or statistic
	Severity  string   // "error", "warning" or "info"
	Message   string   // the author's; empty if the server writes its own
	Value     json.RawMessage
	Since     time.Time // when the condition began to hold
	Began     time.Time // when the alert was raised: later, if the condition must last
}

// Alerts returns the alerts that a server would show now by Clock, the worst
// first, else in the order in which they were raised.
func (h *Harness) Alerts() []Alert {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	return h.conn.watch.alerts()
}

// WantAlerts fails the test unless the alerts have exactly these messages, in any
// order.
func (h *Harness) WantAlerts(messages ...string) {
	h.t.Helper()
	var have []string
	var list strings.Builder
	for _, a := range h.Alerts() {
		have = append(have, a.Message)
		list.WriteString("\n\t" + a.Severity + " " + a.Message + ": " + a.Attribute + " of " + a.Resource.String())
	}
	slices.Sort(have)
	want := slices.Sorted(slices.Values(messages))
	if !slices.Equal(have, want) {
		h.t.Errorf("the alerts are%s\nwant the messages %q", cmp.Or(list.String(), " none"), want)
	}
}

// watched is one condition at one severity.
type watched struct {
	wire.Condition
	severity     string
	states       []json.RawMessage
	bound, clear *float64
}

// alertKey tells alerts of a session apart.
type alertKey struct {
	handle                         int64
	condition, attribute, severity string
}

// watcher works alerts out. The host's mutex guards it.
type watcher struct {
	now     func() time.Time
	root    map[string]json.RawMessage // what the session was opened with
	classes map[string][]watched
	stats   map[string]map[string]bool // class → its statistics
	active  map[alertKey]Alert
	pending map[alertKey]Alert // Began is when it is due
	sampled map[int64]map[string]json.RawMessage
	begun   bool
}

func newWatcher(root string, attributes map[string]json.RawMessage, classes []wire.Class, now func() time.Time) *watcher {
	w := &watcher{
		now: now, root: attributes, classes: map[string][]watched{}, stats: map[string]map[string]bool{}, active: map[alertKey]Alert{},
		pending: map[alertKey]Alert{}, sampled: map[int64]map[string]json.RawMessage{},
	}
	for _, c := range classes {
		for _, k := range c.Conditions {
			w.classes[c.Name] = append(w.classes[c.Name],
				watched{k, "error", k.ErrorStates, k.ErrorBound, k.ErrorClear},
				watched{k, "warning", k.WarnStates, k.WarnBound, k.WarnClear},
				watched{k, "info", k.InfoStates, k.InfoBound, k.InfoClear})
		}
		w.stats[c.Name] = map[string]bool{}
		for _, s := range c.Statistics {
			w.stats[c.Name][s.Name] = true
		}
	}
	w.classes[""] = w.classes[root] // the mirror's root names no class
	w.stats[""] = w.stats[root]
	return w
}

// take evaluates a batch that the model has taken in.
func (w *watcher) take(b wire.Batch, m *mirror.Session) {
	for _, s := range b.Samples {
		if w.sampled[s.Handle] == nil {
			w.sampled[s.Handle] = map[string]json.RawMessage{}
		}
		w.sampled[s.Handle][s.Name] = s.Value
	}
	if !b.Last {
		return
	}
	w.fire()
	changed := map[int64]bool{0: !w.begun}
	first := !w.begun
	w.begun = true
	for _, c := range m.Changes {
		changed[c.Handle] = true
	}
	for h := range w.sampled {
		if _, known := changed[h]; !known {
			changed[h] = false // only statistics did
		}
	}
	for h, attributes := range changed {
		r := m.Resources[h]
		if r == nil {
			w.forget(h)
			continue
		}
		for _, k := range w.classes[r.Class] {
			if v, ok := w.sampled[h][k.Attribute]; ok {
				w.judge(r, k, v)
			} else if attributes && !w.stats[r.Class][k.Attribute] {
				v := r.Attributes[k.Attribute]
				if h == 0 && first && v == nil {
					v = w.root[k.Attribute]
				}
				w.judge(r, k, v)
			}
		}
	}
	clear(w.sampled)
}

func (w *watcher) forget(handle int64) {
	for _, known := range []map[alertKey]Alert{w.active, w.pending} {
		for k := range known {
			if k.handle == handle {
				delete(known, k)
			}
		}
	}
}

// fire raises what has held for long enough.
func (w *watcher) fire() {
	for k, a := range w.pending {
		if !a.Began.After(w.now()) {
			delete(w.pending, k)
			w.active[k] = a
		}
	}
}

func (w *watcher) judge(r *mirror.Resource, k watched, v json.RawMessage) {
	name := cmp.Or(k.ID, k.Attribute)
	key := alertKey{r.Handle, name, k.Attribute, k.severity}
	_, active := w.active[key]
	holds := k.holds(v)
	switch {
	case active && !holds && k.ends(v):
		delete(w.active, key)
	case active:
	case !holds:
		delete(w.pending, key)
	default:
		now := w.now()
		a := Alert{Resource: r.Clone(), Condition: name, Attribute: k.Attribute, Severity: k.severity, Message: k.Message, Value: v, Since: now, Began: now}
		if k.ForSeconds == 0 {
			w.active[key] = a
			return
		}
		if before, ok := w.pending[key]; ok {
			a.Since = before.Since
		}
		a.Began = a.Since.Add(time.Duration(k.ForSeconds * float64(time.Second)))
		w.pending[key] = a
	}
}

// holds says whether a value trips the condition: bounds are strict, and null
// trips nothing.
func (k watched) holds(v json.RawMessage) bool {
	if v == nil || string(v) == "null" {
		return false
	}
	if k.Kind == wire.ConditionValue {
		return slices.ContainsFunc(k.states, func(s json.RawMessage) bool { return sameJSON(s, v) })
	}
	n, ok := number(v)
	switch {
	case !ok || k.bound == nil:
		return false
	case k.Kind == wire.ConditionUpper:
		return n > *k.bound
	default:
		return n < *k.bound
	}
}

// ends says whether a value that does not trip the condition ends its alert.
func (k watched) ends(v json.RawMessage) bool {
	n, ok := number(v)
	switch {
	case k.clear == nil || !ok:
		return true
	case k.Kind == wire.ConditionUpper:
		return n <= *k.clear
	default:
		return n >= *k.clear
	}
}

func number(v json.RawMessage) (n float64, ok bool) {
	return n, len(v) > 0 && json.Unmarshal(v, &n) == nil && string(v) != "null"
}

func (w *watcher) alerts() []Alert {
	w.fire()
	ranks := map[string]int{"error": 0, "warning": 1, "info": 2}
	var list []Alert
	for _, a := range w.active {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(ranks[a.Severity], ranks[b.Severity]), a.Began.Compare(b.Began),
			cmp.Compare(a.Resource.Handle, b.Resource.Handle), cmp.Compare(a.Condition, b.Condition))
	})
	return list
}
