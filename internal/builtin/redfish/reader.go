package redfish

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
)

// Bounds of one walk. A service that never ends is read up to them, and the
// rest is named as unread.
const (
	maxDocuments = 20_000
	maxPages     = 1_000
	// maxTimeouts is after how many requests without an answer in time the rest of
	// the same list is left alone.
	maxTimeouts = 3
)

// reader reads the documents of one walk, each once. It remembers which could
// not be read, and who linked to them: that decides what may be removed. It
// is safe for concurrent use.
type reader struct {
	fetch func(ctx context.Context, raw string, still func() error) (object, error)
	site  site
	stop  context.CancelCauseFunc // ends the walk when asking on is of no use
	// expand is set if the service can answer a collection with its members.
	expand bool

	mu   sync.Mutex
	docs map[string]*document
	slow map[string]int    // timeouts among what a document links to
	bad  map[string]string // links that are no address: text → why
}

func newReader(c *client, stop context.CancelCauseFunc) *reader {
	return &reader{fetch: c.get, site: c.site, stop: stop, docs: map[string]*document{}, slow: map[string]int{}, bad: map[string]string{}}
}

// document is one answer of the service, or the reason why there is none.
type document struct {
	path    string
	body    object
	err     error
	partial bool            // of a collection: some pages could not be read
	soft    bool            // read for a detail only: failing to is no gap
	from    map[string]bool // documents that link to it
	done    chan struct{}   // closed when the answer is there
}

// ok reports whether the document was read whole.
func (d *document) ok() bool { return d != nil && d.err == nil && !d.partial }

// resolve is site.resolve; a link that is no address is noted as unread.
func (r *reader) resolve(from, link string) (address, bool) {
	a, err := r.site.resolve(from, link)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bad[strings.ToValidUTF8(link, "\uFFFD")+" in "+from] = err.Error()
		return address{}, false
	}
	return a, true
}

// get returns the document that the link in document from leads to, or nil if
// the link is no address. It asks the service once for each document.
func (r *reader) get(ctx context.Context, from, link string) *document {
	return r.read(ctx, from, link, false)
}

// getSoft is get for a document that holds mere details.
func (r *reader) getSoft(ctx context.Context, from, link string) *document {
	return r.read(ctx, from, link, true)
}

func (r *reader) read(ctx context.Context, from, link string, soft bool) *document {
	a, ok := r.resolve(from, link)
	if !ok {
		return nil
	}
	r.mu.Lock()
	d, known := r.docs[a.doc]
	if !known {
		d = &document{path: a.doc, soft: soft, from: map[string]bool{}, done: make(chan struct{})}
		if len(r.docs) >= maxDocuments {
			d.err = fmt.Errorf("the service holds more than %d documents", maxDocuments)
			close(d.done)
			known = true
		}
		r.docs[a.doc] = d
	}
	d.from[from] = true
	d.soft = d.soft && soft
	r.mu.Unlock()
	if known {
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil
		}
		return d
	}
	body, err := r.fetch(ctx, a.raw, func() error { return r.tooSlow(from) })
	var denied *deniedError
	var gone *goneError
	if errors.As(err, &denied) || errors.As(err, &gone) {
		r.stop(err)
	}
	var timeout net.Error
	if err != nil && ctx.Err() == nil && errors.As(err, &timeout) && timeout.Timeout() {
		r.mu.Lock()
		r.slow[from]++
		r.mu.Unlock()
	}
	d.body, d.err = body, err
	close(d.done)
	return d
}

// tooSlow returns an error if enough of what a document links to did not answer in time.
func (r *reader) tooSlow(from string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slow[from] < maxTimeouts {
		return nil
	}
	return fmt.Errorf("not asked for: %d others of the same list gave no answer in time", maxTimeouts)
}

// put stores the body of a document that came along with another one.
func (r *reader) put(from string, a address, body object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, ok := r.docs[a.doc]; ok {
		d.from[from] = true
		return
	}
	if len(r.docs) >= maxDocuments {
		return // get will say so
	}
	d := &document{path: a.doc, body: body, from: map[string]bool{from: true}, done: make(chan struct{})}
	close(d.done)
	r.docs[a.doc] = d
}

// listing is what a collection says.
type listing struct {
	path     string // of the collection
	members  []address
	expanded bool // the members' bodies came with it
}

// list reads all pages of the collection that link leads to. Of a link to a
// single resource the listing is that resource. A failure is kept with the
// document.
func (r *reader) list(ctx context.Context, from, link string) (l listing, ok bool) {
	return r.listWith(ctx, from, link, r.get)
}

