package plugintest

import (
	"slices"
	"strings"
)

// Conform checks what every plugin must do, against hardware that stays as it
// is meanwhile: a second session finds the same resources as the first, an
// update of unchanged hardware changes nothing, parents form no cycle, and
// after teardown nothing is sent. It uses sessions of its own.
func (h *Harness) Conform() {
	h.t.Helper()
	h.Reopen()
	h.InitialScan()
	first := h.shape()
	h.UpdateScan()
	h.UpdateScan()
	before := h.Turn()
	h.UpdateScan()
	h.conn.mu.Lock()
	ops := len(h.conn.model.Changes)
	h.conn.mu.Unlock()
	if h.Turn() != before && ops > 0 {
		h.t.Errorf("an update of unchanged hardware made %d changes", ops)
	}
	h.Reopen()
	h.InitialScan()
	if second := h.shape(); !slices.Equal(first, second) {
		h.t.Errorf("a second session finds other resources:\n%s\nthan the first:\n%s", strings.Join(second, "\n"), strings.Join(first, "\n"))
	}
	h.Reopen()
}

// shape lists the identities of all resources.
func (h *Harness) shape() []string {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	var list []string
	for handle := range h.conn.model.Resources {
		list = append(list, h.conn.model.Identity(handle))
	}
	slices.Sort(list)
	return list
}
