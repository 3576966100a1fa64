package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestAcknowledgedIsKept kills the server while users add roots and name them,
// and wants all that it had said yes to.
func TestAcknowledgedIsKept(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: kills of a busy server, with -short")
	}
	s := newSite(t, healthyRack)
	known := map[int64]string{} // id → alias
	for round := range 3 {
		var (
			wg    sync.WaitGroup
			mu    sync.Mutex
			named int
		)
		enough := make(chan struct{})
		for user := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("r%d-%d-%d", round, user, i)
					var added struct{ ID int64 }
					if !s.accepts(http.MethodPost, "/resources", http.StatusCreated, map[string]any{
						"plugin": "rack", "class": "Rack",
						"attributes": map[string]any{"name": name, "state": filepath.Join(s.dir, "none")},
					}, &added) {
						return
					}
					mu.Lock()
					known[added.ID] = ""
					mu.Unlock()
					alias := "alias of " + name
					if !s.accepts(http.MethodPatch, fmt.Sprintf("/resources/%d", added.ID), http.StatusOK, map[string]any{"alias": alias}, nil) {
						return
					}
					mu.Lock()
					known[added.ID] = alias
					if named++; named == 20 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(patience):
			t.Error("the server took too little")
		}
		s.server.kill()
		wg.Wait()
		s.server = s.restart()
		for id, alias := range known {
			got := s.get(fmt.Sprintf("/resources/%d", id), "name")
			if got == "" || alias != "" && got != alias {
				t.Errorf("round %d: resource %d is %q, and was acknowledged as %q", round, id, got, alias)
			}
		}
		if got := s.get("/resources?class=Lun", "items[0].name"); got != "data" {
			t.Errorf("round %d: the volume is %q", round, got)
		}
	}
}

// accepts makes a request and reports whether the server said yes to it. No
// answer is none.
func (s *site) accepts(method, path string, want int, body, answer any) bool {
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Error(err)
		return false
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.url+"/api/v1"+path, bytes.NewReader(b))
	if err != nil {
		s.t.Error(err)
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false // the server was killed
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != want {
		s.t.Errorf("%s %s: %s", method, path, rsp.Status)
		return false
	}
	return answer == nil || json.NewDecoder(rsp.Body).Decode(answer) == nil
}
