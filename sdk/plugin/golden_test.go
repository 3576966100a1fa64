package plugin_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden compares manifests with protocol/golden, which the tests of the
// Python SDK compare with as well.
func TestGolden(t *testing.T) {
	for name, program := range programs() {
		t.Run(name, func(t *testing.T) {
			m, problems := program().Manifest()
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			for i := range m.Classes {
				if m.Classes[i].Name == "ExampleLun" { // the name Lun is taken in this package
					m.Classes[i].Name = "Lun"
				}
			}
			got, err := m.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("..", "..", "protocol", "golden", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				t.Skip("skipped: protocol/golden is not there; the sdk module stands alone")
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the manifest is not %s (-want +got):\n%s", path, diff)
			}
		})
	}
}
