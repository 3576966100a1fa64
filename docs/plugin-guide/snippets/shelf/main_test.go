package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

func TestScans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shelf.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`[{"serial":"S1","slot":1,"status":"OK","temperature":31},
	        {"serial":"S2","slot":2,"status":"OK","temperature":30}]`)
	h := plugintest.Start(t, NewPlugin, &Shelf{Path: plugin.Path(path)}, plugin.Reports[Drive]())
	h.InitialScan()
	h.Want("Drive", 2)

	write(`[{"serial":"S1","slot":1,"status":"FAILED","temperature":31}]`)
	h.UpdateScan()
	h.Want("Drive", 1)
	h.Want("Drive", plugintest.Attrs{"serial": "S1", "status": "FAILED"})
	h.WantParents(h.Get("Drive", plugintest.Attrs{"serial": "S1"}), plugintest.Resource{}) // the root

	// A shelf that cannot be read is an error, not an empty shelf.
	write(`[{`)
	if err := h.TryUpdateScan(); err == nil {
		t.Error("a broken file was taken for a shelf")
	}
}

func TestConform(t *testing.T) {
	plugintest.Start(t, NewPlugin, &Shelf{Path: "hardware.json"}, plugin.Reports[Drive]()).Conform()
}
