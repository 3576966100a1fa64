package volume

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Sources of clusters.
const (
	fromConfiguration = "configuration"
	fromUser          = "user"
	fromFacts         = "found"
)

// clusters is which host is in which HA cluster, at one moment. It is immutable.
type clusters struct {
	list []resource.KnownCluster // by name, then source
	of   map[string]string       // the cluster of a host, by their names
	// problem says of a host why it is in no cluster.
	problem map[string]string
	calls   map[string][]string // the hosts that a name in lower case may mean
}

// statement is what one host says about its cluster.
type statement struct {
	host, name string
	nodes      []string
}

// newClusters brings together what is declared and what hosts say. calls are those
// of all known hosts.
func newClusters(configured, declared []resource.Cluster, said []statement, calls map[string][]string) *clusters {
	c := &clusters{of: make(map[string]string), problem: make(map[string]string), calls: calls}
	for _, d := range configured {
		c.list = append(c.list, known(d, fromConfiguration, calls))
	}
	for _, d := range declared {
		c.list = append(c.list, known(d, fromUser, calls))
	}
	in := make(map[string][]int) // the indexes of a host's clusters
	for i := range c.list {
		for _, h := range c.list[i].Members {
			in[h] = append(in[h], i)
		}
	}
	for _, h := range slices.Sorted(maps.Keys(in)) {
		name := c.list[in[h][0]].Name
		if !slices.ContainsFunc(in[h], func(i int) bool { return c.list[i].Name != name }) {
			c.of[h] = name // one that is declared in two places is one
			continue
		}
		var names []string
		for _, i := range in[h] {
			names = append(names, fmt.Sprintf("%s (%s)", c.list[i].Name, c.list[i].Source))
		}
		c.fail(h, in[h], fmt.Sprintf("%s is declared in the HA clusters %s, and can be in one only: take it out of the others", h, and(names)))
	}
	c.find(said, calls, in)
	slices.SortStableFunc(c.list, func(a, b resource.KnownCluster) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// fail notes a problem of a host with the clusters of the given indexes.
func (c *clusters) fail(host string, in []int, text string) {
	c.problem[host] = text
	for _, i := range in {
		if c.list[i].Problems == nil {
			c.list[i].Problems = make(map[string]string)
		}
		c.list[i].Problems[host] = text
	}
}

// find adds the clusters that hosts say they are in, without those hosts that
// are declared. Two hosts are in one if they name it alike and their lists of
// members have a member in common: many sites leave the name at its default.
func (c *clusters) find(said []statement, calls map[string][]string, declared map[string][]int) {
	said = slices.Clone(said)
	slices.SortFunc(said, func(a, b statement) int { return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.name, b.name)) })
	groups := grouped(said)
	in := make(map[string][]int)
	first := len(c.list)
	taken := make(map[string]int)
	for i := range c.list {
		taken[c.list[i].Name]++
	}
	for _, g := range groups {
		taken[g.name]++
	}
	for _, g := range groups {
		g.hosts = slices.Compact(g.hosts)
		k := resource.KnownCluster{Cluster: resource.Cluster{Name: g.name, Hosts: slices.Sorted(maps.Keys(g.nodes))}, Source: fromFacts}
		switch {
		case k.Name == "":
			k.Name = strings.Join(k.Hosts, "-")
		case taken[k.Name] > 1:
			k.Name += " (" + strings.Join(k.Hosts, ", ") + ")"
		}
		k.Members = g.hosts
		for _, n := range k.Hosts {
			if len(calls[strings.ToLower(n)]) == 0 {
				k.Missing = append(k.Missing, n)
			}
		}
		for _, h := range g.hosts {
			in[h] = append(in[h], len(c.list))
		}
		c.list = append(c.list, k)
	}
	c.judge(first, in, declared)
}

// group is what hosts say about one cluster.
type group struct {
	name  string
	nodes map[string]bool
	hosts []string
}

