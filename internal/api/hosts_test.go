package api_test

import (
	"context"
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
