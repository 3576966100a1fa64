package volume

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// load counts what hosts have to do, by name, over the volumes of several hosts.
type load struct {
	primaries map[string]int // volumes of which it is the primary
	used      map[string]int // volumes of which it is the primary or the secondary
}

func newLoad() *load { return &load{make(map[string]int), make(map[string]int)} }

// count adds a volume's choice n times, if there is one between hosts.
func (l *load) count(v *resource.Volume, n int) {
	if len(v.Hosts()) < 2 {
		return
	}
	if p := v.Choice.Primary; p != "" {
		l.primaries[p] += n
		l.used[p] += n
	}
	if s := v.Choice.Secondary; s != "" {
		l.used[s] += n
	}
}

// homing chooses the hosts of one volume. The volume's own choice is not in the
// load.
type homing struct {
	*load
	clusters *clusters
	v        *resource.Volume // its Choice is the one of before
	runs     []string         // the hosts on which its users are
	hosts    []string         // that may be chosen, ascending
	weights  map[string]int64 // of the best node of each host; nil if weights do not count
	grown    bool             // one more host reaches it than when the choice was made
}

// choose returns the choice for a volume, given the one that it has. taken says that
// it has just become used.
func choose(v *resource.Volume, runs []string, taken bool, l *load, c *clusters) resource.VolumeChoice {
	h := &homing{load: l, clusters: c, v: v, runs: runs}
	all := v.Hosts()
	before := v.Choice
	for _, name := range all {
		if !slices.Contains(v.Wish.Unused, name) {
			h.hosts = append(h.hosts, name)
		}
	}
	if !slices.ContainsFunc(v.Nodes, func(n resource.VolumeNode) bool { return n.Weights == 0 }) {
		h.weights = make(map[string]int64, len(all))
		for _, n := range v.Nodes {
			if w, ok := h.weights[n.Host]; !ok || n.Weight > w {
				h.weights[n.Host] = n.Weight
			}
		}
	}
	h.grown = slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(before.Hosts, name) })
	if v.Detached {
		return before
	}
	out := resource.VolumeChoice{Hosts: all}
	p := verdict{before.Primary, before.PrimaryBy, before.WhyPrimary}
	s := verdict{before.Secondary, before.SecondaryBy, before.WhySecondary}
	switch {
	case !v.Used():
		p = h.primary()
		s = h.secondary(p.host)
	default:
		// Where it runs is what its administrators chose, whatever was chosen here while
		// nobody knew of it.
		if r := h.running(); p.host == "" || taken && r.host != "" && p.by != resource.GroundUser {
			p = r
		}
		if s.host == "" || s.host == p.host {
			s = h.secondary(p.host)
		}
	}
	out.Primary, out.PrimaryBy, out.WhyPrimary = p.host, p.by, p.why
	out.Secondary, out.SecondaryBy, out.WhySecondary = s.host, s.by, s.why
	return out
}

// verdict is a host, or none, and why.
type verdict struct {
	host string
	by   resource.Ground
	why  string
}

// running is the host on which the users of a volume are.
func (h *homing) running() verdict {
	if len(h.runs) == 1 {
		return verdict{h.runs[0], resource.GroundTarget, "what lies on the volume is there"}
	}
	return verdict{why: "the volume is used, and it cannot be told on which host"}
}

func (h *homing) primary() verdict {
	wish := h.v.Wish.Primary
	lost := ""
	switch {
	case wish == resource.NoHost:
		return verdict{by: resource.GroundUser, why: "a user wants none" + h.by()}
	case wish != "" && slices.Contains(h.v.Hosts(), wish):
		return verdict{wish, resource.GroundUser, "a user chose it" + h.by()}
	case wish != "":
		lost = fmt.Sprintf("; a user chose %s, which does not reach the volume now", wish)
	}
	// The secondary that a user chose leaves the rest of its cluster.
	hosts := h.hosts
	if s := h.v.Wish.Secondary; s != "" && s != resource.NoHost {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(o string) bool { return o == s })
	}
	all := h.v.Hosts()
	switch {
	case len(all) == 0:
		return verdict{why: "no host reaches the volume" + lost}
	case len(hosts) == 0:
		return verdict{why: "of the hosts that reach the volume, users want none for it" + lost}
	case len(all) == 1 && lost == "" && hosts[0] == h.v.Choice.Primary && h.v.Choice.PrimaryBy == resource.GroundBalance:
		// It was chosen when there was a choice, and may be there again when the other
		// hosts are back.
		return verdict{hosts[0], resource.GroundBalance, h.v.Choice.WhyPrimary}
	case len(all) == 1:
		return verdict{hosts[0], resource.GroundOnly, "no other host reaches the volume" + lost}
	case len(hosts) == 1:
		return verdict{hosts[0], resource.GroundOnly, "users want none of the other hosts that reach the volume for it" + lost}
	}
	return h.best(hosts, h.v.Choice.Primary, h.v.Choice.PrimaryBy, h.v.Choice.WhyPrimary, h.primaries, "primaries", lost)
}

