package api

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// csvPatience is how long a client may take to read a piece of a file.
const csvPatience = time.Minute

// csvFlush is how many rows are written before the file goes on its way.
const csvFlush = 1000

// csvColumn is one column of a file.
type csvColumn struct {
	heading string
	cell    func(*resource.Resource) string
}

// csvFile is the answer to a request for all selected resources of a class.
type csvFile struct {
	*Server
	class   *resource.Class
	columns []csvColumn
	ids     []resource.ID
	at      string
}

// newCSV finds what is to be in the file.
func (h *handlers) newCSV(q resource.Query, given []string) (*csvFile, error) {
	var class *resource.Class
	for _, c := range h.inventory.Classes() {
		if c.Plugin == q.Plugin && c.Name == q.Class {
			class = c
		}
	}
	if class == nil {
		return nil, resource.FieldErrorf("class", "a CSV file has the columns of one class; name a class that there is, as plugin.Class")
	}
	f := &csvFile{Server: h.Server, class: class, at: h.position().String()}
	if len(given) == 0 {
		given = []string{"name", "health"}
		for _, name := range columns(class) {
			given = append(given, resource.AttributePrefix+name)
		}
		for i := range class.Statistics {
			if class.Statistics[i].Kind != resource.Histogram {
				given = append(given, class.Statistics[i].Name)
			}
		}
	}
	for _, name := range given {
		c, ok := f.column(name)
		if !ok {
			return nil, resource.FieldErrorf("columns", "%q is no column of %s", name, class.FullName())
		}
		f.columns = append(f.columns, c)
	}
	var err error
	f.ids, err = h.inventory.Find(q)
	return f, err
}

func (f *csvFile) column(name string) (c csvColumn, ok bool) {
	switch name {
	case "id":
		return csvColumn{"ID", func(r *resource.Resource) string { return strconv.FormatInt(int64(r.ID), 10) }}, true
	case "name":
		return csvColumn{"Name", func(r *resource.Resource) string { return harmless(r.Name()) }}, true
	case "health":
		return csvColumn{"Health", func(r *resource.Resource) string { return f.alerts.Health(r.ID).String() }}, true
	}
	if i := f.class.Attr(resource.AttributeName(name)); i >= 0 && f.class.Attributes[i].Kind != resource.Password {
		a := &f.class.Attributes[i]
		return csvColumn{harmless(headingOf(a)), func(r *resource.Resource) string { return f.value(a, r.Values[i]) }}, true
	}
	i := f.class.Stat(name)
	if i < 0 || f.class.Statistics[i].Kind == resource.Histogram {
		return c, false
	}
	s := &f.class.Statistics[i]
	heading := s.Label()
	if s.Unit != "" {
		heading += " (" + s.Unit + ")"
	}
	return csvColumn{harmless(heading), func(r *resource.Resource) string {
		for _, p := range f.view.Stats.Latest(r.ID) {
			if p.Stat == i && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
				return strconv.FormatFloat(p.Value, 'g', -1, 64)
			}
		}
		return ""
	}}, true
}

func headingOf(a *resource.Attribute) string {
	if a.Kind == resource.Bytes {
		return a.Label() + " (bytes)"
	}
	return a.Label()
}

// value is a cell: numbers as they are, so that a spreadsheet can calculate with
// them, and all else as people read it.
func (f *csvFile) value(a *resource.Attribute, v resource.Value) string {
	if _, ok := v.Number(); ok && a.Kind != resource.Enum {
		return v.String()
	}
	return harmless(a.Format(v, f.view.name))
}

// harmless keeps a spreadsheet from taking a text for a formula, which could send
// the sheet elsewhere: devices can be made to report any text.
func harmless(text string) string {
	if strings.IndexAny(strings.TrimLeft(text, " "), "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

// VisitListResourcesResponse writes the file row by row.
func (f *csvFile) VisitListResourcesResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.csv"`, f.class.FullName()))
	h.Set("Faultline-Position", f.at)
	w.WriteHeader(http.StatusOK)
	if err := f.write(w, http.NewResponseController(w)); err != nil {
		f.log.Debug("a CSV file was not read to its end", "class", f.class.FullName(), "error", err)
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	}
	return nil
}

func (f *csvFile) write(w io.Writer, rc *http.ResponseController) error {
	out := csv.NewWriter(w)
	row := make([]string, len(f.columns))
	for i := range f.columns {
		row[i] = f.columns[i].heading
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for ids := range slices.Chunk(f.ids, csvFlush) {
		if f.stopping.Err() != nil {
			return f.stopping.Err()
		}
		_ = rc.SetWriteDeadline(time.Now().Add(csvPatience)) // where there is none to set, none has to be
		for _, id := range ids {
			r := f.inventory.Get(id)
			if r == nil || r.Class != f.class {
				continue // it is gone
			}
			for i := range f.columns {
				row[i] = f.columns[i].cell(r)
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		if out.Flush(); out.Error() != nil {
			return out.Error()
		}
	}
	out.Flush()
	return out.Error()
}
