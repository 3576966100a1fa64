package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// fakeFleet has one host, and one installation.
type fakeFleet struct {
	did  []string
	fail error
}

func (*fakeFleet) List() []api.Host {
	return []api.Host{{ID: 7, Name: "oss1.example.com", State: gen.HostConnected, Plugins: []gen.HostPlugin{{Name: "linux", Session: gen.HostSessionLive}}, Volumes: 3}}
}

func (f *fakeFleet) Remove(_ context.Context, id resource.ID) error {
	f.did = append(f.did, "remove")
	if id != 7 {
		return resource.Errorf(resource.NotFound, "there is no host %d", id)
	}
	return f.fail
}

func (f *fakeFleet) Add(h api.AddHost) (*api.Installation, error) {
	f.did = append(f.did, "add "+h.Address)
	if f.fail != nil {
		return nil, f.fail
	}
	return f.Installation("i1")
}

func (*fakeFleet) Installation(id string) (*api.Installation, error) {
	if id != "i1" {
		return nil, resource.Errorf(resource.NotFound, "there is no installation %s", id)
	}
	return &api.Installation{ID: id, Address: "oss2", State: gen.InstallationRunning, Steps: []gen.InstallationStep{
		{Name: "connect", Text: "connect to root@oss2:22", State: gen.StepDone},
	}}, nil
}

// TestHostsHaveTheAlertsOfWhatTheyReport: hosts are told with how much they report,
// and with the alerts of that.
func TestHostsHaveTheAlertsOfWhatTheyReport(t *testing.T) {
	t.Parallel()
	w := apitest.New()
	root := w.Create("Couplet", 0, "linux of oss1", nil)
	sick := w.Create("HardDrive", root.ID, "sda", nil)
	w.Create("HardDrive", root.ID, "sdb", nil)
	elsewhere := w.Create("HardDrive", w.Create("Couplet", 0, "other", nil).ID, "sdc", nil)
	host := w.Create("Couplet", 0, "oss1", nil)
	w.Raise(sick.ID, resource.Error, "status", "status", "Disk failure")
	w.Raise(sick.ID, resource.Warning, "heat", "heat", "Hot")
	w.End(w.Raise(sick.ID, resource.Error, "old", "old", "Over").ID)
	w.Raise(host.ID, resource.Info, "state", "state", "Agent stopped")
	w.Raise(elsewhere.ID, resource.Error, "status", "status", "Disk failure")
	id := int64(root.ID)
	o := w.Options()
	o.Fleet = &oneHost{api.Host{ID: int64(host.ID), Name: "oss1", State: gen.HostStopped, Plugins: []gen.HostPlugin{{Name: "linux", Root: &id}, {Name: "lustre"}}}}
	s := api.New(o)

	list := get[gen.HostList](t, s, "/hosts")
	one := get[gen.Host](t, s, fmt.Sprint("/hosts/", host.ID))
	for _, h := range []gen.Host{list.Items[0], one} {
		if h.Alerts != (gen.AlertCounts{Error: 1, Warning: 1, Info: 1}) || h.Plugins[0].Resources != 2 || h.Plugins[1].Resources != 0 {
			t.Errorf("the host is told as %+v", h)
		}
	}
	if len(list.Items[0].Reports) != 0 || len(one.Reports) != 1 || one.Reports["acme.HardDrive"] != 2 {
		t.Errorf("what it reports: %v in the list, %v alone", list.Items[0].Reports, one.Reports)
	}
}

// oneHost is a fleet of one host.
type oneHost struct{ host api.Host }

func (f *oneHost) List() []api.Host {
	h := f.host
	h.Plugins = slices.Clone(h.Plugins)
	return []api.Host{h}
}
func (*oneHost) Remove(context.Context, resource.ID) error      { return nil }
func (*oneHost) Add(api.AddHost) (*api.Installation, error)     { return nil, nil }
func (*oneHost) Installation(string) (*api.Installation, error) { return nil, nil }

