package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// updates is how many updates the first session runs. What the first one
// changes may have been left to it by the initial scan; the others find
// nothing new.
const updates = 3

// observation is what the sessions of the check scan and stable-identities saw.
type observation struct {
	scan    state           // after the initial scan
	known   state           // after all updates
	removed map[string]bool // by updates, and not back since
	again   state           // after the initial scan of another session; nil until there is one
	updates bool
	gaps    []string
	quiet   findings // changes that quiet updates made
	// flapped are the attributes that changed meanwhile, as identity and name.
	flapped map[[2]string]bool
	// unstable says that the identities of two sessions differ, so that other
	// checks cannot compare them.
	unstable bool
	// restless says that nothing was removed within the time that there was.
	restless bool
}

// state is what a host knows: what is said of each resource, by identity.
type state map[string]facts

// facts are the values of attributes, of "label" and of "parents", as text in
// which identities stand for handles.
type facts map[string]string

// stateOf returns the state of a session.
func (b *bench) stateOf(s *session) state {
	st := state{}
	b.rec.with(s.rec, func(r *record) {
		for _, res := range r.Sorted() {
			f := facts{"label": res.Label}
			for name, raw := range res.Attributes {
				f[name] = value(r.Session, raw)
			}
			var parents []string
			for _, p := range res.Parents {
				parents = append(parents, r.Identity(p))
			}
			slices.Sort(parents)
			f["parents"] = strings.Join(parents, ", ")
			st[r.Identity(res.Handle)] = f
		}
	})
	return st
}

