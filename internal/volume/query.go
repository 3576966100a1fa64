package volume

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// List answers a query. Its errors are Faults that name the field. Paging is by
// key: a page goes on after the last item of the page before, also when volumes
// came or went in between.
func (s *Stage) List(q resource.VolumeQuery) (page resource.VolumePage, err error) {
	o, err := newOrder(&q)
	if err != nil {
		return page, err
	}
	if q.Category != "" && !slices.Contains(resource.VolumeCategories, q.Category) {
		return page, resource.FieldErrorf("category", "%q is no category of volumes; there are %s", q.Category, and(resource.VolumeCategories))
	}
	var users map[resource.ID]bool
	if q.FileSystem != 0 {
		users = s.targetsOf(q.FileSystem)
	}
	text := strings.ToLower(q.Text)
	s.mu.RLock()
	hosts := s.shown.calls
	list := make([]*resource.Volume, 0, len(s.volumes))
	for _, v := range s.volumes {
		list = append(list, v)
	}
	s.mu.RUnlock()
	wanted := func(v *resource.Volume) bool {
		switch {
		case q.Category == "unused" && (v.Used() || v.Detached), q.Category == "usable" && !v.Usable():
			return false
		case q.Host != "" && !slices.ContainsFunc(v.Nodes, func(n resource.VolumeNode) bool { return isHost(hosts, q.Host, n.HostID, n.Host) }):
			return false
		case q.Primary != "":
			p := v.Node(resource.RolePrimary)
			if p == nil || !isHost(hosts, q.Primary, p.HostID, p.Host) {
				return false
			}
		}
		if users != nil && !slices.ContainsFunc(v.Users, func(u resource.ID) bool { return users[u] }) {
			return false
		}
		return text == "" || matches(v, text)
	}
	best := o.best(list, wanted)
	more := len(best) > o.limit
	best = best[:min(len(best), o.limit)]
	page.Items = make([]*resource.Volume, len(best))
	for i := range best {
		page.Items[i] = best[i].v
	}
	if more {
		page.Next = best[len(best)-1].at.String()
	}
	return page, nil
}

// Counted returns what counts where volumes are counted: all volumes, and one
// without nodes for each drive that no host reaches and on which nothing lies.
// They are in no order and must not be modified.
func (s *Stage) Counted() []*resource.Volume {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.AppendSeq(slices.Collect(maps.Values(s.volumes)), maps.Values(s.bare))
}

// placed is a volume with its place in an order.
type placed struct {
	at place
	v  *resource.Volume
}

// best returns the first volumes of the page, in order, and one more if there is
// one. What is behind the worst of them is not sorted: a page is short, and
// there may be many volumes.
func (o *order) best(list []*resource.Volume, wanted func(*resource.Volume) bool) (out []placed) {
	most := o.limit + 1
	by := func(a, b placed) int { return o.places(a.at, b.at) }
	full := false // out[most-1] is the worst that counts
	for _, v := range list {
		if !wanted(v) {
			continue
		}
		p := placed{o.key(v), v}
		if o.at != nil && o.places(p.at, *o.at) <= 0 || full && by(p, out[most-1]) > 0 {
			continue
		}
		if out = append(out, p); len(out) == 2*most {
			slices.SortFunc(out, by)
			out, full = out[:most], true
		}
	}
	slices.SortFunc(out, by)
	return out[:min(len(out), most)]
}

// isHost reports whether a text, an ID or something that it is called, means a
// host.
func isHost(calls map[string][]string, text string, id int64, name string) bool {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n == id
	}
	return strings.EqualFold(text, name) || slices.Contains(calls[strings.ToLower(text)], name)
}

func matches(v *resource.Volume, text string) bool {
	for _, s := range []string{v.Name(), v.Label, v.Kind, v.Key, v.FilesystemType} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return slices.ContainsFunc(v.Nodes, func(n resource.VolumeNode) bool {
		return strings.Contains(strings.ToLower(n.Path), text) || strings.Contains(strings.ToLower(n.Host), text)
	})
}

// targetsOf returns the targets of a file system: it is a child of theirs.
func (s *Stage) targetsOf(fs resource.ID) map[resource.ID]bool {
	out := make(map[resource.ID]bool)
	r := s.opts.Get(fs)
	if r == nil || !r.Class.Is(resource.ClassFileSystem) {
		return out
	}
	for _, id := range r.Parents {
		out[id] = true
	}
	return out
}

// order is the order of a query, with its page. Volumes are equal in none.
type order struct {
	by    string
	desc  bool
	limit int
	at    *place
}

// place is where a page ends.
type place struct {
	Sort string      `json:"o"`
	Text string      `json:"t,omitempty"`
	Num  int64       `json:"n,omitempty"`
	ID   resource.ID `json:"i"`
}

func newOrder(q *resource.VolumeQuery) (*order, error) {
	o := &order{by: "name", limit: cmp.Or(q.Limit, resource.DefaultLimit)}
	if q.Sort != "" {
		o.by, o.desc = strings.CutPrefix(q.Sort, "-")
		if !slices.Contains(resource.VolumeSorts, o.by) {
			return nil, resource.FieldErrorf("sort", "volumes cannot be sorted by %q; use one of %s", o.by, strings.Join(resource.VolumeSorts, ", "))
		}
	}
	if o.limit < 1 || o.limit > resource.MaxLimit {
		return nil, resource.FieldErrorf("limit", "a limit must be between 1 and %d, not %d", resource.MaxLimit, q.Limit)
	}
	if q.Cursor == "" {
		return o, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(b, &o.at)
	}
	if err != nil || o.at == nil || o.at.ID < 1 {
		return nil, resource.FieldErrorf("cursor", "%q is not a cursor of this list; start again without one", q.Cursor)
	}
	if o.at.Sort != o.name() {
		return nil, resource.FieldErrorf("cursor", "the cursor is of another sort order; start again without one")
	}
	return o, nil
}

func (o *order) name() string {
	if o.desc {
		return "-" + o.by
	}
	return o.by
}

func (o *order) key(v *resource.Volume) place {
	p := place{Sort: o.name(), ID: v.ID}
	switch o.by {
	case "name":
		p.Text = cut(v.Name())
	case "kind":
		p.Text = cut(v.Kind)
	case "filesystem_type":
		p.Text = cut(v.FilesystemType)
	case "primary":
		p.Text = cut(v.Choice.Primary)
	case "size":
		p.Num = v.Size
	}
	return p
}

// cut bounds a text, for cursors must fit in an address.
func cut(s string) string {
	const most = 200
	if s = strings.ToLower(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func (o *order) places(a, b place) int {
	c := cmp.Or(cmp.Compare(a.Num, b.Num), resource.Natural(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
	if o.desc {
		return -c
	}
	return c
}

// String returns the place as a cursor, which clients pass back unread.
func (p place) String() string {
	b, err := json.Marshal(p)
	if err != nil { // its fields always marshal
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
