package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// sse is one event as a client reads it.
type sse struct{ name, id, data string }

// follower reads the events of a server.
type follower struct {
	t      testing.TB
	cancel context.CancelFunc
	events chan sse
	resp   *http.Response
}

// follow opens a stream; query starts with "?" or is empty.
func follow(t testing.TB, url, query, lastEventID string) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/api/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	f := &follower{t: t, cancel: cancel, events: make(chan sse, 100), resp: resp}
	t.Cleanup(f.close)
	go func() {
		defer close(f.events)
		sc := bufio.NewScanner(resp.Body)
		sc.Buffer(nil, 1<<24)
		var e sse
		for sc.Scan() {
			field, value, _ := strings.Cut(sc.Text(), ": ")
			switch {
			case sc.Text() == "":
				if e.data != "" || e.name != "" {
					f.events <- e
				}
				e = sse{}
			case field == "event":
				e.name = value
			case field == "id":
				e.id = value
			case field == "data":
				e.data = value
			case field == "":
				e.name = "comment"
			}
		}
	}()
	return f
}

func (f *follower) close() {
	f.cancel()
	f.resp.Body.Close()
}

// next returns the next event that is no comment.
func (f *follower) next() sse {
	f.t.Helper()
	for e := range f.events {
		if e.name != "comment" {
			return e
		}
	}
	f.t.Fatal("the stream has ended")
	return sse{}
}

// want reads an event of the given name into a T.
func want[T any](f *follower, name string) (v T, id string) {
	f.t.Helper()
	e := f.next()
	if e.name != name {
		f.t.Fatalf("event %s %s, want %s", e.name, e.data, name)
	}
	if err := json.Unmarshal([]byte(e.data), &v); err != nil {
		f.t.Fatalf("%v in %s", err, e.data)
	}
	return v, e.id
}

func serve(t testing.TB, o api.Options) (*httptest.Server, *api.Server) {
	t.Helper()
	s := api.New(o)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = s.HTTPServer()
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, s
}

func TestEvents(t *testing.T) {
	w := apitest.New()
	srv, _ := serve(t, w.Options())
	f := follow(t, srv.URL, "?statistics=3,4", "")
	ready, id := want[gen.ReadyEvent](f, "ready")
	if ready.Position != "6.1" || id != "6.1" {
		t.Errorf("ready %+v, id %s", ready, id)
	}

	w.Set(apitest.Drive1, "status", resource.StringValue("FAILED"))
	ev, id := want[gen.ResourcesEvent](f, "resources")
	if ev.Seq != 7 || ev.Root != 1 || id != "7.1" || len(ev.Updated) != 1 {
		t.Fatalf("%+v, id %s", ev, id)
	}
	if d := cmp.Diff(gen.ResourceUpdate{ID: 3, Plugin: "acme", Class: "HardDrive",
		Attributes: map[string]gen.ChangedValue{"status": {Value: "FAILED", Text: "FAILED"}}}, ev.Updated[0]); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	w.Raise(apitest.Drive1, resource.Error, "failure", "status", "Drive failure")
	al, id := want[gen.AlertsEvent](f, "alerts")
	if al.Seq != 2 || id != "7.2" || len(al.Items) != 1 || al.Items[0].Resource != 3 || al.Items[0].Affected.Counts["acme.Lun"] != 1 {
		t.Errorf("%+v, id %s", al, id)
	}

	// Passwords stay out, samples come for the asked resources only, and changes
	// without news move the position silently.
	w.Set(apitest.Couplet, "password", resource.StringValue("new-secret"))
	ev, _ = want[gen.ResourcesEvent](f, "resources")
	if ev.Updated[0].Attributes != nil {
		t.Errorf("a password in an event: %+v", ev)
	}
	w.Sample(apitest.Pool, 0, 1)
	w.Sample(apitest.Drive2, 0, 71)
	st, id := want[gen.StatisticsEvent](f, "statistics")
	if len(st.Items) != 1 || st.Items[0].Resource != 4 || st.Items[0].Name != "temperature" || *st.Items[0].Value != 71 || id != "10.2" {
		t.Errorf("%+v, id %s", st, id)
	}

	w.Edit(t.Context(), apitest.Lun, new("tape"), nil)
	ev, _ = want[gen.ResourcesEvent](f, "resources")
	if ev.Updated[0].Name != "tape" {
		t.Errorf("rename: %+v", ev)
	}
	w.SetRoot(apitest.Couplet, resource.RootState{Offline: true})
	if ev, _ = want[gen.ResourcesEvent](f, "resources"); !ev.Updated[0].State {
		t.Errorf("state: %+v", ev)
	}
	w.Remove(t.Context(), apitest.Lun)
	ev, _ = want[gen.ResourcesEvent](f, "resources")
	if len(ev.Deleted) != 1 || ev.Deleted[0].Name != "tape" {
		t.Errorf("removal: %+v", ev)
	}
}

