package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// site is a server with the rack plugin and one rack, for tests in Go.
type site struct {
	t      *testing.T
	dir    string
	server *server
	rack   int64
}

// newSite returns a site whose rack is in the given state and was scanned.
func newSite(t *testing.T, state string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	rack, err := filepath.Abs("testdata/plugin/rack.py")
	if err != nil {
		t.Fatal(err)
	}
	s.server, err = startServer(s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "GORACE=" + goRace},
		"--data", filepath.Join(s.dir, "data"), "--listen", "127.0.0.1:0", "--plugin", rack)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.end)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of the server:\n%s", s.server.log)
		}
	})
	s.state(state)
	s.until("the plugin runs", func() bool {
		return s.get("/plugins", "items[name=rack].state") == "running"
	})
	body, err := json.Marshal(map[string]any{"plugin": "rack", "class": "Rack", "attributes": map[string]string{
		"name": "r1", "state": filepath.Join(s.dir, "state"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var added struct{ ID int64 }
	if err := json.Unmarshal(s.do("POST", "/resources", string(body)), &added); err != nil {
		t.Fatal(err)
	}
	s.rack = added.ID
	s.until("the rack was scanned", func() bool {
		return s.get(fmt.Sprintf("/resources/%d", s.rack), "session.state") == "live"
	})
	return s
}

// state makes the text the state of the rack.
func (s *site) state(text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "state")
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		s.t.Fatal(err)
	}
}

// do makes a request that must succeed.
func (s *site) do(method, path, body string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rsp.Body.Close()
	b, err := io.ReadAll(rsp.Body)
	if err != nil || rsp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s %v", method, path, rsp.Status, b, err)
	}
	return b
}

// get returns a value of an answer; empty if there is none.
func (s *site) get(path, value string) string {
	s.t.Helper()
	text, _ := at(s.do("GET", path, ""), value) // what is not there yet may come
	return text
}

func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	await(s.t, patience, what, done)
}

// event is one server-sent event.
type event struct{ id, name, data string }

// stream is an open event stream.
type stream struct {
	t      *testing.T
	in     *bufio.Reader
	cancel context.CancelFunc
	body   io.Closer
	last   string // id
}

// follow opens the stream, after the event with the given id if there is one.
// It may be used from any goroutine.
func (s *site) follow(last string) *stream {
	st, err := s.stream(last)
	if err != nil {
		s.t.Error(err)
	}
	return st
}

// stream is follow for a server that may be gone.
func (s *site) stream(last string) (*stream, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*patience)
	st := &stream{t: s.t, in: bufio.NewReader(strings.NewReader("")), cancel: cancel, body: http.NoBody, last: last}
	s.t.Cleanup(st.close)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.url+"/api/v1/events", nil)
	if err != nil {
		return st, err
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		return st, err
	}
	st.in, st.body = bufio.NewReader(rsp.Body), rsp.Body
	if got := rsp.Header.Get("Content-Type"); rsp.StatusCode != http.StatusOK || got != "text/event-stream" {
		s.t.Errorf("the stream is %s, %s", rsp.Status, got)
	}
	e, err := st.read()
	if err == nil && e.name != "ready" {
		s.t.Errorf("the first event is %v", e)
	}
	return st, err
}

func (st *stream) close() {
	st.cancel()
	_ = st.body.Close() // it was only read
}

// next waits for the next event. At the end of the stream it returns none.
func (st *stream) next() event {
	e, err := st.read()
	if err != nil {
		st.t.Errorf("the event stream ended: %v", err)
	}
	return e
}

// read is next for a stream that may end.
func (st *stream) read() (event, error) {
	var e event
	for {
		line, err := st.in.ReadString('\n')
		if err != nil {
			return event{}, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			if e.name != "" {
				return e, nil
			}
		case name == "id":
			e.id, st.last = value, value
		case name == "event":
			e.name = value
		case name == "data":
			e.data += value
		}
	}
}

// until returns all events up to the first that has the text. After every so
// many it lets again make the stream anew, if that is given.
func (st *stream) until(text string, every int, again func(*stream) *stream) (all []event) {
	for {
		if again != nil && len(all)%every == every-1 {
			st = again(st)
		}
		e := st.next()
		if e.name == "" {
			return all
		}
		all = append(all, e)
		if strings.Contains(e.data, text) {
			return all
		}
	}
}

