package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// counting is a plugin whose every update counts on, in a file, and reports the
// number as a sample. It has a drive that has failed. With more, it declares
// otherwise.
func counting(more string) string {
	return `import os

from chroma_core.lib.storage_plugin.api import alert_conditions, attributes, identifiers, plugin, resources, statistics

version = 1


class Box(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('name')
    name = attributes.String()
    folder = attributes.PosixPath()


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.GlobalId('serial')
        alert_conditions = [alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Drive failure')]
    serial = attributes.String()
    status = attributes.String()
` + more + `
    count = statistics.Gauge()


class Counting(plugin.Plugin):
    def initial_scan(self, box):
        self.update_period = 0.1
        self.drive, _ = self.update_or_create(Drive, serial='D1', status='FAILED')

    def update_scan(self, box):
        file = os.path.join(box.folder, 'count')
        with open(file) as f:
            count = int(f.read()) + 1
        with open(file + '.new', 'w') as f:
            f.write(str(count))
        os.rename(file + '.new', file)
        self.drive.count = count
`
}

// TestReloadsLoseNoSampleAndFlapNoAlert reloads a plugin again and again while it
// scans, with the same declarations and with others, and follows the event stream.
func TestReloadsLoseNoSampleAndFlapNoAlert(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers and plugins")
	}
	s := &site{t: t, dir: t.TempDir()}
	file := filepath.Join(s.dir, "counting.py")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(counting(""))
	if err := os.WriteFile(filepath.Join(s.dir, "count"), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "faultline.yaml")
	list := func(plugins ...string) {
		t.Helper()
		text := "plugins: [" + strings.Join(plugins, ", ") + "]\nhost_plugins: []\n"
		if os.Geteuid() == 0 {
			text += "plugin_user: root\n" // the plugin writes into the test's folder
		}
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list(file)
	var err error
	s.server, err = startServer(s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "GORACE=" + goRace},
		"--config", config, "--data", filepath.Join(s.dir, "data"), "--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.end)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of the server:\n%s", s.server.log)
		}
	})
	s.until("the plugin runs", func() bool { return s.get("/plugins/counting", "state") == "running" })
	s.do("POST", "/resources", fmt.Sprintf(`{"plugin":"counting","class":"Box","attributes":{"name":"b","folder":%q}}`, s.dir))
	s.until("the alert", func() bool { return s.get("/alerts?active=true", "items.len()") == "1" })
	alert := s.get("/alerts", "items[0].id")
	drive := s.get("/alerts", "items[0].resource")
	s.until("a sample", func() bool { return s.newest(drive) > 2 })

	events := s.follow("")
	for i, more := range []string{"", "    shelf = attributes.String(default='S1')\n", "", "    shelf = attributes.Integer(default=7)\n", ""} {
		write(counting(more + strings.Repeat("\n", i)))
		s.until("the change is seen", func() bool { return s.get("/plugins/counting", "outdated") == "true" })
		before := s.get("/plugins/counting", "pid")
		s.do("POST", "/plugins/counting/reload", "")
		if now := s.get("/plugins/counting", "pid"); now == before {
			t.Fatalf("reload %d: process %s is in charge as before", i, now)
		}
		count := s.newest(drive)
		s.until("further samples", func() bool { return s.newest(drive) > count+3 })
	}
	s.do("PATCH", "/resources/"+drive, `{"alias":"the end"}`)
	for _, e := range events.until("the end", 0, nil) {
		if e.name == "alerts" {
			t.Errorf("an alert changed: %s", e.data)
		}
		if strings.Contains(e.data, `"offline"`) {
			t.Errorf("a root was offline: %s", e.data)
		}
	}
	if got := s.get("/alerts", "items[*].id"); got != "["+alert+"]" {
		t.Errorf("alerts %s, want %s alone", got, alert)
	}
	last := 0
	for _, n := range s.counts(drive) {
		if last != 0 && n != last+1 {
			t.Errorf("sample %d follows %d", n, last)
		}
		last = n
	}

	// The list of plugins is read again at a signal.
	list(file, "builtin:acme")
	if err := s.server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.until("a plugin that was added to the list", func() bool { return s.get("/plugins", "items[name=acme].state") == "running" })
	if got := s.get("/plugins/counting", "state"); got != "running" {
		t.Errorf("the other one is %s", got)
	}
	list("builtin:acme")
	if err := s.server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.until("the end of one that is no longer listed", func() bool { return s.get("/plugins", "items[*].name") == `["acme"]` })
	if got := s.get("/resources/"+drive, "alias"); got != "the end" {
		t.Errorf("its drive is called %q", got)
	}
}

// counts are the kept samples of a drive's count.
func (s *site) counts(drive string) (all []int) {
	s.t.Helper()
	var list struct {
		Items []struct {
			Points []struct{ Value float64 }
		} `json:"items"`
	}
	b := s.do("GET", "/resources/"+drive+"/series", "")
	if err := json.Unmarshal(b, &list); err != nil {
		s.t.Fatalf("%s: %v", b, err)
	}
	for _, i := range list.Items {
		for _, p := range i.Points {
			all = append(all, int(p.Value))
		}
	}
	return all
}

// newest is the last of them, 0 if there is none.
func (s *site) newest(drive string) int {
	s.t.Helper()
	all := s.counts(drive)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1]
}
