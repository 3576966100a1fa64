package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/resource"
)

// raw is a host that speaks the protocol by hand.
type raw struct {
	t    *testing.T
	h    *fleettest.Host
	tr   *httplink.Transport
	link string
	sent uint64
	got  uint64
}

func newRaw(t *testing.T, h *fleettest.Host) *raw {
	t.Helper()
	r := &raw{t: t, h: h, tr: &httplink.Transport{Server: h.Server(), Client: &http.Client{Transport: h.Identity}}}
	w, err := r.tr.Hello(t.Context(), link.Hello{Protocol: link.Protocol, Kind: link.AgentKind, Name: h.Host(), Instance: "raw", Body: json.RawMessage(`{"boot":"raw"}`)})
	if err != nil {
		t.Fatal(err)
	}
	r.link = w.Link
	return r
}

// call sends frames and returns the server's answer to the last of them, which is a
// call.
func (r *raw) call(frames ...link.Frame) link.Frame {
	r.t.Helper()
	r.send(frames...)
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		p, err := r.tr.Exchange(r.t.Context(), r.link, link.Packet{Ack: r.got}, time.Second)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, f := range p.Frames {
			r.got = f.Number
			if f.Re == frames[len(frames)-1].Call {
				return f
			}
		}
	}
	r.t.Fatal("the server does not answer")
	return link.Frame{}
}

func (r *raw) send(frames ...link.Frame) {
	r.t.Helper()
	if _, err := r.tr.Exchange(r.t.Context(), r.link, link.Packet{Frames: frames}, 0); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) frame(kind string, body any) link.Frame {
	b, ok := body.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(body); err != nil {
			r.t.Fatal(err)
		}
	}
	r.sent++
	return link.Frame{Number: r.sent, Call: r.sent, Kind: kind, Body: b}
}

func (r *raw) open(plugin string) string {
	r.t.Helper()
	f := r.call(r.frame(link.AgentOpen, link.AgentPlugin{Plugin: plugin}))
	var id link.AgentSessionID
	if err := json.Unmarshal(f.Body, &id); err != nil || f.Fault {
		r.t.Fatalf("open: %s, %v", f.Body, err)
	}
	return id.Session
}

func (r *raw) data(session string, sequence uint64, text string) link.Frame {
	r.t.Helper()
	b, err := link.AppendAgentData(nil, link.AgentDataHead{AgentPlugin: link.AgentPlugin{Plugin: "crates", Session: session}, Sequence: sequence}, json.RawMessage(text))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.frame(link.AgentData, b)
}

func (r *raw) fails(f link.Frame, text string) {
	r.t.Helper()
	if !f.Fault || !strings.Contains(string(f.Body), text) {
		r.t.Errorf("answer %s, want an error with %q", f.Body, text)
	}
}

// post sends a body to the link and returns the status.
func (r *raw) post(what string, body io.Reader, zipped bool) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.h.Server()+httplink.Prefix+what, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.faultline.link")
	req.Header.Set("Faultline-Link", r.link)
	if zipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	rsp, err := r.tr.Client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(rsp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return rsp.StatusCode, string(b)
}

// idleFrame is a frame of a mebibyte that nobody waits for.
func idleFrame() []byte {
	packet := link.AppendPacket(nil, link.Packet{Frames: []link.Frame{{Number: 1 << 40, Kind: "x", Body: make([]byte, 1<<20)}}})
	return packet[2:] // without the head of the packet
}

// zeros are frames that nobody waits for, for ever.
type zeros struct{ rest []byte }

