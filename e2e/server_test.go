package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long to wait for something that must happen.
const patience = time.Minute

// await waits for a fact, and fails the test if it does not come about.
func await(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// server is a running `faultline serve`.
type server struct {
	cmd  *exec.Cmd
	log  *lines
	url  string
	done chan struct{} // closed when it has ended
	err  error         // of its end
}

// startServer starts a server in the folder and waits until it listens. Its log
// is also appended to server.log there. env is its whole environment.
func startServer(dir string, env []string, args ...string) (*server, error) {
	program, err := exec.LookPath("faultline")
	if err != nil {
		return nil, err
	}
	return start(exec.Command(program, append([]string{"serve"}, args...)...), dir, env)
}

// start is startServer for a command that becomes the server.
func start(cmd *exec.Cmd, dir string, env []string) (*server, error) {
	out, err := os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, log: newLines(), done: make(chan struct{})}
	s.cmd.Env, s.cmd.Dir = env, dir
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer out.Close()
		s.log.read(io.TeeReader(stderr, out))
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	line, err := s.log.wait(patience, regexp.MustCompile(`^Faultline \S+ is at (https?://\S+);`))
	if err != nil {
		s.kill()
		return nil, fmt.Errorf("the server did not start: %w\n%s", err, s.log)
	}
	s.url = line[1]
	return s, nil
}

// end ends the server with its plugins, if it runs, and does not wait long for
// those that are in the middle of something.
func (s *server) end() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		s.kill()
	}
}

// stop ends the server as an operator does.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.done:
		return s.err
	case <-time.After(patience):
		s.kill()
		return errors.New("the server did not end")
	}
}

// kill ends the server at once, if it runs.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// lines is text that grows by lines.
type lines struct {
	mu    sync.Mutex
	all   []string
	ended bool
	more  chan struct{} // closed when one of the others changes
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

// read adds lines until the end.
func (l *lines) read(r io.Reader) {
	b := bufio.NewReader(r)
	for {
		text, err := b.ReadString('\n')
		l.mu.Lock()
		if text != "" {
			l.all = append(l.all, strings.TrimSuffix(text, "\n"))
		}
		l.ended = err != nil
		close(l.more)
		l.more = make(chan struct{})
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns the match of the first line that matches.
func (l *lines) wait(within time.Duration, re *regexp.Regexp) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for at := 0; ; {
		l.mu.Lock()
		fresh, ended, more := l.all[at:], l.ended, l.more
		l.mu.Unlock()
		for _, line := range fresh {
			if m := re.FindStringSubmatch(line); m != nil {
				return m, nil
			}
		}
		at += len(fresh)
		if ended {
			return nil, fmt.Errorf("the process ended without a line that matches %q", re)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, fmt.Errorf("no line matched %q within %v", re, within)
		}
	}
}

// String returns the text.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}
