package acme

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// A host plays the host's side of the plugin protocol against one plugin and
// keeps the graph that the plugin's batches describe.
type host struct {
	t        *testing.T
	in       io.WriteCloser
	manifest wire.Manifest
	rawManif json.RawMessage

	mu      sync.Mutex
	changed *sync.Cond // a batch or an answer came, or the plugin ended
	nextID  int
	answers map[int]answer
	ended   bool
	graph   map[int64]*object
	turns   int // last turn seen
	ops     int // ops seen so far
	logs    []string
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// An object is a resource as the host knows it.
type object struct {
	class   string
	label   string
	attrs   map[string]json.RawMessage
	parents map[int64]bool
	samples map[string]string // the last of each statistic
}

// startGo runs the Go plugin within the test.
func startGo(t *testing.T) *host {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Program().Serve(context.Background(), inR, outW)
		outW.Close()
		done <- err
	}()
	t.Cleanup(func() {
		inW.Close()
		if err := <-done; err != nil {
			t.Errorf("the Go plugin ended: %v", err)
		}
	})
	return newHost(t, inW, outR)
}

// startPython runs the Python plugin as a process.
func startPython(t *testing.T) *host {
	path, err := WritePython(t.TempDir()) // what programs do that carry it with them
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-m", "faultline_sdk", path)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../../python", "PYTHONDONTWRITEBYTECODE=1", "FAULTLINE_PLUGIN="+PythonName)
	return startProcess(t, cmd)
}

// startNode runs the plugin in JavaScript, which uses neither SDK, as a process.
func startNode(t *testing.T) *host {
	cmd := exec.Command("../node/acme_node.mjs")
	cmd.Env = append(os.Environ(), "FAULTLINE_PLUGIN=acme_node")
	return startProcess(t, cmd)
}

func startProcess(t *testing.T, cmd *exec.Cmd) *host {
	cmd.Env = append(cmd.Env, "FAULTLINE_LOG_LEVEL=warning")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s, which this test needs: %v", cmd.Path, err)
	}
	h := newHost(t, in, out)
	t.Cleanup(func() {
		in.Close()
		h.await(func() bool { return h.ended }) // Wait must not take the output away
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended: %v", cmd.Path, err)
		}
	})
	return h
}

