package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// drawn is an answer in short: nodes as name@depth, groups as
// key shown+folded(sick), links as source>target xN with ! for sick ones.
func drawn(l gen.Layers) (nodes, groups, links string) {
	var ns, gs, ls []string
	for _, n := range l.Nodes {
		ns = append(ns, fmt.Sprintf("%s@%d", n.Name, n.Depth))
	}
	for _, g := range l.Groups {
		open := ""
		if g.First >= 0 {
			open = fmt.Sprintf(" from %d", g.First)
		}
		gs = append(gs, fmt.Sprintf("%s %d+%d(%d)%s", g.Key, g.Shown, g.Folded, g.Folded-g.Health.Ok, open))
	}
	for _, k := range l.Links {
		mark := ""
		if k.Health != gen.SeverityOk {
			mark = "!"
		}
		ls = append(ls, fmt.Sprintf("%s>%s x%d%s", k.Source, k.Target, k.Edges, mark))
	}
	return strings.Join(ns, ", "), strings.Join(gs, ", "), strings.Join(ls, ", ")
}

// TestLayers folds an enclosure of 12 drives, one of which (4) has failed; all
// are in one pool (5) with a LUN (6).
func TestLayers(t *testing.T) {
	w := apitest.New()
	for i := 3; i <= 12; i++ {
		r := w.Create("HardDrive", apitest.Couplet, fmt.Sprint("Drive ", i), []resource.ID{apitest.Enclosure},
			resource.IntValue(int64(i)), resource.StringValue("OK"), resource.IntValue(1), resource.RefValue(2), resource.StringValue("fw"))
		w.Link(r.ID, apitest.Pool)
	}
	s := api.New(w.Options())
	for query, want := range map[string][3]string{
		"2/layers": {
			"Enclosure 1@0, Drive 2@1, Pool 0@2, scratch@3", "1:acme.HardDrive 1+11(0)",
			"1:acme.HardDrive>5 x11, 2>1:acme.HardDrive x11, 2>4 x1, 4>5 x1!, 5>6 x1!",
		},
		"6/layers?direction=up": {
			"scratch@0, Pool 0@-1, Drive 2@-2, Enclosure 1@-3", "-2:acme.HardDrive 1+11(0)",
			"-2:acme.HardDrive>5 x11, 2>-2:acme.HardDrive x11, 2>4 x1, 4>5 x1!, 5>6 x1!",
		},
		"2/layers?depth=1": {"Enclosure 1@0, Drive 2@1", "1:acme.HardDrive 1+11(0)", "2>1:acme.HardDrive x11, 2>4 x1"},
		"2/layers?depth=1&page=3&open=1:acme.HardDrive": {
			"Enclosure 1@0, Drive 2@1, Drive 1@1, Drive 3@1", "1:acme.HardDrive 3+9(0) from 0",
			"2>1:acme.HardDrive x9, 2>3 x1, 2>4 x1, 2>7 x1",
		},
		// The sick one is on the first page, so that the second counts it.
		"2/layers?depth=1&page=2&open=1:acme.HardDrive:2": {
			"Enclosure 1@0, Drive 3@1, Drive 4@1", "1:acme.HardDrive 2+10(1) from 2", "2>1:acme.HardDrive x10, 2>7 x1, 2>8 x1",
		},
		// Beyond the end is the last page.
		"2/layers?depth=1&page=5&open=1:acme.HardDrive:500": {
			"Enclosure 1@0, Drive 11@1, Drive 12@1", "1:acme.HardDrive 2+10(1) from 10", "2>15 x1, 2>16 x1, 2>1:acme.HardDrive x10",
		},
		"2/layers?depth=1&page=12&open=1:acme.HardDrive": {
			"Enclosure 1@0, Drive 2@1, Drive 1@1, Drive 3@1, Drive 4@1, Drive 5@1, Drive 6@1, Drive 7@1, Drive 8@1, Drive 9@1, Drive 10@1, Drive 11@1, Drive 12@1",
			"1:acme.HardDrive 12+0(0) from 0",
			"2>10 x1, 2>11 x1, 2>12 x1, 2>13 x1, 2>14 x1, 2>15 x1, 2>16 x1, 2>3 x1, 2>4 x1, 2>7 x1, 2>8 x1, 2>9 x1",
		},
		"4/layers?toward=LogicalDrive": {"Drive 2@0, Pool 0@1, scratch@2", "", "4>5 x1!, 5>6 x1!"},
		"5/layers?toward=Enclosure":    {"Pool 0@0, Drive 2@-1, Enclosure 1@-2", "-1:acme.HardDrive 1+11(0)", "-1:acme.HardDrive>5 x11, 2>-1:acme.HardDrive x11, 2>4 x1, 4>5 x1!"},
		"3/layers?toward=Couplet":      {"Drive 1@0", "", ""},
	} {
		nodes, groups, links := drawn(get[gen.Layers](t, s, "/resources/"+query))
		if d := cmp.Diff(want, [3]string{nodes, groups, links}); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	if l := get[gen.Layers](t, s, "/resources/5/layers"); l.Above != 13 || l.Below != 1 {
		t.Errorf("%d above, %d below", l.Above, l.Below)
	}

	// Below a sick resource everything is sick: only what has alerts of its own
	// stands out.
	w.Raise(apitest.Enclosure, resource.Error, "x", "number", "Door open")
	nodes, groups, _ := drawn(get[gen.Layers](t, s, "/resources/2/layers?depth=1"))
	if nodes != "Enclosure 1@0, Drive 2@1" || groups != "1:acme.HardDrive 1+11(11)" {
		t.Errorf("below a sick one: %s; %s", nodes, groups)
	}
	// Above, four of the sick ones do, and they are those with alerts first.
	nodes, _, _ = drawn(get[gen.Layers](t, s, "/resources/5/layers?direction=up&depth=1"))
	if nodes != "Pool 0@0, Drive 2@-1, Drive 1@-1, Drive 3@-1, Drive 4@-1" {
		t.Errorf("above: %s", nodes)
	}
}

func TestLayersRefused(t *testing.T) {
	s, _ := newServer(t)
	for query, field := range map[string]string{
		"depth=-1": "depth", "page=0": "page", "page=201": "page", "direction=left": "direction", "toward=Moon": "toward",
		"open=acme.Disk": "open", "open=x:acme.Disk": "open", "open=1:acme.Disk:-1": "open", "open=1:a:2:3": "open",
		"open=" + strings.Join(slices.Repeat([]string{"1:a.B"}, 51), ","): "open",
	} {
		w := do(t, s, "GET", "/api/v1/resources/2/layers?"+query, "")
		if p := decode[gen.Problem](t, w); w.Code != 400 || p.Field != field {
			t.Errorf("%s: %d %+v", query, w.Code, p)
		}
	}
}

func TestTimeline(t *testing.T) {
	s, w := newServer(t) // Drive 2 has an alert
	door := w.Raise(apitest.Enclosure, resource.Warning, "x", "number", "Door open")
	w.Raise(apitest.Drive1, resource.Info, "y", "slot", "Note")
	w.End(door.ID) // an hour after apitest.Start
	list := func(query string) (out []string) {
		t.Helper()
		tl := get[gen.Timeline](t, s, "/resources/"+query)
		for _, a := range tl.Items {
			ended := ""
			if a.Ended != nil {
				ended = " ended"
			}
			out = append(out, a.Message+ended)
		}
		if tl.Truncated {
			out = append(out, "…")
		}
		return out
	}
	for query, want := range map[string][]string{
		"2/timeline?since=2026-03-01T12:00:00Z": {"Note", "Door open ended", "Drive failure"},
		"2/timeline?since=2026-03-01T13:30:00Z": {"Note", "Drive failure"},
		"2/timeline?since=2099-01-01T00:00:00Z": {"Note", "Drive failure"},
		"3/timeline":                            {"Note"},
		"6/timeline":                            nil,
		"2/timeline?limit=1":                    {"Note", "…"},
		// What it all began with is never cut off.
		"4/timeline?limit=1": {"Drive failure"},
	} {
		if d := cmp.Diff(want, list(query)); d != "" {
			t.Errorf("%s: -want +got:\n%s", query, d)
		}
	}
	w.Raise(apitest.Lun, resource.Info, "z", "name", "Renamed")
	if d := cmp.Diff([]string{"Renamed", "Drive failure", "…"}, list("4/timeline?limit=1")); d != "" {
		t.Errorf("the cause is cut off: -want +got:\n%s", d)
	}
}

// TestEndedIncidents has a disk that failed twice, what followed from it, and a LUN
// that went offline by itself. Times are in minutes before now.
func TestEndedIncidents(t *testing.T) {
	s, w := newServer(t)
	w.End(1)
	now := time.Now()
	raise := func(id resource.ID, sev resource.Severity, began, ended int) *resource.Alert {
		a := w.Raise(id, sev, fmt.Sprint("c", began), "x", fmt.Sprintf("%d to %d", began, ended))
		a.Began = now.Add(-time.Duration(began) * time.Minute)
		if ended > 0 {
			a.Ended = now.Add(-time.Duration(ended) * time.Minute)
		}
		return a
	}
	raise(apitest.Drive2, resource.Warning, 600, 500)
	raise(apitest.Drive2, resource.Error, 550, 400) // the same incident
	raise(apitest.Pool, resource.Warning, 590, 390) // its effects
	raise(apitest.Lun, resource.Info, 580, 570)
	raise(apitest.Lun, resource.Error, 300, 200)
	raise(apitest.Drive2, resource.Error, 100, 50)
	raise(apitest.Lun, resource.Warning, 90, 40)
	raise(apitest.Enclosure, resource.Warning, 30, 0) // goes on, and explains what follows
	raise(apitest.Drive2, resource.Error, 20, 10)
	raise(apitest.Couplet, resource.Info, 9, 8) // no incident
	list := func(query string) string {
		t.Helper()
		got := get[gen.EndedIncidentList](t, s, "/ended-incidents"+query)
		var out []string
		for _, i := range got.Items {
			var causes []string
			for _, c := range i.Causes {
				causes = append(causes, c.Message)
			}
			out = append(out, fmt.Sprintf("%s %s (%s) %d %d", i.Name, i.Severity, strings.Join(causes, ", "), int(now.Sub(i.Ended).Minutes()), i.Effects))
		}
		return strings.Join(out, "; ")
	}
	want := "Drive 2 error (100 to 50) 50 1; scratch error (300 to 200) 200 0; Drive 2 error (550 to 400, 600 to 500) 400 2"
	if d := cmp.Diff(want, list("")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := get[gen.EndedIncidentList](t, s, "/ended-incidents?limit=1"); len(got.Items) != 1 || !got.Truncated {
		t.Errorf("one of three: %+v", got)
	}
	if got := list("?since=" + now.Add(-5*time.Minute).UTC().Format(time.RFC3339)); got != "" {
		t.Errorf("of the last minutes: %s", got)
	}
}

func TestStanding(t *testing.T) {
	v := newVolumes(apitest.Drive1)
	s, w := serverWith(v)
	fs := &resource.Class{Plugin: "fs", Name: "Scratch", Bases: []string{"FileSystem", "Resource"}}
	fs.Index()
	w.AddClass(fs)
	w.CreateOf(fs, apitest.Couplet, "/scratch", []resource.ID{apitest.Lun})
	w.CreateOf(fs, apitest.Couplet, "/home", nil)
	states := func() string {
		t.Helper()
		st := get[gen.Standing](t, s, "/standing")
		var out []string
		for _, k := range []gen.StandingKind{st.Filesystems, st.Volumes} {
			out = append(out, fmt.Sprintf("%d/%d/%d/%d", k.Down, k.Degraded, k.AtRisk, k.Fine))
			for _, it := range k.Items {
				cause := ""
				if it.Cause != nil {
					cause = " " + it.Cause.Message
				}
				out = append(out, fmt.Sprintf("%s %s%s", it.Resource.Name, it.State, cause))
				r := get[gen.Resource](t, s, fmt.Sprintf("/resources/%d", it.Resource.ID))
				if fs := r.Class == "Scratch"; fs != (r.Standing != nil) || fs && *r.Standing != it.State {
					t.Errorf("%s stands %v by itself, %s in the list", r.Name, r.Standing, it.State)
				}
				if want := it.Resource.ID == int64(apitest.Lun); it.Volume != want || (it.Why != "") != want {
					t.Errorf("%s: volume %t, why %q", it.Resource.Name, it.Volume, it.Why)
				}
			}
		}
		return strings.Join(out, "; ")
	}
	check := func(want string) {
		t.Helper()
		if d := cmp.Diff(want, states()); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
	check("0/0/1/1; /scratch at_risk Drive failure; /home fine; 0/0/1/0; scratch at_risk Drive failure")
	pool := w.Raise(apitest.Pool, resource.Warning, "p", "raid_type", "Degraded")
	check("0/0/1/1; /scratch at_risk Drive failure; /home fine; 0/1/0/0; scratch degraded Drive failure")
	w.End(pool.ID)
	w.Raise(apitest.Pool, resource.Error, "p", "raid_type", "Failed")
	check("1/0/0/1; /scratch down Drive failure; /home fine; 1/0/0/0; scratch down Drive failure")
	w.Raise(apitest.Lun, resource.Info, "i", "name", "Renamed")
	check("1/0/0/1; /scratch down Drive failure; /home fine; 1/0/0/0; scratch down Drive failure")
	w.Raise(apitest.Lun, resource.Error, "l", "mapped", "Gone")
	check("1/0/0/1; /scratch down Drive failure; /home fine; 1/0/0/0; scratch down Drive failure")
	// The names and states of volumes are those of their page, also where only a path
	// is at fault.
	w = apitest.New()
	v = newVolumes(apitest.Enclosure, apitest.Drive2)
	v.v.Wish.Alias, v.v.ID = "archive", apitest.Enclosure
	o := w.Options()
	o.Volumes = v
	st := get[gen.Standing](t, api.New(o), "/standing")
	if it := st.Volumes.Items[0]; it.Resource.Name != "archive" || it.State != gen.StandingStateDegraded || it.Causes != 1 || it.Cause.Message != "Drive failure" ||
		it.Why != "1 of its 2 paths do not work; b: Drive failure: Hard drive Drive 2" {
		t.Errorf("%+v", it)
	}
}

// TestStandingOfTargets has a file system whose target says nothing while the volume
// below its multipath device is down.
func TestStandingOfTargets(t *testing.T) {
	s, w := serverWith(newVolumes())
	class := func(name string, bases ...string) *resource.Class {
		c := &resource.Class{Plugin: "fs", Name: name, Bases: append(bases, "Resource")}
		c.Index()
		w.AddClass(c)
		return c
	}
	node, target, fs := class("Node", resource.BaseDeviceNode), class("Target", resource.ClassTarget), class("Scratch", resource.ClassFileSystem)
	create := func(c *resource.Class, label string, parents ...resource.ID) resource.ID {
		return w.CreateOf(c, apitest.Couplet, label, parents).ID
	}
	mapped := create(node, "/dev/mapper/a", create(node, "/dev/sda", apitest.Lun), create(node, "/dev/sdb", apitest.Lun))
	ost0, ost1 := create(target, "OST0", mapped), create(target, "OST1")
	two, one := create(fs, "two", ost0, ost1), create(fs, "one", ost0)
	check := func(wantTwo, wantOne gen.StandingState) {
		t.Helper()
		for id, want := range map[resource.ID]gen.StandingState{two: wantTwo, one: wantOne} {
			if r := get[gen.Resource](t, s, fmt.Sprintf("/resources/%d", id)); r.Standing == nil || *r.Standing != want {
				t.Errorf("%s stands %v, want %s", r.Name, r.Standing, want)
			}
		}
	}
	w.Raise(apitest.Pool, resource.Warning, "p", "raid_type", "Degraded")
	check(gen.StandingStateAtRisk, gen.StandingStateAtRisk)
	w.Raise(apitest.Pool, resource.Error, "q", "raid_type", "Failed")
	check(gen.StandingStateDegraded, gen.StandingStateDown)
}
