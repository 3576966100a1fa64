package inventory

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/faultline-storage/faultline/internal/resource"
)

// texts has what people read of the resources, lowered, page by page of the
// table: to look for a text in all of a million resources is to look through some
// 100 MB. It is brought up to date when somebody searches, and by KeepLists.
type texts struct {
	mu    sync.Mutex // held by who brings it up to date
	pages []*pageText
}

// pageText has the texts of the resources of a page, one after the other. It is
// immutable.
type pageText struct {
	version uint64 // of the page of the table
	all     []byte
	ends    [pageSize]uint32 // where the text of each ends
}

// textEnd stands between two texts. No text that is searched for has it.
const textEnd = 0

// fresh returns the texts of all resources as they are now.
func (inv *Inventory) freshTexts() []*pageText {
	t := &inv.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	type stale struct {
		at      int
		version uint64
		nodes   [pageSize]*node
	}
	var again []*stale
	inv.mu.RLock()
	pages := slices.Grow(slices.Clone(t.pages[:min(len(t.pages), len(inv.nodes.pages))]), len(inv.nodes.pages))[:len(inv.nodes.pages)]
	for i, p := range inv.nodes.pages {
		switch {
		case p == nil:
			pages[i] = nil
		case pages[i] == nil || pages[i].version != p.version:
			again = append(again, &stale{i, p.version, p.nodes})
		}
	}
	inv.mu.RUnlock()
	var mu sync.Mutex
	next := 0
	each(len(again), func() {
		var buf []byte
		for {
			mu.Lock()
			k := next
			next++
			mu.Unlock()
			if k >= len(again) {
				return
			}
			pages[again[k].at], buf = newPageText(again[k].version, &again[k].nodes, buf)
		}
	})
	t.pages = pages
	return pages
}

func newPageText(version uint64, nodes *[pageSize]*node, buf []byte) (*pageText, []byte) {
	p := &pageText{version: version}
	buf = buf[:0]
	for k, n := range nodes {
		if n != nil {
			buf = appendText(buf, &n.Resource)
		}
		p.ends[k] = uint32(len(buf)) //nolint:gosec // 256 resources do not have 4 GiB of text
	}
	p.all = slices.Clone(buf)
	return p, buf
}

// appendText appends what can be found of a resource: its names and its attributes,
// but for passwords and for references, whose targets have their own text.
func appendText(b []byte, r *resource.Resource) []byte {
	add := func(s string) {
		b = appendLower(b, s)
		b = append(b, textEnd)
	}
	add(r.Name())
	if r.Alias != "" {
		add(r.Label)
	}
	for i, v := range r.Values {
		if a := &r.Class.Attributes[i]; !v.IsNull() && a.Kind != resource.Password && a.Kind != resource.Reference {
			add(a.Format(v, nil))
		}
	}
	return b
}

// appendLower appends a text in lower case.
func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return append(b, strings.ToLower(s[i:])...)
		}
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// each runs a worker on as many goroutines as are of use for n things.
func each(n int, worker func()) {
	inChunks(min(n, 2)*chunk, func() func(int, int) { return func(int, int) { worker() } })
}

