// Package row is what the engines that keep rows have in common: how times and
// lists of IDs are written in a column, and what a query of alerts is in SQL.
package row

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Nanos is a time as a column has it: Unix nanoseconds, 0 for none.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// FromNanos is the inverse of Nanos, in UTC.
func FromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// IDWriter writes lists of IDs as JSON. It remembers the last one, because in
// bulk nearly all are the same. The zero value is ready for use, by one
// goroutine.
type IDWriter struct {
	ids []resource.ID
	s   string
}

// Text returns the list as a JSON array.
func (w *IDWriter) Text(ids []resource.ID) string {
	if w.s != "" && slices.Equal(ids, w.ids) {
		return w.s
	}
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(id), 10)
	}
	w.ids, w.s = append(w.ids[:0], ids...), string(append(b, ']'))
	return w.s
}

// IDReader parses JSON lists of IDs. Equal neighbours share one slice, which
// nobody may modify: a million rows have a few lists. The zero value is ready
// for use, by one goroutine.
type IDReader struct {
	text []byte
	ids  []resource.ID
}

// Parse returns the IDs of a JSON array. It does not keep text.
func (r *IDReader) Parse(text []byte) ([]resource.ID, error) {
	if r.text != nil && string(text) == string(r.text) {
		return r.ids, nil
	}
	var ids []resource.ID
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, fmt.Errorf("%.80q is not a list of numbers: %w", text, err)
	}
	r.text, r.ids = append([]byte(nil), text...), ids
	return ids, nil
}

// Checked is f for rows of which nobody has looked yet whether their attributes are
// JSON.
func Checked(f func(resource.StoredResource) error) func(resource.StoredResource) error {
	return func(r resource.StoredResource) error {
		if !json.Valid(r.Attributes) {
			return fmt.Errorf("resource %d: column attributes is not JSON: %.80q", r.ID, r.Attributes)
		}
		return f(r)
	}
}

// EndedFirst returns the alerts in an order in which they can be written one by
// one: the same condition may end and be raised again in one commit, and only
// one alert of it may be active at any moment. Of an alert that is there twice
// the newer state counts.
func EndedFirst(alerts []*resource.Alert) []*resource.Alert {
	newest := make(map[resource.AlertID]*resource.Alert, len(alerts))
	for _, a := range alerts {
		if b := newest[a.ID]; b == nil || b.Seq < a.Seq {
			newest[a.ID] = a
		}
	}
	ordered := make([]*resource.Alert, 0, len(newest))
	for _, active := range []bool{false, true} {
		for _, a := range alerts {
			if a.Active() == active && newest[a.ID] == a {
				ordered = append(ordered, a)
			}
		}
	}
	return ordered
}
