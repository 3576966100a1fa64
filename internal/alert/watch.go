package alert

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// watch is what a class declares, arranged by what changes.
type watch struct {
	byAttr [][]check // by index of the attribute
	byStat [][]check // by index of the statistic
	// declared has every check of the class.
	declared map[key]*resource.Condition
}

// key identifies a check within a class, and an alert within a resource.
type key struct {
	condition, attribute string
	severity             resource.Severity
}

func keyOf(a *resource.Alert) key { return key{a.Condition, a.Attribute, a.Severity} }

// of returns the key of the alerts of a resource.
func (k key) of(id resource.ID) resource.AlertKey {
	return resource.AlertKey{Resource: id, Condition: k.condition, Attribute: k.attribute, Severity: k.severity}
}

// check is a condition at one severity.
type check struct {
	key
	condition *resource.Condition
}

// compile arranges the conditions of a class. A condition on something that the
// class does not have is never evaluated; sessions refuse such classes.
func compile(c *resource.Class) *watch {
	w := &watch{
		byAttr:   make([][]check, len(c.Attributes)),
		byStat:   make([][]check, len(c.Statistics)),
		declared: make(map[key]*resource.Condition),
	}
	for i := range c.Conditions {
		cond := &c.Conditions[i]
		for _, sev := range resource.Severities {
			_, state := cond.States[sev]
			_, bound := cond.Bounds[sev]
			if !state && !bound {
				continue
			}
			ch := check{key{cond.Name(), cond.Attribute, sev}, cond}
			if w.declared[ch.key] != nil {
				continue // sessions refuse this too: it would raise and end one alert in turn
			}
			if at := c.Attr(cond.Attribute); at >= 0 {
				w.byAttr[at] = append(w.byAttr[at], ch)
			} else if st := c.Stat(cond.Attribute); st >= 0 {
				w.byStat[st] = append(w.byStat[st], ch)
			} else {
				continue
			}
			w.declared[ch.key] = cond
		}
	}
	return w
}

// watch returns the compiled conditions of a class.
func (s *Stage) watch(c *resource.Class) *watch {
	w, ok := s.classes[c]
	if !ok {
		w = compile(c)
		s.classes[c] = w
	}
	return w
}

// message is what an alert of a resource says. v is the value that trips the
// condition.
func message(r *resource.Resource, ch check, v resource.Value, name func(resource.ID) string) string {
	text := headline(r.Class, ch, v, name)
	if i := r.Class.Attr(ch.condition.Detail); i >= 0 && ch.condition.Detail != "" {
		if detail, _ := r.Values[i].Text(); detail != "" {
			text += ": " + detail
		}
	}
	return text
}

// headline is the author's message of a condition, or one that says what holds.
func headline(c *resource.Class, ch check, v resource.Value, name func(resource.ID) string) string {
	if ch.condition.Message != "" {
		return ch.condition.Message
	}
	label, format := ch.attribute, resource.Value.String
	if i := c.Attr(ch.attribute); i >= 0 {
		a := &c.Attributes[i]
		label = a.Label()
		format = func(v resource.Value) string { return a.Format(v, name) }
	} else if i := c.Stat(ch.attribute); i >= 0 {
		st := &c.Statistics[i]
		label = st.Label()
		format = func(v resource.Value) string { return strings.TrimSpace(v.String() + " " + st.Unit) }
	}
	switch ch.condition.Kind {
	case resource.UpperBound:
		return label + " above " + format(number(ch.condition.Bounds[ch.severity]))
	case resource.LowerBound:
		return label + " below " + format(number(ch.condition.Bounds[ch.severity]))
	}
	if text := format(v); text != "" {
		return label + " is " + text
	}
	return label + " has a watched value" // a password, or an empty text
}

// number is a bound as a value, an integer where it is one, so that bytes are
// shown as bytes.
func number(f float64) resource.Value {
	if n := int64(f); float64(n) == f {
		return resource.IntValue(n)
	}
	return resource.FloatValue(f)
}

// text is the frozen text of an alert.
func text(message string, r *resource.Resource) string {
	return fmt.Sprintf("%s (%s, %s)", message, r.Class.Label(), r.Name())
}

// offlineMessage says that a root cannot be reached, and why if that is known.
// The reason may be of any length and have many lines.
func offlineMessage(r *resource.Resource) string {
	const most = 200
	reason, _, _ := strings.Cut(strings.TrimSpace(r.Root.Error), "\n")
	if reason = strings.TrimSpace(reason); reason == "" {
		return "Cannot be reached"
	}
	if runes := []rune(reason); len(runes) > most {
		reason = string(runes[:most]) + "…"
	}
	return "Cannot be reached: " + reason
}

// heldMessage says what a scan lacked and what to do about it.
func heldMessage(r *resource.Resource) string {
	h := r.Root.Held
	return fmt.Sprintf("The last scan lacks %d of %d resources; they stay until a second scan agrees or somebody approves their removal (faultline approve %d)",
		h.Lacking, h.Of, r.ID)
}

// nameOf returns a resource's name for a message.
func (s *Stage) nameOf(id resource.ID) string {
	if r := s.opts.Get(id); r != nil {
		return r.Name()
	}
	return "#" + strconv.FormatInt(int64(id), 10)
}
