package storetest

import (
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

var manifestRules = []rule{
	{"TheLastManifestOfEachPluginIsKept", lastManifest},
	{"AManifestIsCommittedWithWhatFollowsFromIt", manifestWithRows},
}

func lastManifest(t *testing.T, s Store) {
	for _, m := range [][2]string{{"acme", "{}"}, {"linux", `{"a":1}`}, {"acme", `{"b":2}`}} {
		if err := s.SaveManifest(t.Context(), m[0], []byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Manifests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || string(all["acme"]) != `{"b":2}` || string(all["linux"]) != `{"a":1}` {
		t.Errorf("manifests are %q", all)
	}
}

func manifestWithRows(t *testing.T, s Store) {
	m := creation(1, newRoot(1, "a"))
	m.Manifest = &resource.Manifest{Plugin: "acme", JSON: []byte(`{"v":1}`)}
	commit(t, s, m)
	late := creation(1, newRoot(2, "b")) // its number is taken
	late.Manifest = &resource.Manifest{Plugin: "acme", JSON: []byte(`{"v":2}`)}
	if err := s.Commit(t.Context(), late); err == nil {
		t.Error("a late mutation was committed")
	}
	all, err := s.Manifests(t.Context())
	if err != nil || string(all["acme"]) != `{"v":1}` {
		t.Errorf("manifests are %q, %v", all, err)
	}
}
