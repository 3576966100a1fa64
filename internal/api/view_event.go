package api

import (
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxEvent is how many resources or alerts an event lists. A client reads its
// lists again sooner than it applies more.
const maxEvent = 500

// changes renders one committed change.
func (v *View) changes(ch *resource.Changes) gen.ResourcesEvent {
	out := gen.ResourcesEvent{Seq: int64(ch.Seq), Time: ch.Time.UTC(), Root: int64(ch.Root)}
	if len(ch.Created)+len(ch.Updated)+len(ch.Deleted) > maxEvent {
		out.Bulk = true
		out.Counts = &gen.ChangeCounts{Created: gen.Counts{}, Updated: gen.Counts{}, Deleted: gen.Counts{}}
		for _, r := range ch.Created {
			out.Counts.Created[r.Class.FullName()]++
		}
		for _, u := range ch.Updated {
			out.Counts.Updated[u.Resource.Class.FullName()]++
		}
		for _, r := range ch.Deleted {
			out.Counts.Deleted[r.Class.FullName()]++
		}
		return out
	}
	for _, r := range ch.Created {
		out.Created = append(out.Created, v.ref(r))
	}
	for i := range ch.Updated {
		out.Updated = append(out.Updated, v.update(&ch.Updated[i]))
	}
	for _, r := range ch.Deleted {
		out.Deleted = append(out.Deleted, v.ref(r))
	}
	return out
}

func (v *View) update(u *resource.Update) gen.ResourceUpdate {
	r := u.Resource
	out := gen.ResourceUpdate{
		ID: int64(r.ID), Plugin: r.Class.Plugin, Class: r.Class.Name, Edges: u.Edges, State: u.State,
	}
	if u.Name {
		out.Name = r.Name()
	}
	for _, i := range u.Attributes {
		a := &r.Class.Attributes[i]
		if a.Kind == resource.Password {
			continue
		}
		if out.Attributes == nil {
			out.Attributes = make(map[string]gen.ChangedValue, len(u.Attributes))
		}
		out.Attributes[a.Name] = gen.ChangedValue{Value: plain(r.Values[i]), Text: a.Format(r.Values[i], v.name)}
	}
	return out
}

// samples renders the samples of the watched resources.
func (v *View) samples(list []resource.Sample, watched map[resource.ID]bool) gen.StatisticsEvent {
	out := gen.StatisticsEvent{}
	if len(watched) == 0 {
		return out
	}
	for _, p := range list {
		if !watched[p.Resource] {
			continue
		}
		r := v.Resources.Get(p.Resource)
		if r == nil || p.Stat >= len(r.Class.Statistics) {
			continue
		}
		s := &r.Class.Statistics[p.Stat]
		out.Items = append(out.Items, gen.SampleUpdate{
			Resource: int64(p.Resource), Name: s.Name, Time: p.Time.UTC(), Value: sampleValue(s, p), Bins: p.Bins,
		})
	}
	return out
}

// volumesEvent renders volumes that changed together.
func (v *View) volumesEvent(ch *resource.VolumeChanges) gen.VolumesEvent {
	out := gen.VolumesEvent{Seq: int64(ch.Seq), Bulk: len(ch.Changed)+len(ch.Gone) > maxEvent}
	if out.Bulk {
		return out
	}
	for _, vol := range ch.Changed {
		out.Items = append(out.Items, v.Volume(vol))
	}
	for _, id := range ch.Gone {
		out.Gone = append(out.Gone, int64(id))
	}
	return out
}

// alertsEvent renders alerts that changed together.
func (v *View) alertsEvent(list []*resource.Alert) gen.AlertsEvent {
	out := gen.AlertsEvent{Bulk: len(list) > maxEvent}
	for _, a := range list {
		out.Seq = max(out.Seq, int64(a.Seq))
		if !out.Bulk {
			out.Items = append(out.Items, v.Alert(a))
		}
	}
	return out
}
