package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faultline-storage/faultline/internal/cli"
	"github.com/faultline-storage/faultline/internal/install/sshtest"
)

// world is what the commands of one script share.
type world struct {
	dir        string
	server     *server
	remembered []process
	array      *array
	runners    map[string]*runnerProcess
	network    *network
	machine    *sshtest.Machine
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// end leaves nothing running.
func (w *world) end() {
	for _, r := range w.runners {
		_ = r.stop()
	}
	if w.machine != nil {
		w.machine.Stop()
	}
	if w.server != nil {
		w.server.end()
	}
	if w.array != nil {
		w.array.stop()
	}
	if w.network != nil {
		_ = w.network.ln.Close()
		w.network.cut(false)
	}
}

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are described in the package comment.
var commands = map[string]command{
	"serve": plain(0, "serve ARG...", serve), "stop": plain(0, "stop", stop), "crash": plain(0, "crash", crash),
	"fails": plain(2, "fails CODE ARG...", fails),
	"logs":  logs, "until": until, "untiljson": untilJSON, "untilfile": plain(2, "untilfile REGEXP FILE", untilFile),
	"json": wantJSON, "jsonset": plain(3, "jsonset VAR FILE PATH", setJSON),
	"textset": plain(2, "textset VAR FILE", setText),
	"state":   plain(1, "state FILE", state), "pids": plain(1, "pids PLUGIN", pids), "kill9": plain(1, "kill9 PLUGIN", kill9),
	"gone": plain(0, "gone", gone), "http": plain(3, "http STATUS METHOD PATH [BODY]", request),
	"gobuild": plain(2, "gobuild FILE PACKAGE", goBuild), "secretfree": plain(1, "secretfree TEXT", secretFree),
	"certificate": plain(0, "certificate", makeCertificate),
	"array":       plain(0, "array ARG...", startArray), "fault": plain(1, "fault TEXT", strike),
	"runner": plain(1, "runner NAME ARG...", startRunner), "stoprunner": plain(1, "stoprunner NAME", stopRunner),
	"register": plain(1, "register HOST", register), "agent": plain(1, "agent HOST ARG...", startAgent),
	"crashrunner": plain(1, "crashrunner NAME", crashRunner), "runnerlogs": runnerLogs,
	"network": plain(0, "network", startNetwork), "cut": plain(0, "cut", cutNetwork), "mend": plain(0, "mend", mendNetwork),
	"machine": plain(1, "machine NAME [IP]", startMachine),
	"service": plain(1, "service VERB", service), "machinefails": plain(0, "machinefails [VERB]", machineFails),
	"untouched": plain(0, "untouched", untouched),
	"postgres":  plain(1, "postgres VAR", newDatabase),
	"redfish":   plain(1, "redfish DIR", serveRedfish),
	"goenv":     plain(0, "goenv", goEnvironment),
}

// plain is a command that takes at least so many arguments and cannot be negated.
func plain(least int, usage string, f func(*testscript.TestScript, []string)) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < least {
			ts.Fatalf("usage: %s", usage)
		}
		f(ts, args)
	}
}

// within takes a leading -within from the arguments.
func within(ts *testscript.TestScript, args []string) (time.Duration, []string) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	d := fs.Duration("within", patience, "")
	// What follows may have flags of its own.
	if len(args) > 0 && strings.HasPrefix(args[0], "-within=") {
		ts.Check(fs.Parse(args[:1]))
		args = args[1:]
	}
	return *d, args
}

// poll asks f until it is content, and fails with what f last said.
func poll(ts *testscript.TestScript, d time.Duration, f func() error) {
	deadline := time.Now().Add(d)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v: %v", d, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func pattern(ts *testscript.TestScript, text string) *regexp.Regexp {
	re, err := regexp.Compile("(?m)" + text)
	ts.Check(err)
	return re
}

// environment is that of the programs of a script.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "WORK", "GORACE", "HOST_ROOT"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	for _, setting := range machineSettings {
		if v := ts.Getenv(setting); v != "" {
			env = append(env, setting+"="+v)
		}
	}
	return env
}

