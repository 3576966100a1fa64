package linux

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
)

// captures is where captures of real hosts are, outside the repository.
const captures = "../../../../shared/realdata"

func captured(t *testing.T, name string) *fact.Report {
	t.Helper()
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: what becomes of %s is not tested", captures, name)
	}
	h, err := capture.Open(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	return scan.New(scan.Options{Files: h.Files, Commands: h.Commands}).Scan(t.Context())
}

func TestExplore(t *testing.T) {
	var names []string
	for _, g := range []string{"vmstack/qemu", "vmstack/uml-lean", "dev/linux/probert/*.json", "dev/linux/command_captures/*.json", "dev/linux/sysfs_trees/*.json"} {
		m, _ := filepath.Glob(filepath.Join(captures, g))
		for _, p := range m {
			rel, _ := filepath.Rel(captures, p)
			names = append(names, rel)
		}
	}
	for _, n := range names {
		if filepath.Base(n) == "EXPECTED.json" {
			continue
		}
		t.Run(n, func(t *testing.T) {
			r := captured(t, n)
			h := start(t, 7)
			if err := h.AgentStart(7, r); err != nil {
				t.Fatal(err)
			}
			for _, l := range shape(t, h) {
				t.Log(l)
			}
			for _, l := range h.Logs() {
				t.Log(l.Level, l.Message)
			}
			for _, a := range h.Alerts() {
				t.Log(a.Severity, a.Resource.Class, a.Resource.Label, a.Message, string(a.Resource.Attributes["status_text"]))
			}
		})
	}
}
