package redfish

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBasicAuthentication(t *testing.T) {
	f := newMachine(t)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		u, p, ok := r.BasicAuth()
		if r.URL.Path == "/redfish/v1/" || ok && u == "ann" && p == "pässword" {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	got, _, err := walkOnce(t, clientOptions{url: f.URL, user: "ann", password: "pässword"})
	if err != nil || len(got.gaps) != 0 || len(got.nodes) == 0 {
		t.Fatalf("%v, %+v", err, got)
	}
}

func TestRefusedUser(t *testing.T) {
	for user, want := range map[string]string{"": "set user and password", "ann": `refuses user "ann"`} {
		f := newMachine(t)
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/redfish/v1/" { // the root is open to all
				return false
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		_, w, err := walkOnce(t, clientOptions{url: f.URL, user: user, password: "topsecret"})
		if err == nil {
			t.Fatal("the scan succeeded")
		}
		text := explain(w.site, err).Error()
		if !strings.Contains(text, want) || strings.Contains(text, "topsecret") {
			t.Errorf("error %q lacks %q", text, want)
		}
	}
}

// TestSessionLogin: some services refuse basic authentication.
func TestSessionLogin(t *testing.T) {
	f := newMachine(t)
	logins := 0
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == sessionPath:
			var in map[string]string
			_ = json.NewDecoder(r.Body).Decode(&in)
			if in["UserName"] != "ann" || in["Password"] != "pw" {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			logins++
			w.Header().Set("X-Auth-Token", "token")
			w.Header().Set("Location", sessionPath+"/7")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"Id":"7","UserName":"Ann"}`)
			return true
		case r.Header.Get("X-Auth-Token") == "token" && r.Header.Get("Authorization") == "":
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusNoContent)
				return true
			}
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	c, err := newClient(clientOptions{url: f.URL, user: "ann", password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	each(make([]int, 8), func(int, int) { // all are refused at first, one logs in
		if _, err := c.get(t.Context(), "/redfish/v1/Chassis/1", nil); err != nil {
			t.Error(err)
		}
	})
	c.close(t.Context())
	if logins != 1 {
		t.Errorf("%d logins", logins)
	}
	if !slices.Contains(f.requests(), "DELETE "+sessionPath+"/7") {
		t.Error("no logout")
	}
}

// TestWrongPassword: where basic authentication is offered, its refusal is the
// last word; and a session that is nobody's proves nothing.
func TestWrongPassword(t *testing.T) {
	for name, offer := range map[string]string{"basic offered": `Basic realm="x"`, "not offered": ""} {
		t.Run(name, func(t *testing.T) {
			f := newMachine(t)
			tries := 0
			f.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					w.Header().Set("X-Auth-Token", "token")
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"Id":"7","Name":"Session"}`)
					return true
				}
				if r.Header.Get("X-Auth-Token") != "" {
					return false
				}
				tries++
				if offer != "" {
					w.Header().Set("WWW-Authenticate", offer)
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			_, _, err := walkOnce(t, clientOptions{url: f.URL, user: "ann", password: "wrong"})
			var denied *deniedError
			if !errors.As(err, &denied) || tries != 1 {
				t.Errorf("%v after %d tries", err, tries)
			}
		})
	}
}

// TestOtherHosts: credentials and requests stay with the host that the user named.
func TestOtherHosts(t *testing.T) {
	var reached []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = append(reached, r.URL.Path)
	}))
	defer other.Close()
	f := newMachine(t)
	f.list("/redfish/v1/Chassis", "/redfish/v1/Chassis/1", other.URL+"/redfish/v1/Chassis/2", "/redfish/v1/Chassis/3")
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/redfish/v1/Chassis/3" {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	got, _, err := walkOnce(t, clientOptions{url: f.URL, user: "ann", password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	if len(reached) > 0 {
		t.Errorf("the other host was asked for %v", reached)
	}
	if len(got.gaps) != 2 {
		t.Errorf("gaps %v", got.gaps)
	}
	if n := countClasses(got.nodes)["Chassis"]; n != 1 {
		t.Errorf("%d chassis", n)
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	f := newMachine(t)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/redfish/v1/Chassis/1" {
			http.Redirect(w, r, "/redfish/v1/Chassis/1/", http.StatusPermanentRedirect)
			return true
		}
		return false
	}
	got, _, err := walkOnce(t, clientOptions{url: f.URL})
	if err != nil || len(got.gaps) != 0 {
		t.Fatalf("%v, %v", err, got.gaps)
	}
}

