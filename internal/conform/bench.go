package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// bench is what the checks of one run share. It is for one goroutine, but for
// the sessions of the check parallel.
type bench struct {
	o      Options
	rec    *recorder
	report Report
	failed map[string]bool // checks
	misuse error           // the question is wrong

	manifest wire.Manifest
	class    wire.Class // of the root
	typed    map[string]json.RawMessage
	p        *pluginhost.Process // that most checks share; nil if none runs
	stored   map[string]json.RawMessage
	sessions int

	started     time.Duration
	mu          sync.Mutex      // guards what follows: the check parallel runs hooks at once
	first       []time.Duration // how long first hooks took
	update      []time.Duration // how long later ones did
	crowded     bool            // many hooks run at once, so that none is measured
	seen        observation
	failing     *failing
	memory      int64
	growth      int64
	descriptors int
	threads     int
}

// launch starts a process of the plugin.
func (b *bench) launch(ctx context.Context) (*pluginhost.Process, error) {
	o, e := b.o.Host, newEndings(b.rec)
	o.OnBatch, o.OnLog, o.LogLevel = b.rec.batch, b.rec.log, slog.LevelDebug
	o.Tap = func(from pluginhost.Stream, line []byte) {
		e.tap(from, line)
		b.rec.tap(from, line)
	}
	return pluginhost.Start(ctx, o)
}

// process returns the process that checks share, a new one if it has ended.
func (b *bench) process(ctx context.Context) (*pluginhost.Process, error) {
	if b.p != nil {
		select {
		case <-b.p.Done():
		default:
			return b.p, nil
		}
	}
	p, err := b.launch(ctx)
	if err != nil {
		return nil, err
	}
	b.p = p
	return p, nil
}

// stop ends the shared process.
func (b *bench) stop(ctx context.Context) {
	if b.p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	_ = b.p.Stop(ctx) // how it ends is judged by the checks shutdown and hangup
	b.p = nil
}

// stopTimeout is how long a process may take to end after the checks.
const stopTimeout = 10 * time.Second

// handshake starts the plugin and finds the root.
func (b *bench) handshake(ctx context.Context) verdict {
	b.failed = map[string]bool{}
	began := time.Now()
	p, err := b.process(ctx)
	if err != nil {
		if list := pluginhost.Problems(err); len(list) > 0 {
			var seen findings
			for _, problem := range list {
				seen.add("%s:%d: %s: %s", problem.File, problem.Line, problem.Where, problem.Text)
			}
			return judge(seen, "")
		}
		return judge([]string{err.Error()}, "")
	}
	b.started = time.Since(began)
	b.manifest = p.Info().Manifest
	b.rec.classes = b.manifest.Classes
	class, typed, err := b.o.Root(b.manifest)
	if err != nil {
		b.misuse = err
		return verdict{}
	}
	b.class, b.typed, b.report.Class = b.declared(class), typed, class
	b.nameHost()
	for _, a := range b.class.Attributes {
		if a.Kind == wire.KindPassword {
			b.rec.look(a.Name, textOf(typed[a.Name]))
		}
	}
	if b.stored, err = b.store(ctx, p, b.typed); err != nil {
		return judge([]string{err.Error()}, "")
	}
	peer := p.Info()
	return passed("protocol %d, sdk %s %s", peer.Protocol, peer.SDK.Name, peer.SDK.Version)
}

// nameHost fills in whose host a root for agent data is of, which the server does
// and no user.
func (b *bench) nameHost() {
	if b.o.Agent == nil || b.typed["host_id"] != nil {
		return
	}
	for _, a := range b.class.Attributes {
		if a.Name == "host_id" {
			b.typed = with(b.typed, map[string]json.RawMessage{"host_id": json.RawMessage(strconv.FormatInt(b.o.Agent.HostID, 10))})
		}
	}
}

// declared returns the class of that name; it may be the built-in HostRoot.
func (b *bench) declared(name string) wire.Class {
	for _, c := range b.manifest.Classes {
		if c.Name == name {
			return c
		}
	}
	return wire.Class{Name: name}
}

// store makes of what a user typed what a server stores: passwords go through
// the plugin, defaults fill in.
func (b *bench) store(ctx context.Context, p *pluginhost.Process, typed map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	computed, plain := false, map[string]json.RawMessage{}
	for _, a := range b.class.Attributes {
		v, given := typed[a.Name]
		given = given && string(v) != "null"
		switch {
		case given && a.Kind == wire.KindPassword:
			var res wire.EncryptResult
			if err := p.Call(ctx, wire.MethodEncrypt, wire.EncryptParams{Class: b.class.Name, Attribute: a.Name, Value: textOf(v)}, &res); err != nil {
				return nil, err
			}
			b.rec.look(a.Name, res.Value)
			raw, err := json.Marshal(res.Value)
			if err != nil {
				return nil, err
			}
			out[a.Name] = raw
		case given:
			out[a.Name] = v
			if a.Kind != wire.KindReference {
				plain[a.Name] = v
			}
		case a.Optional:
		case a.Default != nil:
			out[a.Name] = a.Default
		case a.DefaultComputed:
			computed = true
		default:
			b.misuse = &QuestionError{fmt.Sprintf("attribute %s of %s needs a value: give it with --set %s=...", a.Name, b.class.Name, a.Name)}
		}
	}
	if !computed {
		return out, nil
	}
	var res wire.DefaultsResult
	if err := p.Call(ctx, wire.MethodDefaults, wire.DefaultsParams{Class: b.class.Name, Attributes: plain}, &res); err != nil {
		return nil, err
	}
	for _, a := range b.class.Attributes {
		if v, ok := res.Attributes[a.Name]; ok && out[a.Name] == nil && !a.Optional {
			out[a.Name] = v
		}
	}
	return out, nil
}

