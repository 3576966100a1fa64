package conform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// secrets scans with passwords that nobody else would write, and looks for
// those, and for the given ones, in everything that the plugin wrote.
func (b *bench) secrets(ctx context.Context) verdict {
	canaries := map[string]json.RawMessage{}
	var short []string
	for _, a := range b.class.Attributes {
		if a.Kind != wire.KindPassword {
			continue
		}
		value := "canary-" + strings.ToLower(rand.Text()[:12])
		if a.MaxLength != nil && *a.MaxLength < len(value) {
			value = strings.ToLower(rand.Text())[:max(0, min(*a.MaxLength, 16))]
		}
		raw, err := json.Marshal(value)
		if err != nil || !b.rec.look(a.Name, value) {
			short = append(short, a.Name)
			continue
		}
		canaries[a.Name] = raw
	}
	if len(canaries) == 0 && len(short) > 0 {
		return skipped("passwords are too short to be told from other text: %s", strings.Join(short, ", "))
	}
	if len(canaries) == 0 {
		return skipped("%s has no password", b.class.Name)
	}
	p, err := b.process(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	note := "the plugin refuses the canary"
	if attributes, err := b.store(ctx, p, with(b.typed, canaries)); err == nil {
		if s, err := b.open(ctx, p, attributes); err == nil {
			note = "a scan with a wrong password fails"
			if err := s.scan(ctx); err == nil {
				note = "a scan with another password succeeds"
				if s.updates {
					_, _ = s.later(ctx) // only what it writes matters
				}
			}
			_ = s.end(ctx)
		}
	}
	// The process says the rest when it ends.
	b.stop(ctx)
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	return judge(unique(b.rec.leaked), note)
}

// unique leaves repeated findings out.
func unique(f findings) []string {
	var out []string
	for _, text := range f {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func (b *bench) stdout(context.Context) verdict {
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	note := count(b.rec.lines, "line")
	if b.rec.printed > 0 {
		note = fmt.Sprintf("%s; the plugin prints: %s became log records", note, count(b.rec.printed, "line"))
	}
	return judge(unique(b.rec.stray), note)
}

func (b *bench) batches(context.Context) verdict {
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	seen := slices.Clone(b.rec.lost)
	turns := 0
	for _, r := range b.rec.sorted() {
		seen = append(seen, r.broken...)
		turns += int(r.Turn)
		if r.Open && r.scanned && r.closed { // else a scan failed or its process ended
			seen.add("session %s: turn %d has no last part", r.Name, r.Turn)
		}
	}
	return judge(seen, fmt.Sprintf("%s in %s", count(turns, "turn"), count(len(b.rec.records), "session")))
}

func (b *bench) noCycles(context.Context) verdict {
	b.rec.mu.Lock()
	defer b.rec.mu.Unlock()
	var seen findings
	for _, r := range b.rec.sorted() {
		seen = append(seen, r.circular...)
	}
	return judge(seen, "")
}

// accepted has a server take what the plugin reports.
func (b *bench) accepted(ctx context.Context) verdict {
	for _, other := range []string{"batches", "no-cycles"} {
		if b.failed[other] {
			return skipped("a server refuses it: see %s", other)
		}
	}
	switch {
	case b.o.Agent != nil:
		return skipped("it is fed by agent data")
	case b.o.Accept == nil:
		return skipped("no server was given to take it")
	}
	if err := b.o.Accept(ctx); err != nil {
		return judge([]string{err.Error()}, "")
	}
	return passed("")
}
