package vm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// console is the log of a process, which is read while it is written.
type console struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

// site is a server and the agent of this guest.
type site struct {
	server        string
	log, agentLog console
}

// newSite starts both, and ends them with the test.
func newSite(t *testing.T) *site {
	t.Helper()
	dir, s := t.TempDir(), &site{}
	run := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, program(t), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s\n%s", args, err, out, s.log.String())
		}
		return string(out)
	}
	start := func(log io.Writer, args ...string) {
		t.Helper()
		cmd := exec.Command(program(t), args...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended, which the test has seen
			_ = cmd.Wait()
		})
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server:\n%s\nthe agent:\n%s", s.log.String(), s.agentLog.String())
		}
	})
	data, agent := filepath.Join(dir, "server"), filepath.Join(dir, "agent")
	start(&s.log, "serve", "--data", data, "--listen", "127.0.0.1:0")
	address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)
	s.until(t, "the server listens", func() bool { return address.MatchString(s.log.String()) })
	s.server = address.FindStringSubmatch(s.log.String())[1]
	token := regexp.MustCompile(`fla_[\w.-]+`).FindString(run("token", "create", "guest", "--agent", "--server", "http://"+s.server))
	run("agent", "register", "--server", "https://"+s.server, "--token", token, "--data", agent)
	start(&s.agentLog, "agent", "run", "--data", agent)
	return s
}

// patience is long: a machine that is emulated is slow.
const patience = 3 * time.Minute

// until waits by a clock that nobody sets.
func (s *site) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("waited for %v: %s", patience, what)
		}
	}
}

// mounted waits until the server knows, or does not, that a file system is mounted.
func (s *site) mounted(t *testing.T, want bool) {
	t.Helper()
	client := http.Client{Timeout: patience / 6}
	s.until(t, fmt.Sprintf("the server knows that /srv/loop is mounted: %v", want), func() bool {
		rsp, err := client.Get("http://" + s.server + "/api/v1/resources?plugin=linux&class=LocalMount&limit=1000")
		if err != nil {
			return false
		}
		defer rsp.Body.Close()
		b, err := io.ReadAll(rsp.Body)
		return err == nil && rsp.StatusCode == http.StatusOK && strings.Contains(string(b), `"/srv/loop"`) == want
	})
}

// TestClockIsSet sets the clock of the guest, where a server and an agent run, and
// changes something each time: the server hears of it in the session that there is.
func TestClockIsSet(t *testing.T) {
	program(t)
	began := time.Now()
	set := func(at func(now time.Time) time.Time) {
		t.Helper()
		now := time.Unix(began.Unix(), 0).Add(time.Since(began)) // Since goes by the clock that nobody sets
		change(t, "clock", fmt.Sprint(at(now).Unix()))
	}
	right := func(now time.Time) time.Time { return now }
	t.Cleanup(func() { set(right) })
	s := newSite(t)
	s.mounted(t, true)
	for _, step := range []struct {
		name, change string
		at           func(time.Time) time.Time
	}{
		{"a day later", "unmount", func(now time.Time) time.Time { return now.AddDate(0, 0, 1) }},
		{"a day earlier", "mount", func(now time.Time) time.Time { return now.AddDate(0, 0, -1) }},
		{"in 1970", "unmount", func(time.Time) time.Time { return time.Unix(86400, 0) }},
		{"right again", "mount", right},
	} {
		t.Log(step.name)
		set(step.at)
		change(t, step.change)
		s.mounted(t, step.change == "mount")
	}
	// Certificates have ended ten years from now, and the server cannot know better.
	set(func(now time.Time) time.Time { return now.AddDate(10, 0, 0) })
	change(t, "unmount")
	s.until(t, "the agent's log says that the certificate has ended", func() bool { return strings.Contains(s.agentLog.String(), "was good until") })
	set(right)
	s.mounted(t, false)
	change(t, "mount")
	s.mounted(t, true)
	if n := strings.Count(s.agentLog.String(), `msg="a session of the device plugin began" plugin=linux`); n != 1 {
		t.Errorf("there were %d sessions", n)
	}
}
