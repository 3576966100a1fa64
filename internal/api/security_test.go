package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
)

func TestToken(t *testing.T) {
	o := apitest.New().Options()
	o.Authorize = func(r *http.Request) (string, bool) { return "ops", r.Header.Get("Authorization") == "Bearer good" }
	o.UI = fstest.MapFS{"index.html": {Data: []byte("page")}}
	said := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(what + r.URL.Path)) })
	}
	o.Metrics, o.Prometheus = said("figures of "), said("asked for ")
	s := api.New(o)
	for _, path := range []string{"/api/v1/resources", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/nothing", "/api", "/metrics", "/prometheus/api/v1/query"} {
		for _, token := range []string{"", "Bearer bad", "good"} {
			w := do(t, s, "GET", path, "", "Authorization", token, "Host", "array.example")
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s with %q: %d", path, token, w.Code)
			}
		}
	}
	if w := do(t, s, "GET", "/api/v1/resources", "", "Authorization", "Bearer good", "Host", "array.example"); w.Code != 200 {
		t.Errorf("with a token: %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]string{"/metrics": "figures of /metrics", "/prometheus/api/v1/query": "asked for /api/v1/query"} {
		if w := do(t, s, "GET", path, "", "Authorization", "Bearer good", "Host", "array.example"); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s with a token: %d %s", path, w.Code, w.Body)
		}
	}
	// The page itself holds no secret, and must load to ask for the token.
	if w := do(t, s, "GET", "/", "", "Host", "array.example"); w.Code != 200 || w.Body.String() != "page" {
		t.Errorf("page: %d", w.Code)
	}
}

func TestForeignPages(t *testing.T) {
	s, w := newServer(t)
	couplet := w.Classes()[0]
	body := `{"plugin":"acme","class":"Couplet","attributes":{}}`
	for name, tt := range map[string]struct {
		status int
		header []string
	}{
		"own name that resolves here": {421, []string{"Host", "evil.example:8700"}},
		"other origin":                {403, []string{"Origin", "https://evil.example"}},
		"other site":                  {403, []string{"Sec-Fetch-Site", "cross-site"}},
		"a form":                      {415, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"plain text":                  {415, []string{"Content-Type", "text/plain"}},
		"no type":                     {415, []string{"Content-Type", ""}},
		"own page":                    {201, []string{"Origin", "http://127.0.0.1:8700", "Sec-Fetch-Site", "same-origin"}},
		"a program":                   {201, []string{"Content-Type", "application/json; charset=utf-8"}},
	} {
		before := w.Count(couplet)
		r := do(t, s, "POST", "/api/v1/resources", body, tt.header...)
		if r.Code != tt.status {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
		if added := w.Count(couplet) > before; added != (tt.status == 201) {
			t.Errorf("%s: added %v", name, added)
		}
		if r.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: CORS", name)
		}
	}
	if r := do(t, s, "DELETE", "/api/v1/resources/1", "", "Origin", "https://evil.example"); r.Code != 403 {
		t.Errorf("DELETE from another site: %d", r.Code)
	}
	big := `{"plugin":"` + strings.Repeat("x", 1<<20) + `"}`
	if r := do(t, s, "POST", "/api/v1/resources", big); r.Code != 413 {
		t.Errorf("large body: %d", r.Code)
	}
}

func TestHeaders(t *testing.T) {
	o := apitest.New().Options()
	o.UI = fstest.MapFS{"index.html": {Data: []byte("page")}}
	s := api.New(o)
	for _, path := range []string{"/", "/api/v1/resources", "/api/v1/nothing"} {
		h := do(t, s, "GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if c := do(t, s, "GET", "/api/v1/resources", "").Header().Get("Cache-Control"); c != "no-store" {
		t.Errorf("the interface may be cached: %q", c)
	}
}

func TestPage(t *testing.T) {
	o := apitest.New().Options()
	o.UI = fstest.MapFS{
		"index.html":            {Data: []byte("<title>page")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("code")},
		"assets/app-1a2b.js.br": {Data: []byte("br")},
		"assets/app-1a2b.js.gz": {Data: []byte("gz")},
		"assets/style-1a2b.css": {Data: []byte("css")},
	}
	s := api.New(o)
	for _, tt := range []struct {
		path, accept       string
		status             int
		body, cache, ctype string
	}{
		{"/", "", 200, "<title>page", "no-cache", "text/html"},
		{"/resources/7", "", 200, "<title>page", "no-cache", "text/html"},
		{"/index.html", "", 200, "<title>page", "no-cache", "text/html"},
		{"/favicon.svg", "", 200, "<svg/>", "no-cache", "image/svg"},
		{"/assets/app-1a2b.js", "", 200, "code", "public, max-age=31536000, immutable", "text/javascript"},
		{"/assets/app-1a2b.js", "gzip, br", 200, "br", "public, max-age=31536000, immutable", "text/javascript"},
		{"/assets/app-1a2b.js", "gzip", 200, "gz", "public, max-age=31536000, immutable", "text/javascript"},
		{"/assets/style-1a2b.css", "gzip, br", 200, "css", "public, max-age=31536000, immutable", "text/css"},
		{"/assets/app-old.js", "", 404, "", "", ""},
		{"/assets/", "", 404, "", "", ""},
		{"/robots.txt", "", 404, "", "", ""},
		{"/../../etc/passwd.txt", "", 200, "<title>page", "no-cache", "text/html"},
		{"/classes/acme.HardDrive", "", 200, "<title>page", "no-cache", "text/html"},
		{"/apiary", "", 200, "<title>page", "no-cache", "text/html"},
	} {
		w := do(t, s, "GET", tt.path, "", "Accept-Encoding", tt.accept)
		if w.Code != tt.status || tt.status == 200 && (w.Body.String() != tt.body || w.Header().Get("Cache-Control") != tt.cache ||
			!strings.HasPrefix(w.Header().Get("Content-Type"), tt.ctype)) {
			t.Errorf("%s (%s): %d %q %v", tt.path, tt.accept, w.Code, w.Body, w.Header())
		}
	}
	if w := do(t, s, "POST", "/resources/7", "{}"); w.Code != 405 {
		t.Errorf("POST to the page: %d", w.Code)
	}
	bare, _ := newServer(t)
	if w := do(t, bare, "GET", "/", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "/api/v1") {
		t.Errorf("without a page: %d %s", w.Code, w.Body)
	}
}
