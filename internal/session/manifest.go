package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Classes turns what a plugin declares into classes. SDKs check declarations
// in the author's words; this check is the server's own, so that no manifest
// can harm it. All problems are returned at once, joined.
func Classes(plugin string, m wire.Manifest) ([]*resource.Class, error) {
	var errs []error
	if m.APIVersion != wire.APIVersion {
		errs = append(errs, &Misdeclared{plugin, wire.Problem{Code: wire.RuleVersionUnsupported,
			Text: fmt.Sprintf("the plugin is written for version %d of the plugin interface; this server has version %d", m.APIVersion, wire.APIVersion)}})
	}
	classes := make([]*resource.Class, 0, len(m.Classes))
	seen := map[string]bool{}
	for i := range m.Classes {
		d := &declaration{plugin: plugin, in: &m.Classes[i]}
		if seen[d.in.Name] {
			d.problem(wire.RuleClassTwice, "", "is declared twice")
		}
		seen[d.in.Name] = true
		classes = append(classes, d.class())
		errs = append(errs, d.errs...)
	}
	return classes, errors.Join(errs...)
}

// declaration reads one class of a manifest.
type declaration struct {
	plugin string
	in     *wire.Class
	errs   []error
}

func (d *declaration) problem(rule wire.Rule, member, format string, args ...any) {
	where := d.in.Name
	if member != "" {
		where += "." + member
	}
	d.errs = append(d.errs, &Misdeclared{d.plugin, wire.Problem{Where: where, Text: fmt.Sprintf(format, args...), Code: rule}})
}

// Misdeclared is one thing wrong with a manifest.
type Misdeclared struct {
	Plugin string
	wire.Problem
}

// Error names plugin, class and member.
func (e *Misdeclared) Error() string {
	where := e.Plugin
	if e.Where != "" {
		where += "." + e.Where
	}
	return where + ": " + e.Text
}

func (d *declaration) class() *resource.Class {
	c := &resource.Class{
		Plugin: d.plugin, Name: d.in.Name, OwnLabel: d.in.Label, Bases: d.in.Bases,
		IDScope: resource.IDScope(d.in.Identifier.Scope), IDNames: d.in.Identifier.Attributes,
		NotForTargets: d.in.NotForTargets,
	}
	if !isIdentifier(c.Name) {
		d.problem(wire.RuleClassName, "", "the name of a class is letters, digits and underscores")
	}
	if len(c.Bases) == 0 || c.Bases[len(c.Bases)-1] != resource.BaseResource {
		d.problem(wire.RuleEmbedWrong, "", "the bases of a class end with %s", resource.BaseResource)
	}
	names := map[string]bool{}
	unique := func(name string) {
		if !isIdentifier(name) {
			d.problem(wire.RuleMemberName, name, "the name of an attribute or statistic is letters, digits and underscores")
		}
		if names[name] {
			d.problem(wire.RuleMemberTwice, name, "is declared twice")
		}
		names[name] = true
	}
	for i := range d.in.Attributes {
		unique(d.in.Attributes[i].Name)
		c.Attributes = append(c.Attributes, d.attribute(&d.in.Attributes[i]))
	}
	for i := range d.in.Statistics {
		unique(d.in.Statistics[i].Name)
		c.Statistics = append(c.Statistics, d.statistic(&d.in.Statistics[i]))
	}
	c.Index()
	d.renamed(c)
	d.identifier(c)
	for i := range d.in.Conditions {
		c.Conditions = append(c.Conditions, d.condition(c, &d.in.Conditions[i]))
	}
	for _, r := range d.in.Relations {
		if len(r.Attributes) == 0 {
			d.problem(wire.RuleRelationForm, "", "the relation to %s names no attribute, and would link everything with everything", r.Class)
		}
		for _, n := range r.Attributes {
			if c.Attr(n) < 0 {
				d.problem(wire.RuleRelationAttribute, n, "a relation names this attribute, which the class does not have")
			}
		}
		c.Relations = append(c.Relations, resource.Relation{
			Provide: r.Kind == wire.RelationProvide, Plugin: r.Plugin, Class: r.Class, Attributes: r.Attributes, IgnoreCase: r.IgnoreCase,
		})
	}
	d.target(c)
	for _, ch := range d.in.Charts {
		for _, n := range ch.Series {
			if c.Stat(n) < 0 {
				d.problem(wire.RuleChartUnknown, n, "chart %q names this statistic, which the class does not have", ch.Title)
			}
		}
		c.Charts = append(c.Charts, resource.Chart{Title: ch.Title, Series: ch.Series})
	}
	return c
}

