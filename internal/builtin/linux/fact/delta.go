package fact

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Delta returns what a reader of from must be told to know to, or nil if there
// is nothing to tell. Both are full; neither is changed, and the result shares
// parts with to, so none of the three may be changed afterwards.
func Delta(from, to *Report) *Report {
	d := &Report{Version: to.Version}
	d.Devices = deltaMap(from.Devices, to.Devices)
	d.Groups = deltaMap(from.Groups, to.Groups)
	d.Pools = deltaMap(from.Pools, to.Pools)
	d.Enclosures = deltaMap(from.Enclosures, to.Enclosures)
	changed := d.Devices != nil || d.Groups != nil || d.Pools != nil || d.Enclosures != nil
	if !slices.Equal(from.Mounts, to.Mounts) {
		d.Mounts, changed = listed(to.Mounts), true
	}
	if !slices.Equal(from.Gaps, to.Gaps) {
		d.Gaps, changed = listed(to.Gaps), true
	}
	if !reflect.DeepEqual(from.Cluster, to.Cluster) {
		changed = true
		if d.Cluster = to.Cluster; d.Cluster == nil {
			d.Cluster = &Cluster{}
		}
	}
	if !changed {
		return nil
	}
	return d
}

// deltaMap returns the members of to that from lacks or has otherwise, and a nil
// for each that only from has.
func deltaMap[K comparable, V any](from, to map[K]*V) map[K]*V {
	var d map[K]*V
	put := func(key K, value *V) {
		if d == nil {
			d = map[K]*V{}
		}
		d[key] = value
	}
	for key, value := range to {
		// Who scans keeps what has not changed as it was, so most are the same.
		if old, ok := from[key]; !ok || old != value && !reflect.DeepEqual(old, value) {
			put(key, value)
		}
	}
	for key := range from {
		if _, ok := to[key]; !ok {
			put(key, nil)
		}
	}
	return d
}

// listed makes an empty list one that JSON does not write as null, which would
// mean that nothing has changed.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Apply returns the full report that a reader knows who knew r and is told m.
// r is nil for a reader who knows nothing, to whom only a full report can be
// told. r and m are not changed; the result shares parts with them.
func (r *Report) Apply(m *Report) (*Report, error) {
	switch {
	case m.Version > Version:
		return nil, fmt.Errorf("the report has version %d; this program reads up to %d: bring the server to the version of the agent", m.Version, Version)
	case m.Full:
		return m, nil
	case r == nil:
		return nil, fmt.Errorf("the report has only what changed, and there is none before it: ask for a full one")
	}
	next := &Report{
		Version: m.Version, Full: true,
		Devices:    applyMap(r.Devices, m.Devices),
		Groups:     applyMap(r.Groups, m.Groups),
		Pools:      applyMap(r.Pools, m.Pools),
		Enclosures: applyMap(r.Enclosures, m.Enclosures),
		Mounts:     r.Mounts, Gaps: r.Gaps, Cluster: r.Cluster,
	}
	if m.Mounts != nil {
		next.Mounts = m.Mounts
	}
	if m.Gaps != nil {
		next.Gaps = m.Gaps
	}
	if m.Cluster != nil {
		if next.Cluster = m.Cluster; m.Cluster.Name == "" && len(m.Cluster.Nodes) == 0 {
			next.Cluster = nil
		}
	}
	return next, nil
}

func applyMap[K comparable, V any](from, d map[K]*V) map[K]*V {
	if len(d) == 0 {
		return from
	}
	next := maps.Clone(from)
	if next == nil {
		next = map[K]*V{}
	}
	for key, value := range d {
		if value == nil {
			delete(next, key)
			continue
		}
		next[key] = value
	}
	return next
}