func (z *zeros) Read(p []byte) (int, error) {
	if len(z.rest) == 0 {
		z.rest = idleFrame()
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

// bomb is little that becomes a head and so many times a filling. The parts of a gzip
// stream stand by themselves, so that one need be compressed only once.
func bomb(head string, filling []byte, times int) []byte {
	part := func(data []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(data) // to memory
		_ = z.Close()
		return b.Bytes()
	}
	return append(part([]byte(head)), bytes.Repeat(part(filling), times)...)
}

// TestWhatAgentsMayNot: all of it is refused and logged, and harms neither the
// server nor another host.
func TestWhatAgentsMayNot(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	good := m.host(t, "good")
	good.Start(quiet())
	s, err := good.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	bad := m.host(t, "bad")
	r := newRaw(t, bad)

	t.Run("speak for another host", func(t *testing.T) {
		_, err := r.tr.Hello(t.Context(), link.Hello{Protocol: link.Protocol, Kind: link.AgentKind, Name: "good", Instance: "x", Body: json.RawMessage(`{}`)})
		if resource.KindOf(err) != resource.Invalid || !strings.Contains(err.Error(), "the certificate is that of host bad") {
			t.Errorf("hello: %v", err)
		}
		m.logs(t, "speaks for another host")
	})
	t.Run("use the link of another host", func(t *testing.T) {
		other := m.host(t, "other")
		o := newRaw(t, other)
		_, err := r.tr.Exchange(t.Context(), o.link, link.Packet{}, 0)
		if !errors.Is(err, link.ErrUnknown) {
			t.Errorf("exchange: %v", err)
		}
	})
	t.Run("come without a certificate, or over another door", func(t *testing.T) {
		hello := `{"protocol":1,"kind":"agent","name":"good","instance":"x","body":{}}`
		for _, c := range []struct {
			url, name string
			tls       bool
			status    int
			text      string
		}{
			{"https://", auth.ServerName, true, http.StatusUnauthorized, "showed none"},
			{"http://", "", false, http.StatusBadRequest, "no peers of the kind"},
		} {
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: c.name, InsecureSkipVerify: true}}} //nolint:gosec // it is the refusal that counts
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+m.srv.Addr().String()+httplink.Prefix+"hello", strings.NewReader(hello))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/vnd.faultline.link")
			rsp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(rsp.Body)
			_ = rsp.Body.Close()
			client.CloseIdleConnections()
			if rsp.StatusCode != c.status || !strings.Contains(string(b), c.text) {
				t.Errorf("%s: %d %s", c.url, rsp.StatusCode, b)
			}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}}} //nolint:gosec // see above
		if rsp, err := client.Get("https://" + m.srv.Addr().String() + "/api/v1/status"); err == nil {
			_ = rsp.Body.Close()
			t.Error("a server without a certificate speaks TLS to anybody")
		}
		rsp, err := r.tr.Client.Get(bad.Server() + "/api/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		_ = rsp.Body.Close()
		if rsp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("the API answers an agent: %s", rsp.Status)
		}
	})
	t.Run("repeat what they said", func(t *testing.T) {
		session := r.open("crates")
		first := r.data(session, 0, `{"crates":{"x":1}}`)
		if f := r.call(first); f.Fault {
			t.Fatalf("%s", f.Body)
		}
		second := r.data(session, 1, `{"crates":{"x":2}}`)
		if f := r.call(second); f.Fault {
			t.Fatalf("%s", f.Body)
		}
		r.send(first, second) // the link knows them
		id, _ := m.state("bad")
		if got := m.crates(id); got != "x=2" {
			t.Errorf("after a repetition there is %q", got)
		}
		// As new messages of the link they are out of order in their session.
		again := r.data(session, 0, `{"crates":{"x":1}}`)
		r.fails(r.call(again), "message 0 came where message 2 was expected")
		r.fails(r.call(r.data(session, 2, `{"crates":{"x":3}}`)), "no such session")
		if got := m.crates(id); !strings.HasPrefix(got, "x=2") {
			t.Errorf("after that there is %q", got)
		}
		session = r.open("crates")
		r.fails(r.call(r.data(session, 1, `{}`)), "message 1 came where message 0 was expected")
		session = r.open("crates")
		r.fails(r.call(r.data(session, 0, `{"crates":`)), "is no JSON")
	})
	t.Run("name plugins oddly", func(t *testing.T) {
		for _, name := range []string{"../crates", "a/b", "", "a b", "faultline", strings.Repeat("x", 200), "ä"} {
			f := r.call(r.frame(link.AgentOpen, link.AgentPlugin{Plugin: name}))
			if !f.Fault {
				t.Errorf("plugin %q: %s", name, f.Body)
			}
		}
		m.logs(t, "no name of a plugin")
		r.fails(r.call(r.frame(link.AgentRoom, link.AgentSize{AgentPlugin: link.AgentPlugin{Plugin: "crates", Session: r.open("crates")}, Bytes: 1 << 40})), "are allowed")
		r.fails(r.call(r.frame("agent/format-disks", link.AgentPlugin{})), "nobody knows messages")
	})
	t.Run("send a gigabyte", func(t *testing.T) {
		head := binary.AppendUvarint([]byte{1, 0}, 1<<30)
		status, text := r.post("exchange", io.MultiReader(bytes.NewReader(head), io.LimitReader(&zeros{}, 1<<30)), false)
		if status != http.StatusBadRequest && status != 0 { // the connection may end before all was sent
			t.Errorf("a message of 1 GiB: %d %s", status, text)
		}
		m.logs(t, "a message of 1073741824 bytes")
	})
	t.Run("send a bomb", func(t *testing.T) {
		b := bomb("\x01\x00", idleFrame(), 100)
		if len(b) > 1<<20 {
			t.Fatalf("the bomb has %d bytes", len(b))
		}
		status, text := r.post("exchange", bytes.NewReader(b), true)
		if status != http.StatusBadRequest || !strings.Contains(text, "a request of more than") {
			t.Errorf("a bomb: %d %s", status, text)
		}
		status, text = r.post("hello", bytes.NewReader(bomb(`{"protocol":1,"kind":"agent","name":"bad","instance":"`, bytes.Repeat([]byte("x"), 1<<20), 50)), true)
		if status != http.StatusBadRequest || !strings.Contains(text, "the hello has more than") {
			t.Errorf("a hello that is a bomb: %d %s", status, text)
		}
	})
	t.Run("go on when they are revoked", func(t *testing.T) {
		m.ask(t, http.MethodPost, "/host-certificates/bad/revoke", "", http.StatusOK)
		_, err := r.tr.Exchange(t.Context(), r.link, link.Packet{}, 0)
		if resource.KindOf(err) != resource.Invalid || !strings.Contains(err.Error(), "was revoked at") {
			t.Errorf("exchange: %v", err)
		}
		until(t, "its link ends", func() bool { return strings.Contains(m.log.String(), errRevoked.Error()) })
	})

	// Nothing of this has troubled the other host.
	if err := fleettest.More(t.Context(), s, news(map[string]int{"a": 2})); err != nil {
		t.Errorf("the session of another host: %v", err)
	}
	id, _ := m.state("good")
	if got := m.crates(id); got != "a=2" {
		t.Errorf("another host has %q", got)
	}
	good.Kill()
}

