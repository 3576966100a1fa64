// Package httplink carries links over HTTP: Transport at the peer, Handler at the
// server. A packet is the body of a POST request, and of its answer. Requests
// last for seconds, so they pass proxies and load balancers, and a broken
// connection is no more than a request that is sent again.
package httplink

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// Prefix is where the server answers.
	Prefix = "/link/v1/"

	contentType = "application/vnd.faultline.link"
	// linkHeader has the name of the link, which is a secret, so it is in no URL.
	linkHeader = "Faultline-Link"
	// waitHeader has how long the server may hold the request, as a duration.
	waitHeader = "Faultline-Wait"

	// compressFrom is from which size on a body is compressed.
	compressFrom = 1 << 10
	// maxHello bounds a hello, in bytes: the declarations of all plugins.
	maxHello = 32 << 20
	// maxAnswer bounds the body of an answer, in bytes.
	maxAnswer = 64 << 20
)

// Transport is a link.Transport over HTTP. It is safe for concurrent use.
type Transport struct {
	Server string // address of the server, such as https://host:8700
	// Client makes the requests. It has no timeout of its own: requests have one. It
	// should speak HTTP/1.1: connections that died in silence are then left with
	// the request that found it out.
	Client *http.Client
	// Token is shown to the server, unless it is empty.
	Token string
	Agent string // the User-Agent
}

// Hello implements link.Transport.
func (t *Transport) Hello(ctx context.Context, h link.Hello) (link.Welcome, error) {
	var w link.Welcome
	b, err := json.Marshal(h)
	if err != nil {
		return w, err
	}
	rsp, err := t.post(ctx, "hello", b, nil)
	if err != nil {
		return w, err
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	if err := json.NewDecoder(io.LimitReader(rsp.Body, maxAnswer)).Decode(&w); err != nil {
		return w, fmt.Errorf("the answer is not that of a Faultline server: %w", err)
	}
	return w, nil
}

// Exchange implements link.Transport.
func (t *Transport) Exchange(ctx context.Context, name string, p link.Packet, wait time.Duration) (link.Packet, error) {
	rsp, err := t.post(ctx, "exchange", link.AppendPacket(nil, p), func(h http.Header) {
		h.Set(linkHeader, name)
		if wait > 0 {
			h.Set(waitHeader, wait.String())
		}
	})
	if err != nil {
		return link.Packet{}, err
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	r, err := link.ReadPacket(io.LimitReader(rsp.Body, maxAnswer))
	if err != nil {
		return link.Packet{}, err
	}
	out := link.Packet{Ack: r.Ack}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return link.Packet{}, err
		}
		out.Frames = append(out.Frames, f)
	}
}

// post sends a request, and returns an answer that is no error.
func (t *Transport) post(ctx context.Context, what string, body []byte, header func(http.Header)) (*http.Response, error) {
	compressed := len(body) >= compressFrom
	if compressed {
		body = compress(body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(t.Server, "/")+Prefix+what, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if compressed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if t.Agent != "" {
		req.Header.Set("User-Agent", t.Agent)
	}
	if t.Token != "" {
		req.Header.Set("Authorization", "Bearer "+t.Token)
	}
	if header != nil {
		header(req.Header)
	}
	rsp, err := t.Client.Do(req)
	if err != nil {
		return nil, err
	}
	if rsp.StatusCode == http.StatusOK && rsp.Header.Get("Content-Type") == contentType {
		return rsp, nil
	}
	defer rsp.Body.Close() //nolint:errcheck // it was read
	return nil, failure(rsp)
}

// compress returns the body as gzip. Speed counts: what is saved is the time of
// the network.
func compress(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil { // the level is a constant
		panic(err)
	}
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// problem is the part of a problem document that the server and a proxy agree on.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"`
}

// failure is the error that a bad answer stands for.
func failure(rsp *http.Response) error {
	var p problem
	if b, err := io.ReadAll(io.LimitReader(rsp.Body, 64<<10)); err == nil {
		_ = json.Unmarshal(b, &p) // what is no problem document keeps the status
	}
	text := p.Detail
	if text == "" {
		text = "the answer is " + rsp.Status
	}
	switch rsp.StatusCode {
	case http.StatusGone:
		return link.ErrUnknown
	case http.StatusOK, http.StatusNotFound, http.StatusMethodNotAllowed:
		return resource.Errorf(resource.Unavailable, "there is no Faultline server that takes runners at %s (%s)", rsp.Request.URL, rsp.Status)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
		return &resource.Fault{Kind: resource.Invalid, Field: p.Field, Text: text}
	case http.StatusConflict:
		return &resource.Fault{Kind: resource.Conflict, Field: p.Field, Text: text}
	default:
		return &resource.Fault{Kind: resource.Unavailable, Text: text}
	}
}
