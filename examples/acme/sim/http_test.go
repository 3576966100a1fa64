package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type eventList struct {
	Boot     string
	Revision uint64
	Overflow bool
	Events   []struct {
		Revision uint64
		Op       string
		Kind     string
		ID       string
		Object   json.RawMessage
	}
}

func TestPages(t *testing.T) {
	a := newArray(t, Options{Disks: 100, Boot: "b1"})
	apply(t, a, "remove-disk disk-5", "remove-disk disk-100")
	var got []string
	var ends []int
	for offset := 0; ; {
		l := get[listing[disk]](t, a, fmt.Sprintf("/api/v1/disks?offset=%d&limit=30", offset))
		if l.Total != 98 || l.Size != 100 || l.Boot != "b1" || l.Revision != 3 {
			t.Errorf("page at %d: %+v", offset, l)
		}
		for _, d := range l.Items {
			got = append(got, d.ID)
		}
		if l.Next == nil {
			break
		}
		offset = *l.Next
		ends = append(ends, offset)
	}
	if len(got) != 98 || got[3] != "disk-0004" || got[4] != "disk-0006" || got[97] != "disk-0099" {
		t.Errorf("%d disks: %v", len(got), got)
	}
	if d := cmp.Diff([]int{30, 60, 90}, ends); d != "" {
		t.Error("pages shift when a disk is removed:", d)
	}
	if l := get[listing[disk]](t, a, "/api/v1/disks?offset=100"); len(l.Items) != 0 || l.Next != nil {
		t.Errorf("behind the end: %+v", l)
	}
}