func newHost(t *testing.T, in io.WriteCloser, out io.Reader) *host {
	h := &host{t: t, in: in, answers: map[int]answer{}, graph: map[int64]*object{}}
	h.changed = sync.NewCond(&h.mu)
	go h.read(out)
	var res struct {
		Protocol int             `json:"protocol"`
		Manifest json.RawMessage `json:"manifest"`
	}
	h.call(wire.MethodInitialize, wire.InitializeParams{Protocol: wire.VersionRange{Min: 1, Max: 1}, Host: wire.Peer{Name: "test"}}, &res)
	h.rawManif = res.Manifest
	if err := json.Unmarshal(res.Manifest, &h.manifest); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var m struct {
			ID     *int            `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
			answer
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			h.t.Errorf("the plugin wrote %q: %v", lines.Text(), err)
			continue
		}
		h.mu.Lock()
		switch {
		case m.ID != nil:
			h.answers[*m.ID] = m.answer
		case m.Method == wire.NoteBatch:
			h.apply(m.Params)
		case m.Method == wire.NoteLog:
			h.logs = append(h.logs, string(m.Params))
		}
		h.changed.Broadcast()
		h.mu.Unlock()
	}
	h.mu.Lock()
	h.ended = true
	h.changed.Broadcast()
	h.mu.Unlock()
}

// apply takes a batch into the graph.
func (h *host) apply(params json.RawMessage) {
	var b wire.Batch
	if err := json.Unmarshal(params, &b); err != nil {
		h.t.Errorf("batch: %v", err)
		return
	}
	h.ops += len(b.Ops)
	for _, op := range b.Ops {
		o := h.graph[op.Handle]
		switch op.Op {
		case wire.OpPut:
			o = &object{class: op.Class, attrs: map[string]json.RawMessage{}, parents: map[int64]bool{}, samples: map[string]string{}}
			h.graph[op.Handle] = o
		case wire.OpRemove:
			delete(h.graph, op.Handle)
			for _, other := range h.graph {
				delete(other.parents, op.Handle)
			}
			continue
		}
		if o == nil {
			h.t.Errorf("%s of the unknown handle %d", op.Op, op.Handle)
			continue
		}
		if op.Label != nil {
			o.label = *op.Label
		}
		var attrs map[string]json.RawMessage
		if len(op.Attributes) > 0 {
			if err := json.Unmarshal(op.Attributes, &attrs); err != nil {
				h.t.Errorf("attributes %s: %v", op.Attributes, err)
			}
		}
		for name, v := range attrs {
			if string(v) == "null" {
				delete(o.attrs, name)
			} else {
				o.attrs[name] = v
			}
		}
		for _, p := range append(op.Parents, op.Add...) {
			o.parents[p] = true
		}
		for _, p := range op.Remove {
			delete(o.parents, p)
		}
	}
	for _, s := range b.Samples {
		if o := h.graph[s.Handle]; o != nil {
			o.samples[s.Name] = string(s.Value)
		}
	}
	if b.Last {
		h.turns = int(b.Turn)
	}
}

// await waits for a condition, which is looked at whenever the plugin wrote.
func (h *host) await(what func() bool) {
	h.t.Helper()
	late := false
	timer := time.AfterFunc(30*time.Second, func() {
		h.mu.Lock()
		late = true
		h.changed.Broadcast()
		h.mu.Unlock()
	})
	defer timer.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !what() && !late && !h.ended {
		h.changed.Wait()
	}
	if late {
		h.t.Errorf("waited for 30 s in vain; logs: %s", h.logs)
	}
}

// try makes one call and returns its answer.
func (h *host) try(method string, params any) answer {
	h.t.Helper()
	h.nextID++
	id := h.nextID
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.in.Write(append(line, '\n')); err != nil {
		h.t.Fatalf("%s: %v", method, err)
	}
	h.await(func() bool { _, ok := h.answers[id]; return ok })
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.answers[id]
	if !ok {
		h.t.Fatalf("%s was not answered", method)
	}
	return a
}

func (h *host) call(method string, params, result any) {
	h.t.Helper()
	a := h.try(method, params)
	if a.Error != nil {
		h.t.Fatalf("%s: %s", method, a.Error.Message)
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		h.t.Fatalf("%s answered %s: %v", method, a.Result, err)
	}
}

// open opens the session "s" for an array.
func (h *host) open(attrs map[string]any) {
	h.t.Helper()
	h.graph[0] = &object{class: "Array", attrs: map[string]json.RawMessage{}, parents: map[int64]bool{}, samples: map[string]string{}}
	for name, v := range attrs {
		raw, _ := json.Marshal(v)
		h.graph[0].attrs[name] = raw
	}
	h.call(wire.MethodSessionOpen, map[string]any{"session": "s", "class": "Array", "attributes": attrs}, &struct{}{})
}

func (h *host) initialScan() (r wire.TurnResult) {
	h.t.Helper()
	h.call(wire.MethodInitialScan, wire.SessionParams{Session: "s"}, &r)
	return r
}

func (h *host) updateScan() (r wire.TurnResult) {
	h.t.Helper()
	h.call(wire.MethodUpdateScan, wire.SessionParams{Session: "s"}, &r)
	return r
}

func (h *host) teardown() {
	h.t.Helper()
	h.call(wire.MethodTeardown, wire.SessionParams{Session: "s"}, &struct{}{})
}

// dump describes the graph, one line a resource, with resources named by their
// identities.
func (h *host) dump() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := map[string][]string{}
	for _, c := range h.manifest.Classes {
		ids[c.Name] = c.Identifier.Attributes
	}
	var name func(handle int64) string
	value := func(raw json.RawMessage) string {
		if len(raw) == 0 {
			return "nothing"
		}
		var ref struct {
			Handle *int64 `json:"$ref"`
		}
		if raw[0] == '{' && json.Unmarshal(raw, &ref) == nil && ref.Handle != nil {
			return name(*ref.Handle)
		}
		return string(raw)
	}
	name = func(handle int64) string {
		o := h.graph[handle]
		if o == nil {
			return fmt.Sprintf("handle %d, which is unknown", handle)
		}
		var parts []string
		for _, a := range ids[o.class] {
			parts = append(parts, value(o.attrs[a]))
		}
		return o.class + "(" + strings.Join(parts, ",") + ")"
	}
	lines := []string{}
	for handle, o := range h.graph {
		var facts []string
		for a, v := range o.attrs {
			facts = append(facts, a+"="+value(v))
		}
		for s, v := range o.samples {
			facts = append(facts, s+"~"+v)
		}
		for p := range o.parents {
			facts = append(facts, "<"+name(p))
		}
		slices.Sort(facts)
		lines = append(lines, fmt.Sprintf("%s %q %s", name(handle), o.label, strings.Join(facts, " ")))
	}
	slices.Sort(lines)
	return lines
}