// withText returns the resources with a text in a name or in an attribute,
// ignoring case, ascending. A reference has the name of its target.
func (inv *Inventory) withText(text string) []resource.ID {
	words := needles(text)
	if len(words) == 0 {
		return nil
	}
	pages := inv.freshTexts()
	found := make([][]resource.ID, len(pages))
	var mu sync.Mutex
	next := 0
	const many = 16 // pages at a time
	each(len(pages), func() {
		for {
			mu.Lock()
			from := next
			next += many
			mu.Unlock()
			if from >= len(pages) {
				return
			}
			for i := from; i < min(len(pages), from+many); i++ {
				if pages[i] != nil {
					found[i] = pages[i].find(words, resource.ID(i*pageSize))
				}
			}
		}
	})
	ids := slices.Concat(found...)
	if named := inv.holdersNamed(ids, words); len(named) > 0 {
		ids = append(ids, named...)
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	return ids
}

// find returns the resources of a page with one of the words, ascending.
func (p *pageText) find(words [][]byte, first resource.ID) (ids []resource.ID) {
	for _, w := range words {
		for at := 0; ; {
			i := bytes.Index(p.all[at:], w)
			if i < 0 {
				break
			}
			at += i
			k := sort.Search(pageSize, func(k int) bool { return int(p.ends[k]) > at })
			ids = append(ids, first+resource.ID(k))
			at = int(p.ends[k])
		}
	}
	if len(words) > 1 {
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	return ids
}

// holdersNamed returns what refers to those of the resources that have one of the
// words in their name.
func (inv *Inventory) holdersNamed(ids []resource.ID, words [][]byte) (out []resource.ID) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	if len(inv.holders) == 0 {
		return nil
	}
	named := func(id resource.ID) bool {
		n := inv.nodes.get(id)
		return n != nil && slices.ContainsFunc(words, func(w []byte) bool {
			return bytes.Contains(appendLower(nil, n.Name()), w)
		})
	}
	add := func(id resource.ID) {
		for h := range inv.holders[id] {
			out = append(out, h)
		}
	}
	if len(ids) > len(inv.holders) {
		for id := range inv.holders {
			if named(id) {
				add(id)
			}
		}
		return out
	}
	for _, id := range ids {
		if len(inv.holders[id]) > 0 && named(id) {
			add(id)
		}
	}
	return out
}

// needles are the texts to look for, lowered. A world wide name is written with
// colons here and without them there, and with a prefix or without.
func needles(text string) [][]byte {
	low := strings.ToLower(text)
	if strings.IndexByte(low, textEnd) >= 0 {
		return nil
	}
	words := []string{low}
	bare := low
	for _, prefix := range []string{"0x", "naa.", "eui.", "wwn-0x"} {
		bare = strings.TrimPrefix(bare, prefix)
	}
	bare = strings.NewReplacer(":", "", "-", "").Replace(bare)
	if len(bare) >= 8 && len(bare)%2 == 0 && strings.Trim(bare, "0123456789abcdef") == "" {
		words = append(words, bare)
		var pairs []string
		for i := 0; i < len(bare); i += 2 {
			pairs = append(pairs, bare[i:i+2])
		}
		words = append(words, strings.Join(pairs, ":"))
	}
	slices.Sort(words)
	out := make([][]byte, 0, len(words))
	for _, w := range slices.Compact(words) {
		out = append(out, []byte(w))
	}
	return out
}

// rankedAtMost is how many resources of a class are ranked; of more than these, the first
// ones are as good as any.
const rankedAtMost = 2000

// match is a resource that a search found, and how well it fits: the less, the
// better.
type match struct {
	resource.MatchedResource
	rank int
}

// Search finds resources of any class by a text in a name or in an attribute, as
// Query.Text does, but for those of internal classes. It names at most so many of
// each class, those first that are called so, then those whose name or an attribute
// begins with it. The classes with the best matches come first.
func (inv *Inventory) Search(text string, limit int) []resource.Match {
	words := needles(text)
	ids := inv.withText(text)
	found := map[*resource.Class][]match{}
	counts := map[*resource.Class]int{}
	rows := make([]*resource.Resource, 0, chunk)
	for part := range slices.Chunk(ids, chunk) {
		rows = inv.appendResources(rows[:0], part)
		for _, r := range rows {
			if r.Class.Internal() {
				continue
			}
			if counts[r.Class]++; counts[r.Class] <= rankedAtMost {
				found[r.Class] = append(found[r.Class], inv.rank(r, words))
			}
		}
	}
	classes := slices.Collect(maps.Keys(found))
	for _, c := range classes {
		slices.SortFunc(found[c], func(a, b match) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), resource.Natural(a.Name(), b.Name()), cmp.Compare(a.ID, b.ID))
		})
	}
	slices.SortFunc(classes, func(a, b *resource.Class) int {
		return cmp.Or(cmp.Compare(found[a][0].rank, found[b][0].rank), cmp.Compare(counts[a], counts[b]), cmp.Compare(a.FullName(), b.FullName()))
	})
	out := make([]resource.Match, 0, len(classes))
	for _, c := range classes {
		m := resource.Match{Class: c, Count: counts[c]}
		for _, f := range found[c][:min(limit, len(found[c]))] {
			m.Best = append(m.Best, f.MatchedResource)
		}
		out = append(out, m)
	}
	return out
}

// rank tells how well a resource that was found fits.
func (inv *Inventory) rank(r *resource.Resource, words [][]byte) match {
	best := match{resource.MatchedResource{Resource: r, Attribute: -1}, 6}
	try := func(attribute, plus int, text string) {
		low := appendLower(nil, text)
		for _, w := range words {
			rank := 6
			switch i := bytes.Index(low, w); {
			case i == 0 && len(low) == len(w):
				rank = plus
			case i == 0:
				rank = 2 + plus
			case i > 0:
				rank = 4 + plus
			}
			if rank < best.rank {
				best.rank, best.Attribute = rank, attribute
			}
		}
	}
	try(-1, 0, r.Name())
	for i, v := range r.Values {
		if a := &r.Class.Attributes[i]; !v.IsNull() && a.Kind != resource.Password {
			try(i, 1, a.Format(v, inv.nameOf))
		}
	}
	return best
}
