package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A step is one command of a page and what the page shows of its output.
type step struct {
	line    int
	command string
	want    []string
}

// steps reads the commands of a page: in its console blocks, the lines that
// begin with "$ ".
func steps(t *testing.T, page string) (list []step) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, line := range strings.Split(string(raw), "\n") {
		switch command, ok := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case ok:
			list = append(list, step{line: i + 1, command: command})
		case len(list) > 0:
			last := &list[len(list)-1]
			last.want = append(last.want, line)
		}
	}
	return list
}

// pattern returns what output a step wants: "…" is anything in a line, and on a
// line of its own any lines. Spaces between columns do not count, as widths
// differ with what stands there.
func (s step) pattern() *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	for _, line := range s.want {
		if line == "…" {
			b.WriteString(`(?:.*\n)*?`)
			continue
		}
		parts := strings.Split(line, "…")
		for i, part := range parts {
			parts[i] = regexp.MustCompile(` +`).ReplaceAllString(regexp.QuoteMeta(part), " +")
		}
		b.WriteString(strings.Join(parts, ".*") + ` *\n`)
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

// looks says that a command only looks, so that a reader who is too fast gives
// it again.
func (s step) looks() bool {
	return strings.HasPrefix(s.command, "faultline get ") || strings.HasPrefix(s.command, "faultline why ") || strings.HasPrefix(s.command, "curl ")
}

// A shell is what the reader types into.
type shell struct {
	in    io.Writer
	lines chan string
}

// startShell starts a shell in a group of its own, which ends with the test and
// takes the servers with it that were started in it.
func startShell(t *testing.T, dir string, env ...string) *shell {
	t.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &shell{in: in, lines: make(chan string)}
	ended := make(chan struct{})
	go func() {
		defer close(s.lines)
		for r := bufio.NewScanner(out); r.Scan(); {
			select {
			case s.lines <- r.Text():
			case <-ended:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(ended)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		in.Close()
		_ = cmd.Wait() // it was told to end
	})
	return s
}

const endMark = "-- the command ended with "

// run gives a command and returns its output and exit status.
func (s *shell) run(t *testing.T, command string) (output string, status int) {
	t.Helper()
	fmt.Fprintf(s.in, "%s\necho; echo '%s'$?\n", command, endMark)
	late := time.After(3 * time.Minute)
	var out []string
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				t.Fatalf("the shell ended at: %s\n%s", command, strings.Join(out, "\n"))
			}
			if rest, ok := strings.CutPrefix(line, endMark); ok {
				status, _ = strconv.Atoi(rest)
				// The echo's own line feed goes.
				return strings.TrimSuffix(strings.Join(out, "\n")+"\n", "\n"), status
			}
			out = append(out, line)
		case <-late:
			t.Fatalf("%s: no end after 3 minutes\n%s", command, strings.Join(out, "\n"))
		}
	}
}

// TestTutorial does what docs/tutorial.md says, in its order, and compares what
// it shows. Two things are different from a reader's machine: the program is
// there already, so that `make build` puts it where the real one would; and
// ports are those that are free.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute, of which the tutorial waits most")
	}
	program, err := exec.LookPath("faultline")
	if err != nil {
		t.Fatal(err)
	}
	clone, home := t.TempDir(), t.TempDir()
	ports := strings.NewReplacer("8700", freePort(t), "8701", freePort(t))
	sh := startShell(t, clone, "HOME="+home, "XDG_CACHE_HOME="+cache, "GORACE="+goRace, "PYTHONDONTWRITEBYTECODE=1",
		ports.Replace("FAULTLINE_LISTEN=127.0.0.1:8700"), ports.Replace("FAULTLINE_SERVER=http://127.0.0.1:8700"))
	sh.run(t, `make() { if [ "$*" = build ]; then mkdir -p bin && ln -s '`+program+`' bin/faultline; else command make "$@"; fi; }`)

	list := steps(t, "../docs/tutorial.md")
	if len(list) < 20 {
		t.Fatalf("only %d commands found", len(list))
	}
	for _, s := range list {
		s.command = ports.Replace(s.command)
		for i := range s.want {
			s.want[i] = ports.Replace(s.want[i])
		}
		want, end := s.pattern(), time.Now().Add(30*time.Second)
		for {
			output, status := sh.run(t, s.command)
			if want.MatchString(output) && status == 0 {
				break
			}
			if !s.looks() || time.Now().After(end) {
				log, _ := os.ReadFile(filepath.Join(home, "faultline-tutorial", "mine", "server.log"))
				t.Fatalf("tutorial.md:%d: %s\nended with %d and printed\n%s\nbut the page shows\n%s\n\nlog of the server:\n%s",
					s.line, s.command, status, output, strings.Join(s.want, "\n"), log)
			}
			time.Sleep(200 * time.Millisecond) // as a reader who looks again
		}
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestTutorialPatterns(t *testing.T) {
	s := step{want: []string{"NAME  …", "…", "OK", "ran … tests"}}
	for output, want := range map[string]bool{
		"NAME    x\na\nb\nOK\nran 5 tests\n": true,
		"NAME  \nOK\nran  tests\n":           true,
		"NAME x\nOK\nran 5 tests\nmore\n":    false,
		"NAME x\nran 5 tests\n":              false,
		"":                                   false,
	} {
		if got := s.pattern().MatchString(output); got != want {
			t.Errorf("%q matches: %v, want %v", output, got, want)
		}
	}
	if !(step{}).pattern().MatchString("") || (step{}).pattern().MatchString("output\n") {
		t.Error("a command without output must have none")
	}
}
