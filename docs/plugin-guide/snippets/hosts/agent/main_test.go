package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/sdk/agent"
)

func TestSession(t *testing.T) {
	h := &hosts{folder: t.TempDir()}
	add := func(name string) {
		t.Helper()
		if err := os.Symlink(os.DevNull, filepath.Join(h.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"scsi-600A", "scsi-600A-part1", "ata-x"} {
		add(name)
	}
	ctx := t.Context()
	start, err := h.StartSession(ctx)
	if err != nil || len(start) != 1 {
		t.Fatal(start, err)
	}
	if got := start[0].Data.([]device); len(got) != 1 || got[0] != (device{os.DevNull, "600A", true}) {
		t.Errorf("start says %v", got)
	}
	if m, err := h.UpdateSession(ctx); m != nil || err != nil {
		t.Errorf("an update says %v, %v", m, err)
	}
	add("scsi-600B")
	m, err := h.UpdateSession(ctx)
	if err != nil || len(m) != 1 || len(m[0].Data.([]device)) != 2 || m[0].Priority != agent.High {
		t.Errorf("an update says %v, %v", m, err)
	}
}
