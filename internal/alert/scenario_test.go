package alert_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// TestScenarios runs testdata/*.txt; testdata/README.md has the language.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runScenario(t, f) })
		})
	}
}

func runScenario(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc := &scenario{t: t, w: newWorld(t, nil), ids: map[string]resource.ID{}}
	sc.w.clock = true
	sc.w.up()
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := sc.line(line); err != nil {
			t.Fatalf("%s:%d: %s: %v", file, n, strings.TrimSpace(line), err)
		}
	}
	sc.endBlock()
}

type scenario struct {
	t   *testing.T
	w   *world
	ids map[string]resource.ID
	// block is "load" or "together" while its indented lines are read.
	block string
	// told is the Seq of the last alert that "want events" has seen.
	told uint64
}

func (sc *scenario) line(line string) error {
	words, err := split(line)
	if err != nil {
		return err
	}
	indented := line[0] == ' ' || line[0] == '\t'
	if !indented {
		sc.endBlock()
	}
	switch {
	case indented && sc.block == "load":
		return sc.create(words)
	case indented && sc.block == "together":
		return sc.change(words)
	case indented:
		return fmt.Errorf("an indented line needs load or together above it")
	case words[0] == "load" && len(words) == 2 && words[1] == "acme", words[0] == "together" && len(words) == 1:
		sc.block = words[0]
		return nil
	case words[0] == "want":
		return sc.want(words[1:])
	}
	if err := sc.change(words); err != nil {
		return err
	}
	sc.w.tell()
	return nil
}

// endBlock publishes what an indented block changed, as one.
func (sc *scenario) endBlock() {
	if sc.block != "" {
		sc.block = ""
		sc.w.tell()
	}
}

func (sc *scenario) id(name string) (resource.ID, error) {
	id, ok := sc.ids[name]
	if !ok {
		return 0, fmt.Errorf("there is no %s", name)
	}
	return id, nil
}

// create handles "Class name attribute=value ... < parent ...".
func (sc *scenario) create(words []string) error {
	if len(words) < 2 || acme[words[0]] == nil {
		return fmt.Errorf("want a class and a name")
	}
	values := map[string]resource.Value{}
	var parents []resource.ID
	for i, w := range words[2:] {
		if w == "<" {
			for _, p := range words[2+i+1:] {
				id, err := sc.id(p)
				if err != nil {
					return err
				}
				parents = append(parents, id)
			}
			break
		}
		name, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("want attribute=value, not %q", w)
		}
		values[name] = value(v)
	}
	sc.ids[words[1]] = sc.w.create(acme[words[0]], words[1], values, parents...)
	return nil
}

func (sc *scenario) change(words []string) error {
	switch words[0] {
	case "down":
		sc.w.stop()
		return nil
	case "up":
		sc.w.up()
		return nil
	case "restart":
		sc.w.stop()
		sc.w.up()
		return nil
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		time.Sleep(d) // of the bubble: it takes no time
		synctest.Wait()
		return nil
	case "unload", "reload":
		sc.w.unknown[words[1]] = words[0] == "unload"
		return nil
	case "add":
		return sc.create(words[1:])
	}
	if len(words) < 2 {
		return fmt.Errorf("unknown line")
	}
	id, err := sc.id(words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "set", "sample":
		for _, w := range words[2:] {
			name, v, _ := strings.Cut(w, "=")
			if words[0] == "set" {
				sc.w.set(id, name, value(v))
				continue
			}
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return err
			}
			sc.w.sample(id, name, n)
		}
	case "offline":
		sc.w.state(id, resource.RootState{Offline: true, Error: strings.Join(words[2:], " ")})
	case "online":
		sc.w.state(id, resource.RootState{Live: true})
	case "ack", "unack":
		var which resource.AlertSelection
		for _, a := range sc.w.stage.Own(id) {
			which.IDs = append(which.IDs, a.ID)
		}
		if words[0] == "unack" {
			_, err = sc.w.stage.Unacknowledge(sc.t.Context(), which)
		} else {
			_, err = sc.w.stage.Acknowledge(sc.t.Context(), which, words[2], strings.Join(words[3:], " "))
		}
		return err
	case "name":
		sc.w.alias(id, words[2])
	case "rm":
		sc.w.remove(id)
	case "link", "unlink": // child < parent
		parent, err := sc.id(words[3])
		if err != nil {
			return err
		}
		if words[0] == "link" {
			sc.w.link(parent, id)
		} else {
			sc.w.unlink(parent, id)
		}
	default:
		return fmt.Errorf("unknown line")
	}
	return nil
}

