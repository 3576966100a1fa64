package storetest

import "testing"

var manifestRules = []rule{
	{"TheLastManifestOfEachPluginIsKept", lastManifest},
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
