package vm

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// A thing is one that the guest's scripts have built: its kind, its name and what
// is to be found of it.
type thing struct {
	kind, name string
	want       map[string]string
}

func (t thing) String() string { return t.kind + " " + t.name }

// expected reads what was built up to now.
func expected(t *testing.T) []thing {
	t.Helper()
	f, err := os.Open("/run/stack/expected")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []thing
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		if len(words) < 2 {
			t.Fatalf("%s: line %q", f.Name(), lines.Text())
		}
		i := slices.IndexFunc(list, func(a thing) bool { return a.kind == words[0] && a.name == words[1] })
		if i < 0 {
			list, i = append(list, thing{words[0], words[1], map[string]string{}}), len(list)
		}
		for _, word := range words[2:] {
			name, value, ok := strings.Cut(word, "=")
			switch {
			case word == "gone":
				list = slices.Delete(list, i, i+1)
			case !ok:
				t.Fatalf("%s: %q in line %q", f.Name(), word, lines.Text())
			case value == "":
				delete(list[i].want, name)
			default:
				list[i].want[name] = value
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// A view finds the things in a report.
type view struct {
	*fact.Report
	things []thing
	keys   map[string][]fact.Key // of devices, by kind:name
}

// compare tells what is wrong with a report: what is missing, what is otherwise
// than it was built, and what is there that nobody built.
func compare(r *fact.Report, things []thing) []string {
	v := &view{Report: r, things: things, keys: map[string][]fact.Key{}}
	var wrong []string
	claimed := map[fact.Key]string{}
	// What others are built on comes before them.
	for range things {
		for _, t := range things {
			if id := t.kind + ":" + t.name; len(v.keys[id]) == 0 {
				v.keys[id] = v.find(t)
			}
		}
	}
	mounts := map[string]bool{}
	groups := 0
	for _, t := range things {
		got, err := v.look(t)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%v: %v", t, err))
			continue
		}
		for _, key := range v.keys[t.kind+":"+t.name] {
			if other := claimed[key]; other != "" {
				wrong = append(wrong, fmt.Sprintf("%v and %s are both device %s", t, other, key))
			}
			claimed[key] = t.String()
		}
		for _, name := range slices.Sorted(maps.Keys(t.want)) {
			if has, ok := got[name]; !ok || has != t.want[name] {
				wrong = append(wrong, fmt.Sprintf("%v: %s is %q, want %q", t, name, has, t.want[name]))
			}
		}
		switch t.kind {
		case "mount":
			mounts[t.name] = true
		case "group":
			groups++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Devices)) {
		d := r.Devices[key]
		if claimed[key] == "" && (d.Volume == nil || d.Volume.Layer == "") {
			wrong = append(wrong, fmt.Sprintf("device %s, %s %s (%s), was never built", key, d.Kind, d.Path, d.Name))
		}
	}
	for _, m := range r.Mounts {
		if !mounts[m.Target] {
			wrong = append(wrong, fmt.Sprintf("nobody mounted %s at %s", m.Source, m.Target))
		}
	}
	if len(r.Groups) != groups {
		wrong = append(wrong, fmt.Sprintf("there are %d volume groups, want %d", len(r.Groups), groups))
	}
	for _, g := range r.Gaps {
		wrong = append(wrong, fmt.Sprintf("a gap in %s %s: %s", g.Part, g.Of, g.Text))
	}
	return wrong
}

// find returns the devices that a thing is, by what cannot change of it.
func (v *view) find(t thing) (list []fact.Key) {
	for _, key := range slices.Sorted(maps.Keys(v.Devices)) {
		d := v.Devices[key]
		is := false
		switch t.kind {
		case "disk":
			is = d.Kind == fact.Disk && (t.want["wwid"] != "" && d.IDs.WWID == t.want["wwid"] || t.want["wwid"] == "" && d.IDs.Serial == t.want["serial"])
		case "map":
			is = d.Kind == fact.Multipath && d.Map != nil && d.Map.Name == t.name
		case "partition":
			is = d.Kind == fact.Partition && strconv.Itoa(d.Number) == t.want["number"] && slices.Contains(v.keys[t.want["of"]], d.Whole)
		case "raid":
			is = d.Kind == fact.RAID && d.Array != nil && strings.TrimPrefix(d.Array.Name, "stackhost:") == t.name
		case "volume":
			is = d.Kind == fact.LV && d.Volume != nil && visible(d.Volume) && v.volume(d.Volume) == t.name
		case "crypt":
			is = d.Kind == fact.Crypt && slices.Contains(d.Paths, "/dev/mapper/"+t.name)
		case "loop":
			is = d.Kind == fact.Loop && d.Name == t.name
		}
		if is {
			list = append(list, key)
		}
	}
	return list
}

// visible reports whether a device is what people call the volume: of a thin pool
// LVM makes a layer, which nobody can write to.
func visible(l *fact.Volume) bool { return l.Layer == "" || l.Layer == "pool" }

// volume is the name of a logical volume with that of its group.
func (v *view) volume(l *fact.Volume) string {
	if g := v.Groups[l.Group]; g != nil {
		return g.Name + "/" + l.Name
	}
	return "?/" + l.Name
}

// names returns what the devices are, in the order of the expectations.
func (v *view) names(keys []fact.Key) string {
	var list []string
	left := slices.Clone(keys)
	for _, t := range v.things {
		id := t.kind + ":" + t.name
		n := len(left)
		left = slices.DeleteFunc(left, func(k fact.Key) bool { return slices.Contains(v.keys[id], k) })
		if len(left) < n {
			list = append(list, id)
		}
	}
	for _, key := range left {
		if d := v.Devices[key]; d != nil && d.Volume != nil && d.Volume.Layer != "" {
			continue // what LVM keeps for itself
		}
		list = append(list, string(key))
	}
	return strings.Join(list, ",")
}

// look returns all that is known of a thing, by the names that expectations have.
func (v *view) look(t thing) (map[string]string, error) {
	switch t.kind {
	case "group":
		return v.lookGroup(t.name)
	case "mount":
		return v.lookMount(t.name)
	}
	keys := v.keys[t.kind+":"+t.name]
	if len(keys) == 0 {
		return nil, fmt.Errorf("there is none")
	}
	var got map[string]string
	for _, key := range keys {
		now := v.device(v.Devices[key])
		if got == nil {
			got = now
			continue
		}
		for name, value := range now { // of several paths
			if got[name] != value {
				got[name] += "," + value
			}
		}
	}
	got["paths"] = strconv.Itoa(len(keys))
	if d := v.Devices[keys[0]]; d.Map != nil {
		got["paths"] = strconv.Itoa(len(d.Map.Paths))
	}
	if t.kind != "disk" && len(keys) > 1 {
		return nil, fmt.Errorf("it is there %d times: %q", len(keys), keys)
	}
	return got, nil
}

func (v *view) lookGroup(name string) (map[string]string, error) {
	for _, g := range v.Groups {
		if g.Name == name {
			return map[string]string{"on": v.names(g.On), "size": strconv.FormatInt(g.Size, 10), "missing": strconv.Itoa(g.Missing)}, nil
		}
	}
	return nil, fmt.Errorf("there is none")
}

func (v *view) lookMount(target string) (map[string]string, error) {
	var got map[string]string
	for _, m := range v.Mounts {
		if m.Target != target {
			continue
		}
		if got != nil {
			return nil, fmt.Errorf("it is there twice")
		}
		got = map[string]string{"device": v.names([]fact.Key{m.Device}), "type": m.Type, "option": ""}
		for o := range strings.SplitSeq(m.Options, ",") {
			if o == "ro" || o == "noatime" {
				got["option"] = o
			}
		}
	}
	if got == nil {
		return nil, fmt.Errorf("there is none")
	}
	return got, nil
}

// device says all of a device.
func (v *view) device(d *fact.Device) map[string]string {
	got := map[string]string{
		"wwid": d.IDs.WWID, "page80": d.IDs.Page80, "serial": d.IDs.Serial, "vendor": d.Vendor, "model": d.Model, "size": strconv.FormatInt(d.Size, 10),
		"state": d.State, "transport": d.Transport, "number": strconv.Itoa(d.Number), "of": v.names([]fact.Key{d.Whole}), "file": d.File,
	}
	if len(d.On) > 0 {
		got["on"] = v.names(d.On)
	}
	if d.FS != nil {
		got["fs"], got["label"], got["uuid"] = d.FS.Type, d.FS.Label, d.FS.UUID
	}
	if d.NVMe != nil {
		got["controllers"] = strconv.Itoa(len(d.NVMe.Controllers))
	}
	if m := d.Map; m != nil {
		failed := 0
		for _, p := range m.Paths {
			if p.DM == "failed" {
				failed++
			}
		}
		got["failed"], got["queueing"] = strconv.Itoa(failed), strconv.FormatBool(m.Queueing)
	}
	if a := d.Array; a != nil {
		got["level"], got["disks"], got["degraded"], got["metadata"] = a.Level, strconv.Itoa(a.Disks), strconv.Itoa(a.Degraded), a.Metadata
		states := map[string][]fact.Key{}
		for _, m := range a.Members {
			states[m.State] = append(states[m.State], m.Device)
		}
		for state, keys := range states {
			got[state] = v.names(keys)
		}
	}
	if l := d.Volume; l != nil {
		got["type"], got["health"] = l.Type, l.Health
		got["origin"], got["pool"] = v.volumeOf(l.Origin), v.volumeOf(l.Pool)
	}
	return got
}

// volumeOf is the name of the volume with a UUID.
func (v *view) volumeOf(uuid string) string {
	for _, key := range slices.Sorted(maps.Keys(v.Devices)) {
		if l := v.Devices[key].Volume; uuid != "" && l != nil && visible(l) && l.UUID == uuid {
			return v.volume(l)
		}
	}
	return uuid
}
