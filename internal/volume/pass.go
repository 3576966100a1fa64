package volume

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

func (m *marks) empty() bool {
	return len(m.dirty) == 0 && len(m.hosts) == 0 && !m.clusters && !m.gone
}

// pass works out one set of changes. It changes what belongs to the holder of
// Stage.work as it goes; others see nothing before its commit succeeded. After a
// commit that failed the stage is torn.
type pass struct {
	*Stage
	// look are the volumes whose homing has to be looked at.
	look map[resource.ID]bool
	// put are rows to be written, drop those to be deleted, by key.
	put  map[string]*resource.StoredVolume
	drop map[string]bool
	// touched are the volumes that may have changed or gone.
	touched map[resource.ID]bool
	// bare has the drives that were looked at: as Stage.bare, or nil.
	bare     map[resource.ID]*resource.Volume
	strange  bool // a host that has no resource has its first node, or has lost its last one
	whole    bool // what is published may hold volumes that nothing touched
	mutation resource.VolumeMutation
}

// pass begins a pass. The caller holds work until it is over.
func (s *Stage) pass() *pass {
	return &pass{
		Stage: s, look: make(map[resource.ID]bool), put: make(map[string]*resource.StoredVolume), drop: make(map[string]bool),
		touched: make(map[resource.ID]bool), bare: make(map[resource.ID]*resource.Volume),
	}
}