func (r *reader) listWith(ctx context.Context, from, link string, get func(context.Context, string, string) *document) (l listing, ok bool) {
	page := get(ctx, from, link)
	if page == nil || page.err != nil {
		return listing{}, false
	}
	first := page
	l.path = page.path
	if !isCollection(page.body) && page.body.text("Id") != "" {
		l.members = []address{{doc: page.path, raw: page.path}}
		return l, true
	}
	member, asked := map[string]bool{}, map[string]bool{page.path: true}
	for pages := 1; ; pages++ {
		fresh := 0
		for _, m := range page.body.list("Members") {
			ref, _ := m[linkKey].(string)
			a, ok := r.resolve(page.path, ref)
			if ref == "" || !ok || member[a.doc] {
				continue
			}
			fresh++
			member[a.doc] = true
			l.members = append(l.members, a)
			if _, full := m["Id"]; full && strings.Contains(first.path, "$expand=") {
				l.expanded = true
				r.put(first.path, a, m)
			}
		}
		next := nextLink(page.body)
		if next == "" {
			return l, true
		}
		a, ok := r.resolve(page.path, next)
		count := first.body.size("Members@odata.count")
		switch {
		case ok && fresh > 0 && !asked[a.doc] && pages < maxPages:
			asked[a.doc] = true
			page = get(ctx, first.path, next)
			if page == nil || page.err != nil {
				r.partial(first, nil) // the page itself is named as unread
				return l, true
			}
		case count != nil && int64(len(l.members)) >= *count:
			return l, true // the link is idle, but all members are here
		default:
			// The service ignores $skip and sends the same page for ever.
			total := "more"
			if count != nil {
				total = fmt.Sprint(*count)
			}
			r.partial(first, fmt.Errorf("its pages repeat after %d members, of %s", len(l.members), total))
			return l, true
		}
	}
}

// partial marks a collection of which not all is known.
func (r *reader) partial(d *document, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d.partial = true
	if why != nil {
		r.docs[d.path+" (rest)"] = &document{path: d.path, err: why, soft: d.soft}
	}
}

// alias makes the document at path, whose variant with a query was read, known
// under its own name.
func (r *reader) alias(from, path string, l *listing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, ok := r.docs[l.path]; ok {
		if _, known := r.docs[path]; !known {
			r.docs[path] = &document{path: path, body: d.body, partial: d.partial, from: map[string]bool{from: true}, done: d.done}
		}
		l.path = path
	}
}

// isCollection reports whether a document lists others.
func isCollection(o object) bool {
	_, list := o["Members"]
	return list || strings.Contains(o.text("@odata.type"), "Collection")
}

func nextLink(o object) string {
	for _, k := range []string{"Members@odata.nextLink", "@odata.nextLink"} {
		if s := o.text(k); s != "" {
			return s
		}
		if s := o.ref(k); s != "" {
			return s
		}
	}
	return ""
}

// members reads the collections that a property links to and all their members
// at once, and returns those that could be read, in order, each once.
func (r *reader) members(ctx context.Context, d *document, key string) (source []string, docs []*document) {
	for _, link := range d.body.refs(key) {
		l, ok := r.list(ctx, d.path, link)
		if !ok {
			continue
		}
		source = append(source, l.path)
		docs = append(docs, r.all(ctx, l.path, l.members)...)
	}
	return source, unique(docs)
}

// all reads the documents at the addresses at once and returns the readable ones in order.
func (r *reader) all(ctx context.Context, from string, links []address) []*document {
	docs := make([]*document, len(links))
	each(links, func(i int, a address) { docs[i] = r.get(ctx, from, a.raw) })
	return slices.DeleteFunc(docs, func(d *document) bool { return d == nil || d.err != nil })
}

func unique(docs []*document) []*document {
	seen := map[string]bool{}
	return slices.DeleteFunc(docs, func(d *document) bool {
		dup := seen[d.path]
		seen[d.path] = true
		return dup
	})
}

// each calls f for every item at the same time and waits for all. What it
// asks of the service queues up at the client.
func each[T any](items []T, f func(int, T)) {
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { f(i, item) })
	}
	wg.Wait()
}

// gap is one thing that could not be read.
type gap struct{ path, why, from string }

func (g gap) String() string {
	s := g.path + ": " + g.why
	if g.from != "" {
		s += " (linked from " + g.from + ")"
	}
	return s
}

// gaps lists what could not be read, by path. Call it when the walk is over.
func (r *reader) gaps() []gap {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []gap
	for _, d := range r.docs {
		if d.err == nil || d.soft {
			continue
		}
		g := gap{path: d.path, why: d.err.Error()}
		for from := range d.from {
			if g.from == "" || from < g.from {
				g.from = from
			}
		}
		out = append(out, g)
	}
	for link, why := range r.bad {
		out = append(out, gap{path: link, why: why})
	}
	slices.SortFunc(out, func(a, b gap) int {
		return strings.Compare(a.path+"\x00"+a.why, b.path+"\x00"+b.why)
	})
	return out
}