func TestSince(t *testing.T) {
	a := newArray(t, Options{Disks: 1000, Boot: "b1"})
	apply(t, a, "upgrade-firmware 10%", "remove-disk disk-20", "fail-disk disk-30")
	var got []string
	for offset := 0; ; {
		l := get[listing[disk]](t, a, fmt.Sprintf("/api/v1/disks?since=1&limit=30&offset=%d", offset))
		if want := offset == 0; (len(l.Removed) == 1) != want {
			t.Errorf("removed at offset %d: %v", offset, l.Removed)
		}
		for _, d := range l.Items {
			got = append(got, d.ID)
		}
		if l.Next == nil {
			break
		}
		offset = *l.Next
	}
	if len(got) != 99 || got[0] != "disk-0010" || got[1] != "disk-0030" {
		t.Errorf("%d disks: %v", len(got), got)
	}
	if l := get[listing[disk]](t, a, "/api/v1/disks?since=4"); len(l.Items)+len(l.Removed) != 0 {
		t.Errorf("changes in the future: %+v", l)
	}
	if l := get[listing[disk]](t, a, "/api/v1/disks?since=3"); len(l.Items) != 1 || len(l.Removed) != 0 {
		t.Errorf("since the removal: %+v", l)
	}
	for _, q := range []string{"since=5", "since=1&boot=other", "boot=other"} {
		if w := fetch(a, "/api/v1/disks?"+q); w.Code != http.StatusGone {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
}

func TestBadRequests(t *testing.T) {
	a := small(t)
	for path, want := range map[string]string{
		"/api/v1/disks?limit=0":               "query parameter limit: a page of 0 objects never ends",
		"/api/v1/disks?limit=10001":           `query parameter limit: "10001" is no number from 0 to 10000`,
		"/api/v1/disks?offset=-1":             `query parameter offset: "-1" is no number from 0 to 2147483648`,
		"/api/v1/disks?sort=id":               "unknown query parameter sort",
		"/api/v1/disks?limit=1&limit=2":       "query parameter limit is given twice",
		"/api/v1/system?x=1":                  "unknown query parameter x",
		"/api/v1/events":                      "query parameter since is missing; take the revision of /api/v1/system",
		"/api/v1/events?since=1&wait=forever": `query parameter wait: "forever" is no duration such as 500ms, 5s or 2m`,
	} {
		w := fetch(a, path)
		var body struct{ Error string }
		json.Unmarshal(w.Body.Bytes(), &body)
		if w.Code != http.StatusBadRequest || body.Error != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, body.Error, want)
		}
	}
	for body, want := range map[string]string{
		`{"fault":"fail-disk","target":"disk-1","bay":3}`: `json: unknown field "bay"`,
		`{"fault":"silent","for":"soon"}`:                 `"soon" is no duration such as 500ms, 5s or 2m`,
		`{"fault":"heal"}{}`:                              "there is more than one JSON value",
		`explode`:                                         `unknown fault "explode"`,
		``:                                                "no fault; known are",
	} {
		w := post(a, body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("%s: %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
}

func post(a http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/faults", strings.NewReader(body)))
	return w
}

func TestPostFaults(t *testing.T) {
	a := small(t)
	for _, body := range []string{`{"fault":"fail-disk","target":"disk-0017"}`, "fail-fan fan-1-1\n", `{"fault":"upgrade-firmware","percent":50}`} {
		before := a.Revision()
		w := post(a, body)
		if want := fmt.Sprintf(`{"boot":"b1","revision":%d}`+"\n", before+1); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("POST", "/api/v1/faults", strings.NewReader("heal"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a foreign page may give faults: %d", w.Code)
	}
	if help := fetch(a, "/api/v1/faults").Body.String(); help != FaultHelp() || !strings.Contains(help, "lose-path LUN CONTROLLER ") {
		t.Error(help)
	}
	if index := fetch(a, "/").Body.String(); !strings.Contains(index, "power-supplies") {
		t.Error(index)
	}
}

func TestPassword(t *testing.T) {
	a := newArray(t, Options{Password: "s3cret"})
	for _, tt := range []struct {
		user, password string
		want           int
	}{{"", "", 401}, {"admin", "wrong", 401}, {"root", "s3cret", 401}, {"admin", "s3cret", 200}} {
		r := httptest.NewRequest("GET", "/api/v1/system", nil)
		if tt.user != "" {
			r.SetBasicAuth(tt.user, tt.password)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s:%s gets %d, want %d", tt.user, tt.password, w.Code, tt.want)
		}
	}
	if w := post(a, "heal"); w.Code != http.StatusUnauthorized {
		t.Errorf("a stranger may give faults: %d", w.Code)
	}
}

func TestEventsWaitForAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := small(t)
		start := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			apply(t, a, "remove-disk disk-1")
		}()
		e := get[eventList](t, a, "/api/v1/events?since=1")
		if took := time.Since(start); took != 3*time.Second || e.Revision != 2 {
			t.Errorf("after %v: %+v", took, e)
		}
		var got []string
		for _, ev := range e.Events {
			got = append(got, ev.Op+" "+ev.ID)
			if (ev.Object == nil) != (ev.Op == opRemove) {
				t.Errorf("%s %s has the object %s", ev.Op, ev.ID, ev.Object)
			}
		}
		if d := cmp.Diff([]string{"remove disk-0001", "change pool-01", "change lun-1"}, got); d != "" {
			t.Error(d)
		}
		start = time.Now()
		if e := get[eventList](t, a, "/api/v1/events?since=2&wait=7s"); len(e.Events) != 0 || time.Since(start) != 7*time.Second {
			t.Errorf("after %v: %+v", time.Since(start), e)
		}
		// Nobody but the waiting request looks at the clock during a rebuild.
		apply(t, a, "rebuild pool-1 20s")
		start = time.Now()
		if e := get[eventList](t, a, fmt.Sprint("/api/v1/events?since=", a.Revision())); len(e.Events) != 1 || time.Since(start) != time.Second {
			t.Errorf("after %v: %+v", time.Since(start), e)
		}
		if w := fetch(a, "/api/v1/events?since=99"); w.Code != http.StatusGone {
			t.Errorf("a revision of the future: %d", w.Code)
		}
		if w := fetch(a, "/api/v1/events?since=1&boot=other"); w.Code != http.StatusGone {
			t.Errorf("another boot: %d", w.Code)
		}
	})
}

func TestEventsOverflow(t *testing.T) {
	a := newArray(t, Options{Disks: 20_000, Boot: "b1"})
	apply(t, a, "upgrade-firmware 100%")
	if e := get[eventList](t, a, "/api/v1/events?since=1"); !e.Overflow || len(e.Events) != 0 || e.Revision != 2 {
		t.Errorf("%+v", e)
	}
}

func TestSlowSilentGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := small(t)
		timed := func() (*httptest.ResponseRecorder, time.Duration) {
			start := time.Now()
			w := fetch(a, "/api/v1/system")
			return w, time.Since(start)
		}
		apply(t, a, "slow 500ms 10s")
		if w, took := timed(); took != 500*time.Millisecond || w.Code != 200 {
			t.Errorf("slow: %d after %v", w.Code, took)
		}
		time.Sleep(10 * time.Second)
		if _, took := timed(); took != 0 {
			t.Errorf("slow for too long: %v", took)
		}
		apply(t, a, "silent 5s")
		if w, took := timed(); took != 5*time.Second || w.Code != 200 {
			t.Errorf("silent: %d after %v", w.Code, took)
		}
		apply(t, a, "silent")
		go func() {
			time.Sleep(time.Hour)
			post(a, "heal") // faults are heard all the same
		}()
		if w, took := timed(); took != time.Hour || w.Code != 200 {
			t.Errorf("silent until heal: %d after %v", w.Code, took)
		}
		apply(t, a, "silent")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/system", nil).WithContext(ctx))
		if w.Body.Len() > 0 {
			t.Errorf("silence said %s", w.Body)
		}
		apply(t, a, "heal", "garbage 1m")
		bodies := map[string]bool{}
		for range 5 {
			w, _ := timed()
			var v system
			if json.Unmarshal(w.Body.Bytes(), &v) == nil {
				t.Errorf("garbage decodes: %s", w.Body)
			}
			bodies[w.Body.String()] = true
		}
		if len(bodies) != 5 {
			t.Errorf("%d kinds of garbage", len(bodies))
		}
		time.Sleep(time.Minute)
		get[system](t, a, "/api/v1/system")
	})
}

func TestSilentEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := small(t)
		go func() {
			time.Sleep(time.Second)
			apply(t, a, "silent 9s", "fail-disk disk-1")
		}()
		start := time.Now()
		if e := get[eventList](t, a, "/api/v1/events?since=1"); len(e.Events) != 3 || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %+v", time.Since(start), e)
		}
	})
}

// serve runs the array on a real port until the test ends.
func serve(t *testing.T, a *Array) (base string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	var once sync.Once
	var stopped error
	stop = func() error { once.Do(func() { cancel(); stopped = <-done }); return stopped }
	t.Cleanup(func() { stop() })
	return "http://" + l.Addr().String(), stop
}

func TestResetAndStop(t *testing.T) {
	a := small(t)
	base, stop := serve(t, a)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	apply(t, a, "silent reset")
	if _, err := client.Get(base + "/api/v1/system"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("silent reset: %v", err)
	}
	apply(t, a, "heal")
	res, err := client.Get(base + "/api/v1/system")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("after heal: %v %v", res, err)
	}
	res.Body.Close()

	// A request that hangs does not keep the server from stopping.
	apply(t, a, "silent")
	hung := make(chan error, 1)
	go func() {
		_, err := client.Get(base + "/api/v1/system")
		hung <- err
	}()
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := <-hung; err == nil {
		t.Error("the hung request was answered")
	}
}

func TestConcurrentUse(t *testing.T) {
	a := newArray(t, Options{Disks: 500, SampleEvery: time.Millisecond})
	var wg sync.WaitGroup
	for _, job := range []func(i int){
		func(i int) { fetch(a, "/api/v1/disks?limit=100") },
		func(i int) { fetch(a, fmt.Sprintf("/api/v1/luns?since=%d", i)) },
		func(i int) { fetch(a, "/api/v1/events?since=1&wait=1ms") },
		func(i int) { post(a, fmt.Sprintf("fail-disk disk-%d", i+1)) },
		func(i int) { post(a, fmt.Sprintf("rebuild pool-%d 2ms", i%50+1)) },
		func(i int) { post(a, fmt.Sprintf("remove-disk disk-%d", 400+i)) },
		func(i int) { post(a, "heal") },
		func(i int) { fetch(a, "/api/v1/system") },
	} {
		wg.Go(func() {
			for i := range 50 {
				job(i)
			}
		})
	}
	wg.Wait()
}

func BenchmarkServeDisks(b *testing.B) {
	a := newArray(b, Options{Disks: MaxDisks})
	for b.Loop() {
		for offset := 0; offset < MaxDisks; offset += maxLimit {
			w := fetch(a, fmt.Sprintf("/api/v1/disks?offset=%d&limit=%d", offset, maxLimit))
			b.SetBytes(int64(w.Body.Len()) * MaxDisks / maxLimit)
		}
	}
}
