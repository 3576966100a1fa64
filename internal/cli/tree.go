package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/list"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/app"
)

// crowd is how many healthy siblings of one class a tree names before it
// counts the others.
const crowd = 12

// printTree prints what a scan found: each resource once, below the one that
// it depends on. A resource that depends on several starts a tree of its own
// and says on what.
func printTree(c *console, found *app.Found) error {
	t := &foundTree{c: c, found: found, byID: map[int64]*gen.Resource{}, below: map[int64][]*gen.Resource{}, watched: map[int64]string{}}
	for _, a := range found.Alerts {
		t.watched[a.ID] = a.Attribute
	}
	var tops []*gen.Resource
	for i := range found.Resources {
		r := &found.Resources[i]
		t.byID[r.ID] = r
		if len(r.Parents) == 1 {
			t.below[r.Parents[0]] = append(t.below[r.Parents[0]], r)
		} else {
			tops = append(tops, r)
		}
	}
	w := list.NewWriter()
	w.SetOutputMirror(c.out)
	w.SetStyle(list.StyleConnectedRounded)
	t.print(w, tops)
	w.Render()
	_, err := fmt.Fprintln(c.out, summary(found))
	return err
}

// summary counts what was found.
func summary(found *app.Found) string {
	classes, severities := map[string]int{}, map[string]int{}
	for _, r := range found.Resources {
		classes[r.Class]++
	}
	for _, a := range found.Alerts {
		severities[string(a.Severity)]++
	}
	s := fmt.Sprintf("%s: %s; %s", counted(len(found.Resources), "resource"), counts(classes, slices.Sorted(maps.Keys(classes))), counted(len(found.Alerts), "alert"))
	if len(found.Alerts) > 0 {
		s += ": " + counts(severities, []string{"error", "warning", "info"})
	}
	return s
}

// counts lists how many there are of each, and leaves out what there is none of.
func counts(of map[string]int, order []string) string {
	var parts []string
	for _, name := range order {
		if n := of[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(parts, ", ")
}

type foundTree struct {
	c       *console
	found   *app.Found
	byID    map[int64]*gen.Resource
	below   map[int64][]*gen.Resource
	watched map[int64]string // what the alert is about, by its ID
}

func (t *foundTree) print(w list.Writer, siblings []*gen.Resource) {
	plain := map[string]int{} // healthy leaves, by class
	for _, r := range siblings {
		if t.plain(r) {
			if plain[r.Class]++; plain[r.Class] > crowd {
				continue
			}
		}
		w.AppendItem(t.line(r))
		w.Indent()
		if r.Deletable { // the root
			for _, e := range t.found.Errors {
				w.AppendItem(t.c.severity("warning") + ": " + clean(failure(e)))
			}
		}
		for _, a := range r.OwnAlerts {
			w.AppendItem(t.c.severity(string(a.Severity)) + ": " + clean(a.Message) + t.why(r, t.watched[a.ID]))
		}
		t.print(w, t.below[r.ID])
		w.UnIndent()
	}
	for _, class := range slices.Sorted(maps.Keys(plain)) {
		if n := plain[class] - crowd; n > 0 {
			w.AppendItem(fmt.Sprintf("and %d more %s, all fine", n, class))
		}
	}
}

// failure tells of a hook that failed, or of what a scan could not read.
func failure(e app.HookFailure) string {
	if e.Hook == "incomplete" {
		return "incomplete: " + e.Message
	}
	return strings.ReplaceAll(e.Hook, "_", " ") + " failed: " + e.Message
}

// why is the value that a condition watches.
func (t *foundTree) why(r *gen.Resource, attribute string) string {
	if a, ok := r.Attributes[attribute]; ok {
		return fmt.Sprintf(" (%s is %s)", a.Label, clean(a.Text))
	}
	return ""
}

func (t *foundTree) plain(r *gen.Resource) bool {
	return len(r.OwnAlerts) == 0 && len(t.below[r.ID]) == 0
}

// line is a resource: its class and name, its health unless it is fine, on what it
// depends and the newest sample of each statistic.
func (t *foundTree) line(r *gen.Resource) string {
	s := clean(r.Name)
	if !strings.HasPrefix(s, r.Class+" ") { // as many labels begin
		s = r.Class + " " + s
	}
	if len(r.Parents) > 1 {
		on := map[string]int{}
		for _, p := range r.Parents {
			if up := t.byID[p]; up != nil {
				on[up.Class]++
			}
		}
		s += " (depends on " + counts(on, slices.Sorted(maps.Keys(on))) + ")"
	}
	if r.Health != gen.SeverityOk {
		s += "  " + t.c.severity(string(r.Health))
	}
	if text := statistics(r); text != "" {
		s += "  [" + text + "]"
	}
	return s
}

// statistics lists the newest samples, by the names of the statistics.
func statistics(r *gen.Resource) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Statistics)) {
		switch s := r.Statistics[name]; {
		case s.Value != nil:
			parts = append(parts, clean(s.Label)+" "+app.Quantity(*s.Value, clean(s.Unit)))
		case s.Bins != nil:
			parts = append(parts, fmt.Sprintf("%s %d", clean(s.Label), s.Bins))
		}
	}
	return strings.Join(parts, ", ")
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
