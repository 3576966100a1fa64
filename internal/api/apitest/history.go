package apitest

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Tell sets how a resource changed, the newest first, in place of that it was
// first seen at Start; and since when all changes are kept.
func (w *World) Tell(id resource.ID, since time.Time, changes ...*resource.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[id], w.since = changes, since
}

// TellPast gives Drive2, whose failure began at Start, a past: as resource 99 it
// was deleted before. Changes are kept since 25 minutes before Start.
func (w *World) TellPast() {
	at := func(id resource.ID, seq uint64, minutes int, c resource.Change) *resource.Change {
		c.HistoryPosition = resource.HistoryPosition{Resource: id, Seq: seq}
		c.Time, c.Class = Start.Add(time.Duration(minutes)*time.Minute), "acme.HardDrive"
		return &c
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	w.Tell(Drive2, Start.Add(-25*time.Minute),
		at(Drive2, 9, 10, resource.Change{Alias: &resource.ChangedText{To: "left"}}),
		at(Drive2, 8, -5, resource.Change{
			Root: Couplet,
			Attributes: []resource.ChangedAttribute{
				{Name: "status", From: raw(`"OK"`), To: raw(`"FAILED"`)},
				{Name: "capacity", From: raw("null"), To: raw("4000787030016")},
				{Name: "enclosure", From: raw(`{"$ref":2}`), To: raw(`{"$ref":77}`)},
				{Name: "undeclared", From: raw("1.5"), To: raw("true")},
				{Name: "pin", Secret: true},
			},
			Parents: &resource.ChangedLinks{
				Added:      []resource.Linked{{ID: Enclosure, Class: "acme.Enclosure", Name: "Enclosure 1"}},
				Removed:    []resource.Linked{{ID: 77, Class: "acme.Enclosure", Name: "Enclosure 9"}},
				AddedCount: 1, RemovedCount: 1,
			},
		}),
		at(Drive2, 0, -10, resource.Change{Created: true}),
		at(99, 5, -20, resource.Change{Deleted: &resource.DeletedResource{Class: "acme.HardDrive", Name: "Drive 2", FirstSeen: Start}}),
		at(99, 0, -30, resource.Change{Created: true}),
	)
}

// History implements api.Inventory.
func (w *World) History(_ context.Context, from resource.HistoryPosition) iter.Seq2[*resource.Change, error] {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*resource.Change
	for _, told := range w.told {
		i := slices.IndexFunc(told, func(c *resource.Change) bool {
			return c.Resource == from.Resource && c.Seq <= from.Seq
		})
		if i >= 0 {
			list = told[i:]
		}
	}
	if r := w.byID[from.Resource]; r != nil && w.told[from.Resource] == nil {
		list = []*resource.Change{{HistoryPosition: resource.HistoryPosition{Resource: r.ID}, Time: r.FirstSeen, Class: r.Class.FullName(), Created: true}}
	}
	return func(yield func(*resource.Change, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// HistorySince implements api.Inventory.
func (w *World) HistorySince(context.Context) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, nil
}
