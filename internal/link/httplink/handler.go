package httplink

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

// readTimeout is how long the server waits for the next piece of a request, and
// for its answer to be taken.
const readTimeout = time.Minute

// Handler is the server's side. It answers below Prefix.
type Handler struct {
	Hub *link.Hub
	// Authorize returns the name of the token that a request shows, or an error that
	// tells what is wanted. One of kind Unavailable has the peer try again.
	Authorize func(r *http.Request) (user string, err error)
	// MaxHello bounds a hello, in bytes; 32 MiB if 0.
	MaxHello int64
	Log      *slog.Logger
	Now      func() time.Time
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, http.StatusMethodNotAllowed, "runners and agents send POST requests", "")
		return
	case r.Header.Get("Content-Type") != contentType: // no page of a browser may send this without asking
		h.refuse(w, http.StatusUnsupportedMediaType, "the Content-Type of such a request is "+contentType, "")
		return
	}
	user, err := h.Authorize(r)
	if resource.KindOf(err) == resource.Unavailable {
		h.fail(w, r, user, err)
		return
	}
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="faultline"`)
		h.refuse(w, http.StatusUnauthorized, err.Error(), "")
		return
	}
	from := link.Origin{User: user, Addr: r.RemoteAddr, Secret: r.TLS != nil || isLoopback(r.RemoteAddr)}
	body := &body{r: r.Body, c: http.NewResponseController(w), now: h.Now}
	in := io.Reader(body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			h.fail(w, r, user, &resource.Fault{Kind: resource.Invalid, Text: "the body is no gzip", Cause: err})
			return
		}
		in = z
	}
	in = &bounded{r: in, left: maxRequest}
	switch r.URL.Path {
	case Prefix + "hello":
		err = h.hello(w, in, from)
	case Prefix + "exchange":
		err = h.exchange(w, r, in, from)
	default:
		h.refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path, "")
	}
	if err != nil {
		h.fail(w, r, user, err)
	}
}

func (h *Handler) hello(w http.ResponseWriter, in io.Reader, from link.Origin) error {
	var hello link.Hello
	most := cmp.Or(h.MaxHello, maxHello)
	limited := &io.LimitedReader{R: in, N: most}
	if err := json.NewDecoder(limited).Decode(&hello); err != nil {
		if limited.N <= 0 {
			return resource.Errorf(resource.Invalid, "the hello has more than %d bytes", most)
		}
		return &resource.Fault{Kind: resource.Invalid, Text: "the hello cannot be read", Cause: err}
	}
	welcome, err := h.Hub.Hello(hello, from)
	if err != nil {
		return err
	}
	b, err := json.Marshal(welcome)
	if err != nil {
		return err
	}
	h.answer(w, b)
	return nil
}

func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, in io.Reader, from link.Origin) error {
	var wait time.Duration
	if text := r.Header.Get(waitHeader); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil {
			return resource.FieldErrorf(waitHeader, "%.80q is no duration", text)
		}
	}
	p, err := link.ReadPacket(in)
	if err != nil {
		return &resource.Fault{Kind: resource.Invalid, Text: "the request cannot be read", Cause: err}
	}
	// A request that has no more to send can be watched for its end.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out, err := h.Hub.Exchange(ctx, from, r.Header.Get(linkHeader), p.Ack, p.Next, wait)
	if err != nil {
		return err
	}
	h.answer(w, link.AppendPacket(nil, out))
	return nil
}

func (h *Handler) answer(w http.ResponseWriter, b []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(h.Now().Add(readTimeout)) // the server's own holds where this cannot be set
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(b) //nolint:gosec // no browser reads it; and who does not get the answer asks again
}

// fail answers with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, user string, err error) {
	var f *resource.Fault
	field := ""
	if errors.As(err, &f) {
		field = f.Field
	}
	status := http.StatusServiceUnavailable
	broke := errors.Is(err, errBroke)
	switch {
	case broke:
	case errors.Is(err, link.ErrUnknown):
		status = http.StatusGone
	case errors.Is(err, link.ErrPacket), resource.KindOf(err) == resource.Invalid, resource.KindOf(err) == resource.NotFound:
		status = http.StatusBadRequest
	case resource.KindOf(err) == resource.Conflict:
		status = http.StatusConflict
	}
	if r.Context().Err() == nil {
		level := slog.LevelDebug
		if errors.Is(err, link.ErrPacket) && !broke { // no Faultline sends that
			level = slog.LevelWarn
		}
		h.Log.Log(r.Context(), level, "a request of a peer was not taken", "peer", r.RemoteAddr, "user", user, "error", err)
	}
	h.refuse(w, status, err.Error(), field)
}

func (h *Handler) refuse(w http.ResponseWriter, status int, detail, field string) {
	_ = http.NewResponseController(w).SetWriteDeadline(h.Now().Add(readTimeout)) // see answer
	b, err := json.Marshal(problem{Title: http.StatusText(status), Status: status, Detail: detail, Field: field})
	if err != nil { // a problem always marshals
		panic(err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // see answer
}

// maxRequest bounds what a request holds once it is unpacked, in bytes: a packet of
// many frames, or of one large one, or a hello.
const maxRequest = link.MaxPacket + link.MaxBody + 8<<20

// errTooMuch is the end of a request that holds more than any peer sends. A few
// bytes of gzip can become gigabytes.
var errTooMuch = fmt.Errorf("%w: a request of more than %d bytes", link.ErrPacket, maxRequest)

// bounded reads up to a bound, and what is beyond is an error.
type bounded struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// errBroke is the end of a request of which the rest did not arrive, or not in time.
// That is no fault of the peer's, who is to try again: a server that is starved can
// miss the deadline for what is there.
var errBroke = errors.New("the request did not arrive")

// body renews the deadline of a request with each piece of it: the server's own
// is for all of it, and handling may take longer.
type body struct {
	r   io.Reader
	c   *http.ResponseController
	now func() time.Time
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	_ = b.c.SetReadDeadline(b.now().Add(readTimeout)) // the server's own holds where this cannot be set
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errBroke, err)
	}
	return n, err
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