// evaluate brings the volumes in line with the graph.
func (p *pass) evaluate(m *marks) {
	for h := range m.hosts {
		for id := range p.onHost[h] {
			m.dirty[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.dirty)) {
		p.derive(id)
	}
	if p.whole {
		p.findDetached()
	}
	if m.gone {
		for _, id := range slices.Sorted(maps.Keys(p.detached)) {
			p.detach(id, p.entries[id].v)
		}
	}
	if renamed := p.strange || len(m.hosts) > 0; renamed || m.clusters {
		p.recluster(renamed || p.whole)
	}
	p.home()
}

// derive works out the volume of one drive.
func (p *pass) derive(id resource.ID) {
	v, runs := p.graph.derive(id)
	p.bare[id] = nil
	if v != nil && len(v.Nodes) == 0 && len(v.Users) == 0 {
		p.bare[id], v = v, nil
	}
	e := p.entries[id]
	switch {
	case v != nil:
		p.attach(id, v, runs)
	case e == nil || e.v.Detached:
		p.lose(id)
	default:
		p.remove(id)
		if _, there := p.graph.byID[id]; !there {
			p.detach(id, e.v)
		}
	}
}

// attach enters the volume of a drive, with what is kept of it.
func (p *pass) attach(id resource.ID, v *resource.Volume, runs []string) {
	e := p.entries[id]
	taken := e != nil && !e.v.Used() && v.Used()
	if e == nil {
		d := p.graph.byID[id]
		e = &entry{key: p.key(d.r)}
		if other, ok := p.byKey[e.key]; ok {
			if p.entries[other].v.Detached {
				p.remove(other) // it is found again
			} else {
				e.key += fmt.Sprintf("#%d", id) // two drives that say the same of themselves
			}
		}
	} else {
		p.remove(id)
	}
	v.Key = e.key
	if row := p.row(e.key); row != nil {
		v.Wish, v.Choice = row.Wish, row.Choice
		if row.ID != id || !row.Gone.IsZero() {
			back := *row
			back.ID, back.Gone, back.Users, back.Places = id, time.Time{}, nil, nil
			p.write(&back)
		}
	} else if e.v != nil {
		v.Wish, v.Choice = e.v.Wish, e.v.Choice
	}
	p.enter(&entry{key: e.key, v: v, runs: runs, taken: taken})
	p.look[id] = true
}

// detach keeps what there is of a volume whose drive is gone, and lists it as
// long as a user's decision or a target is about it. v is how it was.
func (p *pass) detach(id resource.ID, v *resource.Volume) {
	row := p.row(v.Key)
	var users []resource.ID
	for _, u := range v.Users {
		if t, ok := p.graph.byID[u]; ok && t.c.kind == target {
			users = append(users, u)
		}
	}
	if p.entries[id] != nil {
		p.remove(id)
	}
	if row == nil && len(users) == 0 {
		return
	}
	now := resource.StoredVolume{Key: v.Key, Wish: v.Wish, Choice: v.Choice, Gone: p.opts.Now()}
	if row != nil {
		now = *row
		if now.Gone.IsZero() {
			now.Gone = p.opts.Now()
		}
	}
	now.ID, now.Label, now.Users, now.Places = id, v.Label, users, nil
	for _, n := range v.Nodes {
		now.Places = append(now.Places, n.Host+":"+n.Path)
	}
	if now.Label == "" && len(now.Places) > 0 {
		now.Label = now.Places[0]
	}
	if now.Wish.Empty() && len(users) == 0 && now.Choice.Primary == "" {
		p.erase(v.Key)
		return
	}
	p.write(&now)
	p.enterDetached(&now)
}

// enterDetached lists the volume of a row whose drive is gone, if there is a
// reason to.
func (p *pass) enterDetached(row *resource.StoredVolume) {
	if row.Wish.Empty() && len(row.Users) == 0 {
		return
	}
	p.enter(&entry{key: row.Key, v: &resource.Volume{
		ID: row.ID, Key: row.Key, Label: row.Label, Kind: unknownKind, Detached: true, Users: row.Users,
		Wish: row.Wish, Choice: row.Choice,
	}})
}

// lose notes that the drive of a row is gone although it was no volume.
func (p *pass) lose(id resource.ID) {
	key, ok := p.rowOf[id]
	if _, there := p.graph.byID[id]; !ok || there || p.entries[id] != nil {
		return
	}
	if row := p.row(key); row != nil && row.Gone.IsZero() {
		now := *row
		now.Gone = p.opts.Now()
		p.write(&now)
		p.enterDetached(&now)
	}
}

// keepChoices is how long a choice that nobody decided is kept for a drive that
// is gone.
const keepChoices = 30 * 24 * time.Hour

// findDetached lists the volumes of rows whose drives are not in the snapshot,
// and forgets what is too old.
func (p *pass) findDetached() {
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		row := p.row(key)
		if row == nil {
			continue
		}
		if _, there := p.graph.byID[row.ID]; there || p.byKey[key] != 0 {
			continue
		}
		now := *row
		now.Users = slices.DeleteFunc(slices.Clone(now.Users), func(u resource.ID) bool { return p.graph.byID[u].c == nil })
		if now.Gone.IsZero() {
			now.Gone = p.opts.Now()
		}
		if now.Wish.Empty() && len(now.Users) == 0 && p.opts.Now().Sub(now.Gone) > keepChoices {
			p.erase(key)
			continue
		}
		if !now.Gone.Equal(row.Gone) || len(now.Users) != len(row.Users) {
			p.write(&now)
		}
		p.enterDetached(&now)
	}
}

// enter and remove keep the tables of the stage.
func (p *pass) enter(e *entry) {
	id := e.v.ID
	p.entries[id], p.byKey[e.key], p.touched[id] = e, id, true
	if e.v.Detached {
		p.detached[id] = true
	}
	for _, n := range e.v.Nodes {
		set := p.onHost[n.HostID]
		if set == nil {
			set = make(map[resource.ID]bool)
			p.onHost[n.HostID] = set
			p.strange = p.strange || !p.graph.hosts[resource.ID(n.HostID)]
		}
		set[id] = true
	}
	p.load.count(e.v, 1)
}

func (p *pass) remove(id resource.ID) {
	e := p.entries[id]
	p.load.count(e.v, -1)
	for _, n := range e.v.Nodes {
		if delete(p.onHost[n.HostID], id); len(p.onHost[n.HostID]) == 0 {
			delete(p.onHost, n.HostID)
			p.strange = p.strange || !p.graph.hosts[resource.ID(n.HostID)]
		}
	}
	delete(p.entries, id)
	delete(p.byKey, e.key)
	delete(p.detached, id)
	p.touched[id] = true
}

