package volume_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/resource"
)

// naive draws what counts as a volume from the whole graph, by the rules of the
// package and nothing else: "label: host:path weight, ... used".
func (w *world) naive() []string {
	is := func(r *resource.Resource, base string) bool { return r.Class.Is(base) }
	text := func(r *resource.Resource, attr string) string {
		s, _ := r.Values[r.Class.Attr(attr)].Text()
		return s
	}
	number := func(r *resource.Resource, attr string) int64 {
		n, _ := r.Values[r.Class.Attr(attr)].Int()
		return n
	}
	names := func(r *resource.Resource) *resource.Resource {
		if !is(r, "DeviceNode") {
			return nil
		}
		id, _ := r.Values[r.Class.Attr("logical_drive")].Ref()
		return w.byID[resource.ID(id)]
	}
	all := slices.SortedFunc(maps.Values(w.byID), func(a, b *resource.Resource) int { return int(a.ID - b.ID) })
	parents := func(r *resource.Resource) (out []*resource.Resource) {
		if d := names(r); d != nil {
			out = append(out, d)
		}
		for _, p := range r.Parents {
			if !is(w.byID[p], "PhysicalDisk") {
				out = append(out, w.byID[p])
			}
		}
		return out
	}
	nearest := func(n *resource.Resource) *resource.Resource {
		if d := names(n); d != nil {
			return d
		}
		level, seen := []*resource.Resource{n}, map[resource.ID]bool{}
		for len(level) > 0 {
			var next, found []*resource.Resource
			for _, r := range level {
				for _, p := range parents(r) {
					if is(p, "LogicalDrive") {
						found = append(found, p)
					} else if !seen[p.ID] {
						seen[p.ID] = true
						next = append(next, p)
					}
				}
			}
			if len(found) > 0 {
				return slices.MinFunc(found, func(a, b *resource.Resource) int { return int(a.ID - b.ID) })
			}
			level = next
		}
		return nil
	}
	weight := func(n *resource.Resource) (sum int64, count int) {
		seen := map[resource.ID]bool{}
		var up func(r *resource.Resource)
		up = func(r *resource.Resource) {
			for _, p := range parents(r) {
				if seen[p.ID] || is(p, "DeviceNode") && number(p, "host_id") != number(n, "host_id") {
					continue
				}
				seen[p.ID] = true
				if is(p, "PathWeight") {
					sum += number(p, "weight")
					count++
				}
				up(p)
			}
		}
		up(n)
		return sum, count
	}
	hostName := func(id int64) string {
		if h := w.byID[resource.ID(id)]; h != nil && is(h, "Host") {
			return text(h, "fqdn")
		}
		return fmt.Sprintf("host %d", id)
	}
	label := func(d *resource.Resource) string {
		if is(d, "LogicalDriveSlice") {
			return d.Label
		}
		lun := map[string]bool{}
		seen := map[resource.ID]bool{}
		var up func(r *resource.Resource)
		up = func(r *resource.Resource) {
			for _, p := range parents(r) {
				switch {
				case seen[p.ID]:
				case is(p, "LogicalDrive"):
					lun[p.Label] = true
				case p.Class.Name == "Crypt": // the one class here that may stand in between
					seen[p.ID] = true
					up(p)
				}
			}
		}
		up(d)
		if len(lun) == 1 {
			for name := range lun {
				return name
			}
		}
		return d.Label
	}
	var out []string
	for _, d := range all {
		if !is(d, "LogicalDrive") {
			continue
		}
		taken, bare, users := false, true, map[resource.ID]bool{}
		built, nodes, seen := map[resource.ID]bool{}, map[resource.ID]*resource.Resource{}, map[[2]resource.ID]bool{}
		var down func(r *resource.Resource, from resource.ID)
		down = func(r *resource.Resource, from resource.ID) {
			at := [2]resource.ID{r.ID, from}
			if seen[at] {
				return
			}
			seen[at] = true
			for _, c := range all {
				if !slices.Contains(c.Parents, r.ID) && (r != d || names(c) != d) {
					continue
				}
				switch {
				case is(c, "LogicalDriveSlice"), is(c, "StoragePool"):
					taken = true
				case is(c, "LogicalDrive"):
					taken, bare = taken || from != 0, false
				case is(c, "Target"):
					users[c.ID] = true
				case is(c, "DeviceNode"):
					if from != 0 {
						built[from] = true
					}
					nodes[c.ID], bare = c, false
					down(c, c.ID)
				case is(c, "PhysicalDisk"):
				default:
					taken = taken || is(c, "LogicalDriveOccupier")
					down(c, from)
				}
			}
		}
		down(d, 0)
		if taken && len(users) == 0 {
			continue
		}
		onMapper := map[int64]int{}
		for id, n := range nodes {
			if built[id] || nearest(n) != d {
				delete(nodes, id)
			} else if strings.HasPrefix(text(n, "path"), "/dev/mapper/") {
				onMapper[number(n, "host_id")]++
			}
		}
		var ways []string
		for _, n := range nodes {
			on := number(n, "host_id")
			if onMapper[on] != 1 || strings.HasPrefix(text(n, "path"), "/dev/mapper/") {
				sum, count := weight(n)
				ways = append(ways, fmt.Sprintf("%s:%s %d/%d", hostName(on), text(n, "path"), sum, count))
			}
		}
		if len(ways) == 0 && len(users) == 0 && !bare {
			continue
		}
		slices.Sort(ways)
		out = append(out, fmt.Sprintf("%d %s: %s, used by %d", d.ID, label(d), strings.Join(ways, ", "), len(users)))
	}
	return out
}

