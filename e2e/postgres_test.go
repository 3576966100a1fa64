package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
)

// newDatabase sets a variable of the script to the address of an empty
// PostgreSQL database.
func newDatabase(ts *testscript.TestScript, args []string) {
	dbMu.Lock()
	defer dbMu.Unlock()
	databases++
	u, err := pgtest.Database(context.Background(), fmt.Sprintf("script_%d", databases))
	ts.Check(err)
	ts.Setenv(args[0], u)
}

var (
	dbMu      sync.Mutex
	databases int
)

// pair is two places where servers of one database run.
type pair struct {
	t       *testing.T
	dirs    [2]string
	store   string
	servers [2]*server
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, dirs: [2]string{t.TempDir(), t.TempDir()}, store: pgtest.URL(t)}
	t.Cleanup(func() {
		for _, s := range p.servers {
			if s != nil {
				s.end()
				if t.Failed() {
					t.Logf("the log of a server:\n%s", s.log)
				}
			}
		}
	})
	return p
}

// start starts a server, which leads or stands by.
func (p *pair) start(i int) *server {
	p.t.Helper()
	rack, err := filepath.Abs("testdata/plugin/rack.py")
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := startServer(p.dirs[i], []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dirs[i], "GORACE=" + goRace, "FAULTLINE_STORE=" + p.store},
		"--data", filepath.Join(p.dirs[i], "data"), "--listen", "127.0.0.1:0", "--plugin", rack)
	if err != nil {
		p.t.Fatal(err)
	}
	p.servers[i] = s
	return s
}

// ask makes a request; status 0 means that there was no answer.
func (p *pair) ask(s *server, method, path, body string) (status int, answer string) {
	req, err := http.NewRequestWithContext(p.t.Context(), method, s.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/json")
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer rsp.Body.Close()
	b, err := io.ReadAll(rsp.Body)
	if err != nil {
		return 0, ""
	}
	return rsp.StatusCode, string(b)
}

// TestTwoServersOnOneDatabase kills and stops leaders while users add racks. The
// standby refuses everything, takes over, and has all that was acknowledged.
func TestTwoServersOnOneDatabase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: several starts of servers, with -short")
	}
	p := newPair(t)
	p.start(0)
	p.untilLeads(0)
	key, err := os.ReadFile(filepath.Join(p.dirs[0], "data", "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(p.dirs[1], "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dirs[1], "data", "secret.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	known := map[int64]bool{}
	for round, kill := range []bool{true, false, true} {
		leader, other := round%2, 1-round%2
		standby := p.start(other)
		if _, err := standby.log.wait(patience, regexp.MustCompile(`; standby: another server \(.*, process \d+\) writes to this database since 2`)); err != nil {
			t.Fatalf("%v; the log is\n%s", err, standby.log)
		}
		if status, answer := p.ask(standby, http.MethodGet, "/status", ""); status != http.StatusServiceUnavailable || !strings.Contains(answer, "standby: another server") {
			t.Errorf("the standby says %d %s", status, answer)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		enough := make(chan struct{})
		added := 0
		for user := range 3 {
			wg.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("r%d-%d-%d", round, user, i)
					status, answer := p.ask(p.servers[leader], http.MethodPost, "/resources", fmt.Sprintf(
						`{"plugin":"rack","class":"Rack","attributes":{"name":%q,"state":"/none"}}`, name))
					if status != http.StatusCreated {
						return
					}
					var r struct{ ID int64 }
					if err := json.Unmarshal([]byte(answer), &r); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					known[r.ID] = true
					if added++; added == 15 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(patience):
			t.Fatal("the leader took too little")
		}
		if kill {
			p.servers[leader].kill()
		} else if err := p.servers[leader].stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		wg.Wait()
		p.untilLeads(other)
		for id := range known {
			if status, answer := p.ask(standby, http.MethodGet, fmt.Sprintf("/resources/%d", id), ""); status != http.StatusOK {
				t.Errorf("round %d: resource %d was acknowledged, and the next server says %d %s", round, id, status, answer)
			}
		}
	}
	for _, s := range p.servers {
		if strings.Contains(s.log.String(), "pgtest-secret") {
			t.Errorf("the log has the password of the database:\n%s", s.log)
		}
	}
}

// TestALeaderStartsOverWhenItsDatabaseWasAway ends all connections of a server,
// as a restart of PostgreSQL does.
func TestALeaderStartsOverWhenItsDatabaseWasAway(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: several starts of a server, with -short")
	}
	p := newPair(t)
	s := p.start(0)
	p.untilLeads(0)
	if status, answer := p.ask(s, http.MethodPost, "/resources", `{"plugin":"rack","class":"Rack","attributes":{"name":"a","state":"/none"}}`); status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	pgtest.Terminate(t, p.store)
	if _, err := s.log.wait(patience, regexp.MustCompile(`starting over.*no longer leads`)); err != nil {
		t.Fatalf("%v; the log is\n%s", err, s.log)
	}
	var again []string
	for deadline := time.Now().Add(patience); len(again) < 2 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		again = regexp.MustCompile(`(?m)^Faultline \S+ is at (\S+); its data`).FindAllString(s.log.String(), -1)
	}
	if len(again) < 2 {
		t.Fatalf("it did not start over; the log is\n%s", s.log)
	}
	s.url = strings.TrimSuffix(strings.Fields(again[1])[4], ";")
	p.untilLeads(0)
	if status, answer := p.ask(s, http.MethodGet, "/resources", ""); status != http.StatusOK || !strings.Contains(answer, `"class":"Rack"`) {
		t.Errorf("%d %s", status, answer)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// untilLeads waits until a server answers and its plugin runs.
func (p *pair) untilLeads(i int) {
	p.t.Helper()
	var status int
	var answer string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, answer = p.ask(p.servers[i], http.MethodGet, "/classes?plugin=rack", "")
		if status == http.StatusOK && strings.Contains(answer, `"Rack"`) {
			return
		}
	}
	p.t.Fatalf("server %d does not lead: %d %s", i, status, answer)
}
