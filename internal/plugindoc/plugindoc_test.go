package plugindoc_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/plugindoc"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares the text of plugins with golden files: the guide's example, the
// plugin of the transcripts, and one that declares everything there is. The order of
// the classes does not matter.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"example": "../../protocol/golden/example.json", "scripted": "../../protocol/golden/scripted.json", "everything": "testdata/everything.json",
	} {
		text, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		var m wire.Manifest
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		classes, err := session.Classes(name, m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := plugindoc.Markdown(name, classes)
		golden := filepath.Join("testdata", name+".md")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
			t.Errorf("%s (-want +got), -update writes it anew:\n%s", name, d)
		}
		slices.Reverse(classes)
		if again := plugindoc.Markdown(name, classes); string(again) != string(got) {
			t.Errorf("%s: another order of the classes gives another text", name)
		}
	}
}

// TestTables: whatever authors write, every row of a table has as many cells as its
// header, and no text of theirs begins a line.
func TestTables(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/everything.md")
	if err != nil {
		t.Fatal(err)
	}
	cells := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells != 0 && n != cells {
			t.Errorf("%d cells, not %d: %s", n-1, cells-1, line)
		}
		cells = n
	}
}
