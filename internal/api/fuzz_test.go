package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
)

// operations returns "METHOD /path" of every operation of the description.
func operations(tb testing.TB) (ops []string) {
	tb.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(api.SpecJSON(), &doc); err != nil {
		tb.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method := range item {
			if method != "parameters" {
				ops = append(ops, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(ops)
	return ops
}

// FuzzRequest sees that no path, query, header or body makes any operation of
// the description fail: what is wrong with a request is the client's to know.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"1", "limit=5&class=acme.Lun", `{"alias":"x"}`, "1.1"}, {"5", "health=ok,error&q=%20", `{"alias":null,"attributes":{"port":1}}`, ""},
		{"4", "cursor=1&sort=-id", `{"attributes":null}`, "1"}, {"-1", "parent=5&&=", `[1]`, "18446744073709551615.0"},
		{"99999999999999999999", "depth=1&direction=up", `{"alias":{}}`, "x.y"}, {"%2f", "scannable=1", ``, ".."},
		{"1", "from=2026-03-01T12:00:00Z&statistic=temperature&last_event_id=5.5&statistics=1,2", `{"alias":"\ud800"}`, ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	s := api.New(apitest.New().Options())
	ops := operations(f)
	gone, cancel := context.WithCancel(context.Background())
	cancel() // a stream of events ends at once
	f.Fuzz(func(t *testing.T, id, query, body, header string) {
		for _, op := range ops {
			method, path, _ := strings.Cut(op, " ")
			ctx := context.Background()
			if path == "/events" {
				ctx = gone
			}
			r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1/api/v1", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			path = strings.ReplaceAll("/api/v1"+path, "{id}", id)
			if path != (&url.URL{Path: path}).JoinPath().Path {
				continue // the router sends the client to the tidy path
			}
			r.URL = &url.URL{Scheme: "http", Host: "127.0.0.1", Path: path, RawQuery: query}
			r.Header.Set("Content-Type", "application/json")
			r.Header["Last-Event-Id"] = []string{header}
			check(t, s, r)
		}
	})
}

func check(t *testing.T, s http.Handler, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
	}
	if w.Body.Len() > 0 && strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s: not JSON: %s", r.Method, r.URL, w.Body)
	}
}
