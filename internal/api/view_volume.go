package api

import (
	"fmt"
	"slices"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Volume renders a volume, without its candidates.
func (v *View) Volume(vol *resource.Volume) gen.Volume {
	out := gen.Volume{
		ID: int64(vol.ID), Name: vol.Name(), Label: vol.Label, Alias: vol.Wish.Alias, Plugin: vol.Plugin, Class: vol.Class, Kind: vol.Kind,
		Size: vol.Size, FilesystemType: vol.FilesystemType, Ha: gen.VolumeHA(vol.HA()), Usable: vol.Usable(),
		UsedBy: v.refs(vol.Users), Detached: vol.Detached, Nodes: make([]gen.VolumeNode, len(vol.Nodes)), Unused: orEmpty(vol.Wish.Unused),
		Health:    gen.Severity(resource.OK.String()),
		Primary:   gen.VolumeHost{Host: vol.Choice.Primary, Ground: string(vol.Choice.PrimaryBy), Why: vol.Choice.WhyPrimary},
		Secondary: gen.VolumeHost{Host: vol.Choice.Secondary, Ground: string(vol.Choice.SecondaryBy), Why: vol.Choice.WhySecondary},
	}
	if vol.Size > 0 {
		out.SizeText = resource.FormatBytes(vol.Size)
	}
	for i := range vol.Nodes {
		n := &vol.Nodes[i]
		node := gen.VolumeNode{
			ID: int64(n.ID), Host: n.Host, HostID: n.HostID, Path: n.Path, Role: gen.VolumeRole(n.Role),
			Health: gen.Severity(v.Alerts.Health(n.ID).String()),
		}
		if n.Weights > 0 {
			node.Weight = &n.Weight
		}
		node.Stale = v.stale(n.ID)
		switch n.Role {
		case resource.RolePrimary:
			out.Primary.Node = int64(n.ID)
		case resource.RoleSecondary:
			out.Secondary.Node = int64(n.ID)
		}
		out.Nodes[i] = node
	}
	if w := &vol.Wish; !w.Empty() {
		out.Decided = &gen.VolumeDecision{Primary: w.Primary, Secondary: w.Secondary, By: w.By, Time: w.Time.UTC()}
	}
	if !vol.Detached {
		out.Health = gen.Severity(v.Alerts.Health(vol.ID).String())
	}
	out.State, out.StateWhy = v.volumeState(vol)
	return out
}

// volumeState tells from the health of the graph whether a volume works. An
// alert of what backs it says that it failed, or partly; one of anything else
// above it, a fan or one disk of many, that it may. It has failed, too, if all that
// something which backs it is directly made of has.
func (v *View) volumeState(vol *resource.Volume) (gen.VolumeState, string) {
	if vol.Detached {
		return gen.VolumeDown, "its drive is no longer seen"
	}
	bad, why := 0, ""
	for i := range vol.Nodes {
		n := &vol.Nodes[i]
		switch a := v.worstOwn(n.ID); {
		case v.stale(n.ID):
			bad++
			why = fmt.Sprintf("%s is out of contact", n.Host)
		case a != nil && a.Severity == resource.Error:
			bad++
			why = fmt.Sprintf("%s: %s", n.Host, a.Text)
		}
	}
	if bad > 0 && bad == len(vol.Nodes) {
		if bad > 1 {
			why = fmt.Sprintf("none of its %d paths works; %s", bad, why)
		}
		return gen.VolumeDown, why
	}
	state := gen.VolumeFine
	if bad > 0 {
		state, why = gen.VolumeDegraded, fmt.Sprintf("%d of its %d paths do not work; %s", bad, len(vol.Nodes), why)
	}
	if v.Alerts.Health(vol.ID) < resource.Warning {
		return state, why
	}
	for _, a := range slices.Concat(v.Alerts.Own(vol.ID), v.Alerts.Inherited(vol.ID)) {
		_, backs := slices.BinarySearch(vol.Backing, a.Resource)
		r := v.Resources.Get(a.Resource)
		switch {
		case !a.MayCause() || r == nil: // or deleted by a change that is under way
		case backs && fails(r.Class, a):
			return gen.VolumeDown, a.Text
		case backs && state != gen.VolumeDegraded:
			state, why = gen.VolumeDegraded, a.Text
		case state == gen.VolumeFine:
			state, why = gen.VolumeAtRisk, a.Text
		}
	}
	for _, id := range vol.Backing {
		if r := v.Resources.Get(id); r != nil && v.nothingLeft(r) {
			return gen.VolumeDown, fmt.Sprintf("all that %s is made of has failed", r.Name())
		}
	}
	return state, why
}

// nothingLeft reports whether all has failed that a resource is directly made of.
func (v *View) nothingLeft(r *resource.Resource) bool {
	return len(r.Parents) > 0 && !slices.ContainsFunc(r.Parents, func(id resource.ID) bool {
		p := v.Resources.Get(id)
		if p == nil {
			return true
		}
		failed, _ := v.says(p)
		return !failed
	})
}

// filesystemState tells the state of a file system: see the description of getStanding.
func (v *View) filesystemState(r *resource.Resource) gen.StandingState {
	if v.Alerts.Health(r.ID) < resource.Warning {
		return gen.StandingStateFine
	}
	failed, sick := v.says(r)
	if failed {
		return gen.StandingStateDown
	}
	allFailed := len(r.Parents) > 0
	for _, id := range r.Parents {
		p := v.Resources.Get(id)
		if p == nil { // deleted by a change that is under way
			continue
		}
		f, s := v.says(p)
		if !f {
			f = v.cutOff(p)
		}
		allFailed, sick = allFailed && f, sick || s || f
	}
	switch {
	case allFailed:
		return gen.StandingStateDown
	case sick:
		return gen.StandingStateDegraded
	}
	return gen.StandingStateAtRisk
}

// cutOff reports whether the volume is down on which a part of a file system lies,
// whatever that says of itself: it may not have noticed yet.
func (v *View) cutOff(part *resource.Resource) bool {
	if v.Volumes == nil {
		return false
	}
	for way, seen := []resource.ID{part.ID}, map[resource.ID]bool{part.ID: true}; len(way) > 0; way = way[1:] {
		r := v.Resources.Get(way[0])
		if r == nil {
			continue
		}
		if vol := v.Volumes.Get(r.ID); vol != nil {
			state, _ := v.volumeState(vol)
			return state == gen.VolumeDown
		}
		if r.Class.Is(resource.BaseLogicalDrive) { // what lies on a drive lies on that
			continue
		}
		for _, id := range r.Parents {
			p := v.Resources.Get(id)
			if p != nil && !seen[id] && (p.Class.Is(resource.BaseDeviceNode) || p.Class.Is(resource.BaseLogicalDrive)) {
				seen[id] = true
				way = append(way, id)
			}
		}
	}
	return false
}

// says reports what a resource says of itself: whether it has failed, and
// whether it is not well at all.
func (v *View) says(r *resource.Resource) (failed, sick bool) {
	for _, a := range v.Alerts.Own(r.ID) {
		if a.MayCause() {
			failed, sick = failed || fails(r.Class, a), true
		}
	}
	return failed, sick
}

// fails reports whether an alert of a class says that the resource has failed. A
// bound that is exceeded, such as of the space used, is no failure, and neither
// is contact that is lost.
func fails(c *resource.Class, a *resource.Alert) bool {
	return a.Severity == resource.Error && a.Condition != resource.OfflineCondition && !slices.ContainsFunc(c.Conditions, func(k resource.Condition) bool {
		return k.Attribute == a.Attribute && k.Kind != resource.ValueCondition
	})
}

// stale reports whether only dead sessions report a resource.
func (v *View) stale(id resource.ID) bool {
	r := v.Resources.Get(id)
	return r != nil && v.Resources.Stale(r)
}

// worstOwn returns the worst alert of a resource, or nil.
func (v *View) worstOwn(id resource.ID) *resource.Alert {
	if own := v.Alerts.Own(id); len(own) > 0 {
		return own[0]
	}
	return nil
}