func (w *world) derived() []string {
	w.t.Helper()
	counted := w.stage.Counted()
	slices.SortFunc(counted, func(a, b *resource.Volume) int { return int(a.ID - b.ID) })
	var out []string
	for _, v := range counted {
		if v.Detached {
			continue
		}
		var ways []string
		for _, n := range v.Nodes {
			ways = append(ways, fmt.Sprintf("%s:%s %d/%d", n.Host, n.Path, n.Weight, n.Weights))
		}
		slices.Sort(ways)
		out = append(out, fmt.Sprintf("%d %s: %s, used by %d", v.ID, v.Label, strings.Join(ways, ", "), len(v.Users)))
	}
	return out
}

// TestAgainstTheWholeGraph makes random changes. After each, the volumes are those
// that follow from the whole graph, the homing obeys its rules, nothing has moved
// without a reason, and a server that starts now says the same.
func TestAgainstTheWholeGraph(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.clusters = []resource.Cluster{{Name: "ab", Hosts: []string{"a", "b"}}, {Name: "cd", Hosts: []string{"c", "d"}}}
		w.start()
		defer w.stop()
		w.change(func() { w.hosts("a", "b", "c", "d") })
		before := map[resource.ID]*resource.Volume{}
		for step := range rapid.IntRange(1, 15).Draw(rt, "steps") {
			var did []string
			w.change(func() {
				for range rapid.IntRange(1, 6).Draw(rt, "ops") {
					did = append(did, w.random(rt))
				}
			})
			if rapid.IntRange(0, 5).Draw(rt, "decide") == 0 {
				did = append(did, w.decideRandomly(rt))
			}
			if d := cmp.Diff(w.naive(), w.derived(), cmpopts.EquateEmpty()); d != "" {
				rt.Fatalf("step %d, after %s (-whole graph +stage):\n%s", step, strings.Join(did, "; "), d)
			}
			now := w.all()
			for id, v := range now {
				if text := broken(v, before[id]); text != "" {
					rt.Fatalf("step %d, after %s: volume %s: %s\nbefore %+v\nnow    %+v", step, strings.Join(did, "; "), v.Label, text, before[id], v)
				}
			}
			before = now
		}
		w.restart()
		if d := cmp.Diff(before, w.all(), cmpopts.IgnoreFields(resource.Volume{}, "Seq")); d != "" {
			rt.Fatalf("after a restart (-before +after):\n%s", d)
		}
	})
}