func TestTwoMachinesOfOneName(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	first := m.host(t, "oss1")
	first.Start(quiet())
	s, err := first.Say(t.Context(), "crates", news(map[string]int{"a": 1}))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := m.state("oss1")

	// A copy of the machine, with its key.
	twin := fleettest.NewHost(first.Identity)
	twin.Start(quiet())
	m.logs(t, "there is another one of its name")
	twin.Kill()
	if err := fleettest.More(t.Context(), s, news(map[string]int{"a": 2})); err != nil {
		t.Errorf("the first machine after its copy came: %v", err)
	}

	// The same machine, whose agent started anew while what it had before still
	// hangs on: that takes nothing which is for the new one.
	after := first.Again()
	after.Start(quiet())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := after.Say(ctx, "crates", news(map[string]int{"b": 1})); err != nil {
		t.Fatalf("after a restart: %v", err)
	}
	if now, _ := m.state("oss1"); now != id || m.crates(id) != "b=1" {
		t.Errorf("host %d, before %d, has %q", now, id, m.crates(now))
	}
	<-s.Done()
	first.Kill()
	if _, err := after.Say(ctx, "crates", news(map[string]int{"c": 1})); err != nil {
		t.Errorf("once the old one is dead: %v", err)
	}
	if _, err := m.srv.hosts.revoke(t.Context(), "oss1"); err != nil {
		t.Fatal(err)
	}
	if err := after.Wait(); err == nil || !strings.Contains(err.Error(), "was revoked at") {
		t.Errorf("the agent of a revoked host ends with %v", err)
	}
}
