package redfish

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// host is the other side of the plugin protocol: it keeps what a session
// reports, as a server would.
type host struct {
	t       *testing.T
	in      io.Writer
	lines   *bufio.Scanner
	calls   int
	classes map[string]wire.Class

	resources map[string]*resource // by class and Redfish path; the root by ""
	handles   map[int64]string
	complete  bool // of the last turn
	ops       []wire.Op
	samples   int
	result    wire.TurnResult
	logs      []wire.LogRecord
}

type resource struct {
	class      string
	handle     int64
	label      string
	attributes map[string]any
	parents    map[int64]bool
}

// call calls the plugin and takes in all that arrives before the answer.
func (h *host) call(method string, params, result any) error {
	h.t.Helper()
	h.calls++
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": h.calls, "method": method, "params": params})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.in.Write(append(b, '\n')); err != nil {
		h.t.Fatal(err)
	}
	for h.lines.Scan() {
		var m struct {
			ID     json.RawMessage
			Method string
			Params json.RawMessage
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(h.lines.Bytes(), &m); err != nil {
			h.t.Fatalf("%v: %s", err, h.lines.Bytes())
		}
		switch {
		case m.Method == wire.NoteBatch:
			var b wire.Batch
			if err := json.Unmarshal(m.Params, &b); err != nil {
				h.t.Fatal(err)
			}
			h.take(b)
		case m.Method == wire.NoteLog:
			var l wire.LogRecord
			if err := json.Unmarshal(m.Params, &l); err != nil {
				h.t.Fatal(err)
			}
			h.logs = append(h.logs, l)
		case m.Method != "":
		case m.Error != nil:
			return errors.New(m.Error.Message)
		case result != nil:
			return json.Unmarshal(m.Result, result)
		default:
			return nil
		}
	}
	h.t.Fatalf("%s: the plugin hung up: %v", method, h.lines.Err())
	return nil
}

func (h *host) take(b wire.Batch) {
	h.complete = b.Complete
	h.samples += len(b.Samples)
	for _, op := range b.Ops {
		h.ops = append(h.ops, op)
		switch op.Op {
		case wire.OpPut:
			r := &resource{class: op.Class, handle: op.Handle, attributes: map[string]any{}, parents: map[int64]bool{}}
			h.merge(r, op)
			key := op.Class + " " + r.attributes["path"].(string)
			if h.resources[key] != nil {
				h.t.Errorf("put twice: %s", key)
			}
			h.resources[key], h.handles[op.Handle] = r, key
		case wire.OpRemove:
			delete(h.resources, h.handles[op.Handle])
			delete(h.handles, op.Handle)
		default:
			h.merge(h.resources[h.handles[op.Handle]], op)
		}
	}
}

func (h *host) merge(r *resource, op wire.Op) {
	if op.Attributes != nil {
		if err := json.Unmarshal(op.Attributes, &r.attributes); err != nil {
			h.t.Fatal(err)
		}
	}
	if op.Label != nil {
		r.label = *op.Label
	}
	for _, p := range slices.Concat(op.Parents, op.Add) {
		r.parents[p] = true
	}
	for _, p := range op.Remove {
		delete(r.parents, p)
	}
}

// startHost runs the plugin and opens a session for the service.
func startHost(t *testing.T, attributes map[string]any) *host {
	t.Helper()
	return startProgram(t, Program(), attributes)
}

func startProgram(t *testing.T, p *plugin.Program, attributes map[string]any) *host {
	t.Helper()
	pluginIn, hostOut := io.Pipe()
	hostIn, pluginOut := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- p.Serve(context.WithoutCancel(t.Context()), pluginIn, pluginOut)
		pluginOut.Close()
	}()
	h := &host{
		t: t, in: hostOut, lines: bufio.NewScanner(hostIn), classes: map[string]wire.Class{},
		resources: map[string]*resource{"": {class: "Service", attributes: map[string]any{}, parents: map[int64]bool{}}},
		handles:   map[int64]string{0: ""},
	}
	h.lines.Buffer(nil, 32<<20)
	t.Cleanup(func() {
		if err := h.call(wire.MethodShutdown, struct{}{}, nil); err != nil {
			t.Error(err)
		}
		hostOut.Close()
		go func() { _, _ = io.Copy(io.Discard, hostIn) }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the plugin does not end")
		}
	})
	var hello wire.InitializeResult
	if err := h.call(wire.MethodInitialize, wire.InitializeParams{Protocol: wire.VersionRange{Min: 1, Max: 1}, Host: wire.Peer{Name: "test"}}, &hello); err != nil {
		t.Fatal(err)
	}
	for _, c := range hello.Manifest.Classes {
		h.classes[c.Name] = c
	}
	raw := map[string]json.RawMessage{}
	for k, v := range attributes {
		raw[k], _ = json.Marshal(v)
	}
	if err := h.call(wire.MethodSessionOpen, wire.OpenParams{Session: "s", Class: "Service", Attributes: raw}, nil); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) scan(method string) error {
	h.ops, h.samples, h.logs, h.complete, h.result = nil, 0, nil, false, wire.TurnResult{}
	return h.call(method, wire.SessionParams{Session: "s"}, &h.result)
}

func (h *host) mustScan(method string) {
	h.t.Helper()
	if err := h.scan(method); err != nil {
		h.t.Fatal(err)
	}
}

// alert is a condition that holds.
type alert struct{ class, path, attribute, severity string }

// alerts evaluates the value conditions and the bounds on attributes, as a server would.
func (h *host) alerts() []alert {
	var out []alert
	for _, key := range slices.Sorted(maps.Keys(h.resources)) {
		r := h.resources[key]
		path, _ := r.attributes["path"].(string)
		for _, c := range h.classes[r.class].Conditions {
			v, ok := r.attributes[c.Attribute]
			if !ok || v == nil {
				continue
			}
			holds := func(severity string, states []json.RawMessage, bound *float64) {
				b, _ := json.Marshal(v)
				for _, s := range states {
					if string(s) == string(b) {
						out = append(out, alert{r.class, path, c.Attribute, severity})
					}
				}
				if f, ok := v.(float64); ok && bound != nil && (c.Kind == wire.ConditionUpper && f > *bound || c.Kind == wire.ConditionLower && f < *bound) {
					out = append(out, alert{r.class, path, c.Attribute, severity})
				}
			}
			holds("error", c.ErrorStates, c.ErrorBound)
			holds("warning", c.WarnStates, c.WarnBound)
			holds("info", c.InfoStates, c.InfoBound)
		}
	}
	return out
}

func (h *host) counts() map[string]int {
	out := map[string]int{}
	for _, r := range h.resources {
		if r.class != "Service" {
			out[r.class]++
		}
	}
	return out
}

func (h *host) logged(text string) bool {
	return slices.ContainsFunc(h.logs, func(l wire.LogRecord) bool { return strings.Contains(l.Message, text) })
}
