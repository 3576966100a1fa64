package redfish

import "testing"

// TestManifest: the declarations are sound.
func TestManifest(t *testing.T) {
	m, problems := Program().Manifest()
	for _, p := range problems {
		t.Errorf("%s: %s", p.Where, p.Text)
	}
	if len(problems) == 0 && len(m.Classes) != 9 {
		t.Errorf("%d classes", len(m.Classes))
	}
}
