package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/api"
)

func TestAFrontTellsWhyThereIsNothingYet(t *testing.T) {
	f := api.NewFront(func(r *http.Request) (string, bool) { return "", r.Header.Get("Authorization") == "yes" }, slog.New(slog.DiscardHandler))
	ask := func(path, auth string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", auth)
		f.ServeHTTP(w, r)
		return w
	}
	if w := ask("/api/v1/status", "yes"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "is starting") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	f.Say("standby: somebody else")
	w := ask("/api/v1/resources", "yes")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != "application/problem+json" ||
		w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"detail":"standby: somebody else"`) {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	for path, want := range map[string]int{"/api/v1/status": http.StatusUnauthorized, "/": http.StatusServiceUnavailable} {
		if w := ask(path, "no"); w.Code != want || strings.Contains(w.Body.String(), "somebody") {
			t.Errorf("%s without a token: got %d %s", path, w.Code, w.Body)
		}
	}
}
