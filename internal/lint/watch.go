package lint

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// severities in falling order, with the member names of the manifest.
var severities = []string{"error", "warn", "info"}

func bounds(c *wire.Condition) []*float64 {
	return []*float64{c.ErrorBound, c.WarnBound, c.InfoBound}
}

func states(c *wire.Condition) [][]json.RawMessage {
	return [][]json.RawMessage{c.ErrorStates, c.WarnStates, c.InfoStates}
}

// watches reports for each severity whether the condition watches for it.
func watches(c *wire.Condition) [3]bool {
	b, s := bounds(c), states(c)
	var out [3]bool
	for i := range out {
		out[i] = b[i] != nil || len(s[i]) > 0
	}
	return out
}

func (l *linter) condition(c *wire.Class, cond *wire.Condition, place string) {
	say := func(rule wire.Rule, fix, format string, args ...any) {
		l.say(rule, cond.Attribute, place, fix, format, args...)
	}
	if cond.Message == "" {
		say(wire.RuleMessageMissing, "say what is wrong with the hardware, for the operator who reads the alert",
			"an alert condition has no message")
	}
	if cond.ID != "" && !l.needsID(c, cond) {
		say(wire.RuleIDNotNeeded, "leave the id out", "the alert condition has the id %q, but no other one watches %s", cond.ID, cond.Attribute)
	}
	if watches(cond) == [3]bool{} {
		say(wire.RuleConditionEmpty, "give it states or bounds", "the alert condition watches for nothing")
	}
	a, s := attribute(c, cond.Attribute), statistic(c, cond.Attribute)
	kind := ""
	switch {
	case a != nil:
		kind = a.Kind
	case s != nil:
		kind = s.Kind
	default:
		return // the server's own check tells it
	}
	if cond.Kind == wire.ConditionValue {
		if slices.Contains([]string{wire.KindReference, wire.KindPassword, wire.KindHistogram}, kind) {
			say(wire.RuleConditionKind, "", "an alert condition cannot watch values of kind %s", kind)
		}
		l.states(cond, a, say)
		return
	}
	if !slices.Contains([]string{wire.KindInteger, wire.KindBytes, wire.KindFloat, wire.KindGauge, wire.KindCounter, wire.KindEnum}, kind) {
		say(wire.RuleConditionKind, "", "a bound needs a number, but %s is of kind %s", cond.Attribute, kind)
		return
	}
	l.bounds(cond, a, say)
}

// needsID reports whether another condition watches the same: then an id is what
// the guide asks for, though only a common severity makes it necessary.
func (l *linter) needsID(c *wire.Class, cond *wire.Condition) bool {
	for i := range c.Conditions {
		if o := &c.Conditions[i]; o != cond && o.Attribute == cond.Attribute {
			return true
		}
	}
	return false
}

type sayer func(rule wire.Rule, fix, format string, args ...any)

func (l *linter) states(cond *wire.Condition, a *wire.Attribute, say sayer) {
	where := map[string]string{}
	for i, list := range states(cond) {
		for _, raw := range list {
			text := string(raw)
			if a != nil && a.Kind == wire.KindEnum && !slices.ContainsFunc(a.Options, func(o json.RawMessage) bool { return string(o) == text }) {
				say(wire.RuleConditionState, "", "the alert condition watches for %s, which is no option of %s", text, a.Name)
			}
			if other, ok := where[text]; ok {
				say(wire.RuleStateRepeats, "keep it in one of them", "%s stands in %s_states and in %s_states: it raises two alerts", text, other, severities[i])
			}
			where[text] = severities[i]
		}
	}
}

func (l *linter) bounds(cond *wire.Condition, a *wire.Attribute, say sayer) {
	upper := cond.Kind == wire.ConditionUpper
	beyond := map[bool]string{true: "above", false: "below"}[upper]
	last, lastName := (*float64)(nil), ""
	for i, b := range bounds(cond) {
		if b == nil {
			continue
		}
		name := severities[i] + "_bound"
		if last != nil && (upper && *b >= *last || !upper && *b <= *last) {
			say(wire.RuleBoundOrder, "exchange the bounds", "%s %v begins no earlier than %s %v: a lesser severity should be reached first",
				name, *b, lastName, *last)
		}
		last, lastName = b, name
		if a == nil {
			continue
		}
		never := upper && a.Max != nil && *b >= *a.Max || !upper && a.Min != nil && *b <= *a.Min
		always := upper && a.Min != nil && *b < *a.Min || !upper && a.Max != nil && *b > *a.Max
		switch {
		case never:
			say(wire.RuleBoundNever, "choose a bound within the values of the attribute", "%s %v can never be passed: no value of %s is %s it", name, *b, a.Name, beyond)
		case always:
			say(wire.RuleBoundNever, "choose a bound within the values of the attribute", "%s %v is always passed: every value of %s is %s it", name, *b, a.Name, beyond)
		}
	}
}

func (l *linter) charts(c *wire.Class) {
	charted, titles := map[string]bool{}, map[string]bool{}
	for i, ch := range c.Charts {
		place := fmt.Sprintf("charts.%d", i)
		if titles[ch.Title] {
			l.say(wire.RuleChartRepeats, "", place, "give one of them another title", "two charts have the title %q", ch.Title)
		}
		titles[ch.Title] = true
		var units []string
		histograms, inChart := 0, map[string]bool{}
		for _, name := range ch.Series {
			s := statistic(c, name)
			if s == nil {
				return // the server's own check tells it
			}
			if inChart[name] {
				l.say(wire.RuleChartRepeats, name, place, "name it once", "chart %q names %s twice", ch.Title, name)
			}
			inChart[name], charted[name] = true, true
			if s.Kind == wire.KindHistogram {
				histograms++
			}
			if !slices.Contains(units, s.Unit) {
				units = append(units, s.Unit)
			}
		}
		if histograms != 0 && histograms != len(ch.Series) {
			l.say(wire.RuleChartMixed, "", place, "declare one chart for the histograms and one for the rest", "chart %q mixes time series and histograms", ch.Title)
		}
		if len(units) > 2 {
			l.say(wire.RuleChartUnits, "", place, "split it into charts of two units", "chart %q has %d different units, %q; at most two fit",
				ch.Title, len(units), units)
		}
	}
	for _, s := range c.Statistics {
		if len(c.Charts) > 0 && !charted[s.Name] {
			l.say(wire.RuleUncharted, s.Name, "", "add it to a chart, or give it one of its own",
				"is on none of the charts of the class: where charts are declared, nobody sees other statistics")
		}
	}
}
