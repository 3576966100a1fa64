package api_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
)

// volumes is one volume of the world's LUN, behind api.Volumes.
type volumes struct {
	v     *resource.Volume
	edits []resource.VolumeEdit
	query resource.VolumeQuery
	feed  *feed.Log[*resource.VolumeChanges]
}

func newVolumes(nodes ...resource.ID) *volumes {
	v := &resource.Volume{
		ID: apitest.Lun, Label: "scratch", Plugin: "acme", Class: "Lun", Kind: "acme.Lun", Size: 3 << 39, FilesystemType: "xfs",
		Backing: []resource.ID{apitest.Pool, apitest.Lun},
		Choice: resource.VolumeChoice{Primary: "a", PrimaryBy: resource.GroundWeight, WhyPrimary: "its path has the greatest weight: a 2, b 1",
			WhySecondary: "a is in no HA cluster that is known"},
	}
	for i, id := range nodes {
		n := resource.VolumeNode{ID: id, HostID: int64(90 + i), Host: string(rune('a' + i)), Path: "/dev/sda", Role: resource.RoleUnused, Weight: int64(2 - i), Weights: 1}
		if i == 0 {
			n.Role = resource.RolePrimary
		}
		v.Nodes = append(v.Nodes, n)
	}
	return &volumes{v: v, feed: feed.New[*resource.VolumeChanges](4, 7)}
}

func (f *volumes) Get(id resource.ID) *resource.Volume {
	if id != f.v.ID {
		return nil
	}
	return f.v
}

func (f *volumes) List(q resource.VolumeQuery) (resource.VolumePage, error) {
	f.query = q
	if q.Sort == "odd" {
		return resource.VolumePage{}, resource.FieldErrorf("sort", "no such order")
	}
	return resource.VolumePage{Items: []*resource.Volume{f.v}, Next: "more"}, nil
}

func (f *volumes) Counted() []*resource.Volume { return []*resource.Volume{f.v} }

func (f *volumes) Candidates(resource.ID) []resource.Candidate {
	return []resource.Candidate{{Host: "a", HostID: 90, Role: resource.RolePrimary, Weight: 2, Weighted: true, Primaries: 3, Used: 4, Cluster: "ab"},
		{Host: "b", HostID: 91, Role: resource.RoleUnused, Problem: "b is in two"}}
}

func (f *volumes) Edit(_ context.Context, id resource.ID, e resource.VolumeEdit) (*resource.Volume, error) {
	if id != f.v.ID {
		return nil, resource.Errorf(resource.NotFound, "there is no volume %d", id)
	}
	f.edits = append(f.edits, e)
	return f.v, nil
}

func (f *volumes) Clusters() []resource.KnownCluster {
	return []resource.KnownCluster{{Cluster: resource.Cluster{Name: "ab", Hosts: []string{"a", "b", "c"}}, Source: "user", Members: []string{"a", "b"}, Missing: []string{"c"}}}
}

func (f *volumes) Declare(_ context.Context, name string, hosts []string) (resource.KnownCluster, error) {
	return resource.KnownCluster{Cluster: resource.Cluster{Name: name, Hosts: hosts}, Source: "user"}, nil
}

func (f *volumes) Undeclare(_ context.Context, name string) error {
	if name != "a b" {
		return resource.Errorf(resource.NotFound, "no %q", name)
	}
	return nil
}

func (f *volumes) Since(ctx context.Context, seq uint64) iter.Seq2[*resource.VolumeChanges, error] {
	return f.feed.Since(ctx, seq)
}

func (f *volumes) Seq() uint64 { return f.feed.Last() }

func serverWith(v *volumes) (*api.Server, *apitest.World) {
	w := apitest.New()
	o := w.Options()
	o.Volumes = v
	return api.New(o), w
}