// value returns a value as text that is the same in every session.
func value(s *mirror.Session, raw json.RawMessage) string {
	if h, ok := mirror.Reference(raw); ok {
		return "→ " + s.Identity(h)
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// scan runs a whole session for the given root.
func (b *bench) scan(ctx context.Context) verdict {
	b.seen.flapped, b.seen.removed = map[[2]string]bool{}, map[string]bool{}
	s, err := b.scanned(ctx)
	if err != nil {
		return judge([]string{"the first hook of a session: " + err.Error()}, "")
	}
	b.seen.scan, b.seen.updates, b.seen.gaps = b.stateOf(s), s.updates, s.gaps
	for i := range updates {
		if !s.updates {
			break
		}
		turn, err := s.later(ctx)
		if err != nil {
			return judge([]string{fmt.Sprintf("update %d of a session: %v", i+1, err)}, "")
		}
		if i > 0 {
			b.quiet(s, i+1, turn)
		}
	}
	if b.o.Remove != nil {
		if v := b.lose(ctx, s); v.status == Fail {
			return v
		}
	}
	b.seen.known = b.stateOf(s)
	b.rec.with(s.rec, func(r *record) { b.seen.removed = maps.Clone(r.Removed) })
	_ = s.end(ctx) // judged by the check teardown
	note := append([]string{count(len(b.seen.scan)-1, "resource")}, s.gaps...)
	return passed("%s", strings.Join(note, "; incomplete: "))
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// quiet notes what an update changed that should have changed nothing.
func (b *bench) quiet(s *session, number int, turn int64) {
	b.rec.with(s.rec, func(r *record) {
		if turn == 0 || r.Turn < turn {
			return
		}
		samples := false
		for _, res := range r.Resources {
			samples = samples || len(res.Samples) > 0
		}
		if len(r.Changes) == 0 && !samples {
			b.seen.quiet.add("update %d sent an empty turn; its answer should be turn 0", number)
		}
		for _, c := range r.Changes {
			id := r.Identity(c.Handle)
			switch {
			case c.Name == "" && c.Op == wire.OpRemove:
				continue // it is known as removed; the check removal looks at it
			case c.Name == "":
				b.seen.quiet.add("update %d reported %s, which was not there before", number, id)
			case string(c.Was) == string(c.Is):
				b.seen.quiet.add("update %d sent %s of %s, which was %s already", number, c.Name, id, c.Is)
			default:
				b.seen.flapped[[2]string{id, c.Name}] = true
				b.seen.quiet.add("update %d changed %s of %s from %s to %s", number, c.Name, id, value(r.Session, c.Was), value(r.Session, c.Is))
			}
		}
	})
}

// lose makes the hardware lose something, and updates until the plugin tells.
func (b *bench) lose(ctx context.Context, s *session) verdict {
	if err := b.o.Remove(ctx); err != nil {
		b.misuse = err
		return passed("")
	}
	deadline := time.Now().Add(b.o.Host.CallTimeout)
	for time.Now().Before(deadline) {
		if _, err := s.later(ctx); err != nil {
			return judge([]string{"an update after the hardware lost something: " + err.Error()}, "")
		}
		done := false
		b.rec.with(s.rec, func(r *record) { done = len(r.Removed) > 0 })
		if done {
			return passed("")
		}
		select { // plugins may ask the hardware only so often
		case <-time.After(100 * time.Millisecond):
		case <-s.rec.turns:
		case <-ctx.Done():
			return passed("")
		}
	}
	b.seen.restless = true
	return passed("")
}

func (b *bench) stableIdentities(ctx context.Context) verdict {
	s, err := b.scanned(ctx)
	if err != nil {
		return judge([]string{"a second session: " + err.Error()}, "")
	}
	b.seen.again = b.stateOf(s)
	_ = s.end(ctx)
	var seen findings
	for _, id := range slices.Sorted(maps.Keys(b.seen.scan)) {
		if b.seen.again[id] == nil && !b.seen.removed[id] {
			seen.add("the first session reported %s, the second did not", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.seen.again)) {
		// What an update of the first session found is not new.
		if b.seen.scan[id] == nil && b.seen.known[id] == nil && !b.seen.removed[id] {
			seen.add("the second session reported %s, the first did not", id)
		}
	}
	b.seen.unstable = len(seen) > 0
	return b.unlessLive(seen, "")
}

// unlessLive is a failure if anything was seen, unless the hardware changes.
func (b *bench) unlessLive(seen findings, note string) verdict {
	if b.o.Live && len(seen) > 0 {
		return passed("%s, which a live device may have: %s", count(len(seen), "difference"), strings.Join(seen[:min(3, len(seen))], "; "))
	}
	return judge(seen, note)
}

func (b *bench) quietUpdate(context.Context) verdict {
	if !b.seen.updates {
		return skipped("the plugin has no update scan")
	}
	return b.unlessLive(b.seen.quiet, "")
}

func (b *bench) completeScan(context.Context) verdict {
	if b.seen.again == nil {
		return skipped("there is no second session: see stable-identities")
	}
	if len(b.seen.gaps) > 0 {
		return skipped("the initial scan says that it is incomplete: %s", strings.Join(b.seen.gaps, "; "))
	}
	var seen findings
	for _, id := range slices.Sorted(maps.Keys(b.seen.known)) {
		knows, again := b.seen.known[id], b.seen.again[id]
		if again == nil {
			if b.seen.scan[id] == nil { // else the check stable-identities tells
				seen.add("an update reported %s, and the next initial scan did not", id)
			}
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(with(knows, again))) {
			if knows[name] != again[name] && !b.seen.flapped[[2]string{id, name}] && !b.mentionsRemoved(knows[name]+again[name]) {
				seen.add("%s of %s was %s after the updates of one session, and is %s after the initial scan of the next", name, id, shown(knows[name]), shown(again[name]))
			}
		}
	}
	return b.unlessLive(seen, "")
}

// mentionsRemoved says whether a text names what an update removed.
func (b *bench) mentionsRemoved(text string) bool {
	for id := range b.seen.removed {
		if strings.Contains(text, id) {
			return true
		}
	}
	return false
}

func shown(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func (b *bench) removal(context.Context) verdict {
	switch {
	case b.seen.restless:
		return judge([]string{fmt.Sprintf("the hardware lost something, and no update within %v removed a resource", b.o.Host.CallTimeout)}, "")
	case len(b.seen.removed) == 0 && !b.seen.updates:
		return skipped("the plugin has no update scan")
	case len(b.seen.removed) == 0:
		return skipped("no update removed anything; --remove COMMAND makes the hardware lose something")
	case b.seen.again == nil:
		return skipped("there is no second session: see stable-identities")
	}
	var seen findings
	for _, id := range slices.Sorted(maps.Keys(b.seen.removed)) {
		if b.seen.again[id] != nil {
			seen.add("an update removed %s, and the next initial scan reports it", id)
		}
	}
	return b.unlessLive(seen, count(len(b.seen.removed), "resource")+" removed")
}