// target reads what scans of the class talk to.
func (d *declaration) target(c *resource.Class) {
	t := d.in.Target
	if t == nil {
		return
	}
	i := c.Attr(t.Attribute)
	switch {
	case !c.Scannable():
		d.problem(wire.RuleTargetWrong, t.Attribute, "the target is of a class that nobody scans")
	case i < 0:
		d.problem(wire.RuleTargetWrong, t.Attribute, "the target names this attribute, which the class does not have")
	case c.Attributes[i].Kind != resource.String && c.Attributes[i].Kind != resource.Hostname && c.Attributes[i].Kind != resource.Path:
		d.problem(wire.RuleTargetWrong, t.Attribute, "the target names this attribute, which is no text")
	}
	if t.Concurrency < 0 || !(t.MinInterval >= 0 && t.MinInterval <= wire.MaxMinInterval) || t.Concurrency == 0 && t.MinInterval == 0 {
		d.problem(wire.RuleTargetWrong, t.Attribute, "the bounds of the target are a concurrency of %d and an interval of %v s; there must be one at least, none negative, and the interval at most a day", t.Concurrency, t.MinInterval)
	}
	c.Target = &resource.Target{Attribute: t.Attribute, Concurrency: t.Concurrency, MinInterval: time.Duration(t.MinInterval * float64(time.Second))}
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

// renamed checks that every older name leads to one attribute.
func (d *declaration) renamed(c *resource.Class) {
	by := map[string]string{}
	for i := range c.Attributes {
		a := &c.Attributes[i]
		for _, old := range a.RenamedFrom {
			switch other, taken := by[old]; {
			case c.Attr(old) >= 0:
				d.problem(wire.RuleRenamed, a.Name, "it is said to have been called %s, which the class still declares and which keeps its own values", old)
			case !isIdentifier(old):
				d.problem(wire.RuleRenamed, a.Name, "it is said to have been called %q, which is no name", old)
			case taken:
				d.problem(wire.RuleRenamed, a.Name, "it is said to have been called %s, and so is %s; only one can take the values over", old, other)
			}
			by[old] = a.Name
		}
	}
}

func (d *declaration) identifier(c *resource.Class) {
	switch c.IDScope {
	case resource.Auto:
		if !c.Scannable() {
			d.problem(wire.RuleAutoIDNotRoot, "", "AutoId is for scannable classes only")
		}
		if len(c.IDNames) > 0 {
			d.problem(wire.RuleIdentifierMixed, "", "AutoId names no attributes")
		}
	case resource.Global, resource.Scoped:
		if len(c.IDNames) == 0 {
			d.problem(wire.RuleIdentifierEmpty, "", "the identifier names no attribute")
		}
		if c.IDScope == resource.Scoped && c.Root() {
			d.problem(wire.RuleScopedRoot, "", "a scannable class needs a GlobalId or an AutoId: a ScopedId would be unique only within itself")
		}
	default:
		d.problem(wire.RuleIdentifierMissing, "", "the class has no identifier")
	}
	for k, n := range c.IDNames {
		switch i := c.Attr(n); {
		case i < 0:
			d.problem(wire.RuleIdentifierUnknown, n, "the identifier names this attribute, which the class does not have")
		case slices.Contains(c.IDNames[:k], n):
			d.problem(wire.RuleIdentifierTwice, n, "the identifier names this attribute twice")
		case c.Attributes[i].Kind == resource.Password:
			d.problem(wire.RuleIdentifierPassword, n, "a password cannot identify a resource: identifiers and labels can be seen")
		}
	}
}

func (d *declaration) attribute(in *wire.Attribute) resource.Attribute {
	a := resource.Attribute{
		Name: in.Name, OwnLabel: in.Label, Optional: in.Optional, Hidden: in.Hidden, ReadOnly: in.ReadOnly,
		RenamedFrom: in.RenamedFrom, DefaultComputed: in.DefaultComputed, Min: in.Min, Max: in.Max, MaxLength: in.MaxLength,
	}
	var ok bool
	if a.Kind, ok = resource.ParseKind(in.Kind); !ok {
		d.problem(wire.RuleAttributeType, in.Name, "unknown kind %q", in.Kind)
		return a
	}
	a.Options = d.values(in.Name, in.Options)
	if a.Kind == resource.Enum && len(a.Options) == 0 {
		d.problem(wire.RuleEnumOptions, in.Name, "an enum needs at least one option")
	}
	if a.ReadOnly && !a.Optional {
		d.problem(wire.RuleReadOnlyMandatory, in.Name, "what users cannot set must be optional")
	}
	if len(in.Default) > 0 {
		v, err := a.Parse(in.Default)
		if err == nil {
			err = a.Check(v)
		}
		if err != nil {
			d.problem(wire.RuleDefaultInvalid, in.Name, "the default: %v", err)
		}
		a.Default = v
	}
	return a
}

func (d *declaration) statistic(in *wire.Statistic) resource.Statistic {
	s := resource.Statistic{
		Name: in.Name, Kind: resource.StatKind(in.Kind), OwnLabel: in.Label, Unit: in.Unit, SamplePeriod: in.SamplePeriod, Bins: in.Bins,
	}
	switch s.Kind {
	case resource.Gauge, resource.Counter:
	case resource.Histogram:
		if len(s.Bins) == 0 {
			d.problem(wire.RuleBins, in.Name, "a histogram needs bins")
		}
		for _, b := range s.Bins {
			if len(b) != 1 && len(b) != 2 {
				d.problem(wire.RuleBins, in.Name, "a bin is [low, high] or [low]")
			}
		}
	default:
		d.problem(wire.RuleAttributeType, in.Name, "unknown kind %q", in.Kind)
	}
	return s
}

func (d *declaration) condition(c *resource.Class, in *wire.Condition) resource.Condition {
	out := resource.Condition{ID: in.ID, Kind: resource.ConditionKind(in.Kind), Attribute: in.Attribute, Message: in.Message, Detail: in.Detail}
	if i := c.Attr(in.Detail); in.Detail != "" && (i < 0 || c.Attributes[i].Kind != resource.String) {
		d.problem(wire.RuleConditionUnknown, in.Detail, "an alert condition adds this to its message, which is no string attribute of the class")
	}
	stat := c.Stat(in.Attribute)
	if c.Attr(in.Attribute) < 0 && (stat < 0 || c.Statistics[stat].Kind == resource.Histogram) {
		d.problem(wire.RuleConditionUnknown, in.Attribute, "an alert condition watches this, which is no attribute, gauge or counter of the class")
	}
	switch out.Kind {
	case resource.ValueCondition:
		out.States = map[resource.Severity][]resource.Value{}
		for s, raw := range map[resource.Severity][]json.RawMessage{
			resource.Error: in.ErrorStates, resource.Warning: in.WarnStates, resource.Info: in.InfoStates,
		} {
			if len(raw) > 0 {
				out.States[s] = d.values(in.Attribute, raw)
			}
		}
	case resource.UpperBound, resource.LowerBound:
		out.Bounds = map[resource.Severity]float64{}
		for s, b := range map[resource.Severity]*float64{
			resource.Error: in.ErrorBound, resource.Warning: in.WarnBound, resource.Info: in.InfoBound,
		} {
			if b != nil {
				out.Bounds[s] = *b
			}
		}
	default:
		d.problem(wire.RuleConditionOption, in.Attribute, "unknown kind of alert condition %q", in.Kind)
	}
	d.thresholds(in, &out)
	if slices.ContainsFunc(c.Conditions, func(o resource.Condition) bool {
		return o.Name() == out.Name() && o.Attribute == out.Attribute && sharesSeverity(&o, &out)
	}) {
		d.problem(wire.RuleConditionClash, in.Attribute, "two alert conditions on this attribute cannot be told apart; give each its own id")
	}
	return out
}

// thresholds reads the duration and the clear thresholds of a condition.
func (d *declaration) thresholds(in *wire.Condition, out *resource.Condition) {
	if in.ForSeconds < 0 || in.ForSeconds > wire.MaxForSeconds {
		d.problem(wire.RuleConditionOption, in.Attribute, "the for_seconds of an alert condition is %v; it must be from 0 to %d", in.ForSeconds, wire.MaxForSeconds)
	} else {
		out.For = time.Duration(in.ForSeconds * float64(time.Second))
	}
	for _, s := range []struct {
		name     string
		severity resource.Severity
		at       *float64
	}{{"error", resource.Error, in.ErrorClear}, {"warn", resource.Warning, in.WarnClear}, {"info", resource.Info, in.InfoClear}} {
		if s.at == nil {
			continue
		}
		bound, ok := out.Bounds[s.severity]
		switch {
		case out.Kind == resource.ValueCondition:
			d.problem(wire.RuleConditionOption, in.Attribute, "a value condition has no %s_clear; only a bound has", s.name)
		case !ok:
			d.problem(wire.RuleConditionOption, in.Attribute, "%s_clear without %s_bound: a clear threshold needs the bound that it clears", s.name, s.name)
		case out.Kind == resource.UpperBound && *s.at > bound, out.Kind == resource.LowerBound && *s.at < bound:
			d.problem(wire.RuleConditionOption, in.Attribute, "%s_clear %v is beyond %s_bound %v; it must be on the fine side of the bound, or equal to it", s.name, *s.at, s.name, bound)
		default:
			if out.Clear == nil {
				out.Clear = map[resource.Severity]float64{}
			}
			out.Clear[s.severity] = *s.at
		}
	}
}

func sharesSeverity(a, b *resource.Condition) bool {
	return slices.ContainsFunc(resource.Severities, func(s resource.Severity) bool { return a.Watches(s) && b.Watches(s) })
}

func (d *declaration) values(member string, raw []json.RawMessage) []resource.Value {
	var out []resource.Value
	for _, r := range raw {
		v, err := resource.ParseScalar(r)
		if err != nil || v.IsNull() {
			d.problem(wire.RuleOptionValue, member, "%s is no string, number or boolean", r)
			continue
		}
		out = append(out, v)
	}
	return out
}
