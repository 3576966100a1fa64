package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// fakeVar names the personality that the test binary takes instead of running
// tests. The fakes speak the protocol by hand, since most of them break it.
const fakeVar = "PLUGINHOST_FAKE"

func TestMain(m *testing.M) {
	if name := os.Getenv(fakeVar); name != "" {
		fake, ok := fakes[name]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such fake:", name)
			os.Exit(2)
		}
		f := &fakePlugin{in: bufio.NewReaderSize(os.Stdin, 1<<20), arg: os.Getenv(fakeVar + "_ARG")}
		fake(f)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A fakePlugin is the plugin's end of the conversation.
type fakePlugin struct {
	in  *bufio.Reader
	arg string
	mu  sync.Mutex
}

type fakeMessage struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// next returns the next message of the host, and ends the process at end of file.
func (f *fakePlugin) next() fakeMessage {
	line, err := f.in.ReadBytes('\n')
	if err != nil {
		os.Exit(0)
	}
	var m fakeMessage
	if err := json.Unmarshal(line, &m); err != nil {
		f.die("the host sent %q: %v", line, err)
	}
	return m
}

// die is for defects of the host that a fake notices.
func (f *fakePlugin) die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(97)
}

func (f *fakePlugin) print(text string) {
	f.mu.Lock()
	_, err := os.Stdout.WriteString(text)
	f.mu.Unlock()
	if err != nil {
		os.Exit(0)
	}
}

func (f *fakePlugin) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		f.die("%v", err)
	}
	f.print(string(b) + "\n")
}

func (f *fakePlugin) answer(m fakeMessage, result any) {
	f.send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result})
}

func (f *fakePlugin) refuse(m fakeMessage, code int, text string, data any) {
	f.send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "error": map[string]any{"code": code, "message": text, "data": data}})
}

func (f *fakePlugin) note(method string, params any) {
	f.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

var fakeInfo = wire.InitializeResult{
	Protocol: 1,
	Plugin:   wire.Peer{Name: "fake", Version: "1.0"},
	SDK:      wire.Peer{Name: "none"},
	Manifest: wire.Manifest{APIVersion: 1, Classes: []wire.Class{{
		Name: "Array", Bases: []string{wire.BaseScannable, wire.BaseResource},
		Identifier: wire.Identifier{Scope: wire.ScopeGlobal, Attributes: []string{"address"}},
		Attributes: []wire.Attribute{{Name: "address", Kind: wire.KindHostname}},
	}}},
}

// handshake answers initialize.
func (f *fakePlugin) handshake() {
	m := f.next()
	if m.Method != wire.MethodInitialize {
		f.die("first call is %s", m.Method)
	}
	f.answer(m, fakeInfo)
}

// serve answers everything as a good plugin would; handlers see calls first and
// report whether they answered.
func (f *fakePlugin) serve(handle func(m fakeMessage) bool) {
	for {
		m := f.next()
		switch {
		case m.ID == nil:
		case handle != nil && handle(m):
		case m.Method == wire.MethodShutdown:
			f.answer(m, struct{}{})
			os.Exit(0)
		case strings.HasPrefix(m.Method, "session/"):
			f.answer(m, wire.TurnResult{})
		default:
			f.refuse(m, -32601, "no such method", nil)
		}
	}
}

// on makes a handler of one method.
func on(method string, do func(m fakeMessage)) func(fakeMessage) bool {
	return func(m fakeMessage) bool {
		if m.Method != method {
			return false
		}
		do(m)
		return true
	}
}

func batchNote(turn int64, part int, last bool) wire.Batch {
	return wire.Batch{Session: "s1", Turn: turn, Part: part, Last: last, Ops: []wire.Op{
		{Op: wire.OpPut, Handle: int64(part) + 1, Class: "Drive", Attributes: json.RawMessage(`{"slot":1}`), Parents: []int64{0}},
	}}
}

// sleepForever holds a process without using its time.
func sleepForever() { select {} }

// stubborn makes the process deaf to polite signals.
func stubborn() { signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP) }

// helperChild starts a process that outlives its parent unless somebody cares,
// holding standard output and error.
func helperChild() *exec.Cmd {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd
}

