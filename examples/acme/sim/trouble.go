package sim

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// troubled wraps a handler so that the array can be silent, slow or incoherent.
func (a *Array) troubled(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		slowed := false
		for {
			now := time.Now()
			a.mu.Lock()
			a.settle(now)
			t, changed := a.trouble, a.changed
			garbled := false
			if !now.Before(t.silentUntil) && (slowed || !now.Before(t.slowUntil)) && now.Before(t.garbageUntil) {
				a.trouble.garbled++
				garbled = true
			}
			a.mu.Unlock()
			switch {
			case now.Before(t.silentUntil) && t.mode == ModeReset:
				reset(w)
				return
			case now.Before(t.silentUntil):
				if !sleep(r, changed, t.silentUntil) {
					return
				}
			case now.Before(t.slowUntil) && !slowed:
				// A delay that began is served to its end, also if the array heals.
				if !sleep(r, nil, now.Add(t.delay)) {
					return
				}
				slowed = true
			case garbled:
				nonsense(w, t.garbled)
				return
			default:
				h(w, r)
				return
			}
		}
	}
}

// reset ends the connection the hard way, with a TCP reset where possible.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		conn.Close()
		return
	}
	panic(http.ErrAbortHandler) // HTTP/2 or a recorder: the server drops the stream
}

// nonsense gives one of several kinds of wrong answer in turn.
func nonsense(w http.ResponseWriter, n int) {
	answers := []struct{ contentType, body string }{
		{"application/json", `{"boot":"x","revision":7,"items":[{"id":"disk-0001","slot":`},
		{"text/html", "<html><body><h1>Controller is starting</h1></body></html>"},
		{"application/json", `{"boot":17,"revision":"many","items":{"a":null}}`},
		{"application/octet-stream", "\x00\xff\xfe\x01PK\x03\x04\x00\x00"},
		{"application/json", ""},
	}
	a := answers[n%len(answers)]
	w.Header().Set("Content-Type", a.contentType)
	io.WriteString(w, a.body)
}

// Serve answers requests that arrive at l until ctx ends or the listener
// fails; it then closes l and every connection. It returns nil when ctx ended.
func (a *Array) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		srv.Close()
		return err
	}
	return nil
}