// row is the row of a key as it will be.
func (p *pass) row(key string) *resource.StoredVolume {
	if row, ok := p.put[key]; ok {
		return row
	}
	if p.drop[key] {
		return nil
	}
	return p.rows[key]
}

func (p *pass) write(row *resource.StoredVolume) {
	delete(p.drop, row.Key)
	p.put[row.Key] = row
}

func (p *pass) erase(key string) {
	delete(p.put, key)
	if p.rows[key] != nil {
		p.drop[key] = true
	}
}

// recluster works the HA clusters out, and looks at the volumes of hosts whose
// cluster is another one now. renamed says that there may be other hosts than
// before, or other names for them.
func (p *pass) recluster(renamed bool) {
	old := p.known
	calls := old.calls
	if renamed {
		calls = callsOf(p.hosts())
	}
	var said []statement
	for _, id := range slices.Sorted(maps.Keys(p.graph.members)) {
		m := p.graph.byID[id]
		if nodes := strings.Fields(m.text(m.c.nodes)); len(nodes) > 0 {
			said = append(said, statement{p.graph.hostName(m.number(m.c.hostID)), m.text(m.c.cluster), nodes})
		}
	}
	var declared []resource.Cluster
	for _, name := range slices.Sorted(maps.Keys(p.declared)) {
		declared = append(declared, *p.declared[name])
	}
	p.known = newClusters(p.opts.Clusters, declared, said, calls)
	for h, ids := range p.onHost {
		if !p.known.same(old, p.graph.hostName(h)) {
			maps.Copy(p.look, ids)
		}
	}
}

// hosts returns the known hosts by name, with what else they are called.
func (p *pass) hosts() map[string][]string {
	hosts := make(map[string][]string, len(p.graph.hosts))
	for id := range p.graph.hosts {
		h := p.graph.byID[id]
		hosts[nameOfHost(h)] = []string{h.r.Label, h.r.Name()}
	}
	for h := range p.onHost { // nodes may speak of hosts that have no resource
		if name := p.graph.hostName(h); hosts[name] == nil {
			hosts[name] = []string{}
		}
	}
	return hosts
}

// home looks at the homing of volumes, by name, so that what comes together is
// shared out in an order that people see.
func (p *pass) home() {
	list := slices.SortedFunc(maps.Keys(p.look), func(a, b resource.ID) int {
		return cmp.Or(strings.Compare(p.label(a), p.label(b)), cmp.Compare(a, b))
	})
	list = slices.DeleteFunc(list, func(id resource.ID) bool { return p.entries[id] == nil || p.entries[id].v.Detached })
	for _, id := range list {
		// Where there was one host there was no choice. It weighs on nobody while others
		// that came with it are looked at.
		if e := p.entries[id]; len(e.v.Choice.Hosts) < 2 && e.v.Choice.PrimaryBy == resource.GroundOnly && !e.v.Used() {
			p.load.count(e.v, -1)
			v := *e.v
			v.Choice = resource.VolumeChoice{Hosts: v.Choice.Hosts}
			e.v = &v
		}
	}
	for _, id := range list {
		e := p.entries[id]
		p.load.count(e.v, -1)
		v := *e.v
		v.Choice = choose(&v, e.runs, e.taken, p.load, p.known)
		e.taken = false
		v.Nodes = withRoles(v.Nodes, &v.Choice)
		e.v = &v
		p.load.count(e.v, 1)
		p.touched[id] = true
		p.remember(&v)
	}
}

func (p *pass) label(id resource.ID) string {
	if e := p.entries[id]; e != nil {
		return e.v.Label
	}
	return ""
}

// withRoles gives the best node of each chosen host its role.
func withRoles(nodes []resource.VolumeNode, c *resource.VolumeChoice) []resource.VolumeNode {
	out := slices.Clone(nodes)
	for i := range out {
		n := &out[i]
		n.Role = resource.RoleUnused
		if i > 0 && out[i-1].Host == n.Host {
			continue
		}
		switch n.Host {
		case c.Primary:
			n.Role = resource.RolePrimary
		case c.Secondary:
			n.Role = resource.RoleSecondary
		}
	}
	return out
}

