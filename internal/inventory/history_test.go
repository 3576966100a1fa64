package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// cutStore fails one commit, "before" or "after" it takes place.
type cutStore struct {
	*memory.Store
	cut  string
	kept bool // whether the commit that failed took place
}

// cutDone is what cut is after it took effect.
const cutDone = "done"

var errCut = errors.New("the disk failed")

func (s *cutStore) Commit(ctx context.Context, m *resource.Mutation) error {
	switch s.cut {
	case "before":
		s.cut, s.kept = cutDone, false
		return errCut
	case "after":
		err := s.Store.Commit(ctx, m)
		s.cut, s.kept = cutDone, err == nil
		return errors.Join(errCut, err)
	}
	return s.Store.Commit(ctx, m)
}

// history is what the change log must lead back to: pictures of the graph, and
// the changes that subscribers were told of.
type history struct {
	seqs     []uint64 // ascending
	pictures map[uint64]string
	told     map[uint64]string
	entries  int
}

func newHistory() history {
	return history{pictures: map[uint64]string{}, told: map[uint64]string{}}
}

// remember keeps a picture of the graph as it is.
func (h *history) remember(t rapid.TB, store *cutStore, seq uint64, got map[resource.ID]resource.Resource) {
	log, err := store.Log(context.Background(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) > h.entries+1 {
		t.Fatalf("one act made %d entries in the log", len(log)-h.entries)
	}
	var edges []resource.StoredEdge
	_, _, err = store.Load(context.Background(), func(resource.StoredResource) error { return nil },
		func(e resource.StoredEdge) error { edges = append(edges, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	now := picture(got, edges)
	if k := len(h.seqs); len(log) == h.entries && k > 0 && h.pictures[h.seqs[k-1]] != now {
		t.Fatalf("without an entry in the log,\n%s\nbecame\n%s", h.pictures[h.seqs[k-1]], now)
	}
	h.entries = len(log)
	if _, again := h.pictures[seq]; !again {
		h.seqs = append(h.seqs, seq)
	}
	h.pictures[seq] = now
}

// reportedEdges returns the reported edges of the model.
func (m *model) reportedEdges() (out []resource.StoredEdge) {
	for e, roots := range m.edges {
		out = append(out, resource.StoredEdge{Edge: e, Roots: sortedIDs(roots)})
	}
	return out
}

// picture shows resources, and the edges that somebody reported. Those by
// relations are among the parents.
func picture(all map[resource.ID]resource.Resource, edges []resource.StoredEdge) string {
	var lines []string
	for _, e := range edges {
		if len(e.Roots) > 0 {
			lines = append(lines, fmt.Sprintf("  %d → %d by %v", e.Parent, e.Child, e.Roots))
		}
	}
	slices.Sort(lines)
	return show(all) + strings.Join(lines, "\n")
}

// tell notes what subscribers are told, but for what is not durable. before has
// the resources as they were.
func (h *history) tell(ch *resource.Changes, before map[resource.ID]*resource.Resource) {
	if s := drawn(ch, before); s != "" {
		h.told[ch.Seq] = s
	}
}

func drawn(ch *resource.Changes, before map[resource.ID]*resource.Resource) string {
	var b strings.Builder
	for _, r := range ch.Created {
		fmt.Fprintf(&b, "created %s\n", text(r))
	}
	for _, u := range ch.Updated {
		if old := before[u.Resource.ID]; old == nil || text(old) != text(u.Resource) || old.Class != u.Resource.Class {
			fmt.Fprintf(&b, "updated %v edges=%t name=%t state=%t %s\n", u.Attributes, u.Edges, u.Name, u.State, text(u.Resource))
		}
	}
	for _, r := range ch.Deleted {
		fmt.Fprintf(&b, "deleted %s\n", text(r))
	}
	for _, s := range ch.Samples {
		fmt.Fprintf(&b, "sample %+v\n", s)
	}
	if b.Len() == 0 {
		return ""
	}
	root := ch.Root
	if len(ch.Created)+len(ch.Updated)+len(ch.Deleted) == 0 {
		root = 0 // the log does not keep whose samples they are
	}
	return fmt.Sprintf("%d at %d by %d\n%s", ch.Seq, ch.Time.UnixNano(), root, &b)
}

// check goes back to every picture, and has everything that was told rebuilt.
func (h *history) check(t rapid.TB, inv *inventory.Inventory, store *cutStore) {
	ctx := context.Background()
	for _, seq := range h.seqs {
		g, err := inv.At(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		all := map[resource.ID]resource.Resource{}
		for r := range g.All() {
			all[r.ID] = *r
			if g.Get(r.ID) != r {
				t.Fatalf("at %d, resource %d is two", seq, r.ID)
			}
		}
		if got := picture(all, slices.Collect(g.Edges())); got != h.pictures[seq] {
			t.Fatalf("back at %d the graph is\n%s\nand it was\n%s", seq, got, h.pictures[seq])
		}
	}
	entries, err := store.Log(ctx, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	mirror := map[resource.ID]*resource.Resource{}
	for ch, err := range inv.Missed(ctx, 0, inv.Seq()) {
		if err != nil {
			t.Fatal(err)
		}
		got := drawn(ch, mirror)
		if want, ok := h.told[ch.Seq]; ok && got != want {
			t.Fatalf("rebuilt as\n%s\nand it was told as\n%s", got, want)
		}
		seen[ch.Seq] = true
		checkChanges(t, store, ch, mirror)
		for _, r := range ch.Created {
			mirror[r.ID] = r
		}
		for _, u := range ch.Updated {
			mirror[u.Resource.ID] = u.Resource
		}
		for _, r := range ch.Deleted {
			delete(mirror, r.ID)
		}
	}
	if len(seen) != len(entries) {
		t.Fatalf("%d changes were rebuilt from %d entries", len(seen), len(entries))
	}
	for seq, told := range h.told {
		if !seen[seq] {
			t.Fatalf("this was told and is not in the log:\n%s", told)
		}
	}
	now := map[resource.ID]resource.Resource{}
	for id, r := range mirror {
		now[id] = *r
	}
	if got := dumpAll(t, inv); show(got) != show(now) {
		t.Fatalf("the changes of the log lead to\n%s\nand the graph is\n%s", show(now), show(got))
	}
	h.checkSamples(t, inv)
}

// checkChanges compares what is kept of how each resource changed with how they
// were before and are after a change.
func checkChanges(t rapid.TB, store *cutStore, ch *resource.Changes, before map[resource.ID]*resource.Resource) {
	want := map[resource.ID]string{}
	for _, u := range ch.Updated {
		want[u.Resource.ID] = changeText(before[u.Resource.ID], u.Resource)
	}
	for _, r := range ch.Deleted {
		want[r.ID] = fmt.Sprintf("deleted %s %s %d\n", r.Class.FullName(), r.Name(), r.FirstSeen.UnixNano())
	}
	for id, w := range want {
		rows, err := store.History(context.Background(), id, ch.Seq, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if len(rows) == 1 && rows[0].Seq == ch.Seq {
			c, err := rows[0].Change()
			if err != nil {
				t.Fatal(err)
			}
			if c.Root != ch.Root || !c.Time.Equal(ch.Time) {
				t.Fatalf("change %d at %v by %d is kept as %+v", ch.Seq, ch.Time, ch.Root, c)
			}
			got = keptText(c)
		}
		if got != w {
			t.Fatalf("of change %d of resource %d is kept\n%s\nand it was\n%s", ch.Seq, id, got, w)
		}
	}
}

// changeText tells how a resource changed, from how it was and is.
func changeText(old, now *resource.Resource) string {
	var b strings.Builder
	for i, a := range now.Class.Attributes {
		was := resource.Null
		if j := old.Class.Attr(a.Name); j >= 0 {
			was = old.Values[j]
		}
		if is := now.Values[i]; was != is {
			fmt.Fprintf(&b, "%s %s %s\n", a.Name, was.AppendJSON(nil), is.AppendJSON(nil))
		}
	}
	if old.Label != now.Label {
		fmt.Fprintf(&b, "label %s %s\n", old.Label, now.Label)
	}
	if old.Alias != now.Alias {
		fmt.Fprintf(&b, "alias %s %s\n", old.Alias, now.Alias)
	}
	only := func(list, not []resource.ID) (out []resource.ID) {
		return slices.DeleteFunc(slices.Clone(list), func(id resource.ID) bool { return slices.Contains(not, id) })
	}
	for _, l := range [][2][]resource.ID{{old.Parents, now.Parents}, {old.Children, now.Children}} {
		if came, gone := only(l[1], l[0]), only(l[0], l[1]); len(came)+len(gone) > 0 {
			fmt.Fprintf(&b, "+%v -%v\n", came, gone)
		} else {
			fmt.Fprintln(&b)
		}
	}
	if old.Root != nil && now.Root != nil && old.Root.Offline != now.Root.Offline {
		fmt.Fprintf(&b, "offline %t\n", now.Root.Offline)
	}
	if b.String() == "\n\n" {
		return ""
	}
	return b.String()
}

// keptText is changeText of what is kept.
func keptText(c *resource.Change) string {
	var b strings.Builder
	if d := c.Deleted; d != nil {
		return fmt.Sprintf("deleted %s %s %d\n", d.Class, d.Name, d.FirstSeen.UnixNano())
	}
	for _, a := range c.Attributes {
		fmt.Fprintf(&b, "%s %s %s\n", a.Name, a.From, a.To)
	}
	if c.Label != nil {
		fmt.Fprintf(&b, "label %s %s\n", c.Label.From, c.Label.To)
	}
	if c.Alias != nil {
		fmt.Fprintf(&b, "alias %s %s\n", c.Alias.From, c.Alias.To)
	}
	for _, l := range []*resource.ChangedLinks{c.Parents, c.Children} {
		if l == nil {
			fmt.Fprintln(&b)
			continue
		}
		fmt.Fprintf(&b, "+%v -%v\n", linkedIDs(l.Added), linkedIDs(l.Removed))
	}
	if c.Session != nil {
		fmt.Fprintf(&b, "offline %t\n", c.Session.Offline)
	}
	return b.String()
}

func linkedIDs(list []resource.Linked) (out []resource.ID) {
	for _, l := range list {
		out = append(out, l.ID)
	}
	return out
}

// checkSamples reads the stored samples at once and by the changes.
func (h *history) checkSamples(t rapid.TB, inv *inventory.Inventory) {
	var want, got []resource.Sample
	for ch, err := range inv.Missed(context.Background(), 0, inv.Seq()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ch.Samples {
			if inv.Get(s.Resource) != nil {
				want = append(want, s)
			}
		}
	}
	for samples, err := range inv.Samples(context.Background(), 0, inv.Seq()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, samples...)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("samples by the changes, and at once (-changes +at once):\n%s", d)
	}
}

// samples draws some of what the batch is about.
func (g *batchGen) samples() (out []resource.HandleSample) {
	for range rapid.IntRange(0, 2).Draw(g.t, "samples") {
		h := rapid.SampledFrom(g.subjects).Draw(g.t, "sampled")
		if c := g.class[h]; c != nil && len(c.Statistics) > 0 {
			out = append(out, resource.HandleSample{
				Handle: h, Name: c.Statistics[0].Name, Time: time.Unix(int64(len(out)), 0).UTC(), Value: rapid.SampledFrom([]float64{1, 0.5}).Draw(g.t, "value"),
			})
		}
	}
	return out
}