func TestVolumeShape(t *testing.T) {
	t.Parallel()
	s, _ := serverWith(newVolumes(apitest.Drive1, apitest.Enclosure))
	equalJSON(t, do(t, s, "GET", "/api/v1/volumes/6", "").Body.String(), `{
  "id": 6, "name": "scratch", "label": "scratch", "plugin": "acme", "class": "Lun", "kind": "acme.Lun", "size": 1649267441664, "size_text": "1.5 TiB",
  "filesystem_type": "xfs", "state": "at_risk", "state_why": "Drive failure: Hard drive Drive 2", "health": "error", "ha": "no-ha", "usable": true,
  "used_by": [], "detached": false, "unused": [],
  "nodes": [
    {"id": 3, "host": "a", "host_id": 90, "path": "/dev/sda", "role": "primary", "weight": 2, "health": "ok", "stale": false},
    {"id": 2, "host": "b", "host_id": 91, "path": "/dev/sda", "role": "unused", "weight": 1, "health": "ok", "stale": false}],
  "primary": {"host": "a", "node": 3, "ground": "weight", "why": "its path has the greatest weight: a 2, b 1"},
  "secondary": {"why": "a is in no HA cluster that is known"},
  "candidates": [
    {"host": "a", "host_id": 90, "role": "primary", "weight": 2, "primaries": 3, "in_use": 4, "cluster": "ab"},
    {"host": "b", "host_id": 91, "role": "unused", "primaries": 0, "in_use": 0, "problem": "b is in two"}]}`)
}

// TestVolumeStates tells a failure of the volume from one that only endangers it.
func TestVolumeStates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		nodes  []resource.ID
		change func(*volumes, *apitest.World)
		state  gen.VolumeState
		why    string
	}{
		"one disk of the pool": {[]resource.ID{apitest.Drive1}, nil, gen.VolumeAtRisk, "Drive failure: Hard drive Drive 2"},
		"the pool is degraded": {[]resource.ID{apitest.Drive1}, func(_ *volumes, w *apitest.World) { w.Raise(apitest.Pool, resource.Warning, "x", "x", "Degraded") }, gen.VolumeDegraded, "Degraded: acme.RaidPool Pool 0"},
		"the pool has failed":  {[]resource.ID{apitest.Drive1}, func(_ *volumes, w *apitest.World) { w.Raise(apitest.Pool, resource.Error, "x", "x", "Failed") }, gen.VolumeDown, "Failed: acme.RaidPool Pool 0"},
		"contact with it is lost": {[]resource.ID{apitest.Drive1}, func(_ *volumes, w *apitest.World) {
			w.Raise(apitest.Lun, resource.Error, resource.OfflineCondition, "", "Contact lost")
		}, gen.VolumeDegraded, "Contact lost: acme.Lun scratch"},
		"all disks of the pool": {[]resource.ID{apitest.Enclosure}, func(_ *volumes, w *apitest.World) {
			for _, id := range w.Get(apitest.Pool).Parents {
				w.Raise(id, resource.Error, "x", "x", "Failed")
			}
		}, gen.VolumeDown, "all that Pool 0 is made of has failed"},
		"a path of two":          {[]resource.ID{apitest.Enclosure, apitest.Drive2}, nil, gen.VolumeDegraded, "1 of its 2 paths do not work; b: Drive failure: Hard drive Drive 2"},
		"the only path":          {[]resource.ID{apitest.Drive2}, nil, gen.VolumeDown, "a: Drive failure: Hard drive Drive 2"},
		"the drive is gone":      {nil, func(v *volumes, _ *apitest.World) { v.v.Detached = true }, gen.VolumeDown, "its drive is no longer seen"},
		"nothing is wrong":       {[]resource.ID{apitest.Drive1}, func(_ *volumes, w *apitest.World) { w.End(1) }, gen.VolumeFine, ""},
		"a note is nothing much": {[]resource.ID{apitest.Drive1}, func(_ *volumes, w *apitest.World) { w.End(1); w.Raise(apitest.Lun, resource.Info, "x", "x", "Note") }, gen.VolumeFine, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVolumes(tt.nodes...)
			s, w := serverWith(v)
			if tt.change != nil {
				tt.change(v, w)
			}
			got := get[gen.VolumeList](t, s, "/volumes")
			if i := got.Items[0]; i.State != tt.state || i.StateWhy != tt.why {
				t.Errorf("%s: %s", i.State, i.StateWhy)
			}
		})
	}
}