// grouped brings together the statements that have a name and a node in common, also
// by way of others.
func grouped(said []statement) []*group {
	leader := make([]int, len(said)) // an earlier statement of the same group, or itself
	lead := func(i int) int {
		for leader[i] != i {
			leader[i] = leader[leader[i]]
			i = leader[i]
		}
		return i
	}
	type named struct{ cluster, node string }
	by := make(map[named]int)
	for i, st := range said {
		leader[i] = i
		for _, n := range st.nodes {
			other, ok := by[named{st.name, n}]
			if !ok {
				by[named{st.name, n}] = i
				continue
			}
			a, b := lead(i), lead(other)
			leader[max(a, b)] = min(a, b)
		}
	}
	var groups []*group
	of := make(map[int]*group)
	for i, st := range said {
		g := of[lead(i)]
		if g == nil {
			g = &group{name: st.name, nodes: make(map[string]bool)}
			of[lead(i)] = g
			groups = append(groups, g)
		}
		g.hosts = append(g.hosts, st.host) // they come sorted
		for _, n := range st.nodes {
			g.nodes[n] = true
		}
	}
	return groups
}

// judge gives the hosts of found clusters, from the given index on, their
// cluster, or finds what is wrong with that.
func (c *clusters) judge(first int, in, declared map[string][]int) {
	for i := first; i < len(c.list); i++ {
		k := &c.list[i]
		for _, h := range k.Members {
			switch {
			case len(declared[h]) > 0: // what a user says goes before
			case len(in[h]) > 1:
				c.fail(h, []int{i}, fmt.Sprintf("%s says that it is in several HA clusters: declare the one that counts", h))
			case len(k.Members) > len(k.Hosts):
				c.fail(h, []int{i}, fmt.Sprintf("%d hosts (%s) say that they are in the HA cluster %s, which has the %d members %s: "+
					"these are several clusters that are called alike; declare each under a name of its own",
					len(k.Members), and(k.Members), k.Name, len(k.Hosts), and(k.Hosts)))
			default:
				c.of[h] = k.Name
			}
		}
	}
}

// callsOf returns the hosts that a name in lower case may mean: all that they
// are called, and the first part of each, as clusters often name their members.
func callsOf(hosts map[string][]string) map[string][]string {
	calls := make(map[string][]string)
	add := func(call, host string) {
		if call = strings.ToLower(call); call != "" && !slices.Contains(calls[call], host) {
			calls[call] = append(calls[call], host)
		}
	}
	for _, h := range slices.Sorted(maps.Keys(hosts)) {
		for _, name := range append([]string{h}, hosts[h]...) {
			add(name, h)
		}
	}
	// A short name counts only where no host has it as its whole name.
	whole := calls
	calls = make(map[string][]string)
	for _, h := range slices.Sorted(maps.Keys(hosts)) {
		for _, name := range append([]string{h}, hosts[h]...) {
			if short, _, ok := strings.Cut(name, "."); ok && whole[strings.ToLower(short)] == nil {
				add(short, h)
			}
		}
	}
	maps.Copy(calls, whole)
	return calls
}

// known finds the hosts of a declared cluster.
func known(d resource.Cluster, source string, calls map[string][]string) resource.KnownCluster {
	k := resource.KnownCluster{Cluster: d, Source: source}
	for _, name := range d.Hosts {
		hosts := calls[strings.ToLower(name)]
		switch len(hosts) {
		case 1:
			k.Members = append(k.Members, hosts[0])
		case 0:
			k.Missing = append(k.Missing, name)
		default:
			if k.Problems == nil {
				k.Problems = make(map[string]string)
			}
			k.Problems[name] = fmt.Sprintf("%s may be %s: give the whole name", name, or(hosts))
		}
	}
	slices.Sort(k.Members)
	k.Members = slices.Compact(k.Members)
	return k
}

// same reports whether a host is in the same cluster as before.
func (c *clusters) same(o *clusters, host string) bool {
	return c.of[host] == o.of[host] && c.problem[host] == o.problem[host]
}

// and joins texts as a sentence does.
func and(list []string) string { return join(list, "and") }

func or(list []string) string { return join(list, "or") }

func join(list []string, word string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " " + word + " " + list[len(list)-1]
}
