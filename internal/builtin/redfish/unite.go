package redfish

import (
	"slices"
	"strings"
)

// Services show one fan in up to two places: in the old form (an element of
// Thermal's Fans) and in the new (a document under ThermalSubsystem). The same
// goes for power supplies and storage controllers. The functions here make one
// list of the two, so that one object counts once.

// match pairs the nodes of two lists that are one object. The result holds
// for each of a the index of its partner in b, or -1. Only what is told apart by
// a key within both lists is paired by it: serial numbers are shared between
// objects on some machines, and names are no better.
func match(a, b []*node) []int {
	pair := make([]int, len(a))
	for i := range pair {
		pair[i] = -1
	}
	taken := make([]bool, len(b))
	by := func(keys func(*node) []string) {
		count := func(list []*node, free func(int) bool) map[string]int {
			at := map[string]int{}
			for i, n := range list {
				if !free(i) {
					continue
				}
				for _, k := range keys(n) {
					if k == "" {
						continue
					}
					if _, dup := at[k]; dup {
						at[k] = -1
					} else {
						at[k] = i
					}
				}
			}
			return at
		}
		inA := count(a, func(i int) bool { return pair[i] < 0 })
		inB := count(b, func(i int) bool { return !taken[i] })
		for i, n := range a {
			for _, k := range keys(n) {
				if pair[i] >= 0 || k == "" || inA[k] != i {
					continue
				}
				if j, ok := inB[k]; ok && j >= 0 && !taken[j] {
					pair[i], taken[j] = j, true
				}
			}
		}
	}
	one := func(f func(*node) string) func(*node) []string {
		return func(n *node) []string { return []string{f(n)} }
	}
	by(func(n *node) []string { return n.alias })
	by(one(func(n *node) string { return folded(n.res.facts().serial) }))
	by(one(func(n *node) string { return folded(n.res.facts().location) }))
	by(one(func(n *node) string { return folded(n.res.facts().name) }))
	if sameMembers(a, b) { // one list numbered from 0 and one from 1 would pair neighbours
		by(one(func(n *node) string { return n.member }))
	}
	return pair
}

func sameMembers(a, b []*node) bool {
	ids := func(list []*node) string {
		var out []string
		for _, n := range list {
			if n.member == "" {
				return ""
			}
			out = append(out, n.member)
		}
		slices.Sort(out)
		return strings.Join(out, "\x00")
	}
	x := ids(a)
	return x != "" && x == ids(b)
}

// unite makes one list of the new and the old form of the same things. Paired
// objects are one, and have the identity of the new form. What is left on
// both sides is taken to be one set under two naming schemes, so the longer
// rest stands for both, and the list is as long as the longer form; dropped
// are the others. A fault is never dropped: an unpaired object that the
// service calls bad stays, unless an unpaired one of the other form is as bad.
func unite(newer, older []*node) (list, dropped []*node) {
	pair := match(newer, older)
	paired := map[int]bool{}
	var restNew, restOld []*node
	for i, n := range newer {
		if j := pair[i]; j >= 0 {
			n.absorb(older[j])
			paired[j] = true
		} else {
			restNew = append(restNew, n)
		}
	}
	for j, o := range older {
		if !paired[j] {
			restOld = append(restOld, o)
		}
	}
	if len(restNew) == 1 && len(restOld) == 1 {
		restNew[0].absorb(restOld[0])
		return newer, nil
	}
	if len(restNew) >= len(restOld) {
		faulty, dropped := faults(restOld, restNew)
		return append(newer, faulty...), dropped
	}
	list = slices.DeleteFunc(slices.Clone(newer), func(n *node) bool { return slices.Contains(restNew, n) })
	faulty, dropped := faults(restNew, restOld)
	return append(append(list, restOld...), faulty...), dropped
}

// enrich adds to the thermometers of the old form what Sensors say about them.
// Thermal's list is the list: a Sensor that is not in it is dropped, unless it is bad.
func enrich(older, newer []*node) (list, dropped []*node) {
	pair := match(newer, older)
	var rest []*node
	free := slices.Clone(older)
	for i, n := range newer {
		if j := pair[i]; j >= 0 {
			older[j].absorb(n)
			free = slices.DeleteFunc(free, func(o *node) bool { return o == older[j] })
		} else {
			rest = append(rest, n)
		}
	}
	faulty, dropped := faults(rest, free)
	return append(older, faulty...), dropped
}

// faults splits what would be dropped into what must stay for its bad health
// and the rest. Each of kept answers for one that is as bad.
func faults(rest, kept []*node) (faulty, dropped []*node) {
	answers := map[Health]int{}
	for _, k := range kept {
		answers[*k.res.facts().health]++
	}
	for _, n := range rest {
		h := *n.res.facts().health
		if h.rank() <= OK.rank() {
			dropped = append(dropped, n)
			continue
		}
		if answers[h] > 0 {
			answers[h]--
			dropped = append(dropped, n)
			continue
		}
		faulty = append(faulty, n)
	}
	return faulty, dropped
}

// uniteDevices joins the devices of SimpleStorage with the drives that the same
// system shows in Storage. Devices have little to be told apart by: a name,
// perhaps a model and a capacity, so each drive answers for one device that
// is like it. If the service says that both are the same storage, they are united as
// two forms; else a device that is like no drive is a drive of its own.
func uniteDevices(drives, devices []*node, linked bool) (extra, dropped []*node) {
	taken := make([]bool, len(drives))
	take := func(n *node, like func(d, x *Drive) bool) bool {
		x := n.res.(*Drive)
		for i, d := range drives {
			if !taken[i] && like(d.res.(*Drive), x) {
				taken[i] = true
				d.absorb(n)
				return true
			}
		}
		return false
	}
	rest := devices
	for _, like := range []func(d, x *Drive) bool{
		func(d, x *Drive) bool { return x.SerialNumber != "" && x.SerialNumber == d.SerialNumber },
		func(d, x *Drive) bool { return folded(x.Name) == folded(d.Name) && sameModel(x, d) },
		func(d, x *Drive) bool { return x.Model != "" && sameModel(x, d) },
		func(d, x *Drive) bool { return x.Model == "" && folded(x.Name) == folded(d.Name) },
	} {
		var left []*node
		for _, n := range rest {
			if !take(n, like) {
				left = append(left, n)
			}
		}
		rest = left
	}
	free := 0
	for i := range drives {
		if !taken[i] {
			free++
		}
	}
	for _, n := range rest {
		switch empty := n.res.facts().mode == absent; {
		case linked && free > 0, !linked && empty && len(drives) > 0:
			// The same bay under another name, or an empty bay beside real drives.
			free--
			dropped = append(dropped, n)
		default:
			extra = append(extra, n)
		}
	}
	return extra, dropped
}

// sameModel reports whether nothing that both drives say tells them apart, and
// one says something. Some services write the maker in front of the model.
func sameModel(a, b *Drive) bool {
	if a.Capacity != 0 && b.Capacity != 0 && a.Capacity != b.Capacity {
		return false
	}
	x, y := folded(a.Model), folded(b.Model)
	if x == "" || y == "" {
		return x == y
	}
	return x == y || len(x) >= 5 && strings.HasSuffix(y, x) || len(y) >= 5 && strings.HasSuffix(x, y)
}
