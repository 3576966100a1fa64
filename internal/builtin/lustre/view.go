package lustre

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// byClient is who knows of a peer if it is a client of the host.
const byClient = "client"

// view is what a host says, with all messages of its session merged.
type view struct{ fact.Report }

// check refuses a report of another form, and takes out what makes no sense, so
// that one wrong entry does not hide the others.
func check(r *fact.Report) error {
	if r.Version < 1 || r.Version > fact.Version {
		return fmt.Errorf("the report has form %d, and this server knows forms up to %d: upgrade the server before its agents", r.Version, fact.Version)
	}
	for name, t := range r.Targets {
		if t == nil {
			continue
		}
		if t.Kind = kindOf(string(name)); t.Kind != fact.MGT {
			t.FS = cmp.Or(t.FS, systemOf(string(name)))
		}
		if t.Kind != fact.MGT && t.FS == "" || t.Kind == fact.MGT && name != managementName {
			delete(r.Targets, name)
		}
	}
	for name, s := range r.Storage {
		if s == nil {
			continue
		}
		if s.Kind = kindOf(string(name)); s.Kind != fact.MGT {
			s.FS = cmp.Or(s.FS, systemOf(string(name)))
		}
		if s.Kind != fact.MGT && s.FS == "" || s.Kind == fact.MGT && name != managementName {
			delete(r.Storage, name)
		}
	}
	for name, p := range r.Peers {
		if p == nil {
			continue
		}
		p.Kind, p.FS = kindOf(string(name)), cmp.Or(p.FS, systemOf(string(name)))
		if p.FS == "" || p.Kind == fact.MGT {
			delete(r.Peers, name)
		}
	}
	for id, c := range r.Clients {
		if id == "" || c != nil && c.FS == "" {
			delete(r.Clients, id)
		}
	}
	delete(r.Interfaces, "")
	return nil
}

// take merges a report and reports whether it says anything new, usage aside.
func (v *view) take(r *fact.Report) (changed bool) {
	if r.Full {
		v.Report = fact.Report{
			Version: r.Version, Time: r.Time, Host: r.Host, Node: r.Node,
			Targets: map[fact.Name]*fact.Target{}, Storage: map[fact.Name]*fact.Storage{}, Peers: map[fact.Name]*fact.Peer{},
			Clients: map[string]*fact.Client{}, Interfaces: map[string]*fact.Interface{}, Gaps: r.Gaps,
		}
		merge(v.Targets, r.Targets)
		merge(v.Storage, r.Storage)
		merge(v.Peers, r.Peers)
		merge(v.Clients, r.Clients)
		merge(v.Interfaces, r.Interfaces)
		return true
	}
	v.Time = max(v.Time, r.Time)
	if r.Host != "" && r.Host != v.Host {
		v.Host, changed = r.Host, true
	}
	if r.Node != nil {
		v.Node, changed = r.Node, true
	}
	if r.Gaps != nil {
		v.Gaps, changed = r.Gaps, true
	}
	for _, c := range []bool{
		merge(v.Targets, r.Targets), merge(v.Storage, r.Storage), merge(v.Peers, r.Peers),
		merge(v.Clients, r.Clients), merge(v.Interfaces, r.Interfaces),
	} {
		changed = changed || c
	}
	return changed
}

// systemOf is the file system in the name of a target, or empty.
func systemOf(name string) string {
	if kindOf(name) == fact.MGT {
		return ""
	}
	return name[:strings.LastIndexByte(name, '-')]
}

// merge puts into the map what a report says of its members, and reports whether
// it says anything.
func merge[K comparable, V any](into, from map[K]*V) bool {
	for k, v := range from {
		if v == nil {
			delete(into, k)
		} else {
			into[k] = v
		}
	}
	return len(from) > 0
}

// key names one of the host's own targets in the whole system. Management
// targets all have one name; the first file system that it serves tells one from
// another, whichever host it runs on.
func (v *view) key(host int64, name fact.Name) key {
	t := v.Targets[name]
	if t == nil || t.Kind != fact.MGT {
		fs := ""
		if t != nil {
			fs = t.FS
		}
		return key{fs, string(name)}
	}
	if len(t.Serves) > 0 {
		return key{slices.Min(t.Serves), managementName}
	}
	return key{fmt.Sprintf("no file system, on host %d", host), managementName}
}

// targets are all targets that the host of that number says anything of.
func (v *view) targets(host int64) (list []key) {
	for name := range v.Targets {
		list = append(list, v.key(host, name))
	}
	for name, s := range v.Storage {
		list = append(list, key{s.FS, string(name)})
	}
	for name, p := range v.Peers {
		list = append(list, key{p.FS, string(name)})
	}
	return list
}