func (h *homing) secondary(primary string) verdict {
	wish := h.v.Wish.Secondary
	notPrimary := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(o string) bool { return o == primary })
	}
	all, hosts := notPrimary(h.v.Hosts()), notPrimary(h.hosts)
	cluster := h.clusters.of[primary]
	switch {
	case primary == "":
		return verdict{why: "there is no primary"}
	case wish == resource.NoHost:
		return verdict{by: resource.GroundUser, why: "a user wants none" + h.by()}
	case len(all) == 0:
		return verdict{why: "no other host reaches the volume"}
	case cluster == "" && h.clusters.problem[primary] != "":
		return verdict{why: h.clusters.problem[primary]}
	case cluster == "":
		return verdict{why: fmt.Sprintf("%s is in no HA cluster that is known; declare one with: faultline add cluster NAME %s %s", primary, primary, all[0])}
	}
	inside := func(o string) bool { return h.clusters.of[o] == cluster }
	lost := ""
	switch {
	case wish == "":
	case wish == primary:
		lost = fmt.Sprintf("; a user chose %s, which is the primary", wish)
	case !slices.Contains(all, wish):
		lost = fmt.Sprintf("; a user chose %s, which does not reach the volume now", wish)
	case !inside(wish):
		lost = fmt.Sprintf("; a user chose %s, which is not in the HA cluster %s of %s", wish, cluster, primary)
	default:
		return verdict{wish, resource.GroundUser, "a user chose it" + h.by()}
	}
	peers := slices.DeleteFunc(hosts, func(o string) bool { return !inside(o) })
	switch len(peers) {
	case 0:
		return verdict{why: fmt.Sprintf("of the other hosts that reach the volume, %s, none is in the HA cluster %s of %s%s", and(all), cluster, primary, lost)}
	case 1:
		return verdict{peers[0], resource.GroundOnly, fmt.Sprintf("no other host of the HA cluster %s reaches the volume%s", cluster, lost)}
	}
	return h.best(peers, h.v.Choice.Secondary, h.v.Choice.SecondaryBy, h.v.Choice.WhySecondary, h.used, "nodes in use", lost)
}

// best chooses between hosts by weight, then by load. had is the present choice,
// which keeps its reason while it stands.
func (h *homing) best(hosts []string, had string, by resource.Ground, why string, load map[string]int, what, lost string) verdict {
	top, weighted := h.heaviest(hosts)
	if weighted && len(top) == 1 {
		return verdict{top[0], resource.GroundWeight, "its path has the greatest weight: " + list(hosts, func(o string) string { return strconv.FormatInt(h.weights[o], 10) }) + lost}
	}
	if by == resource.GroundOnly || by == resource.GroundUser {
		had = "" // there was nothing to choose between
	}
	name, even := pick(top, had, h.grown && !weighted, load)
	switch {
	case name != had || lost != "":
	case by == resource.GroundBalance:
		return verdict{name, by, why} // the reason is that of the moment of the choice
	default:
		return verdict{name, resource.GroundBalance, "it was before, and nothing asks for another one"}
	}
	text := fmt.Sprintf("it has the fewest other %s: %s", what, list(top, func(o string) string { return strconv.Itoa(load[o]) }))
	if even {
		text = fmt.Sprintf("all have the same number of other %s, %d, and it comes first by name", what, load[name])
	}
	if weighted {
		text = fmt.Sprintf("the paths of %s have the same weight, %d; %s", and(top), h.weights[name], text)
	}
	return verdict{name, resource.GroundBalance, text + lost}
}

// heaviest returns those of the hosts whose best path has the greatest weight,
// or all if weights do not count.
func (h *homing) heaviest(hosts []string) (top []string, weighted bool) {
	if h.weights == nil {
		return hosts, false
	}
	for _, o := range hosts {
		switch {
		case len(top) == 0 || h.weights[o] > h.weights[top[0]]:
			top = []string{o}
		case h.weights[o] == h.weights[top[0]]:
			top = append(top, o)
		}
	}
	return top, true
}

// pick returns the host that has the least to do, of equal ones the first by
// name. The present one stays, unless moving is allowed and makes the load more
// even. hosts are ascending and not empty.
func pick(hosts []string, present string, move bool, load map[string]int) (name string, even bool) {
	name = slices.MinFunc(hosts, func(a, b string) int { return cmp.Or(cmp.Compare(load[a], load[b]), cmp.Compare(a, b)) })
	if slices.Contains(hosts, present) && (!move || load[present] <= load[name]) {
		name = present
	}
	even = true
	for _, o := range hosts {
		even = even && load[o] == load[name]
	}
	return name, even
}

// list says "a 1, b 2".
func list(hosts []string, of func(string) string) string {
	out := make([]string, len(hosts))
	for i, o := range hosts {
		out[i] = o + " " + of(o)
	}
	return strings.Join(out, ", ")
}

func (h *homing) by() string {
	if h.v.Wish.By == "" {
		return ""
	}
	return " (" + h.v.Wish.By + ")"
}