func TestHosts(t *testing.T) {
	t.Parallel()
	fleet := &fakeFleet{}
	o := apitest.New().Options()
	o.Fleet = fleet
	s := api.New(o)
	for _, c := range []struct {
		method, path, body string
		fail               error
		status             int
		did, want          string
	}{
		{"GET", "/hosts", "", nil, 200, "", `"session":"live"`},
		{"GET", "/hosts/7", "", nil, 200, "", `"volumes":3`},
		{"GET", "/hosts/8", "", nil, 404, "", "no host 8"},
		{"GET", "/hosts/x", "", nil, 400, "", ""},
		{"DELETE", "/hosts/7", "", nil, 204, "remove", ""},
		{"DELETE", "/hosts/8", "", nil, 404, "remove", "no host 8"},
		{"POST", "/hosts", `{"address":"oss2"}`, nil, 202, "add oss2", `"state":"done"`},
		{"POST", "/hosts", `{"address":""}`, nil, 400, "", "address is missing"},
		{"POST", "/hosts", `{"addresses":"oss2"}`, nil, 400, "", "addresses"},
		{"POST", "/hosts", `{"address":"oss2"}`, resource.Errorf(resource.Unavailable, "no SSH credentials"), 503, "add oss2", "no SSH credentials"},
		{"GET", "/installations/i1", "", nil, 200, "", `"text":"connect to root@oss2:22"`},
		{"GET", "/installations/i2", "", nil, 404, "", "no installation i2"},
	} {
		fleet.did, fleet.fail = nil, c.fail
		w := do(t, s, c.method, "/api/v1"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s; want %d with %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
		if did := strings.Join(fleet.did, ", "); did != c.did {
			t.Errorf("%s %s: did %q, want %q", c.method, c.path, did, c.did)
		}
	}
	o.Fleet = nil
	none := api.New(o)
	if w := do(t, none, "GET", "/api/v1/hosts", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"items":[]`) {
		t.Errorf("without a fleet: %d %s", w.Code, w.Body)
	}
	if w := do(t, none, "POST", "/api/v1/hosts", `{"address":"x"}`); w.Code != 503 {
		t.Errorf("without a fleet: %d %s", w.Code, w.Body)
	}
}

// TestResourcesOfAHost: a host stands for the roots of its device plugins.
func TestResourcesOfAHost(t *testing.T) {
	t.Parallel()
	w := apitest.New()
	linux, lustre := w.Create("Couplet", 0, "linux of oss1", nil), w.Create("Couplet", 0, "lustre of oss1", nil)
	for name, root := range map[string]*resource.Resource{"sda": linux, "sdb": lustre, "sdc": w.Create("Couplet", 0, "other", nil)} {
		w.Create("HardDrive", root.ID, name, nil, resource.IntValue(1), resource.StringValue("OK"), resource.IntValue(1), resource.Null, resource.Null)
	}
	of := func(r *resource.Resource) *int64 { id := int64(r.ID); return &id }
	o := w.Options()
	o.Fleet = &oneHost{api.Host{ID: 700, Name: "oss1", Plugins: []gen.HostPlugin{{Name: "linux", Root: of(linux)}, {Name: "lustre", Root: of(lustre)}, {Name: "site"}}}}
	s := api.New(o)
	for query, want := range map[string]string{
		"host=700":                               "sda sdb",
		"host=700&scope=" + fmt.Sprint(linux.ID): "sda",
		"host=700&scope=1":                       "",
		"host=1":                                 "", // no such host
	} {
		var got []string
		for _, r := range get[gen.ResourceList](t, s, "/resources?class=HardDrive&"+query).Items {
			got = append(got, r.Name)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	o.Fleet = &oneHost{api.Host{ID: 700, Name: "oss1"}}
	if got := get[gen.ResourceList](t, api.New(o), "/resources?host=700"); got.Total != 0 {
		t.Errorf("a host that has not reported has %d resources", got.Total)
	}
}