func (sc *scenario) want(words []string) error {
	if words[0] == "events" {
		return sc.wantEvents(words[1:])
	}
	id, err := sc.id(words[1])
	if err != nil {
		return err
	}
	s := sc.w.stage
	var got, want string
	switch words[0] {
	case "alert", "text":
		sev, _ := resource.ParseSeverity(words[2])
		for _, a := range s.Own(id) {
			if text := map[string]string{"alert": a.Message, "text": a.Text}[words[0]]; a.Severity == sev && text == words[3] {
				return nil
			}
		}
		got, want = strings.Join(sc.w.active(id), "; "), strings.Join(words[2:], " ")
	case "alerts":
		got, want = strconv.Itoa(len(s.Own(id))), words[2]
	case "pending":
		n := 0
		if _, _, err := sc.w.store.LoadAlerts(sc.t.Context(), func(*resource.Alert) error { return nil }, func(p *resource.PendingAlert) error {
			if p.Resource == id {
				n++
			}
			return nil
		}); err != nil {
			return err
		}
		got, want = strconv.Itoa(n), words[2]
	case "held", "age", "acked": // of the alert that comes first
		a := &resource.Alert{}
		if own := s.Own(id); len(own) > 0 {
			a = own[0]
		}
		want = strings.Join(words[2:], " ")
		switch words[0] {
		case "held":
			got = a.Began.Sub(a.Since).String()
		case "age":
			got = time.Since(a.Began).String()
		default:
			got = strings.TrimSpace(a.Ack.User + " " + a.Ack.Comment)
		}
	case "ended":
		no := false
		page, err := s.List(resource.AlertQuery{Resource: id, Active: &no})
		if err != nil {
			return err
		}
		got, want = strconv.Itoa(len(page.Items)), words[2]
	case "health":
		got, want = s.Health(id).String(), strings.Join(words[2:], " ")
		if all := append(slices.Clone(s.Own(id)), s.Inherited(id)...); len(words) > 3 && len(all) > 0 {
			slices.SortStableFunc(all, func(a, b *resource.Alert) int { return int(b.Severity) - int(a.Severity) })
			got += " by " + sc.nameOf(all[0].Resource)
		}
	case "affected":
		own := s.Own(id)
		if len(own) == 0 {
			return fmt.Errorf("it has no alert")
		}
		counts, fs := s.Affected(own[0])
		var parts []string
		for c, n := range counts {
			parts = append(parts, fmt.Sprintf("%s=%d", c, n))
		}
		slices.Sort(parts)
		for _, f := range fs {
			parts = append(parts, sc.nameOf(f))
		}
		got, want = strings.Join(parts, " "), strings.Join(words[2:], " ")
	default:
		return fmt.Errorf("unknown line")
	}
	if got != want {
		return fmt.Errorf("got %q", got)
	}
	return nil
}

func (sc *scenario) nameOf(id resource.ID) string {
	for n, i := range sc.ids {
		if i == id {
			return n
		}
	}
	return fmt.Sprint(id)
}

// wantEvents compares what subscribers were told since the last time: "+d1" for
// an alert of d1 that began, "-d1" for one that ended.
func (sc *scenario) wantEvents(want []string) error {
	ctx, cancel := context.WithCancel(sc.t.Context())
	defer cancel()
	var got []string
	last := sc.w.stage.Seq()
	if sc.told > last {
		return fmt.Errorf("the order went back from %d to %d", sc.told, last)
	}
	for sc.told < last {
		for list, err := range sc.w.stage.Since(ctx, sc.told) {
			if err != nil {
				return err
			}
			for _, a := range list {
				if a.Seq != sc.told+1 {
					return fmt.Errorf("seq %d follows %d", a.Seq, sc.told)
				}
				sign := "-"
				if a.Active() {
					sign = "+"
				}
				got = append(got, sign+sc.nameOf(a.Resource))
				sc.told = a.Seq
			}
			break
		}
	}
	if want[0] == "none" {
		want = nil
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got %v", got)
	}
	return nil
}

// value reads null, a number or a text; text:5 is the text "5".
func value(s string) resource.Value {
	if s == "null" {
		return resource.Null
	}
	if t, ok := strings.CutPrefix(s, "text:"); ok {
		return resource.StringValue(t)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return resource.IntValue(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return resource.FloatValue(f)
	}
	return resource.StringValue(s)
}

// split splits a line into words; a quoted part is one word.
func split(line string) ([]string, error) {
	var out []string
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == '"' {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("unfinished quotation")
			}
			word, err := strconv.Unquote(q)
			if err != nil {
				return nil, err
			}
			out, rest = append(out, word), rest[len(q):]
			continue
		}
		word, more, _ := strings.Cut(rest, " ")
		out, rest = append(out, word), more
	}
	return out, nil
}