func TestBusyServiceIsAskedAgain(t *testing.T) {
	f := newMachine(t)
	busy := map[string]int{}
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if busy[r.URL.Path]++; busy[r.URL.Path] == 1 && strings.Contains(r.URL.Path, "Drives/") {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	got, _, err := walkOnce(t, clientOptions{url: f.URL})
	if err != nil || len(got.gaps) != 0 {
		t.Fatalf("%v, %v", err, got.gaps)
	}
	if d := retryAfter(http.Header{"Retry-After": {"86400"}}); d != maxRetryAfter {
		t.Errorf("waits %v", d)
	}
}

// TestUnreadableMembers: whatever is wrong with one document, the others are read.
func TestUnreadableMembers(t *testing.T) {
	for name, spoil := range map[string]func(f *fake, path string){
		"404":       func(f *fake, p string) { f.remove(p) },
		"500":       func(f *fake, p string) { f.fail(p, 500) },
		"403":       func(f *fake, p string) { f.fail(p, 403) },
		"empty":     func(f *fake, p string) { f.raw(p, "") },
		"html":      func(f *fake, p string) { f.raw(p, "<html>busy</html>") },
		"truncated": func(f *fake, p string) { f.raw(p, `{"Name":"Di`) },
		"null":      func(f *fake, p string) { f.raw(p, "null") },
		"array":     func(f *fake, p string) { f.raw(p, "[]") },
		"error":     func(f *fake, p string) { f.raw(p, `{"error":{"message":"internal"}}`) },
		"huge":      func(f *fake, p string) { f.raw(p, `{"Name":"`+strings.Repeat("x", maxBody)+`"}`) },
		"timeout": func(f *fake, p string) {
			f.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != p {
					return false
				}
				f.mu.Unlock()
				defer f.mu.Lock()
				<-r.Context().Done()
				return true
			}
		},
		"cut": func(f *fake, p string) {
			f.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != p {
					return false
				}
				panic(http.ErrAbortHandler)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newMachine(t)
			spoil(f, drivePath("1"))
			timeout := time.Minute
			if name == "timeout" {
				timeout = 300 * time.Millisecond
			}
			got, _, err := walkOnce(t, clientOptions{url: f.URL, timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(map[string]int{
				"Chassis": 1, "Controller": 1, "Drive": 2, "Fan": 2, "Pool": 1, "PowerSupply": 1, "TemperatureSensor": 1, "Volume": 2,
			}, countClasses(got.nodes)); d != "" {
				t.Error(d)
			}
			if len(got.gaps) != 1 || got.gaps[0].path != drivePath("1") || got.gaps[0].why == "" || strings.Contains(got.gaps[0].why, f.URL) {
				t.Errorf("gaps %v", got.gaps)
			}
		})
	}
}

// TestUnreachable: the first failure says what to do.
func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	empty := newFake(t)
	web := newFake(t)
	web.raw("/redfish/v1", "<html>")
	starting := newFake(t)
	starting.raw("/redfish/v1", `{"Id":"RootService","Name":"Root"}`)
	tls := httptest.NewTLSServer(newMachine(t))
	defer tls.Close()
	tls.Config.ErrorLog = quiet
	for _, tc := range []struct{ url, want string }{
		{gone.URL, "check url"},
		{empty.URL, "no Redfish service"},
		{web.URL, "no JSON object"},
		{starting.URL, "links to no hardware"},
		{tls.URL, "verify_tls=false"},
	} {
		_, w, err := walkOnce(t, clientOptions{url: tc.url})
		if err == nil {
			t.Errorf("%s: no error", tc.want)
			continue
		}
		if text := explain(w.site, err).Error(); !strings.Contains(text, tc.want) || !strings.Contains(text, tc.url) {
			t.Errorf("error %q lacks %q", text, tc.want)
		}
	}
	if got, _, err := walkOnce(t, clientOptions{url: tls.URL, insecure: true}); err != nil || len(got.gaps) != 0 {
		t.Errorf("verify_tls=false: %v", err)
	}
}

// TestServiceGoesAway: a service that stops in the middle fails the scan, since
// nothing about the rest is known.
func TestServiceGoesAway(t *testing.T) {
	f := newMachine(t)
	var drives []string
	for i := range 20 {
		drives = append(drives, drivePath("x"+string(rune('a'+i))))
	}
	f.list("/redfish/v1/Chassis", drives...)
	dead := false
	f.hook = func(_ http.ResponseWriter, r *http.Request) bool {
		dead = dead || strings.Contains(r.URL.Path, "/x")
		if dead {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	_, w, err := walkOnce(t, clientOptions{url: f.URL})
	if err == nil || !strings.Contains(explain(w.site, err).Error(), "stopped answering") {
		t.Error(err)
	}
}

// TestNothingButTheRoot: a service that hides its hardware is not empty.
func TestNothingButTheRoot(t *testing.T) {
	f := newMachine(t)
	f.fail("/redfish/v1/Chassis", 403)
	f.fail("/redfish/v1/Systems", 403)
	_, w, err := walkOnce(t, clientOptions{url: f.URL})
	if err == nil || !strings.Contains(explain(w.site, err).Error(), "lacks the right to read") {
		t.Error(err)
	}
}

// TestSlowList: a list whose members do not answer costs a bounded time.
func TestSlowList(t *testing.T) {
	f := newMachine(t)
	var members []string
	for i := range 40 {
		members = append(members, "/redfish/v1/Chassis/slow"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	f.list("/redfish/v1/Chassis", append(members, "/redfish/v1/Chassis/1")...)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "slow") {
			return false
		}
		f.mu.Unlock()
		defer f.mu.Lock()
		<-r.Context().Done()
		return true
	}
	got, _, err := walkOnce(t, clientOptions{url: f.URL, timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.gaps) < 40 || countClasses(got.nodes)["Drive"] != 3 {
		t.Errorf("%d gaps, %v", len(got.gaps), countClasses(got.nodes))
	}
	asked := 0
	for _, r := range f.requests() {
		if strings.Contains(r, "slow") {
			asked++
		}
	}
	if asked > maxTimeouts+maxRequests {
		t.Errorf("%d requests were waited for", asked)
	}
}

// quiet takes the messages of test servers about handshakes that are meant to fail.
var quiet = log.New(io.Discard, "", 0)

func contextCancelled(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}