// remember has the choice of a volume written if there was one to make, if a user
// decided, or if it must stay as it is because the volume is used.
func (p *pass) remember(v *resource.Volume) {
	row := p.row(v.Key)
	if row == nil && v.Wish.Empty() && (len(v.Hosts()) < 2 && !v.Used() || v.Choice.Primary == "") {
		return
	}
	now := &resource.StoredVolume{Key: v.Key, ID: v.ID, Label: v.Label, Wish: v.Wish, Choice: v.Choice}
	if row != nil && row.ID == v.ID && row.Gone.IsZero() && sameWish(&row.Wish, &v.Wish) && row.Choice.Same(&v.Choice) {
		return // the label is of no use before the drive is gone
	}
	p.write(now)
}

// sameVolume compares all but Seq.
func sameVolume(a, b *resource.Volume) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Label == b.Label && a.Plugin == b.Plugin && a.Class == b.Class && a.Kind == b.Kind &&
		a.Size == b.Size && a.FilesystemType == b.FilesystemType && a.Detached == b.Detached && a.Unsuitable == b.Unsuitable &&
		slices.Equal(a.Backing, b.Backing) && slices.Equal(a.Users, b.Users) && slices.Equal(a.Nodes, b.Nodes) && sameWish(&a.Wish, &b.Wish) && a.Choice.Same(&b.Choice)
}

func sameWish(a, b *resource.VolumeWish) bool {
	return a.Alias == b.Alias && a.Primary == b.Primary && a.Secondary == b.Secondary && slices.Equal(a.Unused, b.Unused) &&
		a.By == b.By && a.Time.Equal(b.Time)
}

// commit writes what is to be kept and shows the volumes.
func (p *pass) commit(ctx context.Context) error {
	m := &p.mutation
	for _, key := range slices.Sorted(maps.Keys(p.put)) {
		m.Put = append(m.Put, p.put[key])
	}
	m.Delete = slices.Sorted(maps.Keys(p.drop))
	p.torn = true
	if !m.Empty() {
		if err := p.opts.Store.CommitVolumes(ctx, m); err != nil {
			return err
		}
	}
	for _, row := range m.Put {
		p.keep(row)
	}
	for _, key := range m.Delete {
		p.forget(key)
	}
	p.torn = false
	p.show()
	return nil
}

// show publishes the volumes that changed.
func (p *pass) show() {
	if p.whole {
		for id := range p.volumes {
			p.touched[id] = true
		}
	}
	ch := &resource.VolumeChanges{Seq: max(p.seq+1, uint64(max(0, p.opts.Now().UnixMicro())))}
	changed := make(map[resource.ID]*resource.Volume)
	for _, id := range slices.Sorted(maps.Keys(p.touched)) {
		old := p.volumes[id] // which only who holds work writes
		e := p.entries[id]
		switch {
		case e == nil && old != nil:
			ch.Gone = append(ch.Gone, id)
		case e != nil && (old == nil || !sameVolume(old, e.v)):
			v := *e.v
			v.Seq = ch.Seq
			e.v = &v
			changed[id] = e.v
			ch.Changed = append(ch.Changed, e.v)
		}
	}
	p.mu.Lock()
	p.shown = p.known
	for _, id := range ch.Gone {
		delete(p.volumes, id)
	}
	maps.Copy(p.volumes, changed)
	if p.whole {
		clear(p.Stage.bare)
	}
	for id, v := range p.bare {
		if v != nil {
			p.Stage.bare[id] = v
		} else {
			delete(p.Stage.bare, id)
		}
	}
	p.mu.Unlock()
	if len(ch.Changed)+len(ch.Gone) > 0 {
		p.seq = ch.Seq
		p.feed.Append(ch.Seq, ch)
	}
}
