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
	t := &foundTree{c: c, byID: map[int64]*gen.Resource{}, below: map[int64][]*gen.Resource{}}
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
	counts := map[string]int{}
	for _, r := range found.Resources {
		counts[r.Class]++
	}
	parts := make([]string, 0, len(counts))
	for _, class := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[class], class))
	}
	_, err := fmt.Fprintf(c.out, "%s: %s; %s\n", counted(len(found.Resources), "resource"), strings.Join(parts, ", "), counted(len(found.Alerts), "alert"))
	return err
}

type foundTree struct {
	c     *console
	byID  map[int64]*gen.Resource
	below map[int64][]*gen.Resource
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
		for _, a := range r.OwnAlerts {
			w.AppendItem(t.c.severity(string(a.Severity)) + ": " + clean(a.Message))
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

func (t *foundTree) plain(r *gen.Resource) bool {
	return len(r.OwnAlerts) == 0 && len(t.below[r.ID]) == 0
}

func (t *foundTree) line(r *gen.Resource) string {
	s := r.Class + " " + clean(r.Name)
	if len(r.Parents) > 1 {
		on := map[string]int{}
		for _, p := range r.Parents {
			if up := t.byID[p]; up != nil {
				on[up.Class]++
			}
		}
		parts := make([]string, 0, len(on))
		for _, class := range slices.Sorted(maps.Keys(on)) {
			parts = append(parts, fmt.Sprintf("%d %s", on[class], class))
		}
		s += " (depends on " + strings.Join(parts, ", ") + ")"
	}
	if r.Health != gen.SeverityOk {
		s += "  " + t.c.severity(string(r.Health))
	}
	return s
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
