// Package lint looks through the declarations of a plugin, as they stand in its manifest, for
// what no SDK can or need tell: doubts about what is allowed, what is wrong only
// in the company of other plugins, and what a plugin in another language than
// those of the SDKs may get wrong. It goes by the manifest alone, so each rule is
// written once for plugins in all languages.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Plugin is what is looked through.
type Plugin struct {
	Name     string
	Manifest wire.Manifest
	// Places says where things are declared, as far as that is known; see
	// wire.InitializeResult. Symbols are of no use here: Resolve them first.
	Places map[string]wire.Place
}

// Check returns what can be said of the plugin by itself, in the order of the
// classes. What a class inherits is told once.
func Check(p Plugin) []wire.Problem {
	l := &linter{Plugin: p}
	l.classLabels()
	for i := range p.Manifest.Classes {
		c := &p.Manifest.Classes[i]
		l.class = c
		l.identifier(c)
		l.members(c)
		l.bases(c)
		for k := range c.Conditions {
			l.condition(c, &c.Conditions[k], fmt.Sprintf("alert_conditions.%d", k))
		}
		l.charts(c)
	}
	return l.problems
}

// linter collects problems.
type linter struct {
	Plugin

	class    *wire.Class
	problems []wire.Problem
}

// say notes a problem of a member of the present class; place names the
// declaration in Places, by default the member. Either may be empty.
func (l *linter) say(rule wire.Rule, member, place, fix, format string, args ...any) {
	p := wire.Problem{Where: l.class.Name, Text: fmt.Sprintf(format, args...), Fix: fix, Code: rule}
	if member != "" {
		p.Where += "." + member
	}
	if s := rule.Severity(); s != wire.SeverityError {
		p.Severity = s
	}
	at := l.Places[l.class.Name]
	if found, ok := l.Places[l.class.Name+"."+cmp.Or(place, member)]; ok && found.File != "" {
		at = found
	}
	p.File, p.Line = at.File, at.Line
	inherited := slices.ContainsFunc(l.problems, func(o wire.Problem) bool {
		return o.Code == p.Code && o.Text == p.Text && (p.Line > 0 && o.File == p.File && o.Line == p.Line || l.descends(className(o)))
	})
	if !inherited {
		l.problems = append(l.problems, p)
	}
}

// descends reports whether the present class inherits from that one.
func (l *linter) descends(base string) bool { return slices.Contains(l.class.Bases, base) }

func className(p wire.Problem) string {
	name, _, _ := strings.Cut(p.Where, ".")
	return name
}

func (l *linter) classLabels() {
	seen := map[string]string{}
	for i := range l.Manifest.Classes {
		l.class = &l.Manifest.Classes[i]
		label := cmp.Or(l.class.Label, l.Name+"."+l.class.Name)
		if other := seen[label]; other != "" && other != l.class.Name {
			l.say(wire.RuleLabelRepeats, "", "", "give one of the classes another label", "has the label %q, as %s has", label, other)
		}
		seen[label] = l.class.Name
	}
}

func (l *linter) identifier(c *wire.Class) {
	optional := 0
	for _, name := range c.Identifier.Attributes {
		a := attribute(c, name)
		if a == nil {
			continue // the server's own check tells it
		}
		if a.Optional {
			optional++
		}
		if a.Optional && a.Hidden {
			l.say(wire.RuleIdentifierHidden, name, "", "take hidden or optional away, or let another attribute identify",
				"identifies the resource, but is hidden and optional: two resources without it are one, and nobody can see why")
		}
	}
	if n := len(c.Identifier.Attributes); n > 0 && optional == n {
		l.say(wire.RuleIdentifierOptional, c.Identifier.Attributes[0], "", "make one of them mandatory",
			"all identifying attributes are optional: resources without them are one and the same")
	}
}

// members looks at attributes and statistics.
func (l *linter) members(c *wire.Class) {
	labels := map[string]string{}
	label := func(name, own string) {
		text := cmp.Or(own, humanize(name))
		if other, ok := labels[text]; ok {
			l.say(wire.RuleLabelRepeats, name, "", "give one of them another label", "has the label %q, as %s has", text, other)
		}
		labels[text] = name
	}
	root := slices.Contains(c.Bases, wire.BaseScannable)
	for i := range c.Attributes {
		a := &c.Attributes[i]
		if !a.Hidden {
			label(a.Name, a.Label)
		}
		hasDefault := len(a.Default) > 0 || a.DefaultComputed
		if a.Min != nil && a.Max != nil && *a.Min > *a.Max {
			l.say(wire.RuleBoundsContradict, a.Name, "", "", "min %v is more than max %v", *a.Min, *a.Max)
		}
		switch {
		case root && a.Kind == wire.KindReference && !a.Optional:
			l.say(wire.RuleRootForm, a.Name, "", "make it optional, and assign it in initial_scan",
				"a user who adds the resource cannot give a reference, and this one is mandatory")
		case root && a.Hidden && !a.Optional && !hasDefault:
			l.say(wire.RuleRootForm, a.Name, "", "give it a default, or make it optional or visible",
				"is mandatory, but hidden attributes are in no form, so that a user who adds the resource cannot give it")
		case !root && a.Optional && hasDefault:
			l.say(wire.RuleDefaultUnused, a.Name, "", "leave optional or the default out",
				"has a default, which is never used: an optional attribute without a value is null")
		}
	}
	for i := range c.Statistics {
		s := &c.Statistics[i]
		label(s.Name, s.Label)
		if s.SamplePeriod < 1 {
			l.say(wire.RuleSamplePeriod, s.Name, "", "", "the sample period is %d; it is a whole number of seconds, at least 1", s.SamplePeriod)
		}
		l.bins(s)
	}
}

