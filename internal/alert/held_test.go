package alert_test

import (
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

func TestAHeldRemovalIsAnAlertOfItsRoot(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	a := w.create(acme["Array"], "a", nil)
	want := func(s resource.RootState, messages ...string) {
		t.Helper()
		w.state(a, s)
		w.tell()
		if got := w.active(a); !slices.Equal(got, messages) {
			t.Fatalf("alerts are %q, want %q", got, messages)
		}
	}
	h := &resource.HeldRemoval{Resources: []resource.ID{7, 8}, Lacking: 30, Of: 40}
	const first = "warning The last scan lacks 30 of 40 resources; they stay until a second scan agrees or somebody approves their removal (faultline approve 1)"
	want(resource.RootState{Held: h}, first)
	fewer := *h
	fewer.Resources = fewer.Resources[1:]
	want(resource.RootState{Held: &fewer, Offline: true}, first, "warning Cannot be reached")
	if n := w.stage.Own(a)[0].ID; n != 1 {
		t.Errorf("alert %d was raised although nothing is new", n)
	}

	// Another scan is another alert; a restart is none.
	second := "warning The last scan lacks 35 of 40 resources; they stay until a second scan agrees or somebody approves their removal (faultline approve 1)"
	want(resource.RootState{Held: &resource.HeldRemoval{Lacking: 35, Of: 40}}, second)
	w.up()
	w.tell()
	want(resource.RootState{Held: &resource.HeldRemoval{Lacking: 35, Of: 40}}, second)
	want(resource.RootState{})
}