func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// session is one session with a process.
type session struct {
	b       *bench
	p       *pluginhost.Process
	rec     *record
	updates bool
	gaps    []string
}

// open opens a session for a root with the attributes.
func (b *bench) open(ctx context.Context, p *pluginhost.Process, attributes map[string]json.RawMessage) (*session, error) {
	s := b.prepare(p)
	return s, s.call(ctx, wire.MethodSessionOpen, b.openParams(s, attributes), nil)
}

// prepare makes a session that is not open yet.
func (b *bench) prepare(p *pluginhost.Process) *session {
	b.sessions++
	return &session{b: b, p: p, rec: b.rec.open(fmt.Sprintf("conform-%d", b.sessions))}
}

func (b *bench) openParams(s *session, attributes map[string]json.RawMessage) wire.OpenParams {
	o := wire.OpenParams{Session: s.rec.Name, Class: b.class.Name, Attributes: attributes}
	if b.o.Agent != nil {
		o.HostID = b.o.Agent.HostID
	}
	return o
}

// begin opens a session for the given root in the shared process.
func (b *bench) begin(ctx context.Context) (*session, error) {
	p, err := b.process(ctx)
	if err != nil {
		return nil, err
	}
	return b.open(ctx, p, b.stored)
}

// scanned is begin and the first hook.
func (b *bench) scanned(ctx context.Context) (*session, error) {
	s, err := b.begin(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.scan(ctx)
}

func (s *session) call(ctx context.Context, method string, params, result any) error {
	return s.p.Call(ctx, method, params, result)
}

// params are those of a hook.
func (s *session) params(first bool) (method string, params any) {
	a := s.b.o.Agent
	switch {
	case a == nil && first:
		return wire.MethodInitialScan, wire.SessionParams{Session: s.rec.Name}
	case a == nil:
		return wire.MethodUpdateScan, wire.SessionParams{Session: s.rec.Name}
	case first:
		return wire.MethodAgentStart, wire.AgentParams{Session: s.rec.Name, HostID: a.HostID, Data: a.Start}
	default:
		return wire.MethodAgentContinue, wire.AgentParams{Session: s.rec.Name, HostID: a.HostID, Data: a.Continue}
	}
}

// scan runs the first hook.
func (s *session) scan(ctx context.Context) error {
	var res wire.TurnResult
	method, params := s.params(true)
	took := s.b.watch(&s.b.first)
	if err := s.call(ctx, method, params, &res); err != nil {
		return err
	}
	took()
	s.updates, s.gaps = res.Updates, res.Incomplete
	if s.b.o.Agent != nil {
		s.updates = s.b.o.Agent.Continue != nil
	}
	s.answered(method, res)
	s.b.rec.with(s.rec, func(r *record) {
		r.scanned = true
		if r.Turn == 0 {
			r.broken.add("session %s: the first scan sent no batch; it always sends one, even an empty one", r.Name)
		}
		if r.Complete != (len(res.Incomplete) == 0) && r.Turn > 0 {
			r.broken.add("session %s: complete is %t in the batches of the first turn, and its answer names %d gaps", r.Name, r.Complete, len(res.Incomplete))
		}
	})
	return nil
}

// watch begins to measure a hook; the returned function notes how long it took,
// less what the recorder did meanwhile.
func (b *bench) watch(list *[]time.Duration) (took func()) {
	began, busy := time.Now(), b.rec.busy()
	return func() {
		d := time.Since(began) - (b.rec.busy() - busy)
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.crowded {
			*list = append(*list, max(0, d))
		}
	}
}

// answered compares the answer of a hook with what came before it.
func (s *session) answered(method string, res wire.TurnResult) {
	s.b.rec.with(s.rec, func(r *record) {
		switch {
		case res.Turn > r.Turn:
			r.broken.add("session %s: %s was answered with turn %d, and no batch of that turn came before", r.Name, method, res.Turn)
		case r.Open:
			r.broken.add("session %s: %s was answered before the last part of turn %d", r.Name, method, r.Turn)
		}
	})
}

// later runs an update, and returns whether it is a turn that sent something.
func (s *session) later(ctx context.Context) (turn int64, err error) {
	var res wire.TurnResult
	method, params := s.params(false)
	took := s.b.watch(&s.b.update)
	if err := s.call(ctx, method, params, &res); err != nil {
		return 0, err
	}
	took()
	s.answered(method, res)
	return res.Turn, nil
}

// end tears the session down.
func (s *session) end(ctx context.Context) error {
	return s.call(ctx, wire.MethodTeardown, wire.SessionParams{Session: s.rec.Name}, nil)
}

// code returns the code of a plugin's error answer, 0 if err is none.
func code(err error) int {
	var answer *pluginhost.CallError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

// figures returns what was measured.
func (b *bench) figures() Figures {
	return Figures{
		Resources: len(b.seen.scan), StartSeconds: b.started.Seconds(), ScanSeconds: middle(b.first).Seconds(),
		UpdateSeconds: middle(b.update).Seconds(), Memory: b.memory, Growth: b.growth,
		Descriptors: b.descriptors, Threads: b.threads,
	}
}

func middle(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// with returns attributes with some of them replaced.
func with[M ~map[string]V, V any](attributes, other M) M {
	out := make(M, len(attributes)+len(other))
	maps.Copy(out, attributes)
	maps.Copy(out, other)
	return out
}