var fakes = map[string]func(f *fakePlugin){
	"good": func(f *fakePlugin) {
		f.handshake()
		f.note("x-grease-abcd", []int{1})
		f.serve(func(m fakeMessage) bool {
			switch m.Method {
			case wire.MethodInitialScan:
				for part := range 100 {
					f.send(map[string]any{"jsonrpc": "2.0", "method": wire.NoteBatch, "params": batchNote(1, part, part == 99)})
				}
				f.answer(m, wire.TurnResult{Turn: 1, UpdatePeriod: 30, Updates: true})
			case wire.MethodUpdateScan:
				f.refuse(m, wire.CodeScanFailed, "cannot reach the array", wire.ErrorData{Kind: "ConnectionError", Detail: "trace"})
			case "environment":
				f.answer(m, os.Environ())
			case "descriptors":
				files, err := filepath.Glob("/proc/self/fd/*")
				if err != nil {
					f.die("%v", err)
				}
				open := map[string]string{}
				for _, name := range files {
					if target, err := os.Readlink(name); err == nil {
						open[filepath.Base(name)] = target
					}
				}
				f.answer(m, open)
			case "echo":
				f.answer(m, m.Params)
			case "cancelled":
				f.refuse(m, -32097, "somebody gave up", nil)
			case "odd":
				f.print(`{"id":` + string(m.ID) + `,"x-new":[1],"result":{"turn":7},"jsonrpc":"2.0"}` + "\n")
			default:
				return false
			}
			return true
		})
	},
	"garbage": func(f *fakePlugin) {
		f.print("Python 2 says hello\n\n[1,2]\n{\"a\":1}\n{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}\n\xff\xfe\n")
		f.handshake()
		f.print("more of it\n{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\n")
		f.serve(nil)
	},
	"long line": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(fakeMessage) {
			f.print(`{"jsonrpc":"2.0","x":"` + strings.Repeat("a", MaxLine) + "\"}\n")
		}))
	},
	"endless line": func(f *fakePlugin) {
		f.handshake()
		for {
			f.print(strings.Repeat("a", 1<<20))
		}
	},
	"flood": func(f *fakePlugin) {
		f.handshake()
		for {
			f.print("la la la\n")
		}
	},
	"flood unknown": func(f *fakePlugin) {
		f.handshake()
		go func() {
			for {
				f.print(strings.Repeat(`{"jsonrpc":"2.0","method":"x-grease-aaaa","params":{}}`+"\n", 1000))
			}
		}()
		f.serve(nil)
	},
	"flood logs": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
			for i := range 5000 {
				f.note(wire.NoteLog, wire.LogRecord{Level: "warning", Source: "log", Message: fmt.Sprint("record ", i)})
				fmt.Fprintln(os.Stderr, "line", i)
			}
			f.answer(m, wire.TurnResult{})
		}))
	},
	"log": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
			f.note(wire.NoteLog, wire.LogRecord{Session: "s1", Level: "debug", Source: "log", Message: "quiet"})
			f.note(wire.NoteLog, wire.LogRecord{
				Session: "s1", Level: "error", Time: 1_700_000_000_000, Source: "log", Message: "drive 0 is hot",
				Fields: map[string]any{"plugin": "somebody else", "slot": 4},
			})
			f.note(wire.NoteLog, []string{"no record"})
			fmt.Fprintln(os.Stderr, "free text")
			fmt.Fprintln(os.Stderr, strings.Repeat("y", 100_000))
			f.answer(m, wire.TurnResult{})
		}))
	},
	"hang in handshake": func(f *fakePlugin) {
		stubborn()
		sleepForever()
	},
	"hang in call": func(f *fakePlugin) {
		stubborn()
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) { sleepForever() }))
	},
	"exit": func(f *fakePlugin) {
		fmt.Fprintln(os.Stderr, "no licence for this array")
		os.Exit(3)
	},
	"die in call": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
			f.send(map[string]any{"jsonrpc": "2.0", "method": wire.NoteBatch, "params": batchNote(1, 0, false)})
			f.print(`{"jsonrpc":"2.0","method":"session/batch","params":{"session":"s1","turn":1,"par`)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			sleepForever()
		}))
	},
	"stubborn": func(f *fakePlugin) {
		stubborn()
		child := helperChild()
		f.handshake()
		for {
			line, err := f.in.ReadBytes('\n')
			if err != nil {
				sleepForever()
			}
			var m fakeMessage
			if json.Unmarshal(line, &m) == nil && m.Method == "child" {
				f.answer(m, child.Process.Pid)
			}
		}
	},
	"deaf to shutdown": func(f *fakePlugin) { // but a SIGTERM ends it
		f.handshake()
		for {
			if _, err := f.in.ReadBytes('\n'); err != nil {
				sleepForever()
			}
		}
	},
	"leaves a child": func(f *fakePlugin) {
		f.handshake()
		f.serve(on("fork", func(m fakeMessage) {
			f.answer(m, helperChild().Process.Pid)
		}))
	},
	"bad version": func(f *fakePlugin) {
		m := f.next()
		info := fakeInfo
		info.Protocol = 99
		f.answer(m, info)
		f.serve(nil)
	},
	"refuses version": func(f *fakePlugin) {
		f.refuse(f.next(), wire.CodeBadVersion, "the host speaks 1 to 1, this plugin 2 to 3", nil)
		f.serve(nil)
	},
	"bad plugin": func(f *fakePlugin) {
		f.refuse(f.next(), wire.CodeBadPlugin, "the plugin's declarations are wrong", wire.ErrorData{Problems: []wire.Problem{
			{File: "acme.py", Line: 12, Where: "Drive.slot", Text: "no such attribute"},
			{File: "acme.py", Line: 20, Where: "Pool", Text: "no identifier"},
		}})
		f.serve(nil)
	},
	"prints between batches": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
			for part := range 20 {
				f.send(map[string]any{"jsonrpc": "2.0", "method": wire.NoteBatch, "params": batchNote(1, part, part == 19)})
				f.print(fmt.Sprintf("read enclosure %d\n", part))
			}
			f.answer(m, wire.TurnResult{Turn: 1})
		}))
	},
	"prints into a batch": func(f *fakePlugin) {
		f.handshake()
		f.serve(on(wire.MethodInitialScan, func(m fakeMessage) {
			f.print("oops: ")
			f.send(map[string]any{"jsonrpc": "2.0", "method": wire.NoteBatch, "params": batchNote(1, 0, true)})
			f.answer(m, wire.TurnResult{Turn: 1})
		}))
	},
	"calls the host": func(f *fakePlugin) {
		f.handshake()
		f.serve(on("go", func(m fakeMessage) {
			f.send(map[string]any{"jsonrpc": "2.0", "id": "mine", "method": "host/please", "params": nil})
			for {
				line, err := f.in.ReadBytes('\n')
				if err != nil {
					os.Exit(0)
				}
				if strings.Contains(string(line), `"mine"`) {
					f.answer(m, json.RawMessage(line))
					return
				}
			}
		}))
	},
	"never reads": func(f *fakePlugin) {
		f.handshake()
		sleepForever()
	},
	"closes its output": func(f *fakePlugin) {
		f.handshake()
		stubborn()
		f.serve(on(wire.MethodInitialScan, func(fakeMessage) { // by now the host has taken the handshake's answer
			os.Stdout.Close()
			sleepForever()
		}))
	},
	// host is no plugin but a server that starts one and is killed. Its
	// argument is the shell of the guard and the fake to run.
	"host": func(f *fakePlugin) {
		shell, fake, _ := strings.Cut(f.arg, ",")
		o := fakeOptions(fake)
		p, err := start(context.Background(), o, shell)
		if err != nil {
			f.die("%v", err)
		}
		var child int
		if err := p.Call(context.Background(), "child", nil, &child); err != nil {
			f.die("%v", err)
		}
		fmt.Println(p.Pid(), child)
		sleepForever()
	},
}

func fakeOptions(name string) Options {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Options{
		Spec: Spec{Name: "fake", Kind: Executable, Path: program, Env: []string{
			fakeVar + "=" + name,
			"GORACE=atexit_sleep_ms=0", // else every fake takes a second to exit
		}},
		// Long enough for a loaded machine; tests that wait for one of them set it.
		StartTimeout: time.Minute, CallTimeout: time.Minute, StopTimeout: time.Minute, Grace: time.Minute,
	}
}

// A recorder is a slog.Handler that keeps what it gets.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
	slog.Handler
}

func newRecorder() *recorder {
	r := &recorder{}
	r.Handler = slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})
	return r
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