func TestVolumeRequests(t *testing.T) {
	t.Parallel()
	f := newVolumes(apitest.Drive1)
	s, _ := serverWith(f)
	for _, tt := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", "/volumes?category=unused&host=a&primary=b&filesystem=9&q=x&sort=-size&limit=3&cursor=c", "", 200, `"next":"more"`},
		{"GET", "/volumes?sort=odd", "", 400, `"field":"sort"`},
		{"GET", "/volumes?filesystem=0", "", 400, `"field":"filesystem"`},
		{"GET", "/volumes?colour=red", "", 400, `"field":"colour"`},
		{"GET", "/volumes/0", "", 400, `"field":"id"`},
		{"GET", "/volumes/99", "", 404, "there is no volume 99"},
		{"GET", "/volumes/5", "", 404, "is no logical drive, so it is no volume"},
		{"PATCH", "/volumes/6", `{"primary":"a","secondary":null,"unused":["c"],"alias":"x","user":"ops"}`, 200, `"id":6`},
		{"PATCH", "/volumes/6", `{"alias":null}`, 200, `"id":6`},
		{"PATCH", "/volumes/6", `{"alias":" x"}`, 400, `"field":"alias"`},
		{"PATCH", "/volumes/6", `{"primary":" "}`, 400, `"field":"primary"`},
		{"PATCH", "/volumes/6", `{"secondary":7}`, 400, `"field":"secondary"`},
		{"PATCH", "/volumes/6", `{"user":"ops"}`, 400, "give alias, primary, secondary or unused"},
		{"PATCH", "/volumes/99", `{"primary":"a"}`, 404, "there is no volume 99"},
		{"GET", "/clusters", "", 200, `{"items":[{"hosts":["a","b","c"],"members":["a","b"],"missing":["c"],"name":"ab","problems":{},"source":"user"}]}`},
		{"POST", "/clusters", `{"name":"x","hosts":["a","b"]}`, 200, `"name":"x"`},
		{"POST", "/clusters", `{"name":"x","hosts":["a","b"],"odd":1}`, 400, `"field":"odd"`},
		{"DELETE", "/clusters/a%20b", "", 204, ""},
		{"DELETE", "/clusters/x", "", 404, "no \\\"x\\\""},
	} {
		w := do(t, s, tt.method, "/api/v1"+tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.text) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, w.Code, w.Body)
		}
	}
	do(t, s, "GET", "/api/v1/volumes?category=unused&host=a&primary=b&filesystem=9&q=x&sort=-size&limit=3&cursor=c", "")
	if d := cmp.Diff(resource.VolumeQuery{Category: "unused", Host: "a", Primary: "b", FileSystem: 9, Text: "x", Sort: "-size", Limit: 3, Cursor: "c"}, f.query); d != "" {
		t.Errorf("query (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]resource.VolumeEdit{
		{Primary: new("a"), Secondary: new(""), Unused: &[]string{"c"}, Alias: new("x"), By: "ops"}, {Alias: new("")},
	}, f.edits); d != "" {
		t.Errorf("edits (-want +got):\n%s", d)
	}
}

func TestVolumeEvents(t *testing.T) {
	t.Parallel()
	v := newVolumes(apitest.Drive1)
	w := apitest.New()
	o := w.Options()
	o.Volumes = v
	srv, _ := serve(t, o)
	f := follow(t, srv.URL, "", "")
	if e := f.next(); e.id != "6.1.7" {
		t.Errorf("ready %+v", e)
	}
	v.feed.Append(9, &resource.VolumeChanges{Seq: 9, Changed: []*resource.Volume{v.v}, Gone: []resource.ID{4}})
	ev, id := want[gen.VolumesEvent](f, "volumes")
	if id != "6.1.9" || ev.Seq != 9 || ev.Bulk || len(ev.Items) != 1 || ev.Items[0].ID != 6 || len(ev.Gone) != 1 || ev.Gone[0] != 4 {
		t.Errorf("%s: %+v", id, ev)
	}
	f.close()

	// What changed while the client was away comes if it is kept. If it is not, as
	// after a restart, that is one event, and the other orders go on.
	f = follow(t, srv.URL, "", "6.1.7")
	f.next()
	if ev, _ := want[gen.VolumesEvent](f, "volumes"); ev.Seq != 9 || len(ev.Items) != 1 {
		t.Errorf("resumed: %+v", ev)
	}
	f.close()
	for _, last := range []string{"6.1.3", "6.1"} {
		f = follow(t, srv.URL, "", last)
		f.next()
		if ev, id := want[gen.VolumesEvent](f, "volumes"); !ev.Bulk || ev.Seq != 9 || id != "6.1.9" {
			t.Errorf("%s: %s %+v", last, id, ev)
		}
	}
	w.Set(apitest.Drive1, "status", resource.StringValue("FAILED"))
	if ev, id := want[gen.ResourcesEvent](f, "resources"); ev.Seq != 7 || id != "7.1.9" {
		t.Errorf("%s %+v", id, ev)
	}
	v.feed.Append(10, &resource.VolumeChanges{Seq: 10, Gone: make([]resource.ID, 501)})
	if ev, _ := want[gen.VolumesEvent](f, "volumes"); !ev.Bulk || ev.Gone != nil {
		t.Errorf("501 volumes: %+v", ev)
	}
}
