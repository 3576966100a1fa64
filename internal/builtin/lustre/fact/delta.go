package fact

import "reflect"

// Delta is the report that makes next of what was told before; nil if nothing but
// the time differs. Usage is no part of it.
func Delta(told, next *Report) *Report {
	d := &Report{
		Version: next.Version, Time: next.Time,
		Targets:    deltaOf(told.Targets, next.Targets),
		Storage:    deltaOf(told.Storage, next.Storage),
		Peers:      deltaOf(told.Peers, next.Peers),
		Clients:    deltaOf(told.Clients, next.Clients),
		Interfaces: deltaOf(told.Interfaces, next.Interfaces),
	}
	changed := d.Targets != nil || d.Storage != nil || d.Peers != nil || d.Clients != nil || d.Interfaces != nil
	if told.Host != next.Host {
		d.Host, changed = next.Host, true
	}
	if !reflect.DeepEqual(told.Node, next.Node) {
		d.Node, changed = next.Node, true
	}
	if !reflect.DeepEqual(told.Gaps, next.Gaps) {
		d.Gaps, changed = next.Gaps, true
		if d.Gaps == nil {
			d.Gaps = []Gap{} // null says nothing
		}
	}
	if !changed {
		return nil
	}
	return d
}

// deltaOf has the members that are new or another, and nil for those that are
// gone.
func deltaOf[K comparable, V any](told, next map[K]*V) map[K]*V {
	var d map[K]*V
	set := func(k K, v *V) {
		if d == nil {
			d = map[K]*V{}
		}
		d[k] = v
	}
	for k, v := range next {
		if !reflect.DeepEqual(told[k], v) {
			set(k, v)
		}
	}
	for k := range told {
		if next[k] == nil {
			set(k, nil)
		}
	}
	return d
}
