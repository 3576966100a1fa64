package plugintest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Conform checks what every plugin must do, against hardware that stays as it
// is meanwhile: an update of unchanged hardware changes nothing, a second
// session finds what the first one knows, parents and references form no cycle,
// no password of the root is in the log or in another attribute, and after
// teardown nothing is sent. It uses sessions of its own and leaves a fresh one
// open. `faultline plugin test` checks more, from outside.
func (h *Harness) Conform() {
	h.t.Helper()
	h.Reopen()
	h.InitialScan()
	h.UpdateScan() // what the first scan leaves to a later one is there now
	h.UpdateScan()
	known := h.state()
	before := h.Turn()
	h.UpdateScan()
	restless := h.restless(before)
	if len(restless) > 0 {
		h.t.Errorf("an update of unchanged hardware made %d changes:\n\t%s", len(restless), strings.Join(restless, "\n\t"))
	}
	h.Reopen()
	h.InitialScan()
	h.UpdateScan()
	if found := h.state(); len(restless) == 0 && !slices.Equal(known, found) {
		h.t.Errorf("a second session finds other resources:\n\t%s\nthan the first:\n\t%s",
			strings.Join(without(found, known), "\n\t"), strings.Join(without(known, found), "\n\t"))
	}
	h.secrets()
	h.Reopen()
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	out := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	if len(out) == 0 {
		return []string{"nothing else"}
	}
	return out
}

// restless lists what the last turn changed, unless it is the one before.
func (h *Harness) restless(before int64) (list []string) {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	m := h.conn.model
	if m.Turn == before {
		return nil
	}
	for _, c := range m.Changes {
		switch c.Name {
		case "":
			list = append(list, fmt.Sprintf("%s of %s", c.Op, m.Identity(c.Handle)))
		default:
			list = append(list, fmt.Sprintf("%s of %s from %s to %s", c.Name, m.Identity(c.Handle), c.Was, c.Is))
		}
	}
	return list
}

// state lists everything that is reported, by identity.
func (h *Harness) state() []string {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	m := h.conn.model
	var list []string
	for _, r := range m.Sorted() {
		parts := []string{m.Identity(r.Handle)}
		for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
			value := string(r.Attributes[name])
			if target, ok := mirror.Reference(r.Attributes[name]); ok {
				value = m.Identity(target)
			}
			parts = append(parts, name+"="+value)
		}
		var parents []string
		for _, p := range r.Parents {
			parents = append(parents, m.Identity(p))
		}
		slices.Sort(parents)
		list = append(list, strings.Join(append(append(parts, "parents:"), parents...), " "))
	}
	slices.Sort(list)
	return list
}

// secrets looks for the root's passwords where they must not be.
func (h *Harness) secrets() {
	h.t.Helper()
	manifest, _ := h.program.Manifest() // Start has looked at the problems
	for _, c := range manifest.Classes {
		for _, a := range c.Attributes {
			value := strings.Trim(string(h.attrs[a.Name]), `"`)
			if c.Name != h.class || a.Kind != wire.KindPassword || len(value) < 4 { // a shorter one stands in any text
				continue
			}
			for _, r := range h.Logs() {
				if strings.Contains(r.Message, value) || strings.Contains(fmt.Sprint(r.Fields), value) {
					h.t.Errorf("the log has the value of %s.%s, in a record of level %s", c.Name, a.Name, r.Level)
					break
				}
			}
			for _, line := range h.state() {
				if strings.Contains(line, value) {
					h.t.Errorf("what is reported has the value of %s.%s", c.Name, a.Name)
				}
			}
		}
	}
}
