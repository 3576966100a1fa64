package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestGenerated fails when openapi.yaml was changed and the code was not
// generated again.
func TestGenerated(t *testing.T) {
	h := sha256.New()
	for _, name := range []string{"openapi.yaml", "gen/config.yaml"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
	}
	b, err := os.ReadFile("gen/source.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), hex.EncodeToString(h.Sum(nil))) {
		t.Error("openapi.yaml has changed since gen was generated; run go generate ./internal/api")
	}
}

// TestOperations sees that every operation of the description is served, and
// that its parameters are known.
func TestOperations(t *testing.T) {
	s := New(Options{})
	ops := operations()
	if len(ops) < 19 {
		t.Errorf("%d operations", len(ops))
	}
	for pattern := range ops {
		method, path, _ := strings.Cut(pattern, " ")
		r := httptest.NewRequest(method, strings.ReplaceAll(path, "{id}", "1"), nil)
		if _, got := s.mux.Handler(r); got != pattern {
			t.Errorf("%s is served by %q", pattern, got)
		}
	}
	list := ops["GET /api/v1/resources"]
	for name := range strings.FieldsSeq("plugin class base scope host health q parent ancestor_of descendant_of sort limit cursor") {
		if _, ok := list.query[name]; !ok {
			t.Errorf("the list of resources has no filter %s", name)
		}
	}
	if !list.query["health"] || list.query["plugin"] {
		t.Errorf("lists among the parameters: %v", list.query)
	}
	if b := ops["PATCH /api/v1/resources/{id}"].body; !b["alias"] || !b["attributes"] || len(b) != 2 {
		t.Errorf("fields of PATCH: %v", b)
	}
}

// TestDescription sees that every reference in the description leads somewhere
// and that what is required exists.
func TestDescription(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(SpecJSON(), &doc); err != nil {
		t.Fatal(err)
	}
	var visit func(at string, v any)
	visit = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				visit(at, e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				to := any(doc)
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					m, _ := to.(map[string]any)
					to = m[part]
				}
				if to == nil {
					t.Errorf("%s: %s leads nowhere", at, ref)
				}
			}
			if req, ok := v["required"].([]any); ok {
				props, _ := v["properties"].(map[string]any)
				for _, name := range req {
					if _, ok := props[name.(string)]; !ok {
						t.Errorf("%s: %v is required and not described", at, name)
					}
				}
			}
			for k, e := range v {
				visit(at+"/"+k, e)
			}
		}
	}
	visit("", doc)
}

func TestHostAllowed(t *testing.T) {
	s := New(Options{Hosts: []string{"Array-Admin.example"}})
	for host, want := range map[string]bool{
		"127.0.0.1:8700": true, "localhost:8700": true, "localhost": true, "LOCALHOST.": true, "[::1]:8700": true, "127.9.9.9": true,
		"x.localhost:1": true, "array-admin.example": true,
		"evil.example:8700": false, "": false, "192.168.1.1:8700": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if got := s.hostAllowed(r); got != want {
			t.Errorf("host %q: %v", host, got)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, p := range []position{{}, {1, 2, 3}, {^uint64(0), 7, 0}} {
		if got, ok := parsePosition(p.String()); !ok || got != p {
			t.Errorf("%v comes back as %v, %v", p, got, ok)
		}
	}
	if got, ok := parsePosition("1.2"); !ok || got != (position{1, 2, 0}) { // of before there were volumes
		t.Errorf("1.2 comes back as %v, %v", got, ok)
	}
	for _, bad := range []string{"", ".", "1", "1.", ".1", "1.2.", "1.2.3.4", "a.b", "+1.2", "18446744073709551616.0"} {
		if p, ok := parsePosition(bad); ok {
			t.Errorf("%q is read as %v", bad, p)
		}
	}
}

func TestAccepts(t *testing.T) {
	for header, want := range map[string]bool{
		"br": true, "gzip, br": true, "gzip, BR;q=0.5": true, "br;q=0": false, "br; q=0.000": false, "br;q=1.0": true, "": false, "gzip": false, "brotli": false,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {header}}}
		if got := accepts(r, "br"); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