func (l *linter) bins(s *wire.Statistic) {
	for i, b := range s.Bins {
		if len(b) == 0 || len(b) > 2 {
			return // the server's own check tells it
		}
		switch {
		case b[0] > b[len(b)-1]:
			l.say(wire.RuleBins, s.Name, "", "", "bin %d-%d is empty: it begins above its end", b[0], b[1])
		case i == 0:
		case len(s.Bins[i-1]) == 1 || b[0] <= s.Bins[i-1][1]:
			l.say(wire.RuleBins, s.Name, "", "", "bin %s overlaps the one before it", binText(b))
		case b[0] > s.Bins[i-1][1]+1:
			l.say(wire.RuleBinsGap, s.Name, "", fmt.Sprintf("begin the bin at %d", s.Bins[i-1][1]+1),
				"no bin has %s", span(s.Bins[i-1][1]+1, b[0]-1))
		}
	}
}

func span(low, high int64) string {
	if low == high {
		return fmt.Sprintf("the value %d", low)
	}
	return fmt.Sprintf("the values from %d to %d", low, high)
}

func binText(b []int64) string {
	if len(b) == 1 {
		return fmt.Sprintf("%d-", b[0])
	}
	return fmt.Sprintf("%d-%d", b[0], b[1])
}

// promised are the attributes of the base classes that the server reads.
var promised = map[string][]wire.Attribute{
	wire.BaseLogicalDrive: {
		{Name: "size", Kind: wire.KindBytes, Optional: true}, {Name: "filesystem_type", Kind: wire.KindString, Optional: true}},
	wire.BaseVirtualMachine: {
		{Name: "address", Kind: wire.KindHostname}, {Name: "host_id", Kind: wire.KindInteger, Optional: true}},
	wire.BaseDeviceNode: {
		{Name: "host_id", Kind: wire.KindInteger}, {Name: "path", Kind: wire.KindPath}, {Name: "logical_drive", Kind: wire.KindReference, Optional: true}},
	wire.BasePathWeight: {{Name: "weight", Kind: wire.KindInteger}},
}

// bases looks for attributes of the base classes that are declared anew as
// something that the server cannot use.
func (l *linter) bases(c *wire.Class) {
	for _, base := range c.Bases {
		for _, want := range promised[base] {
			a := attribute(c, want.Name)
			switch {
			case a == nil:
				l.say(wire.RuleBaseRedeclared, want.Name, "", "give it another name",
					"every %s has the attribute %s, but here that is something else", base, want.Name)
			case !stands(a.Kind, want.Kind):
				l.say(wire.RuleBaseRedeclared, want.Name, "", "leave it out, as it is inherited, or give it another name",
					"every %s has the attribute %s of kind %s, but here it is of kind %s", base, want.Name, want.Kind, a.Kind)
			case a.Optional && !want.Optional:
				l.say(wire.RuleBaseWeaker, want.Name, "", "leave it out, as it is inherited", "is mandatory in every %s, but here it is optional", base)
			}
		}
	}
}

// stands reports whether values of a kind can stand for those of another.
func stands(kind, want string) bool {
	switch want {
	case wire.KindString:
		return slices.Contains([]string{wire.KindString, wire.KindEnum, wire.KindHostname, wire.KindUUID, wire.KindPath}, kind)
	case wire.KindInteger, wire.KindBytes:
		return kind == wire.KindInteger || kind == wire.KindBytes
	}
	return kind == want
}

func attribute(c *wire.Class, name string) *wire.Attribute {
	i := slices.IndexFunc(c.Attributes, func(a wire.Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Attributes[i]
}

func statistic(c *wire.Class, name string) *wire.Statistic {
	i := slices.IndexFunc(c.Statistics, func(s wire.Statistic) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Statistics[i]
}

// humanize is the label of an attribute that has none (guide, "Names").
func humanize(name string) string {
	text := strings.TrimSpace(strings.ReplaceAll(name, "_", " "))
	if text == "" {
		return name
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
