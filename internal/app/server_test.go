package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
)

const disks = 40

// names returns "ID class name <parents" of all resources, sorted.
func (s *site) names(tb testing.TB) []string {
	tb.Helper()
	var out []string
	for _, r := range get[gen.ResourceList](tb, s, "/resources?limit=10000").Items {
		out = append(out, fmt.Sprint(r.ID, r.Class, r.Name, r.ReportedBy, r.Parents))
	}
	slices.Sort(out)
	return out
}

func TestARootIsAddedEditedAndRemoved(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks, Password: "right"})
	root := s.add(t, `,"password":"wrong"`)
	s.until(t, func() bool { return s.session(t, root).State == gen.Offline })
	if e := s.session(t, root).Error; !strings.Contains(e, "password") {
		t.Errorf("error %q", e)
	}
	if n := s.total(t); n != 1 {
		t.Errorf("%d resources after a failed scan", n)
	}
	path := fmt.Sprintf("/resources/%d", root)

	// Half of an edit is none.
	s.ask(t, http.MethodPatch, path, `{"alias":" left","attributes":{"password":"right"}}`, http.StatusBadRequest)
	s.ask(t, http.MethodPatch, path, `{"alias":"left","attributes":{"url":"http://127.0.0.1:1"}}`, http.StatusBadRequest)
	if r := get[gen.Resource](t, s, path); r.Name == "left" || r.Session.State == gen.Live {
		t.Errorf("after refused edits: %+v", r)
	}
	s.ask(t, http.MethodPatch, path, `{"alias":"left","attributes":{"password":"right"}}`, http.StatusOK)
	s.live(t, root)
	if r := get[gen.Resource](t, s, path); r.Name != "left" {
		t.Errorf("its name is %q", r.Name)
	}
	if n := s.total(t); n < disks {
		t.Errorf("%d resources", n)
	}
	found := get[gen.ResourceList](t, s, "/resources?class=Disk&limit=1").Items[0].ID
	s.ask(t, http.MethodDelete, fmt.Sprintf("/resources/%d", found), "", http.StatusConflict)
	s.ask(t, http.MethodDelete, path, "", http.StatusNoContent)
	if n := s.total(t); n != 0 {
		t.Errorf("%d resources are left", n)
	}
	s.ask(t, http.MethodDelete, path, "", http.StatusNotFound)
}

func TestARestartKeepsAllAndRaisesNothing(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	root := s.add(t, "")
	s.live(t, root)
	s.until(t, func() bool { return s.session(t, root).LastContact != nil })
	before := s.names(t)
	s.stop(t)
	if s.log.Len() > 0 {
		t.Errorf("a clean stop warned of\n%s", s.log.String())
	}
	s.start(t)
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("after the restart there is\n%q\nbefore there was\n%q", now, before)
	}
	s.live(t, root)
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("after another scan there is\n%q\nbefore there was\n%q", now, before)
	}
	for _, a := range get[gen.AlertList](t, s, "/alerts").Items {
		if strings.Contains(a.Message, "Cannot be reached") {
			t.Errorf("alert %+v", a)
		}
	}
}

func TestSecretsStaySecretAndSurvive(t *testing.T) {
	const password = "correct-horse-battery"
	s := newSite(t, sim.Options{Disks: disks, Password: password})
	root := s.add(t, fmt.Sprintf(`,"password":%q`, password))
	s.live(t, root)
	for _, path := range []string{"/resources", fmt.Sprintf("/resources/%d", root), "/resources?q=" + password} {
		if b := s.ask(t, http.MethodGet, path, "", http.StatusOK); bytes.Contains(b, []byte(password)) {
			t.Errorf("%s shows the password: %s", path, b)
		}
	}
	s.stop(t)
	secrets := []string{password, "acme1:"} // as typed, and as the plugin obfuscates it
	err := filepath.WalkDir(s.cfg.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "python") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, text := range secrets {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s holds %q", d.Name(), text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.log.String(), password) {
		t.Errorf("the log shows the password: %s", s.log.String())
	}
	s.start(t)
	s.live(t, root) // the array would refuse another password
}

func TestRootsDoNotDisturbEachOther(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	a := s.add(t, "")
	s.live(t, a)
	alone := s.names(t)
	// The same array under another name: another root, with scoped resources of
	// its own.
	s.address = strings.Replace(s.address, "127.0.0.1", "localhost", 1)
	b := s.add(t, "")
	s.live(t, b)
	if n := s.total(t); n <= len(alone) {
		t.Errorf("%d resources of two roots, %d of one", n, len(alone))
	}
	s.ask(t, http.MethodDelete, fmt.Sprintf("/resources/%d", b), "", http.StatusNoContent)
	if now := s.names(t); !slices.Equal(alone, now) {
		t.Errorf("after the other root went there is\n%q\nbefore it came there was\n%q", now, alone)
	}
	if s.session(t, a).State != gen.Live {
		t.Error("the session of the root that stayed is not live")
	}
}

func TestAKilledPluginComesBack(t *testing.T) {
	s := newSite(t, sim.Options{Disks: disks})
	root := s.add(t, "")
	s.live(t, root)
	before := s.names(t)
	plugin := get[gen.PluginList](t, s, "/plugins").Items[0]
	if err := syscall.Kill(plugin.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool { return s.session(t, root).State == gen.Offline })
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("without the plugin there is\n%q\nbefore there was\n%q", now, before)
	}
	stale := get[gen.ResourceList](t, s, "/resources?class=Disk&limit=1").Items[0]
	if !stale.Stale && s.session(t, root).State != gen.Live {
		t.Error("the disks are not stale")
	}
	s.live(t, root)
	s.until(t, func() bool { return len(get[gen.AlertList](t, s, "/alerts?active=true").Items) == 0 })
	if now := s.names(t); !slices.Equal(before, now) {
		t.Errorf("with the plugin back there is\n%q\nbefore there was\n%q", now, before)
	}
}