func TestEventsResume(t *testing.T) {
	w := apitest.New()
	srv, _ := serve(t, w.Options())
	f := follow(t, srv.URL, "", "")
	f.next()
	w.Set(apitest.Drive1, "status", resource.StringValue("A"))
	_, first := want[gen.ResourcesEvent](f, "resources")
	f.close()

	w.Set(apitest.Drive1, "status", resource.StringValue("B"))
	w.Set(apitest.Drive1, "status", resource.StringValue("C"))
	for name, f := range map[string]*follower{
		"header":    follow(t, srv.URL, "", first),
		"parameter": follow(t, srv.URL, "?last_event_id="+first, ""),
		"both":      follow(t, srv.URL, "?last_event_id=0.0", first),
	} {
		if e := f.next(); e.name != "ready" || e.id != first {
			t.Errorf("%s: %+v", name, e)
		}
		for _, status := range []string{"B", "C"} {
			ev, _ := want[gen.ResourcesEvent](f, "resources")
			if got := ev.Updated[0].Attributes["status"].Text; got != status {
				t.Errorf("%s: status %s, want %s", name, got, status)
			}
		}
	}
}

func TestEventsReset(t *testing.T) {
	w := apitest.New()
	for range 20 { // the world keeps 8 changes
		w.Set(apitest.Drive1, "status", resource.StringValue("A"))
	}
	srv, _ := serve(t, w.Options())
	for _, last := range []string{"0.0", "3.1", "900.1", "26.900", "nonsense", "1", "-1.2"} {
		f := follow(t, srv.URL, "", last)
		if e := f.next(); e.name != "ready" {
			t.Errorf("%s: %+v", last, e)
		}
		e := f.next()
		for e.name == "alerts" { // an order that can be read goes on meanwhile
			e = f.next()
		}
		var r gen.ResetEvent
		if err := json.Unmarshal([]byte(e.data), &r); err != nil || e.name != "reset" {
			t.Fatalf("%s: %+v", last, e)
		}
		id := e.id
		if r.Position != "26.1" || id != "26.1" || r.Reason == "" {
			t.Errorf("%s: %+v, id %s", last, r, id)
		}
		// The stream goes on from there.
		w.Publish(&resource.Changes{Deleted: []*resource.Resource{w.Get(apitest.Lun)}})
		if ev, _ := want[gen.ResourcesEvent](f, "resources"); ev.Seq != 27 {
			t.Errorf("%s: %+v", last, ev)
		}
		f.close()
		w = apitest.New()
		for range 20 {
			w.Set(apitest.Drive1, "status", resource.StringValue("A"))
		}
		srv, _ = serve(t, w.Options())
	}
}

func TestEventsBulk(t *testing.T) {
	w := apitest.New()
	srv, _ := serve(t, w.Options())
	f := follow(t, srv.URL, "", "")
	f.next()
	drive := w.Get(apitest.Drive1)
	w.Publish(&resource.Changes{
		Created: slices.Repeat([]*resource.Resource{drive}, 400),
		Updated: slices.Repeat([]resource.Update{{Resource: drive}}, 100),
		Deleted: []*resource.Resource{drive},
	})
	ev, _ := want[gen.ResourcesEvent](f, "resources")
	if !ev.Bulk || ev.Created != nil || ev.Updated != nil || ev.Deleted != nil {
		t.Errorf("%+v", ev)
	}
	if d := cmp.Diff(&gen.ChangeCounts{Created: gen.Counts{"acme.HardDrive": 400}, Updated: gen.Counts{"acme.HardDrive": 100},
		Deleted: gen.Counts{"acme.HardDrive": 1}}, ev.Counts); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	alert := *w.Raise(apitest.Drive1, resource.Error, "x", "status", "X")
	want[gen.AlertsEvent](f, "alerts")
	many := make([]*resource.Alert, 501)
	for i := range many {
		a := alert
		many[i] = &a
	}
	w.PublishAlerts(many)
	if al, _ := want[gen.AlertsEvent](f, "alerts"); !al.Bulk || al.Items != nil || al.Seq != 503 {
		t.Errorf("bulk %v, %d items, seq %d", al.Bulk, len(al.Items), al.Seq)
	}
}

func TestEventsHeartbeat(t *testing.T) {
	w := apitest.New()
	o := w.Options()
	o.Heartbeat = time.Millisecond
	srv, _ := serve(t, o)
	f := follow(t, srv.URL, "", "")
	f.next()
	w.Sample(apitest.Drive1, 0, 1) // nothing to tell, but the position moves
	for e := range f.events {
		if e.name != "comment" {
			t.Fatalf("%+v", e)
		}
		if e.id == "7.1" {
			return
		}
	}
}

func TestEventsLimitAndShutdown(t *testing.T) {
	w := apitest.New()
	o := w.Options()
	o.MaxStreams = 1
	s := api.New(o)
	srv := s.HTTPServer()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l) //nolint:errcheck // ends with Shutdown
	url := "http://" + l.Addr().String()
	f := follow(t, url, "", "")
	f.next()
	resp, err := http.Get(url + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second stream: %d", resp.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown with an open stream: %v", err)
	}
	for range f.events { //nolint:revive // until the server ends it
	}
}

// TestSlowClient sees that a client that reads nothing is cut off, while the
// world goes on.
func TestSlowClient(t *testing.T) {
	w := apitest.New()
	o := w.Options()
	o.SlowClient, o.MaxStreams = 50*time.Millisecond, 1
	srv, _ := serve(t, o)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	big := resource.StringValue(strings.Repeat("x", 1<<20))
	deadline := time.Now().Add(20 * time.Second)
	for {
		if time.Now().After(deadline) {
			t.Fatal("a client that reads nothing is still served")
		}
		begin := time.Now()
		w.Set(apitest.Lun, "name", big)
		if d := time.Since(begin); d > 5*time.Second {
			t.Fatalf("a slow client held a change up for %v", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return // the only place is free again
		}
	}
}
