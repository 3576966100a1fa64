package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	defaultLimit = 20 * time.Second
	// maxOutput is how much of a command's output is kept; one that says more is ended.
	maxOutput = 16 << 20
	// dying is how long an ended command may take to be gone.
	dying = 2 * time.Second
)

// toolFolders are where tools may be: those of the system, whatever the
// environment says.
var toolFolders = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"}

// Tools runs the tools of the running system: each alone, with a limit for its time
// and its output, without input, and in the C locale. What is ended is ended with
// all that it started. The zero value looks where tools are installed.
type Tools struct {
	// Folders to look for tools in; nil is those of the system.
	Folders []string

	mu    sync.Mutex
	tools map[string]*toolState
}

// toolState is of one tool. Who holds the token may run it.
type toolState struct {
	token chan struct{}
	// stuck is closed when the run that would not end has ended; nil if there is none.
	stuck chan struct{}
}

// Run is as Runner says.
func (t *Tools) Run(ctx context.Context, c Command) (Output, error) {
	path := t.find(c.Name)
	if path == "" {
		return Output{}, fmt.Errorf("%s: %w", c.Name, ErrMissing)
	}
	s := t.state(c.Name)
	select {
	case s.token <- struct{}{}:
		defer func() { <-s.token }()
	case <-ctx.Done():
		return Output{}, fmt.Errorf("%s: %w", c.Name, ctx.Err())
	}
	if s.stuck != nil {
		select {
		case <-s.stuck:
			s.stuck = nil
		default:
			return Output{}, fmt.Errorf("%s: %w", c.Name, ErrStuck)
		}
	}
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("took longer than %v", limit))
	defer cancel()
	return s.run(ctx, cancel, path, c)
}

func (t *Tools) find(name string) string {
	folders := t.Folders
	if folders == nil {
		folders = toolFolders
	}
	for _, dir := range folders {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

func (t *Tools) state(name string) *toolState {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tools == nil {
		t.tools = map[string]*toolState{}
	}
	s := t.tools[name]
	if s == nil {
		s = &toolState{token: make(chan struct{}, 1)}
		t.tools[name] = s
	}
	return s
}

func (s *toolState) run(ctx context.Context, cancel func(), path string, c Command) (Output, error) {
	cmd := exec.CommandContext(ctx, path, c.Args...) //nolint:gosec // the tool is one of the package's own, and no argument comes from elsewhere
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C", "LVM_SUPPRESS_FD_WARNINGS=1"}
	cmd.Dir = "/"
	stdout, stderr := &bounded{left: maxOutput, over: cancel}, &bounded{left: 64 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = dying
	ownGroup(cmd)

	ended := make(chan struct{})
	var err error
	go func() {
		defer close(ended)
		err = cmd.Run()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		select {
		case <-ended:
		case <-time.After(2 * dying):
			// Not even SIGKILL ends what waits in the kernel for a device.
			s.stuck = ended
			return Output{}, fmt.Errorf("%s: %w", c.Name, ErrStuck)
		}
	}
	out := Output{Stdout: stdout.b, Stderr: stderr.b}
	var exit *exec.ExitError
	switch {
	case stdout.full:
		return Output{}, fmt.Errorf("%s: wrote more than %d MiB and was ended", c.Name, maxOutput>>20)
	case ctx.Err() != nil && err != nil:
		return Output{}, fmt.Errorf("%s: ended: %w", c.Name, context.Cause(ctx))
	case errors.As(err, &exit):
		out.Code = exit.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return Output{}, fmt.Errorf("run %s: %w", c.Name, err)
	}
	return out, nil
}

// bounded keeps so much of an output and calls over when there is more. It takes
// all, so that the writer does not wait.
type bounded struct {
	b    []byte
	left int
	full bool
	over func()
}

// Write is as io.Writer says.
func (w *bounded) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.b = append(w.b, p[:n]...)
	if w.left -= n; n < len(p) && w.over != nil && !w.full {
		w.full = true
		w.over()
	}
	return len(p), nil
}
