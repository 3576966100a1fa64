package linux

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// decode reads one message of a device plugin.
func decode(data json.RawMessage) (*fact.Report, error) {
	r := new(fact.Report)
	if err := json.Unmarshal(data, r); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, fmt.Errorf("the host's report cannot be read: %s is %s, which is no %s; are agent and server of one version?", wrong.Field, wrong.Value, wrong.Type)
		}
		return nil, fmt.Errorf("the host's report cannot be read: %w", err)
	}
	switch {
	case r.Version == 0:
		return nil, errors.New("the host's report has no version: it is not from the device plugin linux")
	case r.Version > fact.Version:
		return nil, fmt.Errorf("the host's report has version %d, and this server reads versions up to %d: update the server before the agents", r.Version, fact.Version)
	}
	return r, nil
}

// merge puts what a host says now into what it said before, which may be nil, and
// changes neither. What a gap of the present message hides stays as it was.
func merge(old, news *fact.Report) *fact.Report {
	if old == nil {
		old = &fact.Report{}
	}
	r := &fact.Report{Version: fact.Version, Full: true, Cluster: news.Cluster, Gaps: news.Gaps}
	if !news.Full {
		if news.Gaps == nil {
			r.Gaps = old.Gaps
		}
		if news.Cluster == nil {
			r.Cluster = old.Cluster
		}
	}
	hidden, of := map[string]bool{}, map[fact.Gap]bool{}
	for _, g := range r.Gaps {
		if g.Of == "" {
			hidden[g.Part] = true
		} else {
			of[fact.Gap{Part: g.Part, Of: g.Of}] = true
		}
	}
	if news.Cluster == nil && hidden["cluster"] {
		r.Cluster = old.Cluster
	}
	r.Devices = patch(old.Devices, news.Devices, !news.Full || hidden["devices"], "devices", of)
	r.Groups = patch(old.Groups, news.Groups, !news.Full || hidden["groups"], "groups", of)
	r.Pools = patch(old.Pools, news.Pools, !news.Full || hidden["pools"], "pools", of)
	r.Enclosures = patch(old.Enclosures, news.Enclosures, !news.Full || hidden["enclosures"], "enclosures", of)
	switch {
	case news.Mounts == nil && (!news.Full || hidden["mounts"]):
		r.Mounts = old.Mounts
	case hidden["mounts"]:
		r.Mounts = slices.Clone(news.Mounts)
		for _, m := range old.Mounts {
			if !slices.ContainsFunc(news.Mounts, func(n fact.Mount) bool { return n.Target == m.Target && n.Source == m.Source }) {
				r.Mounts = append(r.Mounts, m)
			}
		}
	default:
		r.Mounts = news.Mounts
	}
	for guid, p := range r.Pools { // of a pool that another host has now, what was known here stays
		if was := old.Pools[guid]; was != nil && p.State == fact.Exported && was != p {
			p = clone(p)
			p.Size, p.Free, p.Datasets = was.Size, was.Free, was.Datasets
			r.Pools[guid] = p
		}
	}
	for key, d := range r.Devices {
		if was := old.Devices[key]; was != nil && was.Health != nil && sameDisk(was, d) {
			if h := keepHealth(was.Health, d.Health, hidden["health"] || of[fact.Gap{Part: "health", Of: string(key)}]); h != d.Health {
				d = clone(d)
				d.Health = h
				r.Devices[key] = d
			}
		}
	}
	return r
}

// patch returns the members of news, and those of old that news does not mention:
// all of them with keep, else those that a gap names. Members that are nil are
// gone.
func patch[K ~string, V any](old, news map[K]*V, keep bool, part string, of map[fact.Gap]bool) map[K]*V {
	out := make(map[K]*V, len(old)+len(news))
	for k, v := range old {
		if keep || of[fact.Gap{Part: part, Of: string(k)}] {
			out[k] = v
		}
	}
	for k, v := range news {
		if v == nil {
			delete(out, k)
		} else if was := old[k]; was == nil || !reflect.DeepEqual(was, v) {
			out[k] = v
		} else {
			out[k] = was // so that who looks for changes finds none
		}
	}
	return out
}

// keepHealth returns what is known of a disk's health: it is read seldom, and a
// disk that sleeps, or could not be asked, has not become well by that.
func keepHealth(was, now *fact.Health, hidden bool) *fact.Health {
	switch {
	case now == nil && hidden:
		return was
	case now != nil && now.Asleep && now.Passed == nil && now.Temperature == nil:
		h := *was
		h.Asleep = true
		return &h
	}
	return now
}

// sameDisk reports whether the device behind a number is still the one it was.
func sameDisk(a, b *fact.Device) bool {
	return a.Kind == b.Kind && a.IDs.WWID == b.IDs.WWID && a.IDs.Page80 == b.IDs.Page80 && a.IDs.Serial == b.IDs.Serial && a.Model == b.Model
}

func clone[T any](v *T) *T {
	c := *v
	return &c
}
