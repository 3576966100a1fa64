package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
)

func TestATrialOfAScan(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks, Password: "right"})
	try := func(id int64, attributes string) (out gen.ResourceTested) {
		t.Helper()
		b := s.ask(t, http.MethodPost, "/resources/test", fmt.Sprintf(`{"plugin":"acme","class":"Array","id":%d,"attributes":{%s}}`, id, attributes), http.StatusOK)
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	address := fmt.Sprintf(`"url":%q`, s.address)
	if got := try(0, address+`,"password":"wrong"`); got.Ok || !strings.Contains(got.Error, "password") || got.Resources != 0 {
		t.Errorf("with a wrong password: %+v", got)
	}
	got := try(0, address+`,"password":"right"`)
	if !got.Ok || got.Error != "" || got.Counts["acme.Disk"] != disks || got.Resources < disks || got.Counts["acme.Array"] != 0 {
		t.Errorf("with the right password: %+v", got)
	}
	if n := s.total(t); n != 0 {
		t.Errorf("%d resources are left of trials", n)
	}
	var p gen.Problem
	if err := json.Unmarshal(s.ask(t, http.MethodPost, "/resources/test", `{"plugin":"acme","class":"Array","attributes":{"password":"right"}}`, http.StatusBadRequest), &p); err != nil || p.Field != "url" {
		t.Errorf("without an address: %+v", p)
	}

	// What an edit leaves out is as it was: the password above all.
	root := s.add(t, `,"password":"right"`)
	s.live(t, root)
	before := s.total(t)
	if got := try(root, ""); !got.Ok {
		t.Errorf("as it is: %+v", got)
	}
	if got := try(root, `"password":"wrong"`); got.Ok {
		t.Errorf("with another password: %+v", got)
	}
	if n := s.total(t); n != before || s.session(t, root).State != gen.Live {
		t.Errorf("%d resources after trials, before there were %d", n, before)
	}
}
