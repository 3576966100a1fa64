package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// maxBody bounds the body of a request. The largest is a resource that a user
// adds.
const maxBody = 1 << 20

// checkRequest refuses what openapi.yaml does not describe: an unknown query
// parameter or body field is more often a typing mistake than a wish to have it
// ignored. It reads the body and puts it back.
func checkRequest(w http.ResponseWriter, r *http.Request, op operation) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return resource.Errorf(resource.Invalid, "the query string is not valid: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		list, known := op.query[name]
		switch {
		case !known:
			return resource.FieldErrorf(name, "there is no query parameter %q here; %s", name, rightNames(op.query))
		case !list && len(q[name]) > 1:
			return resource.FieldErrorf(name, "%s is given %d times; give it once", name, len(q[name]))
		}
	}
	if op.body == nil {
		return nil
	}
	return checkBody(w, r, op)
}

func checkBody(w http.ResponseWriter, r *http.Request, op operation) error {
	// Only JSON: a form of another site can send other types without asking.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return errMediaType
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return errTooLarge
		}
		return resource.Errorf(resource.Invalid, "the body cannot be read: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil || fields == nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return resource.Errorf(resource.Invalid, "the body is not JSON: %v at byte %d", err, syntax.Offset)
		}
		return resource.Errorf(resource.Invalid, "the body must be a JSON object")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !op.body[name] {
			return resource.FieldErrorf(name, "there is no field %q here; %s", name, rightNames(op.body))
		}
	}
	return nil
}

// rightNames tells the names that would be right.
func rightNames(names map[string]bool) string {
	if len(names) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// hostAllowed reports whether the Host header names this server. A page of
// another site can make its own name resolve to 127.0.0.1 and then talk to a
// server that asks for no token; its name in the header gives it away.
func (s *Server) hostAllowed(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(s.hosts, host) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
