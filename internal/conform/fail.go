package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Where nothing answers: a port that no service has, and a name that no name
// server may ever know (RFC 6761).
const (
	deadHost = "127.0.0.1"
	deadPort = 1
	noHost   = "nowhere.invalid"
)

// failing is the session whose first hook was to fail.
type failing struct {
	session *session
	err     error // of the hook
}

// unreachable scans a root at which nothing answers.
func (b *bench) unreachable(ctx context.Context) verdict {
	other := b.o.Unreachable
	if other == nil {
		other = b.deadEnds()
	}
	if len(other) == 0 {
		return skipped("no attribute of %s looks like an address; name one with --unreachable", b.class.Name)
	}
	p, err := b.process(ctx)
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	attributes, err := b.store(ctx, p, with(b.typed, other))
	if err != nil {
		return judge([]string{err.Error()}, "")
	}
	what := fmt.Sprintf("a root with %s", valuesOf(other))
	s, err := b.open(ctx, p, attributes)
	began := time.Now()
	if err == nil {
		method, params := s.params(true)
		err = s.call(ctx, method, params, nil)
	}
	took := time.Since(began)
	switch {
	case err == nil && len(b.seen.scan) <= 1:
		_ = s.end(ctx)
		return skipped("the plugin reports nothing for the given root either, so that nothing can be lost")
	case err == nil:
		_ = s.end(ctx)
		return judge([]string{what + " was scanned without an error"}, "")
	case ended(err):
		return judge([]string{what + ": " + err.Error()}, "")
	case code(err) == 0:
		return judge([]string{what + ": no error answer: " + err.Error()}, "")
	}
	b.failing = &failing{s, err}
	return passed("after %v: %s", took.Round(time.Millisecond), oneLine(err.Error()))
}

func oneLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if r := []rune(line); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return line
}

func valuesOf(attributes map[string]json.RawMessage) string {
	var list []string
	for name, v := range attributes {
		list = append(list, name+"="+strings.Trim(string(v), `"`))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// deadEnds returns the attributes that say where the hardware is, with values
// that lead nowhere.
func (b *bench) deadEnds() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	set := func(name string, v any) {
		if raw, err := json.Marshal(v); err == nil {
			out[name] = raw
		}
	}
	port := ""
	for _, a := range b.class.Attributes {
		if a.Kind == wire.KindInteger && hasWord(a.Name, "port") && !a.ReadOnly {
			port = a.Name
		}
	}
	host := noHost
	if port != "" {
		host = deadHost
	}
	for _, a := range b.class.Attributes {
		text := textOf(b.stored[a.Name])
		switch {
		case text == "" || a.ReadOnly:
		case a.Kind == wire.KindHostname:
			set(a.Name, host)
		case a.Kind != wire.KindString:
		case isURL(text):
			u, _ := url.Parse(text)
			u.Host = net.JoinHostPort(deadHost, fmt.Sprint(deadPort))
			set(a.Name, u.String())
		case hasWord(a.Name, "address", "addr", "host", "hostname", "ip", "endpoint", "url", "server", "target"):
			if _, _, err := net.SplitHostPort(text); err == nil {
				set(a.Name, net.JoinHostPort(deadHost, fmt.Sprint(deadPort)))
			} else {
				set(a.Name, host)
			}
		}
	}
	if len(out) > 0 && port != "" {
		set(port, deadPort)
	}
	return out
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != ""
}

// hasWord says whether a name in snake case has one of the words.
func hasWord(name string, words ...string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(name), "_"), func(w string) bool {
		return slices.Contains(words, strings.TrimRight(w, "0123456789"))
	})
}

// failedScan looks at what a failed first hook leaves behind.
func (b *bench) failedScan(ctx context.Context) verdict {
	if b.failing == nil {
		return skipped("no scan could be made to fail: see unreachable")
	}
	s, err := b.failing.session, b.failing.err
	var seen findings
	if c := code(err); c != wire.CodeScanFailed && c != wire.CodeInvalidValue {
		seen.add("the scan failed with error %d (%s); wanted was %d, or %d for a bad value", c, oneLine(err.Error()), wire.CodeScanFailed, wire.CodeInvalidValue)
	}
	b.rec.with(s.rec, func(r *record) {
		if r.Turn > 0 && !r.Open { // parts may have been sent before it failed
			seen.add("the scan that failed sent the last part of a batch with %s", count(len(r.Resources)-1, "resource"))
		}
	})
	method, params := s.params(false)
	if err := s.call(ctx, method, params, nil); err == nil {
		seen.add("%s after a failed first scan was answered with a result", method)
	} else if ended(err) {
		seen.add("%s after a failed first scan: %v", method, err)
	}
	if err := s.end(ctx); err != nil {
		seen.add("teardown after a failed first scan: %v", err)
	}
	good, err := b.scanned(ctx)
	if err != nil {
		seen.add("the given root, after another one failed: %v", err)
		return judge(seen, "")
	}
	if good.p != s.p {
		seen.add("the process ended")
	}
	seen = append(seen, b.compare(good)...)
	_ = good.end(ctx)
	return judge(seen, "")
}
