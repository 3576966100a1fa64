package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/scan"
)

// captures is where captures of real hosts are, outside the repository.
const captures = "../../../../../shared/realdata/dev/lustre"

// expectation is what EXPECTED.json says of a capture.
type expectation struct {
	HealthCheck any                          `json:"health_check"`
	Targets     []string                     `json:"targets"`
	WithStats   []string                     `json:"targets_with_stats"`
	OSD         []string                     `json:"osd_targets"`
	Exports     map[string][]string          `json:"client_exports"`
	Values      map[string]map[string]string `json:"values"`
	BrwStats    map[string]int               `json:"brw_stats_bytes"`
	KBTotal     map[string]int64             `json:"kbytestotal"`
	KBFree      map[string]int64             `json:"kbytesfree"`
	NumExports  map[string]int64             `json:"num_exports"`
	Recovery    map[string]string            `json:"recovery"`
	Up          int                          `json:"devices_up"`
}

// openCapture makes a host of a capture: a tree of files, recorded commands, or
// the text that "lctl get_param" printed.
func openCapture(t *testing.T, name string) scan.Options {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	o := scan.Options{Files: source.NewTree(), Host: "captured"}
	if strings.HasSuffix(name, ".txt") {
		o.Commands = source.Replay{{Line: "lctl get_param", Output: source.Output{Stdout: text}}}
		return o
	}
	var runs struct {
		Commands map[string][]struct {
			Stdout string
			Code   int `json:"exit_code"`
		}
	}
	if json.Unmarshal(text, &runs) == nil && len(runs.Commands) > 0 {
		var replay source.Replay
		for line, list := range runs.Commands {
			replay = append(replay, source.Recorded{Line: strings.Replace(line, ":", " ", 1), Output: source.Output{Stdout: []byte(list[0].Stdout), Code: list[0].Code}})
		}
		// The longest question first: the one about everything.
		slices.SortFunc(replay, func(a, b source.Recorded) int { return len(b.Line) - len(a.Line) })
		o.Commands = replay
		return o
	}
	h, err := capture.Document(text)
	if err != nil {
		t.Fatal(err)
	}
	o.Files, o.Commands = h.Files, h.Commands
	return o
}

// TestCaptures: a scan finds on each captured host what is known to be there.
func TestCaptures(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(captures, "EXPECTED.json"))
	if err != nil {
		t.Skipf("no captures of real hosts at %s: what a scan finds on real Lustre servers is not tested", captures)
	}
	var all map[string]expectation
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scan.New(openCapture(t, name))
			r := s.State(t.Context())
			usage, gaps := s.Usage(t.Context(), r)
			for _, g := range append(r.Gaps, gaps...) {
				t.Errorf("gap in %s: %s", g.Part, g.Text)
			}
			want.check(t, r, usage)
		})
	}
}

