package volume

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Edit changes what a user decided about a volume, and returns it as it is then.
// Errors are Faults that name the field, the volume, and what to do.
func (s *Stage) Edit(ctx context.Context, id resource.ID, e resource.VolumeEdit) (*resource.Volume, error) {
	s.work.Lock()
	defer s.work.Unlock()
	if err := s.act(ctx); err != nil {
		return nil, err
	}
	at := s.entries[id]
	if at == nil {
		return nil, noVolume(id)
	}
	wish, err := s.wish(at.v, &e)
	if err != nil {
		return nil, err
	}
	if sameWish(&wish, &at.v.Wish) {
		return at.v, nil
	}
	wish.By, wish.Time = e.By, s.opts.Now()
	if wish.Empty() {
		wish = resource.VolumeWish{}
	}
	p := s.pass()
	v := *at.v
	v.Wish = wish
	p.load.count(at.v, -1)
	at = &entry{key: at.key, v: &v, runs: at.runs}
	p.entries[id], p.touched[id] = at, true
	p.load.count(&v, 1)
	if v.Detached {
		p.redecide(at)
	} else {
		p.look[id] = true
		p.home()
	}
	if err := p.commit(ctx); err != nil {
		return nil, fmt.Errorf("keep what was decided about volume %d: %w", id, err)
	}
	// A detached volume goes with the last decision about it.
	if now := s.entries[id]; now != nil {
		return now.v, nil
	}
	return &v, nil
}

func noVolume(id resource.ID) error {
	return resource.Errorf(resource.NotFound, "there is no volume %d; faultline get volumes lists them", id)
}

// redecide keeps a new decision about a detached volume.
func (p *pass) redecide(e *entry) {
	row := resource.StoredVolume{Key: e.key, ID: e.v.ID, Label: e.v.Label, Choice: e.v.Choice, Users: e.v.Users, Gone: p.opts.Now()}
	if old := p.row(e.key); old != nil {
		row = *old
	}
	row.Wish = e.v.Wish
	p.remove(e.v.ID)
	p.write(&row)
	p.enterDetached(&row)
}

// wish is what a user decided about a volume after an edit.
func (s *Stage) wish(v *resource.Volume, e *resource.VolumeEdit) (w resource.VolumeWish, err error) {
	w = v.Wish
	if e.Alias != nil {
		w.Alias = *e.Alias
	}
	if e.Primary == nil && e.Secondary == nil && e.Unused == nil {
		return w, nil
	}
	if v.Used() {
		return w, &resource.Fault{Kind: resource.Conflict, Field: firstField(e), Text: fmt.Sprintf(
			"volume %s is used by %s, so its hosts stay as they are; take what lies on it away first", v.Name(), s.names(v.Users))}
	}
	if e.Primary != nil {
		if w.Primary, err = s.hostOf(v, "primary", *e.Primary); err != nil {
			return w, err
		}
	}
	if e.Secondary != nil {
		if w.Secondary, err = s.hostOf(v, "secondary", *e.Secondary); err != nil {
			return w, err
		}
	}
	if e.Unused != nil {
		w.Unused = nil
		for _, name := range *e.Unused {
			h, err := s.hostOf(v, "unused", name)
			if err != nil {
				return w, err
			}
			if h == "" || h == resource.NoHost {
				return w, resource.FieldErrorf("unused", "%q is no host; an empty list takes back what was decided", name)
			}
			w.Unused = append(w.Unused, h)
		}
		slices.Sort(w.Unused)
		w.Unused = slices.Compact(w.Unused)
	}
	return s.agree(v, w, e)
}

func firstField(e *resource.VolumeEdit) string {
	switch {
	case e.Primary != nil:
		return "primary"
	case e.Secondary != nil:
		return "secondary"
	}
	return "unused"
}