func (w *world) all() map[resource.ID]*resource.Volume {
	page, err := w.stage.List(resource.VolumeQuery{Limit: resource.MaxLimit})
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[resource.ID]*resource.Volume{}
	for _, v := range page.Items {
		out[v.ID] = v
	}
	return out
}

// broken says which rule the homing of a volume breaks.
func broken(v, before *resource.Volume) string {
	hosts := v.Hosts()
	c := &v.Choice
	cluster := map[string]string{"a": "ab", "b": "ab", "c": "cd", "d": "cd"}
	kept := before != nil && !v.Detached && v.Used() && before.Used() && before.Choice.Primary != ""
	if kept && (c.Primary != before.Choice.Primary || c.Secondary != before.Choice.Secondary && before.Choice.Secondary != "") {
		return "it is used, and has other hosts now"
	}
	if v.Used() || v.Detached {
		return ""
	}
	free := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return slices.Contains(v.Wish.Unused, h) })
	decided := v.Wish.Primary != "" || v.Wish.Secondary != ""
	switch {
	case c.Primary != "" && !slices.Contains(hosts, c.Primary):
		return "its primary does not reach it"
	case c.Primary == "" && v.Wish.Primary != resource.NoHost && len(free) > 0 && !(len(free) == 1 && free[0] == v.Wish.Secondary):
		return "it has no primary"
	case c.Secondary != "" && (!slices.Contains(hosts, c.Secondary) || c.Secondary == c.Primary):
		return "its secondary does not reach it, or is the primary"
	case c.Secondary != "" && (cluster[c.Primary] == "" || cluster[c.Primary] != cluster[c.Secondary]):
		return "its secondary is in another cluster"
	case c.WhyPrimary == "", c.WhySecondary == "":
		return "it has no reason"
	}
	if c.Secondary == "" && c.Primary != "" && v.Wish.Secondary != resource.NoHost && cluster[c.Primary] != "" &&
		slices.ContainsFunc(free, func(h string) bool { return h != c.Primary && cluster[h] == cluster[c.Primary] }) {
		return "it might have a secondary"
	}
	weighted := !slices.ContainsFunc(v.Nodes, func(n resource.VolumeNode) bool { return n.Weights == 0 })
	best := map[string]int64{}
	for _, n := range v.Nodes {
		if w, ok := best[n.Host]; !ok || n.Weight > w {
			best[n.Host] = n.Weight
		}
	}
	for _, h := range free {
		if weighted && !decided && best[h] > best[c.Primary] {
			return h + " has a heavier path than the primary"
		}
	}
	if before == nil || before.Used() || before.Detached {
		return ""
	}
	same := slices.Equal(hosts, before.Hosts()) && cmp.Equal(v.Wish, before.Wish) && !weighted &&
		!slices.ContainsFunc(before.Nodes, func(n resource.VolumeNode) bool { return n.Weights > 0 }) && before.Choice.Primary != ""
	if same && (c.Primary != before.Choice.Primary || c.Secondary != before.Choice.Secondary) {
		return "it moved without a reason"
	}
	return ""
}