const (
	healthyRack = "period 0.1\nenclosure e1\ndrive A1 in=e1 status=OK\npool p0 on=A1\nlun data on=p0\n"
	sickRack    = "period 0.1\nenclosure e1\ndrive A1 in=e1 status=FAILED\npool p0 on=A1\nlun data on=p0\n"
)

// TestEvents follows an assignment in a plugin to the one who watches.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, healthyRack)
	st := s.follow("")
	s.state(sickRack)
	var changed, raised bool
	for !changed || !raised {
		switch e := st.next(); e.name {
		case "resources":
			value, err := at([]byte(e.data), "updated[class=Drive].attributes.status")
			if err == nil {
				changed = true
				if value != `{"text":"FAILED","value":"FAILED"}` {
					t.Errorf("the drive's status is %s", value)
				}
				if raised {
					t.Error("the alert came before its cause")
				}
			}
		case "alerts":
			raised = true
			for path, want := range map[string]string{
				"items[0].class": "Drive", "items[0].active": "true", "items[0].severity": "error",
				"items[0].message": "Drive failure", "items[0].affected.counts": `{"rack.Lun":1,"rack.Pool":1}`,
			} {
				if got, err := at([]byte(e.data), path); got != want {
					t.Errorf("%s is %s (%v), want %s", path, got, err, want)
				}
			}
		default:
			t.Fatalf("unexpected event %v", e)
		}
	}
	if got := s.get("/resources?class=Lun", "items[0].health"); got != "error" {
		t.Errorf("after the alert's event the volume's health is %q", got)
	}

	// Who follows the events does not keep the server from ending.
	began := time.Now()
	if err := s.server.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("the server took %v to end", took)
	}
}

// TestEventsResume compares what a client saw that was cut off again and again
// with what one saw that was not.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	s := newSite(t, healthyRack)
	whole, pieces := s.follow(""), s.follow("")
	start := whole.last
	const end = `"name":"the end"` // of the rack itself, not what else is told to be part of it
	read := make(chan []event)
	go func() {
		read <- pieces.until(end, 2, func(st *stream) *stream {
			st.close()
			return s.follow(st.last)
		})
	}()
	for i := range 6 {
		health := []string{"error", "ok"}[i%2]
		s.state([]string{sickRack, healthyRack}[i%2])
		s.until("the volume's health is "+health, func() bool {
			return s.get("/resources?class=Lun", "items[0].health") == health
		})
	}
	s.do("PATCH", fmt.Sprintf("/resources/%d", s.rack), `{"alias":"the end"}`)
	want, got := whole.until(end, 0, nil), <-read
	// Resources and alerts are two orders. How they mix is left to each stream.
	for _, name := range []string{"resources", "alerts", "reset", "ready"} {
		if d := cmp.Diff(only(want, name), only(got, name)); d != "" {
			t.Errorf("%s: what the client saw that was cut off differs (-whole +pieces):\n%s", name, d)
		}
	}
	if n := len(only(got, "alerts")); n < 2 {
		t.Errorf("%d events of alerts were seen", n)
	}

	// A client goes on where it was after the server was killed: what it did not
	// see yet comes from the change log.
	s.server.kill()
	s.server = s.restart()
	later := s.follow(start).until(end, 0, nil)
	if d := cmp.Diff(statuses(want), statuses(later)); d != "" || len(only(later, "reset")) > 0 {
		t.Errorf("after a restart the client sees %d resets and other changes (-before +after):\n%s", len(only(later, "reset")), d)
	}

	// A position of another server is answered with a reset.
	e := s.follow("1.1").next()
	for e.name == "alerts" || e.name == "volumes" { // each has an order of its own
		e = s.follow("1.1").next()
	}
	if e.name != "reset" {
		t.Errorf("after a position of another server comes %v, want a reset", e)
	}
}

// statuses returns the statuses of drives, in the order in which events tell
// them.
func statuses(all []event) (out []string) {
	for _, data := range only(all, "resources") {
		for _, m := range regexp.MustCompile(`"text":"(FAILED|OK)"`).FindAllStringSubmatch(data, -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// restart starts the server anew, on the same data and another port.
func (s *site) restart() *server {
	s.t.Helper()
	srv, err := startServer(s.dir, s.server.cmd.Env, s.server.cmd.Args[2:]...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(srv.end)
	return srv
}

// only returns the data of the events of one name.
func only(all []event, name string) (out []string) {
	for _, e := range all {
		if e.name == name {
			out = append(out, e.data)
		}
	}
	return out
}
