package e2e

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// runnerProcess is a running `faultline runner`, or `faultline agent run`.
type runnerProcess struct {
	cmd  *exec.Cmd
	log  *lines
	done chan struct{} // closed when it has ended
	err  error
}

func startRunner(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	name := args[0]
	w.startPeer(ts, name, append([]string{"runner", "--name", name, "--data", filepath.Join(w.dir, name), "--server", w.reached(ts)}, args[1:]...))
}

// reached is the address of the server as those on other hosts know it.
func (w *world) reached(ts *testscript.TestScript) string {
	if server := ts.Getenv("NETWORK"); server != "" {
		return server
	}
	return w.running(ts).url
}

// register has a host of the name known by the server. Its agent's folder is that
// name.
func register(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	if len(args) != 1 {
		ts.Fatalf("usage: register HOST")
	}
	ts.Check(ts.Exec("faultline", "token", "create", args[0], "--agent"))
	token, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	_, address, _ := strings.Cut(w.reached(ts), "://") // agents speak TLS, whatever the API does
	ts.Check(ts.Exec("faultline", "agent", "register", "--server", "https://"+address, "--token", token, "--name", args[0], "--data", filepath.Join(w.dir, args[0])))
}

// startAgent runs the agent of a registered host.
func startAgent(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	w.startPeer(ts, args[0], append([]string{"agent", "run", "--data", filepath.Join(w.dir, args[0])}, args[1:]...))
}

// startPeer runs a program that works for the server.
func (w *world) startPeer(ts *testscript.TestScript, name string, args []string) {
	if w.runners[name] != nil {
		ts.Fatalf("there is a runner or an agent %s already", name)
	}
	program, err := exec.LookPath("faultline")
	ts.Check(err)
	r := &runnerProcess{cmd: exec.Command(program, args...), log: newLines(), done: make(chan struct{})}
	r.cmd.Env, r.cmd.Dir = environment(ts), w.dir
	if token := ts.Getenv("RUNNER_TOKEN"); token != "" {
		r.cmd.Env = append(r.cmd.Env, "FAULTLINE_TOKEN="+token)
	}
	stderr, err := r.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(r.cmd.Start())
	go func() {
		r.log.read(stderr)
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	if w.runners == nil {
		w.runners = map[string]*runnerProcess{}
	}
	w.runners[name] = r
}

func (r *runnerProcess) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
		return r.err
	case <-time.After(2 * patience):
		r.kill()
		return errors.New("the runner did not end")
	}
}

func (r *runnerProcess) kill() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

func runnerOf(ts *testscript.TestScript, name string) *runnerProcess {
	r := worldOf(ts).runners[name]
	if r == nil {
		ts.Fatalf("there is no runner %s; see runner", name)
	}
	return r
}

func stopRunner(ts *testscript.TestScript, args []string) {
	r := runnerOf(ts, args[0])
	delete(worldOf(ts).runners, args[0])
	if err := r.stop(); err != nil {
		ts.Fatalf("stop: %v\n%s", err, r.log)
	}
}

func crashRunner(ts *testscript.TestScript, args []string) {
	runnerOf(ts, args[0]).kill()
	delete(worldOf(ts).runners, args[0])
}

func runnerLogs(ts *testscript.TestScript, neg bool, args []string) {
	d, args := within(ts, args)
	if len(args) != 2 {
		ts.Fatalf("usage: [!] runnerlogs [-within=D] NAME REGEXP")
	}
	log, re := runnerOf(ts, args[0]).log, pattern(ts, args[1])
	if neg {
		if m := re.FindString(log.String()); m != "" {
			ts.Fatalf("the log has %q:\n%s", m, log)
		}
		return
	}
	if _, err := log.wait(d, re); err != nil {
		ts.Fatalf("%v; the log is\n%s", err, log)
	}
}

// network is what lies between runners and the server. It keeps its address when
// the server gets another one, and can be cut.
type network struct {
	ln net.Listener

	mu    sync.Mutex
	to    func() string // the address of the server
	is    bool          // cut
	conns map[net.Conn]bool
}

func startNetwork(ts *testscript.TestScript, _ []string) {
	w := worldOf(ts)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	n := &network{ln: ln, conns: map[net.Conn]bool{}}
	w.network = n
	scheme := "http://"
	if s := w.server; s != nil && strings.HasPrefix(s.url, "https:") {
		scheme = "https://"
	}
	ts.Setenv("NETWORK", scheme+ln.Addr().String())
	n.reach(w)
	go n.serve()
}

// reach has the network lead to the present server of the world.
func (n *network) reach(w *world) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr := ""
	if w.server != nil {
		_, addr, _ = strings.Cut(w.server.url, "://")
	}
	n.to = func() string { return addr }
}

func (n *network) serve() {
	for {
		c, err := n.ln.Accept()
		if err != nil {
			return
		}
		go n.carry(c)
	}
}

// carry carries a connection. While the network is cut, nothing passes and
// nobody is told: bytes wait or vanish with the connection, as they would.
func (n *network) carry(c net.Conn) {
	n.mu.Lock()
	cut, to := n.is, n.to()
	n.conns[c] = true
	n.mu.Unlock()
	defer n.drop(c)
	if cut {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer n.drop(s)
	n.mu.Lock()
	n.conns[s] = true
	n.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { n.copy(s, c); n.close(s) })
	wg.Go(func() { n.copy(c, s); n.close(c) })
	wg.Wait()
}

// close ends a connection, unless a cut keeps its end from the other side.
func (n *network) close(c net.Conn) {
	n.mu.Lock()
	cut := n.is
	n.mu.Unlock()
	if !cut {
		_ = c.Close()
	}
}

func (n *network) copy(to, from net.Conn) {
	b := make([]byte, 32<<10)
	for {
		k, err := from.Read(b)
		n.mu.Lock()
		cut := n.is
		n.mu.Unlock()
		if k > 0 && !cut {
			if _, err := to.Write(b[:k]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (n *network) drop(c net.Conn) {
	n.mu.Lock()
	delete(n.conns, c)
	n.mu.Unlock()
	_ = c.Close()
}

// cut cuts or mends the network. Connections that were there at the cut are dead.
func (n *network) cut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.is = cut; !cut {
		for c := range n.conns {
			_ = c.Close()
		}
	}
}

func cutNetwork(ts *testscript.TestScript, _ []string) { networkOf(ts).cut(true) }

func mendNetwork(ts *testscript.TestScript, _ []string) { networkOf(ts).cut(false) }

func networkOf(ts *testscript.TestScript) *network {
	n := worldOf(ts).network
	if n == nil {
		ts.Fatalf("there is no network; see network")
	}
	return n
}