// agree refuses hosts that do not go together.
func (s *Stage) agree(v *resource.Volume, w resource.VolumeWish, e *resource.VolumeEdit) (resource.VolumeWish, error) {
	field := firstField(e)
	for role, h := range map[string]string{"primary": w.Primary, "secondary": w.Secondary} {
		if slices.Contains(w.Unused, h) {
			return w, resource.FieldErrorf(field, "volume %s: %s cannot be unused and the %s", v.Name(), h, role)
		}
	}
	secondary := w.Secondary
	if secondary == "" || secondary == resource.NoHost {
		return w, nil
	}
	if w.Primary == resource.NoHost {
		return w, resource.FieldErrorf(field, "volume %s: %s cannot be the secondary without a primary; give a primary, too", v.Name(), secondary)
	}
	// A secondary is one of the primary that the user sees: that is fixed with it.
	if w.Primary == "" && v.Choice.Primary != "" && v.Choice.Primary != secondary {
		w.Primary = v.Choice.Primary
	}
	switch w.Primary {
	case "":
		return w, resource.FieldErrorf(field, "volume %s: %s is its primary now; give another primary, too", v.Name(), secondary)
	case secondary:
		return w, resource.FieldErrorf(field, "volume %s: %s cannot be both the primary and the secondary; give two hosts, or none as the secondary", v.Name(), secondary)
	}
	a, b := s.known.of[w.Primary], s.known.of[secondary]
	if a == "" || a != b {
		return w, resource.FieldErrorf(field, "volume %s: %s and %s are not in one HA cluster; declare one that both are in, "+
			"with faultline add cluster NAME %s %s, or choose none as the secondary", v.Name(), s.inCluster(w.Primary), s.inCluster(secondary), w.Primary, secondary)
	}
	return w, nil
}

// inCluster says "a (HA cluster x)".
func (s *Stage) inCluster(host string) string {
	switch {
	case s.known.of[host] != "":
		return fmt.Sprintf("%s (HA cluster %s)", host, s.known.of[host])
	case s.known.problem[host] != "":
		return fmt.Sprintf("%s (%s)", host, s.known.problem[host])
	}
	return host + " (no HA cluster)"
}

// hostOf finds the host that a user names for a volume: by name, by its ID or by
// that of one of the volume's nodes. Empty and NoHost mean themselves.
func (s *Stage) hostOf(v *resource.Volume, field, text string) (string, error) {
	if text == "" || text == resource.NoHost {
		return text, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	named := s.known.calls[strings.ToLower(text)]
	var found []string
	for _, n := range v.Nodes {
		if err == nil && (n.HostID == id || int64(n.ID) == id) || strings.EqualFold(n.Host, text) || slices.Contains(named, n.Host) {
			found = append(found, n.Host)
		}
	}
	found = slices.Compact(found) // they are by host
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", resource.FieldErrorf(field, "volume %s: %s may be %s; give the whole name", v.Name(), text, or(found))
	case v.Detached:
		return "", resource.FieldErrorf(field, "volume %s is detached: its drive is not seen, so no host reaches it", v.Name())
	}
	return "", resource.FieldErrorf(field, "%s is no host that reaches volume %s; %s", text, v.Name(), reachedBy(v.Hosts()))
}

func reachedBy(hosts []string) string {
	if len(hosts) == 1 {
		return hosts[0] + " does"
	}
	return and(hosts) + " do"
}

// names says what resources are called.
func (s *Stage) names(ids []resource.ID) string {
	var out []string
	for _, id := range ids {
		name := fmt.Sprintf("resource %d", id)
		if r := s.get(id); r != nil {
			name = fmt.Sprintf("%s (%s)", r.Name(), r.Class.FullName())
		}
		out = append(out, name)
	}
	return and(out)
}

// Candidates returns the hosts that reach a volume, as a choice sees them.
func (s *Stage) Candidates(id resource.ID) []resource.Candidate {
	s.work.Lock()
	defer s.work.Unlock()
	e := s.entries[id]
	if e == nil {
		return nil
	}
	s.load.count(e.v, -1)
	defer s.load.count(e.v, 1)
	var out []resource.Candidate
	weighted := !slices.ContainsFunc(e.v.Nodes, func(n resource.VolumeNode) bool { return n.Weights == 0 })
	for i, n := range e.v.Nodes {
		if i > 0 && e.v.Nodes[i-1].Host == n.Host {
			continue // the best node of a host comes first
		}
		out = append(out, resource.Candidate{
			Host: n.Host, HostID: n.HostID, Role: n.Role, Weight: n.Weight, Weighted: weighted,
			Primaries: s.load.primaries[n.Host], Used: s.load.used[n.Host], Cluster: s.known.of[n.Host], Problem: s.known.problem[n.Host],
		})
	}
	return out
}