func serve(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	if w.server != nil {
		ts.Fatalf("there is a server already")
	}
	args = append([]string{"--data", filepath.Join(w.dir, "data"), "--listen", "127.0.0.1:0"}, args...)
	var err error
	w.server, err = startServer(w.dir, environment(ts), args...)
	ts.Check(err)
	ts.Setenv("FAULTLINE_SERVER", w.server.url)
	if w.network != nil {
		w.network.reach(w)
	}
}

func (w *world) running(ts *testscript.TestScript) *server {
	if w.server == nil {
		ts.Fatalf("there is no server; see serve")
	}
	return w.server
}

func stop(ts *testscript.TestScript, _ []string) {
	w := worldOf(ts)
	s := w.running(ts)
	if err := s.stop(); err != nil {
		ts.Fatalf("stop: %v\n%s", err, s.log)
	}
	w.server = nil
}

func crash(ts *testscript.TestScript, _ []string) {
	w := worldOf(ts)
	w.running(ts).kill()
	w.server = nil
}

func logs(ts *testscript.TestScript, neg bool, args []string) {
	d, args := within(ts, args)
	if len(args) != 1 {
		ts.Fatalf("usage: [!] logs [-within=D] REGEXP")
	}
	log := worldOf(ts).running(ts).log
	re := pattern(ts, args[0])
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

// client runs a client command and returns what it printed. Its exit code is
// left to who asks: bad news is news.
func client(ts *testscript.TestScript, args []string) string {
	var out, errs bytes.Buffer
	args = append(append([]string{}, args...), "--server", ts.Getenv("FAULTLINE_SERVER"))
	if token := ts.Getenv("FAULTLINE_TOKEN"); token != "" {
		args = append(args, "--token", token)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cli.Main(ctx, args, strings.NewReader(""), &out, &errs)
	return out.String() + errs.String()
}

// fails runs the program and wants an exit code and one line of error.
func fails(ts *testscript.TestScript, args []string) {
	err := ts.Exec("faultline", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("faultline %q: %v, want exit code %s", args[1:], err, args[0])
	}
	if text := ts.ReadFile("stderr"); strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "faultline: ") {
		ts.Fatalf("the error is not one line: %q", text)
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	d, args := within(ts, args)
	if len(args) < 2 {
		ts.Fatalf("usage: [!] until [-within=D] REGEXP CMD ARG...")
	}
	re := pattern(ts, args[0])
	var got string
	poll(ts, d, func() error {
		if got = client(ts, args[1:]); re.MatchString(got) == neg {
			return errors.New("the output is\n" + got)
		}
		return nil
	})
	_, err := io.WriteString(ts.Stdout(), got)
	ts.Check(err)
}

func untilJSON(ts *testscript.TestScript, neg bool, args []string) {
	d, args := within(ts, args)
	if len(args) < 3 {
		ts.Fatalf("usage: [!] untiljson [-within=D] PATH WANT CMD ARG...")
	}
	path, want := args[0], args[1]
	var text string
	poll(ts, d, func() error {
		text = client(ts, append(append([]string{}, args[2:]...), "-o", "json"))
		got, err := at([]byte(text), path)
		if err != nil {
			return errors.New(err.Error() + "\n" + text)
		}
		ok, err := matches(got, want)
		ts.Check(err)
		if ok == neg {
			return errors.New(path + " is " + got + ", in\n" + text)
		}
		return nil
	})
	_, err := io.WriteString(ts.Stdout(), text)
	ts.Check(err)
}

func untilFile(ts *testscript.TestScript, args []string) {
	d, args := within(ts, args)
	if len(args) != 2 {
		ts.Fatalf("usage: untilfile [-within=D] REGEXP FILE")
	}
	re := pattern(ts, args[0])
	poll(ts, d, func() error {
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		if err == nil && !re.Match(b) {
			err = errors.New("the file is\n" + string(b))
		}
		return err
	})
}

func wantJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json FILE PATH WANT")
	}
	text := ts.ReadFile(args[0])
	got, err := at([]byte(text), args[1])
	if neg && errors.Is(err, errAbsent) {
		return
	}
	ts.Check(err)
	ok, err := matches(got, args[2])
	ts.Check(err)
	if ok == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

func setText(ts *testscript.TestScript, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func setJSON(ts *testscript.TestScript, args []string) {
	got, err := at([]byte(ts.ReadFile(args[1])), args[2])
	ts.Check(err)
	ts.Setenv(args[0], got)
}

// state replaces the state of the rack in one step, so that no scan sees half
// of it.
func state(ts *testscript.TestScript, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	to := filepath.Join(worldOf(ts).dir, "state")
	if len(args) > 1 {
		to = ts.MkAbs(args[1])
	}
	ts.Check(os.WriteFile(to+".new", b, 0o600))
	ts.Check(os.Rename(to+".new", to))
}

// secretFree looks at every file that the server keeps or writes.
func secretFree(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	look := func(path string) {
		b, err := os.ReadFile(path)
		ts.Check(err)
		if bytes.Contains(b, []byte(args[0])) {
			ts.Fatalf("%s holds %q", path, args[0])
		}
	}
	ts.Check(filepath.WalkDir(filepath.Join(w.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			look(path)
		}
		return err
	}))
	look(filepath.Join(w.dir, "server.log"))
}

// request makes a request and wants a status. Leading flags: -ca=FILE trusts a
// certificate, -token=TOKEN shows a token, -h=NAME:VALUE sends a header.
func request(ts *testscript.TestScript, args []string) {
	client, header := http.DefaultClient, http.Header{}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, value, _ := strings.Cut(args[0][1:], "=")
		switch name {
		case "ca":
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM([]byte(ts.ReadFile(value))) {
				ts.Fatalf("%s holds no certificate", value)
			}
			t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
			defer t.CloseIdleConnections()
			client = &http.Client{Transport: t}
		case "token":
			header.Set("Authorization", "Bearer "+value)
		case "h":
			name, value, _ := strings.Cut(value, ":")
			header.Set(name, value)
		default:
			ts.Fatalf("unknown flag %s", args[0])
		}
		args = args[1:]
	}
	if len(args) < 3 {
		ts.Fatalf("usage: http [-FLAG=VALUE]... STATUS METHOD PATH [BODY]")
	}
	body := strings.NewReader(strings.Join(args[3:], " "))
	req, err := http.NewRequest(args[1], ts.Getenv("FAULTLINE_SERVER")+"/api/v1"+args[2], body)
	ts.Check(err)
	if body.Len() > 0 {
		header.Set("Content-Type", "application/json")
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	rsp, err := client.Do(req)
	ts.Check(err)
	defer rsp.Body.Close()
	b, err := io.ReadAll(rsp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(b)
	ts.Check(err)
	if strconv.Itoa(rsp.StatusCode) != args[0] {
		ts.Fatalf("status %d: %s", rsp.StatusCode, b)
	}
	kind := rsp.Header.Get("Content-Type")
	if rsp.StatusCode >= 400 && kind != "application/problem+json" {
		ts.Fatalf("the answer is no problem document but %s: %s", kind, b)
	}
}

// buildFlags are those of this test program, so that what it is built from
// needs no second build.
var buildFlags []string

// goBuild builds a program of this repository, with the tester's own caches.
func goBuild(ts *testscript.TestScript, args []string) {
	cmd := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", ts.MkAbs(args[0]), args[1])...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("%v: %s", err, out)
	}
}

// goEnvironment lets scripts run go with the tester's own caches: the home of a script
// is empty.
func goEnvironment(ts *testscript.TestScript, _ []string) {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOFLAGS"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	ts.Check(err)
	for i, value := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		ts.Setenv(names[i], value)
	}
}
