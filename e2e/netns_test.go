//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cutVar has how long TestNetworkCut cuts the network, such as 60s.
const cutVar = "FAULTLINE_E2E_CUT"

// netns is two network namespaces, joined by a cable that can be cut, with nothing
// else in them. The server is in one of them, a host in the other.
type netns struct {
	t            *testing.T
	server, host string
	dir          string
}

const (
	netnsServer = "10.213.77.1"
	netnsHost   = "10.213.77.2"
)

// newNetns makes the namespaces, or skips the test.
func newNetns(t *testing.T) *netns {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: hosts in network namespaces; this takes root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: hosts in network namespaces; this takes ip (Debian: iproute2)")
	}
	id := fmt.Sprint(os.Getpid())
	n := &netns{t: t, server: "fl-s" + id, host: "fl-h" + id, dir: t.TempDir()}
	if out, err := exec.Command("ip", "netns", "add", n.server).CombinedOutput(); err != nil {
		t.Skipf("skipped: hosts in network namespaces; none can be made here: %v: %s", err, out)
	}
	t.Cleanup(func() { n.ip("netns", "del", n.server) })
	n.ip("netns", "add", n.host)
	t.Cleanup(func() { n.ip("netns", "del", n.host) })
	n.ip("link", "add", "cable", "netns", n.server, "type", "veth", "peer", "name", "cable", "netns", n.host)
	for ns, address := range map[string]string{n.server: netnsServer, n.host: netnsHost} {
		n.ip("-n", ns, "address", "add", address+"/24", "dev", "cable")
		n.ip("-n", ns, "link", "set", "cable", "up")
		n.ip("-n", ns, "link", "set", "lo", "up")
	}
	return n
}

func (n *netns) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %q: %v: %s", args, err, out)
	}
}

// cut pulls the cable at the server's end: the host's packets go nowhere, and
// nobody tells it.
func (n *netns) cut() { n.ip("-n", n.server, "link", "set", "cable", "down") }

func (n *netns) mend() { n.ip("-n", n.server, "link", "set", "cable", "up") }

// faultline is the program in a namespace, with a log.
func (n *netns) faultline(ctx context.Context, ns string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", ns, "faultline"}, args...)...)
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), "WORK="+n.dir, "LINES_SAID="+filepath.Join(n.dir, "said"), "LINES_HEARD="+filepath.Join(n.dir, "heard"),
		"FAULTLINE_PLUGIN_ENV=WORK,LINES_SAID,LINES_HEARD")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// run runs a program of a namespace until stop is called, which kills it if hard.
func (n *netns) run(name, ns string, args ...string) (stop func(hard bool)) {
	n.t.Helper()
	log, err := os.OpenFile(filepath.Join(n.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := n.faultline(ctx, ns, args...)
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := false
	stop = func(hard bool) {
		if ended {
			return
		}
		ended = true
		if hard {
			_ = cmd.Process.Kill()
		} else {
			cancel()
		}
		_ = cmd.Wait() // how it ended is not the question here
		cancel()
		log.Close()
	}
	n.t.Cleanup(func() {
		stop(false)
		if text, err := os.ReadFile(log.Name()); err == nil && n.t.Failed() {
			n.t.Logf("%s:\n%s", name, text)
		}
	})
	return stop
}

// until waits for a fact.
func (n *netns) until(within time.Duration, what string, done func() bool) {
	n.t.Helper()
	await(n.t, within, what, done)
}

// lineMessage is what the device plugin "lines" says at once.
type lineMessage struct {
	Session string            `json:"session"`
	N       int               `json:"n"`
	Set     map[string]string `json:"set"`
}

// messages reads what was said, or heard.
func (n *netns) messages(name string) (list []lineMessage) {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		n.t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var m lineMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			n.t.Fatalf("%s: %q: %v", name, lines.Text(), err)
		}
		list = append(list, m)
	}
	return list
}