func (want *expectation) check(t *testing.T, r *fact.Report, usage map[fact.Name]*fact.Usage) {
	t.Helper()
	switch h := want.HealthCheck.(type) {
	case string:
		same(t, "health", r.Node.Health, h)
	case []any:
		same(t, "health", r.Node.Health, h[0].(string))
	}
	for _, name := range append(append(want.Targets, want.WithStats...), want.OSD...) {
		if r.Targets[fact.Name(name)] == nil {
			t.Errorf("target %s was not found", name)
		}
	}
	if n := len(want.OSD); n > 0 && len(r.Targets) < n {
		t.Errorf("%d targets, want %d", len(r.Targets), n)
	}
	number := func(name, what string, got *int64, want int64) {
		t.Helper()
		if got == nil || *got != want {
			t.Errorf("%s: %s is %v, want %d", name, what, show(got), want)
		}
	}
	of := func(name string) *fact.Usage {
		t.Helper()
		u := usage[fact.Name(name)]
		if u == nil {
			t.Fatalf("no usage of %s", name)
		}
		return u
	}
	for _, name := range want.WithStats {
		if len(of(name).Counters) == 0 && !strings.Contains(name, "OST000[246]") && of(name).Counters == nil {
			t.Errorf("%s: no counters", name)
		}
	}
	for name, n := range want.KBTotal {
		number(name, "total", of(name).Total, n*1024)
	}
	for name, n := range want.KBFree {
		number(name, "free", of(name).Free, n*1024)
	}
	for name, n := range want.NumExports {
		number(name, "exports", of(name).Exports, n)
	}
	for name := range want.BrwStats {
		if name != "MGS" && len(of(name).Histograms) < 5 {
			t.Errorf("%s: %d histograms, want 5 at least", name, len(of(name).Histograms))
		}
	}
	for param, status := range want.Recovery {
		_, name, _ := strings.Cut(param, ".")
		if tg := r.Targets[fact.Name(name)]; tg == nil || tg.Recovery == nil || tg.Recovery.Status != status {
			t.Errorf("%s: recovery is not %s: %+v", name, status, tg)
		}
	}
	for name, values := range want.Values {
		for param, text := range values {
			u := of(name)
			var n int64
			if param != "recovery_status" {
				if err := json.Unmarshal([]byte(text), &n); err != nil {
					t.Fatal(err)
				}
			}
			switch param {
			case "kbytestotal":
				number(name, param, u.Total, n*1024)
			case "kbytesfree":
				number(name, param, u.Free, n*1024)
			case "filestotal":
				number(name, param, u.Files, n)
			case "filesfree":
				number(name, param, u.FilesFree, n)
			case "num_exports":
				number(name, param, u.Exports, n)
			case "recovery_status":
				same(t, name+" recovery", "status: "+r.Targets[fact.Name(name)].Recovery.Status, text)
			default:
				t.Fatalf("EXPECTED.json has a value %s, which this test does not know", param)
			}
		}
	}
	up := 0
	for _, tg := range r.Targets {
		if tg.State == "UP" {
			up++
		}
	}
	if want.Up > 0 && up != len(want.Targets) {
		t.Errorf("%d targets are up, want %d", up, len(want.Targets))
	}
}

func show(n *int64) any {
	if n == nil {
		return "unknown"
	}
	return *n
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestTheZFSServer looks closer at one capture.
func TestTheZFSServer(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: what a scan finds on a server with ZFS is not tested", captures)
	}
	o := openCapture(t, "hpe_lustrefs_zfs.json")
	now := time.Unix(1510782700, 0)
	o.Now = func() time.Time { return now }
	s := scan.New(o)
	r := s.State(t.Context())
	same(t, "version", r.Node.Version, "2.10.1")
	mgt, mdt, ost := r.Targets["MGS"], r.Targets["lustrefs-MDT0000"], r.Targets["lustrefs-OST0002"]
	same(t, "device", ost.Device, "ost02/ost02")
	same(t, "backend", ost.Backend, "zfs")
	same(t, "kind", mdt.Kind, fact.MDT)
	same(t, "file systems", strings.Join(mgt.Serves, ","), "lustrefs")
	same(t, "device", mgt.Device, "mgt/mgt")
	// The management target knows all seven, and the metadata target reaches them.
	for _, n := range []fact.Name{"lustrefs-MDT0000", "lustrefs-OST0001", "lustrefs-OST0006"} {
		p := r.Peers[n]
		if p == nil || p.FS != "lustrefs" {
			t.Fatalf("peer %s: %+v", n, p)
		}
		same(t, string(n), p.Link, fact.Connected)
	}
	same(t, "peers", len(r.Peers), 8)
	same(t, "nid", r.Peers["lustrefs-OST0005"].NID, "172.20.20.6@o2ib")
	c := r.Clients["lustrefs-ffff88105db50000"]
	if c == nil || c.Targets != 8 || len(c.Disconnected)+len(c.Inactive) > 0 {
		t.Fatalf("client: %+v", c)
	}
	usage, _ := s.Usage(t.Context(), r)
	u := usage["lustrefs-OST0000"]
	same(t, "bytes written", *u.Counters["write_bytes"].Sum > 0, true)
	last := u.Histograms["disk I/O size"]
	same(t, "4 MiB writes", last[len(last)-1], fact.Bin{Value: 4 << 20, Write: 4059303})
}
