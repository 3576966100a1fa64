package scan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// FuzzParse: no text of the kernel or of a tool, however broken, ends the scan, and
// what comes of it can be sent.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"status: RECOVERING\nconnected_clients: 4/6\nevicted_clients: -1\ncompleted_clients: 9999999999999999999/1\n",
		"device a-OST0000-osd reported unhealthy\nNOT HEALTHY\n",
		"  2 UP obdfilter a-OST0000 a-OST0000_UUID 7\n",
		"read_bytes  7 samples [bytes] 1 2 3 4\nopen 1 samples [reqs]\n",
		"disk I/O size          ios   % cum % |  ios         % cum %\n4K:\t 1 50 50 | 0 0 0\n999999999999999T: 1 1 1 | 1 1 1\n",
		"fsname: a\na-MDT0000\n", "0: a-OST0000_UUID ACTIVE\n", "0@lo up 0 2\n",
		"net:\n    - net type: tcp\n      local NI(s):\n        - nid: 10.0.0.1@tcp\n          interfaces:\n              0: eth0\n          health stats:\n              health value: 1000\n",
		"/dev/sd\\040a /mnt/\\x20 lustre ro,svname=a-OST0000 0 0\n",
		"health_check=healthy\nosd-zfs.a-OST0000.mntdev=t/o\nmgc.MGC1.2.3.4@tcp.import=\nimport:\n    state: FULL\nmdt.a-MDT0000.exports.1.2.3.4@tcp.uuid=u\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []any{parseRecovery(text), parseNets(text), parseNIs(text), parseLive(text), parseTargets(text), parseCounters(text), parseHistograms(text)} {
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
		}
		parseHealth(text)
		parseVersion(text)
		parseDevices(text)
		parseMounts(text)
		for _, files := range []*source.Tree{source.NewTree(), serverOf(text)} {
			s := New(Options{Files: files, Host: "h", Commands: source.Replay{
				{Line: "lctl get_param", Output: source.Output{Stdout: []byte(text)}},
				{Line: "lctl dl", Output: source.Output{Stdout: []byte(text)}},
				{Line: "lnetctl net show", Output: source.Output{Stdout: []byte(text)}},
			}})
			r := s.State(t.Context())
			r.Usage, _ = s.Usage(t.Context(), r)
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
			if err := sound(r); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// serverOf is a server on which every file holds the text.
func serverOf(text string) *source.Tree {
	t := source.NewTree()
	for _, name := range []string{
		"health_check", "version", "devices", "mgs/MGS/live/a", "obdfilter/a-OST0000/recovery_status", "obdfilter/a-OST0000/stats",
		"obdfilter/a-OST0000/brw_stats", "obdfilter/a-OST0000/exports/1@tcp/uuid", "osd-zfs/a-OST0000/mntdev", "mdt/a-MDT0000/md_stats",
		"osp/a-OST0000-osc-MDT0000/state", "osc/a-OST0000-osc-ff/import", "llite/a-ff/uuid", "lod/a-MDT0000-mdtlov/target_obd",
	} {
		t.Put("/proc/fs/lustre/"+name, []byte(text))
	}
	t.Put("/proc/self/mounts", []byte(text))
	t.Put("/sys/kernel/debug/lnet/nis", []byte(text))
	return t
}

// TestSeedsOfCaptures runs what real hosts said through the fuzz target's checks.
func TestSeedsOfCaptures(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../../../../shared/realdata/dev/lustre/*.txt")
	if err != nil || len(names) == 0 {
		t.Skip("no captures of real hosts: that their texts break nothing is not tested")
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := New(Options{Files: serverOf(string(text)), Host: "h"}).State(t.Context())
		if err := sound(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sound holds a report to what every report must be.
func sound(r *fact.Report) error {
	for name, t := range r.Targets {
		if name == "" || t.Kind == "" || (t.Kind == fact.MGT) != (t.FS == "") {
			return fmt.Errorf("target %q: %+v", name, t)
		}
	}
	for name, p := range r.Peers {
		if p.FS == "" || p.Link == "" || p.By == "" {
			return fmt.Errorf("peer %q: %+v", name, p)
		}
	}
	for name, u := range r.Usage {
		for _, n := range []*int64{u.Total, u.Free, u.Available} {
			if n != nil && *n < 0 {
				return fmt.Errorf("usage of %q: %+v", name, u)
			}
		}
	}
	return nil
}
