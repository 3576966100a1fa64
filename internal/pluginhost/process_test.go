package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// startFake starts a fake and has it stopped at the end of the test.
func startFake(t *testing.T, name string, change func(*Options)) *Process {
	t.Helper()
	o := fakeOptions(name)
	if change != nil {
		change(&o)
	}
	p, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // kill at once what still runs
		_ = p.Stop(ctx)
	})
	return p
}

func waitDone(t *testing.T, p *Process) error {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the process does not end")
	}
	return p.Err()
}

// gone reports whether a process does not exist or is a zombie that nobody
// waited for.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

func waitGone(t *testing.T, within time.Duration, pids ...int) {
	t.Helper()
	end := time.Now().Add(within)
	for _, pid := range pids {
		for !gone(pid) {
			if time.Now().After(end) {
				t.Errorf("process %d is still there after %v", pid, within)
				_ = syscall.Kill(pid, syscall.SIGKILL)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestGoodPlugin(t *testing.T) {
	t.Parallel()
	var got []wire.Batch
	p := startFake(t, "good", func(o *Options) {
		o.OnBatch = func(b wire.Batch) { got = append(got, b) }
	})
	if diff := cmp.Diff(fakeInfo, p.Info()); diff != "" {
		t.Errorf("Info (-want +got):\n%s", diff)
	}

	var res wire.TurnResult
	if err := p.Call(t.Context(), wire.MethodInitialScan, wire.SessionParams{Session: "s1"}, &res); err != nil {
		t.Fatal(err)
	}
	if want := (wire.TurnResult{Turn: 1, UpdatePeriod: 30, Updates: true}); !cmp.Equal(want, res) {
		t.Errorf("result %+v, want %+v", res, want)
	}
	// Every batch is there when the call returns, in order.
	var want []wire.Batch
	for part := range 100 {
		want = append(want, batchNote(1, part, part == 99))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}

	if rss, cpu := p.Usage(); rss <= 0 || cpu < 0 {
		t.Errorf("Usage = %d, %v", rss, cpu)
	}
	if err := p.Notify(wire.NoteRejected, wire.Rejected{Session: "s1"}); err != nil {
		t.Error(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := waitDone(t, p); err != nil {
		t.Errorf("Err after a clean stop: %v", err)
	}
	if err := p.Call(t.Context(), wire.MethodUpdateScan, nil, nil); !errors.Is(err, ErrEnded) {
		t.Errorf("call after the end: %v", err)
	}
	if err := p.Notify("x", nil); !errors.Is(err, ErrEnded) {
		t.Errorf("notification after the end: %v", err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if rss, cpu := p.Usage(); rss != 0 || cpu <= 0 {
		t.Errorf("Usage after the end = %d, %v", rss, cpu)
	}
}

func TestCallErrors(t *testing.T) {
	t.Parallel()
	p := startFake(t, "good", nil)
	err := p.Call(t.Context(), wire.MethodUpdateScan, wire.SessionParams{Session: "s1"}, nil)
	var c *CallError
	if !errors.As(err, &c) {
		t.Fatalf("error %v (%T)", err, err)
	}
	if c.Code != wire.CodeScanFailed || c.Data.Kind != "ConnectionError" || c.Data.Detail != "trace" || c.Method != wire.MethodUpdateScan {
		t.Errorf("error %+v", c)
	}
	if want := "plugin fake: update_scan: cannot reach the array"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	var j *jrpc2.Error
	if !errors.As(err, &j) || j.Code != wire.CodeScanFailed {
		t.Errorf("no jrpc2 error in %v", err)
	}
	if errors.Is(err, ErrEnded) || Permanent(err) {
		t.Errorf("%v passes for the end of the process", err)
	}

	err = p.Call(t.Context(), "nothing", nil, nil)
	if !errors.As(err, &c) || c.Code != int(jrpc2.MethodNotFound) {
		t.Errorf("unknown method: %v", err)
	}
	err = p.Call(t.Context(), "cancelled", nil, nil)
	if !errors.As(err, &c) || c.Code != int(jrpc2.Cancelled) {
		t.Errorf("an answer that looks like a cancellation: %v", err)
	}
	var res wire.TurnResult
	if err := p.Call(t.Context(), "odd", nil, &res); err != nil || res.Turn != 7 {
		t.Errorf("an answer with unknown members: %+v, %v", res, err)
	}
	var n int
	if err := p.Call(t.Context(), "echo", []string{"x"}, &n); err == nil || !strings.Contains(err.Error(), "plugin fake: echo: the answer cannot be read") {
		t.Errorf("an answer of the wrong type: %v", err)
	}
	if err := p.Call(t.Context(), "echo", func() {}, nil); err == nil {
		t.Error("params that are no JSON are taken")
	}

	// A call that is given up harms nobody.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Call(ctx, "echo", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
	if err := p.Call(t.Context(), "echo", []int{1}, nil); err != nil {
		t.Error(err)
	}
}

func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	p := startFake(t, "good", nil)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			var got []int
			if err := p.Call(t.Context(), "echo", []int{i}, &got); err != nil || len(got) != 1 || got[0] != i {
				t.Errorf("echo %d: %v, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	// One message larger than any pipe.
	big := []string{strings.Repeat("x", 5<<20)}
	var got []string
	if err := p.Call(t.Context(), "echo", big, &got); err != nil || !cmp.Equal(big, got) {
		t.Errorf("big echo: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("FAULTLINE_TOKEN", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("LC_MESSAGES", "C.UTF-8")
	t.Setenv("HTTPS_PROXY", "http://proxy.example.com")
	p := startFake(t, "good", nil)
	var env []string
	if err := p.Call(t.Context(), "environment", nil, &env); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		seen[name] = value
		if strings.Contains(value, "secret") {
			t.Errorf("%s leaks", name)
		}
	}
	for name, want := range map[string]string{
		"FAULTLINE_PLUGIN": "fake", "FAULTLINE_LOG_LEVEL": "warning", "LC_MESSAGES": "C.UTF-8",
		"HTTPS_PROXY": "http://proxy.example.com", "PATH": os.Getenv("PATH"), fakeVar: "good",
	} {
		if seen[name] != want {
			t.Errorf("%s=%q, want %q", name, seen[name], want)
		}
	}
}

func TestNoDescriptors(t *testing.T) {
	// A descriptor as a careless parent would leave it: not closed on exec.
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)

	p := startFake(t, "good", nil)
	var open map[string]string
	if err := p.Call(t.Context(), "descriptors", nil, &open); err != nil {
		t.Fatal(err)
	}
	for n, target := range open {
		own := n == "0" || n == "1" || n == "2" || strings.HasPrefix(target, "anon_inode:") || strings.HasPrefix(target, "/proc/") ||
			strings.HasPrefix(target, "/sys/fs/cgroup/") // the Go runtime's own
		if !own {
			t.Errorf("descriptor %s is open: %s", n, target)
		}
	}
}

func TestBadStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fake      string
		change    func(*Options)
		want      string
		is        error
		permanent bool
	}{
		{fake: "exit", want: "plugin fake: initialize: process ended by itself (exit status 3); last lines of its standard error:\n\tno licence for this array", is: ErrEnded},
		{fake: "hang in handshake", change: func(o *Options) { o.StartTimeout = 300 * time.Millisecond },
			want: "plugin fake: initialize did not answer within 300ms; process ended", is: ErrDeadline},
		{fake: "bad version", want: "plugin fake: initialize: the plugin speaks protocol version 99, the host 1 to 1", permanent: true},
		{fake: "refuses version", want: "plugin fake: initialize: the host speaks 1 to 1, this plugin 2 to 3", permanent: true},
		{fake: "bad plugin", want: "plugin fake: its declarations are wrong: acme.py:12: Drive.slot: no such attribute (and 1 more)", permanent: true},
	}
	for _, tt := range tests {
		t.Run(tt.fake, func(t *testing.T) {
			t.Parallel()
			o := fakeOptions(tt.fake)
			if tt.change != nil {
				tt.change(&o)
			}
			p, err := Start(t.Context(), o)
			if err == nil {
				t.Fatal("starts", p)
			}
			if err.Error() != tt.want {
				t.Errorf("error %q,\nwant  %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is no %v", err, tt.is)
			}
			if Permanent(err) != tt.permanent {
				t.Errorf("Permanent = %v", !tt.permanent)
			}
			if tt.fake == "bad plugin" && len(Problems(err)) != 2 {
				t.Errorf("problems %v", Problems(err))
			}
		})
	}
}

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Start(ctx, fakeOptions("hang in handshake")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	for _, tt := range []struct{ path, want string }{
		{dir + "/missing", "no such file"},
		{write("text", "just text\n"), "a script needs a first line"},
		{write("orphan", "#!/no/such/interpreter\n"), "the interpreter that its first line names is missing"},
	} {
		o := fakeOptions("good")
		o.Spec.Path = tt.path
		if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.path, err, tt.want)
		}
	}
}

// TestRules has a plugin break each rule of the protocol that costs it its process.
func TestRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fake   string
		change func(*Options)
		is     error
		want   string
	}{
		{fake: "long line", is: ErrLineTooLong, want: "plugin fake: initial_scan: a line on standard output is longer than 16 MiB; process ended"},
		{fake: "endless line", is: ErrLineTooLong},
		{fake: "flood", is: ErrGarbage},
		{fake: "prints into a batch", is: ErrBadBatch},
		{fake: "closes its output", is: ErrOutputClosed},
		{fake: "hang in call", is: ErrDeadline, change: func(o *Options) { o.CallTimeout = 200 * time.Millisecond },
			want: "plugin fake: initial_scan did not answer within 200ms; process ended"},
		{fake: "die in call", is: ErrEnded, want: "plugin fake: initial_scan: process ended by itself (signal: killed)"},
	}
	for _, tt := range tests {
		t.Run(tt.fake, func(t *testing.T) {
			t.Parallel()
			p := startFake(t, tt.fake, tt.change)
			err := p.Call(t.Context(), wire.MethodInitialScan, wire.SessionParams{Session: "s1"}, nil)
			if !errors.Is(err, tt.is) || !errors.Is(err, ErrEnded) {
				t.Errorf("call: %v, want %v", err, tt.is)
			}
			if tt.want != "" && err.Error() != tt.want {
				t.Errorf("call: %q,\nwant  %q", err, tt.want)
			}
			err = waitDone(t, p)
			var x *ExitError
			if !errors.Is(err, tt.is) || !errors.As(err, &x) {
				t.Errorf("Err: %v, want %v", err, tt.is)
			}
			waitGone(t, time.Minute, p.Pid())
		})
	}
}

func TestDeadlineOfContext(t *testing.T) {
	t.Parallel()
	p := startFake(t, "hang in call", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	err := p.Call(ctx, wire.MethodInitialScan, nil, nil)
	if !errors.Is(err, ErrDeadline) || !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "within 150ms") {
		t.Errorf("error %v", err)
	}
}

func TestCancelKeepsProcess(t *testing.T) {
	t.Parallel()
	p := startFake(t, "hang in call", nil)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := p.Call(ctx, wire.MethodInitialScan, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := p.Err(); err != nil {
		t.Errorf("the process ended: %v", err)
	}
}

func TestNeverReads(t *testing.T) {
	t.Parallel()
	p := startFake(t, "never reads", func(o *Options) { o.WriteTimeout = 200 * time.Millisecond })
	err := p.Call(t.Context(), "echo", []string{strings.Repeat("x", 1<<20)}, nil)
	if !errors.Is(err, ErrNotReading) || !errors.Is(err, ErrEnded) {
		t.Errorf("call: %v", err)
	}
}

// TestBackpressure shows that a slow receiver slows its plugin down, and that its
// time is not counted against the plugin's deadline.
func TestBackpressure(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	batches, inside := 0, 0
	p := startFake(t, "good", func(o *Options) {
		o.CallTimeout = 400 * time.Millisecond
		o.OnBatch = func(wire.Batch) {
			mu.Lock()
			batches++
			inside++
			if inside > 1 {
				t.Error("two batches at once")
			}
			mu.Unlock()
			time.Sleep(10 * time.Millisecond) // a hundred of them exceed the deadline
			mu.Lock()
			inside--
			mu.Unlock()
		}
	})
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if batches != 100 {
		t.Errorf("%d batches, want 100", batches)
	}
}

// TestDeathIsToldWhileHeldUp kills a plugin whose batch the host has not taken yet.
func TestDeathIsToldWhileHeldUp(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	var calls int
	p := startFake(t, "good", func(o *Options) {
		o.OnBatch = func(wire.Batch) {
			if calls++; calls == 1 {
				close(entered)
			}
			<-release
		}
	})
	called := make(chan error, 1)
	go func() { called <- p.Call(context.Background(), wire.MethodInitialScan, nil, nil) }()
	<-entered
	began := time.Now()
	if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := waitDone(t, p); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("Err: %v", err)
	}
	if err := <-called; !errors.Is(err, ErrEnded) {
		t.Errorf("call: %v", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("told after %v", d)
	}
	close(release)
	if calls != 1 {
		t.Errorf("%d batches after the end", calls-1)
	}
}

func TestGarbageIsLogged(t *testing.T) {
	t.Parallel()
	log := newRecorder()
	p := startFake(t, "garbage", func(o *Options) { o.Log = slog.New(log) })
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{
		`msg="Python 2 says hello" plugin=fake source=stdout`, `msg=[1,2] plugin=fake source=stdout`,
		`msg="{\"a\":1}"`, `\"jsonrpc\":\"1.0\"`, `msg="more of it"`, `\"id\":77`, "msg=\"\uFFFD\"",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the log:\n%s", want, text)
		}
	}
	if strings.Contains(text, `msg=""`) {
		t.Errorf("an empty line is logged:\n%s", text)
	}
}

func TestPrintsBetweenBatches(t *testing.T) {
	t.Parallel()
	parts := 0
	p := startFake(t, "prints between batches", func(o *Options) {
		o.OnBatch = func(b wire.Batch) {
			if b.Part != parts {
				t.Errorf("part %d, want %d", b.Part, parts)
			}
			parts++
		}
	})
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	if parts != 20 {
		t.Errorf("%d parts, want 20", parts)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	log := newRecorder()
	var mu sync.Mutex
	var records []wire.LogRecord
	p := startFake(t, "log", func(o *Options) {
		o.Log = slog.New(log)
		o.OnLog = func(r wire.LogRecord) {
			mu.Lock()
			defer mu.Unlock()
			records = append(records, r)
		}
	})
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{
		`level=ERROR msg="drive 0 is hot" plugin=fake session=s1 fields.plugin="somebody else" fields.slot=4`,
		`level=WARN msg="free text" plugin=fake source=stderr`,
		`level=WARN msg="log record that cannot be read`,
		"yyyyy… (",
		time.UnixMilli(1_700_000_000_000).Format("2006-01-02T15:04:05"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the log:\n%.3000s", want, text)
		}
	}
	if strings.Contains(text, "quiet") {
		t.Error("a debug record is logged")
	}
	if len(text) > 3*maxLogText {
		t.Errorf("the log has %d bytes", len(text))
	}
	if len(records) != 4 {
		t.Errorf("OnLog had %d records, want 4", len(records))
	}
}

func TestDebugLog(t *testing.T) {
	t.Parallel()
	log := newRecorder()
	p := startFake(t, "log", func(o *Options) { o.Log, o.LogLevel = slog.New(log), slog.LevelDebug })
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "level=DEBUG msg=quiet plugin=fake session=s1") {
		t.Errorf("no debug record in the log:\n%.1000s", text)
	}
}

func TestFloodOfLogs(t *testing.T) {
	t.Parallel()
	log := newRecorder()
	p := startFake(t, "flood logs", func(o *Options) { o.Log, o.LogRate = slog.New(log), 100 })
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	if n := strings.Count(text, "\n"); n > 5000 {
		t.Errorf("%d of 10,000 records came through", n)
	}
	if !strings.Contains(text, "log records dropped: the plugin logs more than 100 in a second") {
		t.Error("nothing says that records were dropped")
	}
}

// TestFloodOfUnknown has a plugin send nothing but notifications that mean nothing.
func TestFloodOfUnknown(t *testing.T) {
	t.Parallel()
	p := startFake(t, "flood unknown", nil)
	if err := p.Call(t.Context(), wire.MethodInitialScan, nil, nil); err != nil {
		t.Error(err)
	}
}

func TestCallsOfPlugin(t *testing.T) {
	t.Parallel()
	p := startFake(t, "calls the host", nil)
	var answer struct {
		Error struct {
			Code    int
			Message string
		}
	}
	if err := p.Call(t.Context(), "go", nil, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error.Code != int(jrpc2.MethodNotFound) || !strings.Contains(answer.Error.Message, "host/please") {
		t.Errorf("answer %+v", answer)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	short := func(o *Options) { o.StopTimeout, o.Grace = 100*time.Millisecond, 100*time.Millisecond }

	t.Run("SIGTERM", func(t *testing.T) {
		t.Parallel()
		p := startFake(t, "deaf to shutdown", func(o *Options) {
			o.StopTimeout, o.Grace = 100*time.Millisecond, 300*time.Millisecond
		})
		if err := p.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := waitDone(t, p); err != nil {
			t.Errorf("Err: %v", err)
		}
	})
	t.Run("SIGKILL", func(t *testing.T) {
		t.Parallel()
		p := startFake(t, "stubborn", short)
		var child int
		if err := p.Call(t.Context(), "child", nil, &child); err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "it was killed") {
			t.Errorf("Stop: %v", err)
		}
		waitGone(t, time.Minute, p.Pid(), child)
	})
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		p := startFake(t, "stubborn", nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.Stop(ctx); err == nil {
			t.Error("no error")
		}
		waitGone(t, time.Minute, p.Pid())
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		p := startFake(t, "good", nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := p.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestChildren shows that what a plugin started ends with it, however it ends.
func TestChildren(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"stop", "kill"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			p := startFake(t, "leaves a child", nil)
			var child int
			if err := p.Call(t.Context(), "fork", nil, &child); err != nil {
				t.Fatal(err)
			}
			if end == "stop" {
				if err := p.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			} else if err := syscall.Kill(p.Pid(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = waitDone(t, p)
			waitGone(t, time.Minute, child)
		})
	}
}

// TestHostDies kills a host and looks for the plugin and its child, which
// ignore everything that can be ignored.
func TestHostDies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, shell string
		child       bool // whether the plugin's own child goes as well
	}{
		{"guard", "sh", true},
		{"no shell", "no-such-shell", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.child {
				t.Skip("takes the 6 s that a guard waits")
			}
			o := fakeOptions("host")
			cmd := exec.Command(o.Spec.Path)
			cmd.Env = append(os.Environ(), fakeVar+"=host", fakeVar+"_ARG="+tt.shell+",stubborn")
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var plugin, child int
			if _, err := fmt.Fscan(out, &plugin, &child); err != nil {
				t.Fatal(err)
			}
			if gone(plugin) || gone(child) {
				t.Fatal("the plugin is gone before the host")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if tt.child {
				waitGone(t, 10*time.Second, plugin, child)
				return
			}
			waitGone(t, 10*time.Second, plugin)
			_ = syscall.Kill(child, syscall.SIGKILL)
		})
	}
}
