package linux

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// drawHost makes up the facts of a host: LUNs by several paths, maps over them,
// partitions, and stacks on these, each device in one at most.
func drawHost(t *rapid.T) *fact.Report {
	r := full(devices{})
	r.Groups, r.Pools, r.Enclosures = map[string]*fact.Group{}, map[string]*fact.Pool{}, map[string]*fact.Enclosure{}
	pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	add := func(k fact.Key, d *fact.Device) fact.Key { r.Devices[k] = d; return k }
	var free []fact.Key // what nothing lies on yet
	sd, dm := 0, 0
	for lun := range pick("luns", 5) {
		var paths []fact.Key
		for range 1 + pick("paths", 3) {
			d := disk("sd"+string(rune('a'+sd)), lun)
			d.State = []string{"running", "running", "offline"}[pick("state", 3)]
			if pick("warm", 2) == 0 {
				d.Health = &fact.Health{Passed: new(bool)}
			}
			paths = append(paths, add(fact.Key(fmt.Sprintf("8:%d", sd*16)), d))
			sd++
		}
		top := paths[0]
		if pick("mapped", 2) == 0 {
			m := multipath(dm, fmt.Sprintf("mpath%d", lun), paths...)
			m.Map.Paths[0].DM = []string{"active", "failed"}[pick("dm", 2)]
			top = add(fact.Key(fmt.Sprintf("253:%d", dm)), m)
			dm++
		}
		if pick("parted", 2) == 0 {
			for n := range 1 + pick("parts", 2) {
				free = append(free, add(fact.Key(fmt.Sprintf("259:%d", lun*8+n)), partition(fmt.Sprintf("part%d-%d", lun, n+1), top, n+1)))
			}
		} else {
			free = append(free, top)
		}
	}
	for i := range pick("stacks", 6) {
		if len(free) == 0 {
			break
		}
		n := 1 + pick("members", min(3, len(free)))
		members := slices.Clone(free[:n])
		free = free[n:]
		switch pick("stack", 5) {
		case 0:
			a := md(fmt.Sprintf("md%d", i), "raid1", members...)
			a.Array.Degraded = pick("degraded", 2)
			free = append(free, add(fact.Key(fmt.Sprintf("9:%d", i)), a))
		case 1:
			group := fmt.Sprintf("vg%d", i)
			r.Groups[group] = &fact.Group{Name: group, On: members, Missing: pick("missing", 2)}
			for j := range pick("volumes", 3) {
				free = append(free, add(fact.Key(fmt.Sprintf("252:%d", i*8+j)), lv(fmt.Sprintf("lv%d", j), group, members[0])))
			}
		case 2:
			free = append(free, add(fact.Key(fmt.Sprintf("251:%d", i)), on(fact.Crypt, fmt.Sprintf("crypt%d", i), members[0])))
			free = append(free, members[1:]...)
		case 3:
			p := &fact.Pool{Name: fmt.Sprintf("tank%d", i), State: []string{"ONLINE", "DEGRADED"}[pick("pool", 2)]}
			for _, m := range members {
				p.Vdevs = append(p.Vdevs, fact.Vdev{Device: m, Path: string(m), Group: "mirror-0", Role: "data", State: "ONLINE"})
			}
			for j := range pick("datasets", 3) {
				p.Datasets = append(p.Datasets, fact.Dataset{Name: fmt.Sprintf("%s/d%d", p.Name, j)})
			}
			r.Pools[fmt.Sprintf("90%d", i)] = p
		default:
			for _, m := range members {
				r.Mounts = append(r.Mounts, fact.Mount{Device: m, Source: string(m), Target: "/mnt/" + string(m), Type: "ext4"})
			}
		}
	}
	if pick("enclosure", 2) == 0 {
		e := &fact.Enclosure{Model: "JBOD", Elements: []fact.Element{{Type: "fan", Status: []string{"OK", "Critical"}[pick("fan", 2)]}}}
		for i, k := range slices.Sorted(maps.Keys(r.Devices)) {
			if r.Devices[k].Kind == fact.Disk && pick("bay", 2) == 0 {
				e.Elements = append(e.Elements, fact.Element{Type: "slot", Index: i, Status: "OK", Device: k})
			}
		}
		r.Enclosures["e1"] = e
	}
	return r
}

// difference is the report of changes that makes b of a.
func difference(a, b *fact.Report) *fact.Report {
	return &fact.Report{
		Version: fact.Version, Devices: changes(a.Devices, b.Devices), Groups: changes(a.Groups, b.Groups),
		Pools: changes(a.Pools, b.Pools), Enclosures: changes(a.Enclosures, b.Enclosures), Mounts: b.Mounts,
	}
}

