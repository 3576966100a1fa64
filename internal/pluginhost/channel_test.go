package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// newTestConn returns a conn that reads text, and the reasons for which it would
// have ended its process.
func newTestConn(text string, log slog.Handler, batch func(wire.Batch)) (*conn, *[]error) {
	var reasons []error
	o := Options{Log: slog.New(log), OnBatch: batch, LogRate: 1_000_000}.withDefaults()
	return &conn{
		in:      newLineReader(strings.NewReader(text), MaxLine),
		sink:    newLogSink(o),
		batch:   o.OnBatch,
		tap:     o.Tap,
		fail:    func(err error) { reasons = append(reasons, err) },
		garbage: newWindow(garbagePerMinute, time.Minute),
		brake:   brake{perSecond: 1 << 30},
		ended:   func() {},
		pending: map[string]bool{},
		heard:   make(chan struct{}),
		wake:    make(chan struct{}, 1),
	}, &reasons
}

// FuzzRecv feeds the conversation with anything. Only well-formed responses that
// somebody waits for may get through.
func FuzzRecv(f *testing.F) {
	f.Add(strings.Join(seeds, "\n"))
	f.Add(`{"jsonrpc":"2.0","id":1,"result":{}}` + "\n" + `{"jsonrpc":"2.0","id":1,"result":{}}` + "\n")
	f.Add(`{"jsonrpc":"2.0","id":2,"error":null,"result":[1]}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, _ := newTestConn(text, slog.DiscardHandler, nil)
		for _, id := range []string{"1", "2", "7"} {
			if err := c.Send([]byte(`{"jsonrpc":"2.0","id":` + id + `,"method":"x"}`)); err != nil {
				t.Fatal(err)
			}
		}
		for n := 0; ; n++ {
			rsp, err := c.Recv()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				return
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(rsp, &members); err != nil {
				t.Fatalf("%s: %v", rsp, err)
			}
			if id := string(members["id"]); len(members) != 3 || n == 3 || id != "1" && id != "2" && id != "7" {
				t.Fatalf("response %d: %s", n, rsp)
			}
		}
	})
}

func TestGarbageLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lines int
		ends  bool
	}{{garbagePerMinute, false}, {garbagePerMinute + 1, true}} {
		c, reasons := newTestConn(strings.Repeat("la la\n", tt.lines), slog.DiscardHandler, nil)
		if _, err := c.Recv(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if got := len(*reasons) > 0; got != tt.ends {
			t.Errorf("%d lines: ends %v, want %v", tt.lines, got, tt.ends)
		} else if tt.ends && !errors.Is((*reasons)[0], ErrGarbage) {
			t.Errorf("reason %v", (*reasons)[0])
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	c, _ := newTestConn("", slog.DiscardHandler, nil)
	failed := make(chan error, 1)
	c.fail = func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	msg := []byte(`"` + strings.Repeat("x", 8<<20) + `"`)
	var err error
	n := 0
	for ; n < 20 && err == nil; n++ {
		err = c.Send(msg)
	}
	if !errors.Is(err, ErrNotReading) || n != 8 {
		t.Errorf("message %d: %v", n, err)
	}
	if err := <-failed; !errors.Is(err, ErrNotReading) {
		t.Errorf("reason %v", err)
	}
}

// TestCloseWritesTheRest shows that what was sent before Close still arrives.
func TestCloseWritesTheRest(t *testing.T) {
	t.Parallel()
	c, _ := newTestConn("", slog.DiscardHandler, nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out, c.timeout = w, time.Minute
	for range 3 {
		if err := c.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Send([]byte("late")); err == nil {
		t.Error("a closed channel takes messages")
	}
	go c.write()
	if got, err := io.ReadAll(r); string(got) != "x\nx\nx\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTheEndOvertakesNoAnswer: a process that answers shutdown and ends at once has
// answered, and a call without an answer does not hold the end up.
func TestTheEndOvertakesNoAnswer(t *testing.T) {
	for range 500 {
		out, in := io.Pipe()
		c, _ := newTestConn("", slog.DiscardHandler, nil)
		c.in = newLineReader(out, MaxLine)
		asked := make(chan struct{}, 3)
		c.tap = func(from Stream, _ []byte) {
			if from == Stdin {
				asked <- struct{}{}
			}
		}
		p := &Process{opts: Options{CallTimeout: time.Minute}, conn: c, done: make(chan struct{})}
		close(p.done)
		p.client = jrpc2.NewClient(c, nil)
		abandoned, cancel := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		call := func(ctx context.Context, method string, want bool) {
			calls.Go(func() {
				if err := p.Call(ctx, method, struct{}{}, nil); (err == nil) != want {
					t.Errorf("%s: %v", method, err)
				}
			})
			<-asked
		}
		call(abandoned, "given up", false)
		call(t.Context(), "unanswered", false)
		call(t.Context(), wire.MethodShutdown, true)
		cancel()
		_, err := io.WriteString(in, `{"jsonrpc":"2.0","id":3,"result":{}}`+"\n")
		_ = in.Close()
		calls.Wait()
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
}
