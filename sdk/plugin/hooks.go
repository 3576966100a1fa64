package plugin

import (
	"encoding/json"
	"errors"
	"reflect"
	"unsafe"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// decodeRoot makes a root resource of stored attributes. Attributes that the
// class does not have are ignored: they may stem from an older version of it.
func (c *class) decodeRoot(attributes map[string]json.RawMessage) (Any, error) {
	root, ptr := c.newResource()
	if err := c.decode(ptr, attributes); err != nil {
		return nil, err
	}
	err := stdio.Protect(func() error {
		for _, computed := range []bool{false, true} {
			for i := range c.fields {
				f := &c.fields[i]
				raw, given := attributes[f.Name]
				if missing := !given || string(raw) == "null"; missing && f.hasDefault() && !f.Optional && (f.set == nil) == computed {
					f.setDefaultValue(ptr)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size := 0
	for i := range c.fields {
		f := &c.fields[i]
		if problem := f.check(ptr, &size); problem != "" {
			return nil, &ValueError{Class: c.Name, Attribute: f.Name, Problem: problem}
		}
	}
	return root, nil
}

// decode assigns attributes given from outside.
func (c *class) decode(res unsafe.Pointer, attributes map[string]json.RawMessage) error {
	for i := range c.fields {
		f := &c.fields[i]
		raw, ok := attributes[f.Name]
		if !ok {
			continue
		}
		if err := f.decode(res, raw); err != nil {
			return &ValueError{Class: c.Name, Attribute: f.Name, Problem: err.Error()}
		}
	}
	return nil
}

// setRoot takes the root in, as a resource that the host knows, with handle 0.
func (s *Session) setRoot(c *class, root Any) {
	t := s.tables[c.index]
	ptr := reflect.ValueOf(root).UnsafePointer()
	n := &node{s: s, c: c, self: root, ptr: ptr, sent: true}
	if key, err := c.key(nil, ptr); err == nil {
		n.key = string(key)
	}
	root.resource().n = n
	t.add(n)
	n.bindStats()
	sh := t.shadow(n)
	for i := range c.fields {
		c.fields[i].keep(ptr, &sh)
	}
	s.root = n
}

func (s *server) initialScan(p wire.SessionParams) (res wire.TurnResult, err error) {
	return s.first(p.Session, "an initial scan", func(ses *Session) func() error {
		if ses.hooks.initial == nil || ses.root.c.has(wire.BaseHostRoot) {
			return nil
		}
		return func() error { return ses.hooks.initial(ses.ctx, ses, ses.root.self) }
	})
}

func (s *server) agentStart(p wire.AgentParams) (wire.TurnResult, error) {
	return s.first(p.Session, "agent data", func(ses *Session) func() error {
		if ses.hooks.agentStart == nil {
			return nil
		}
		return func() error { return ses.hooks.agentStart(ses.ctx, ses, p.HostID, p.Data) }
	})
}

// first runs the first hook of a session. pick returns nil if the plugin or the
// root is not made for it.
func (s *server) first(id, what string, pick func(*Session) func() error) (wire.TurnResult, error) {
	ses, err := s.session(id)
	if err != nil {
		return wire.TurnResult{}, err
	}
	return ses.do(func() (res wire.TurnResult, err error) {
		hook := pick(ses)
		switch {
		case ses.state == stateEnded:
			return res, errUnknownSession(id)
		case ses.state != stateOpen:
			return res, jrpc2.Errorf(wire.CodeBadState, "session %s was started already", quote(id))
		case hook == nil:
			return res, jrpc2.Errorf(wire.CodeBadState, "class %s of this plugin is not made for %s", ses.root.c.Name, what)
		}
		ses.state = stateEntered
		if res.Turn, err = ses.hookTurn(true, hook); err != nil {
			return wire.TurnResult{}, err
		}
		ses.state = stateReady
		res.UpdatePeriod = max(0, ses.every.Seconds())
		res.Updates = ses.hooks.update != nil
		res.Incomplete = ses.gaps
		return res, nil
	})
}

func (s *server) updateScan(p wire.SessionParams) (wire.TurnResult, error) {
	return s.later(p.Session, func(ses *Session) error {
		if ses.hooks.update == nil || ses.root.c.has(wire.BaseHostRoot) {
			return nil
		}
		return ses.hooks.update(ses.ctx, ses, ses.root.self)
	})
}

func (s *server) agentContinue(p wire.AgentParams) (wire.TurnResult, error) {
	return s.later(p.Session, func(ses *Session) error {
		if ses.hooks.agentContinue == nil {
			return nil
		}
		return ses.hooks.agentContinue(ses.ctx, ses, p.HostID, p.Data)
	})
}

// later runs a hook that may come after the first one only.
func (s *server) later(id string, hook func(*Session) error) (wire.TurnResult, error) {
	ses, err := s.session(id)
	if err != nil {
		return wire.TurnResult{}, err
	}
	return ses.do(func() (res wire.TurnResult, err error) {
		switch ses.state {
		case stateEnded:
			return res, errUnknownSession(id)
		case stateOpen:
			return res, jrpc2.Errorf(wire.CodeBadState, "session %s had no initial scan yet", quote(id))
		case stateEntered:
			return res, jrpc2.Errorf(wire.CodeBadState, "the first scan of session %s failed", quote(id))
		}
		res.Turn, err = ses.hookTurn(false, func() error { return hook(ses) })
		return res, err
	})
}

// tearDown ends the session: it runs the author's Teardown if a hook was
// entered before, and drops what comes after.
func (s *Session) tearDown() error {
	s.stop() // a hook that still runs should come to an end
	_, err := s.do(func() (res wire.TurnResult, err error) {
		if s.state == stateEnded {
			return res, nil
		}
		entered := s.state != stateOpen
		defer func() {
			s.state = stateEnded
			s.mu.Lock()
			s.ended = true
			s.posts, s.samples = nil, pages[sample]{}
			s.mu.Unlock()
		}()
		if entered && s.hooks.teardown != nil {
			s.inTurnNow(true)
			defer s.inTurnNow(false)
			err = stdio.Protect(s.hooks.teardown)
			s.prog.syncStdout()
		}
		return res, err
	})
	var je *jrpc2.Error
	if errors.As(err, &je) && je.Code == wire.CodeUnknownSession {
		return nil // somebody else was quicker
	}
	return err
}