func changes[K comparable, V any](a, b map[K]*V) map[K]*V {
	out := map[K]*V{}
	for k, v := range b {
		if old := a[k]; old == nil || !cmp.Equal(old, v) {
			out[k] = v
		}
	}
	for k := range a {
		if b[k] == nil {
			out[k] = nil
		}
	}
	return out
}

// TestPieces: in which pieces the facts come makes no difference: after any
// sequence of full reports and reports of changes the graph is that of one
// full report of how it is at the end.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := drawHost(rt)
		h := started(t, now)
		for range rapid.IntRange(1, 4).Draw(rt, "messages") {
			then := drawHost(rt)
			if rapid.Bool().Draw(rt, "full") {
				next(t, h, then)
			} else {
				next(t, h, difference(now, then))
			}
			now = then
		}
		if d := cmp.Diff(shape(t, started(t, now)), shape(t, h)); d != "" {
			facts, _ := json.MarshalIndent(now, "", " ")
			rt.Fatalf("the graph depends on how its facts came:\n%s\n%s", d, facts)
		}
		turn := h.Turn()
		next(t, h, now)
		if h.Turn() != turn {
			rt.Fatal("an identical report changes something")
		}
	})
}

// TestSharedFacts: what two hosts say of a resource that both report is the same, so
// that it does not matter who speaks last. The hosts see one site by different
// paths, and each has some of its stacks in use.
func TestSharedFacts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		site := drawHost(rt)
		for _, d := range site.Devices { // states are one host's
			d.State, d.Health = "running", nil
			if d.Array != nil {
				d.Array.Degraded = 0
			}
		}
		view := func(label string) *fact.Report {
			raw, _ := json.Marshal(site)
			r, err := decode(raw)
			if err != nil {
				rt.Fatal(err)
			}
			for guid, p := range r.Pools {
				if rapid.Bool().Draw(rt, label+" has "+guid) {
					p.State, p.Size, p.Datasets = fact.Exported, 0, nil
				}
			}
			return r
		}
		a, b := values(t, view("a")), values(t, view("b"))
		for key, x := range a {
			for attribute, v := range b[key] {
				if u, both := x[attribute]; both && u != v {
					rt.Fatalf("one host says %s of %s of %s, the other %s", u, attribute, key, v)
				}
			}
		}
	})
}

// values are the attributes of what is one resource for all hosts.
func values(t *testing.T, r *fact.Report) map[string]map[string]string {
	t.Helper()
	n := namesOf(started(t, r))
	out := map[string]map[string]string{}
	for handle, r := range n.known {
		if n.classes[r.Class].Identifier.Scope != wire.ScopeGlobal {
			continue
		}
		x := map[string]string{}
		for a, raw := range r.Attributes {
			x[a] = n.value(raw)
		}
		out[n.name(handle)] = x
	}
	return out
}

// FuzzReport: no report, whatever it holds, does more than fail.
func FuzzReport(f *testing.F) {
	for _, r := range []*fact.Report{mapped(), full(nil), changed(devices{"8:0": nil})} {
		raw, _ := json.Marshal(r)
		f.Add(raw, raw)
	}
	f.Add([]byte(`{"version":1,"full":true,"devices":{"1:1":{"kind":"crypt","on":["1:1","1:2"]},"1:2":{"kind":"lv","volume":{"group":"g"},"on":["1:1"]}},"groups":{"g":{"on":["1:1"]}}}`), []byte(`{"version":1,"pools":{"1":{"vdevs":[{"device":"1:1"}]}}}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, err := decode(first)
		if err != nil {
			return
		}
		drives := map[string]identity{}
		known := merge(nil, a)
		checkSound(t, draw(7, known, nil, drives))
		if b, err := decode(second); err == nil {
			checkSound(t, draw(7, merge(known, b), nil, drives))
		}
	})
}

// checkSound holds a graph to what every graph must be: its edges lead to items of
// its own, and never back.
func checkSound(t *testing.T, g *graph) {
	t.Helper()
	done := map[*item]bool{}
	var walk func(it *item, depth int)
	walk = func(it *item, depth int) {
		if depth > len(g.items) {
			t.Fatalf("a cycle at %s", it.key)
		}
		if done[it] {
			return
		}
		for key, p := range it.parents {
			if g.byKey[key] != p {
				t.Fatalf("%s has the parent %s, which is not in the graph", it.key, key)
			}
			walk(p, depth+1)
		}
		done[it] = true
	}
	for _, it := range g.items {
		walk(it, 0)
	}
}