// random makes a random change and says what it did.
func (w *world) random(rt *rapid.T) string {
	pick := func(what string, of func(*resource.Resource) bool) string {
		var names []string
		for name, id := range w.ids {
			if of(w.byID[id]) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if len(names) == 0 {
			return ""
		}
		return rapid.SampledFrom(names).Draw(rt, what)
	}
	is := func(classes ...string) func(*resource.Resource) bool {
		return func(r *resource.Resource) bool { return slices.Contains(classes, r.Class.Name) }
	}
	anyOf := func(r *resource.Resource) bool { return r.Class.Name != "Host" }
	parents := func(name string, classes ...string) string {
		older := func(r *resource.Resource) bool { return r.ID < w.ids[name] && is(classes...)(r) }
		if p := pick("parent", older); p != "" {
			w.link(p, name)
			return name + " below " + p
		}
		return name
	}
	name := fmt.Sprintf("r%d", w.next)
	switch rapid.IntRange(0, 11).Draw(rt, "op") {
	case 0, 1:
		class := rapid.SampledFrom([]string{"Lun", "Drive", "Part", "Pool", "Disk", "Group", "Mount", "Crypt", "Port", "OST"}).Draw(rt, "class")
		values := map[string]any{}
		if class == "Port" {
			values["weight"] = rapid.IntRange(-2, 5).Draw(rt, "weight")
		}
		w.add(class, name, values)
		return class + " " + parents(name, "Lun", "Drive", "Part", "Pool", "Disk", "Group", "Node", "Crypt", "Port", "Mount")
	case 2, 3, 4:
		h := pick("host", is("Host"))
		path := rapid.SampledFrom([]string{"/dev/sda", "/dev/sdb", "/dev/mapper/m", "/dev/mapper/n"}).Draw(rt, "path")
		if h == "" {
			return "nothing"
		}
		w.add("Node", name, map[string]any{"host_id": int(w.ids[h]), "path": path})
		return "node " + h + path + " " + parents(name, "Lun", "Drive", "Part", "Node", "Crypt", "Port")
	case 5, 6, 7: // the older one above, so that there is no cycle
		a, b := pick("a", anyOf), pick("b", anyOf)
		if a == "" || a == b {
			return "nothing"
		}
		if w.ids[a] > w.ids[b] {
			a, b = b, a
		}
		if slices.Contains(w.byID[w.ids[b]].Parents, w.ids[a]) {
			w.unlink(a, b)
			return "unlink " + a + " " + b
		}
		w.link(a, b)
		return "link " + a + " " + b
	case 8:
		if gone := pick("gone", func(*resource.Resource) bool { return true }); gone != "" {
			w.remove(gone)
			return "remove " + gone
		}
	case 9:
		if r := pick("renamed", anyOf); r != "" {
			w.edit(w.ids[r]).Label = rapid.SampledFrom([]string{"x", "y", "z"}).Draw(rt, "label")
			return "rename " + r
		}
	case 10:
		n, h := pick("node", is("Node")), pick("host", is("Host"))
		if n == "" || h == "" {
			return "nothing"
		}
		if rapid.Bool().Draw(rt, "path or drive") {
			w.set(n, "path", rapid.SampledFrom([]string{"/dev/sda", "/dev/mapper/m"}).Draw(rt, "path"))
			w.set(n, "host_id", int(w.ids[h]))
			return "move " + n + " to " + h
		}
		d := pick("named", is("Lun", "Drive", "Part"))
		if d == "" || w.ids[d] > w.ids[n] { // what a node names must not lie on it
			w.set(n, "logical_drive", nil)
			return n + " names none"
		}
		w.set(n, "logical_drive", w.ids[d])
		return n + " names " + d
	case 11:
		if p := pick("port", is("Port")); p != "" {
			w.set(p, "weight", rapid.IntRange(-2, 5).Draw(rt, "weight"))
			return "weight of " + p
		}
	}
	return "nothing"
}

// decideRandomly makes a user decide something, or try to.
func (w *world) decideRandomly(rt *rapid.T) string {
	vols := w.all()
	if len(vols) == 0 {
		return "nothing"
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(vols))).Draw(rt, "volume")
	host := rapid.SampledFrom([]string{"", "none", "a", "b", "c", "d"})
	e := resource.VolumeEdit{}
	switch rapid.IntRange(0, 3).Draw(rt, "what") {
	case 0:
		e.Primary = new(host.Draw(rt, "primary"))
	case 1:
		e.Primary, e.Secondary = new(host.Draw(rt, "primary")), new(host.Draw(rt, "secondary"))
	case 2:
		e.Unused = &[]string{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "unused")}
	case 3:
		e.Alias = new(rapid.SampledFrom([]string{"", "mine"}).Draw(rt, "alias"))
	}
	_, err := w.stage.Edit(rt.Context(), id, e)
	if err != nil && resource.KindOf(err) == resource.Internal {
		rt.Fatal(err)
	}
	return fmt.Sprintf("decide about %d", id)
}