// TestNetworkCut cuts a host off in the middle of 1,000 changes, and later kills the
// server. What the server's plugin heard must be what the device plugin said:
// in each session in order, nothing missing in between and nothing twice.
func TestNetworkCut(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: a cut network, with -short")
	}
	length := 6 * time.Second
	if text := os.Getenv(cutVar); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	n := newNetns(t)
	plugins, err := filepath.Abs("testdata/plugin")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"lines_device.py", "lines_server.py"} {
		text, err := os.ReadFile(filepath.Join(plugins, file))
		if err != nil {
			t.Fatal(err)
		}
		folder := map[string]string{"lines_device.py": "devices", "lines_server.py": "."}[file]
		if err := os.MkdirAll(filepath.Join(n.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.dir, folder, "lines.py"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set := func(i int) {
		next := filepath.Join(n.dir, "next")
		if err := os.WriteFile(next, fmt.Appendf(nil, "count=%d\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(n.dir, "lines")); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	agentConfig := filepath.Join(n.dir, "agent.yaml")
	if err := os.WriteFile(agentConfig, []byte("device_plugin_dir: "+n.dir+"/devices\nlog_level: info\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := writeCertificate(n.dir, net.ParseIP(netnsServer)); err != nil {
		t.Fatal(err)
	}
	const port = "8701" // nothing else is in the namespace
	address := net.JoinHostPort(netnsServer, port)
	data := filepath.Join(n.dir, "data")
	operator, err := n.faultline(t.Context(), n.server, "token", "create", "me", "--data", data).Output()
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	serve := func() func(bool) {
		t.Helper()
		stop := n.run("server", n.server, "serve", "--data", data, "--listen", address, "--tls-cert", filepath.Join(n.dir, "cert.pem"), "--tls-key", filepath.Join(n.dir, "key.pem"),
			"--plugin", filepath.Join(n.dir, "lines.py"))
		n.until(time.Minute, "the server answers", func() bool {
			return exec.Command("ip", "netns", "exec", n.server, "bash", "-c", "exec 3<>/dev/tcp/"+netnsServer+"/"+port).Run() == nil
		})
		return stop
	}
	stopServer := serve()
	var token []byte
	n.until(time.Minute, "the server makes a token for the agent", func() bool {
		cmd := n.faultline(t.Context(), n.server, "token", "create", "oss1", "--agent", "--server", "https://"+address, "--ca", filepath.Join(n.dir, "cert.pem"))
		cmd.Env = append(cmd.Environ(), "FAULTLINE_TOKEN="+strings.TrimSpace(string(operator)))
		token, err = cmd.Output()
		return err == nil
	})
	first := strings.TrimSpace(string(token))
	host := filepath.Join(n.dir, "oss1")
	if out, err := n.faultline(t.Context(), n.host, "agent", "register", "--server", "https://"+address, "--token", first, "--name", "oss1", "--data", host).CombinedOutput(); err != nil {
		t.Fatalf("register: %v: %s", err, out)
	}
	n.run("agent", n.host, "agent", "run", "--data", host, "--config", agentConfig, "--no-builtin")
	heard := func(i int) func() bool {
		return func() bool {
			text, err := os.ReadFile(filepath.Join(n.dir, "heard"))
			return err == nil && bytes.Contains(text, fmt.Appendf(nil, `"count": "%d"`, i))
		}
	}
	n.until(time.Minute, "the first lines arrive", heard(0))

	const (
		changes = 1000
		lost    = 600 // of them are made while the network is cut
	)
	pause := length / lost
	began := time.Now()
	for i := 1; i <= changes; i++ {
		set(i)
		switch i {
		case changes / 5:
			n.cut()
		case changes/5 + lost:
			n.mend()
		}
		time.Sleep(time.Until(began.Add(time.Duration(i) * pause))) // the pace of the changes
	}
	n.until(2*time.Minute, "the last change arrives", heard(changes))
	sessions := n.compare()
	if sessions != 1 {
		t.Errorf("a cut of %v took %d sessions: it should end none", length, sessions)
	}

	// The server is killed, and misses something: a new session begins with everything.
	stopServer(true)
	set(changes + 1)
	stopServer = serve()
	defer stopServer(false)
	n.until(2*time.Minute, "the change while there was no server arrives", heard(changes+1))
	n.compare()
}

// compare compares what was said with what was heard, and returns how many sessions
// there were.
func (n *netns) compare() int {
	n.t.Helper()
	said, got := map[string][]lineMessage{}, map[string][]lineMessage{}
	var order []string
	for _, m := range n.messages("said") {
		if said[m.Session] == nil {
			order = append(order, m.Session)
		}
		said[m.Session] = append(said[m.Session], m)
	}
	for _, m := range n.messages("heard") {
		got[m.Session] = append(got[m.Session], m)
	}
	all := 0
	for i, s := range order {
		// The end of a session that died with the server may not have arrived.
		if len(got[s]) > len(said[s]) || i == len(order)-1 && len(got[s]) != len(said[s]) {
			n.t.Errorf("session %s: %d messages were said and %d heard", s, len(said[s]), len(got[s]))
			continue
		}
		for k, m := range got[s] {
			if want := said[s][k]; m.N != want.N || m.Set["count"] != want.Set["count"] {
				n.t.Errorf("session %s: message %d was said as %v and heard as %v", s, k, want, m)
			}
		}
		all += len(got[s])
		delete(got, s)
	}
	if len(got) > 0 {
		n.t.Errorf("nobody said %v", got)
	}
	n.t.Logf("%d messages in %d sessions", all, len(order))
	return len(order)
}
