package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// methodNotFound and invalidParams are codes of JSON-RPC.
const (
	methodNotFound = -32601
	invalidParams  = -32602
)

// anyCode stands for any error answer.
const anyCode = 1

func (b *bench) errorCodes(ctx context.Context) verdict {
	p, err := b.process(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	var seen findings
	// want says what the answer must be: a code, anyCode, or 0 for a result.
	want := func(what string, code int, err error) {
		switch got := codeOf(err); {
		case code == got, code == anyCode && got != 0 && got != lost:
		case got == lost:
			seen.add("%s: %v", what, err)
		case got == 0:
			seen.add("%s was answered with a result, and wanted was %s", what, errorName(code))
		case code == 0:
			seen.add("%s was answered with error %d (%v), and wanted was {}", what, got, err)
		default:
			seen.add("%s was answered with error %d, and wanted was %s", what, got, errorName(code))
		}
	}
	nobody := &session{b: b, p: p, rec: b.rec.open("conform-nobody")}
	for _, first := range []bool{true, false} {
		method, params := nobody.params(first)
		want(method+" of a session that was never opened", wire.CodeUnknownSession, p.Call(ctx, method, params, nil))
	}
	want("teardown of a session that was never opened", 0, nobody.end(ctx))
	undeclared := wire.OpenParams{Session: "conform-undeclared", Class: "ConformUndeclared", Attributes: map[string]json.RawMessage{}}
	b.rec.open(undeclared.Session)
	want("open with a class that the plugin does not declare", anyCode, p.Call(ctx, wire.MethodSessionOpen, undeclared, nil))

	s := b.prepare(p)
	if err := p.Call(ctx, wire.MethodSessionOpen, b.openParams(s, b.stored), nil); err != nil {
		seen.add("open: %v", err)
		return judge(seen, "")
	}
	want("open with the id of an open session", wire.CodeBadState, p.Call(ctx, wire.MethodSessionOpen, b.openParams(s, b.stored), nil))
	method, params := s.params(false)
	want(method+" before the first scan", anyCode, p.Call(ctx, method, params, nil))
	if !b.failed["scan"] {
		method, params = s.params(true)
		if err := p.Call(ctx, method, params, nil); err == nil { // an update too early may have cost the session
			want("a second "+method, wire.CodeBadState, p.Call(ctx, method, params, nil))
		}
	}
	_ = s.end(ctx) // judged by the check teardown

	want("encrypt for a class that the plugin does not declare", invalidParams,
		p.Call(ctx, wire.MethodEncrypt, wire.EncryptParams{Class: "ConformUndeclared", Attribute: "password", Value: "x"}, nil))
	want("encrypt for an attribute that the class does not have", invalidParams,
		p.Call(ctx, wire.MethodEncrypt, wire.EncryptParams{Class: b.class.Name, Attribute: "conform_undeclared", Value: "x"}, nil))
	return judge(seen, "")
}

// lost is the code of a call that has no answer.
const lost = -1

func codeOf(err error) int {
	switch c := code(err); {
	case err == nil:
		return 0
	case c == 0:
		return lost
	default:
		return c
	}
}

func errorName(code int) string {
	if code == anyCode {
		return "an error"
	}
	return fmt.Sprintf("error %d", code)
}

func (b *bench) unknownMessages(ctx context.Context) verdict {
	p, err := b.process(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	var seen findings
	note := func(what string, err error) {
		if err != nil {
			seen.add("%s: %v", what, err)
		}
	}
	strange := map[string]any{"conform": []any{nil, 1.5, "x", map[string]any{"y": true}}}
	for _, method := range []string{"x-grease-conform", "session/conform", "conform"} {
		note("the notification "+method, p.Notify(method, strange))
	}
	switch err := p.Call(ctx, "session/conform", strange, nil); {
	case err == nil:
		seen.add("the unknown method session/conform was answered with a result")
	case code(err) != methodNotFound:
		seen.add("the unknown method session/conform: %v; wanted was error %d", err, methodNotFound)
	}
	s := b.prepare(p)
	note("open with an unknown field", p.Call(ctx, wire.MethodSessionOpen, strangely(b.openParams(s, b.stored)), nil))
	method, params := s.params(true)
	note(method+" with an unknown field", p.Call(ctx, method, strangely(params), nil))
	_ = p.Notify("x-grease-conform", strange)
	note("the notification session/deleted of an unknown session", p.Notify(wire.NoteDeleted, wire.Deleted{Session: "conform-nobody", Handles: []int64{1}}))
	if len(seen) == 0 {
		seen = b.compare(s)
	}
	_ = s.end(ctx)
	return judge(seen, "")
}

// strangely adds unknown fields to params.
func strangely(params any) any {
	raw, err := json.Marshal(params)
	if err != nil {
		return params
	}
	out := map[string]any{}
	if json.Unmarshal(raw, &out) != nil {
		return params
	}
	out["x_conform"], out["future"] = map[string]any{"a": []any{1, nil}}, "x"
	return out
}

// compare says in what a session's resources differ from those of the first
// one, as far as two sessions can be compared.
func (b *bench) compare(s *session) (seen findings) {
	if b.seen.unstable || b.o.Live {
		return nil
	}
	now := b.stateOf(s)
	for id := range b.seen.scan {
		if now[id] == nil && !b.seen.removed[id] {
			seen.add("session %s does not report %s", s.rec.Name, id)
		}
	}
	for id := range now {
		if b.seen.scan[id] == nil && b.seen.known[id] == nil && !b.seen.removed[id] {
			seen.add("session %s reports %s, which no session did before", s.rec.Name, id)
		}
	}
	slices.Sort(seen)
	return seen
}

// deleted tells the plugin that the host deleted a resource.
func (b *bench) deleted(ctx context.Context) verdict {
	s, err := b.scanned(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	defer func() { _ = s.end(ctx) }()
	var handle int64
	var id string
	b.rec.with(s.rec, func(r *record) {
		for _, res := range r.Sorted() { // the last one: others refer to the first
			handle, id = res.Handle, r.Identity(res.Handle)
		}
		if handle != 0 {
			r.Delete(handle)
		}
	})
	if handle == 0 {
		return skipped("the plugin reports no resource")
	}
	for len(s.rec.turns) > 0 {
		<-s.rec.turns
	}
	if err := s.p.Notify(wire.NoteDeleted, wire.Deleted{Session: s.rec.Name, Handles: []int64{handle}}); err != nil {
		return judge([]string{err.Error()}, "")
	}
	if s.updates {
		if _, err := s.later(ctx); err != nil {
			return judge([]string{"an update after session/deleted: " + err.Error()}, "")
		}
	}
	again := b.stateOf(s)[id] != nil
	if !again { // a plugin that does it by itself does so soon
		select {
		case <-s.rec.turns:
		case <-time.After(time.Second):
		case <-s.p.Done():
			return judge([]string{"after session/deleted: " + s.p.Err().Error()}, "")
		}
		again = b.stateOf(s)[id] != nil
	}
	if err := s.end(ctx); err != nil {
		return judge([]string{"the teardown after session/deleted: " + err.Error()}, "")
	}
	if !again {
		return passed("the resource is missing until the next session, which is allowed")
	}
	return passed("the resource is reported again")
}

// ended says whether a call failed for the end of the process.
func ended(err error) bool { return errors.Is(err, pluginhost.ErrEnded) }
