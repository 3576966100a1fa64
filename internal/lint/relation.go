package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Lookup returns what a plugin declares. The manifest of a plugin whose
// attributes are not known has classes without any.
type Lookup func(plugin string) (wire.Manifest, error)

// Relations returns what is wrong with the relations of a plugin to others: a
// plugin, class or attribute that is not there.
func Relations(p Plugin, lookup Lookup) []wire.Problem {
	l := &linter{Plugin: p}
	for i := range p.Manifest.Classes {
		l.class = &p.Manifest.Classes[i]
		for k := range l.class.Relations {
			l.relation(&l.class.Relations[k], fmt.Sprintf("relations.%d", k), lookup)
		}
	}
	return l.problems
}

func (l *linter) relation(r *wire.Relation, place string, lookup Lookup) {
	target := cmp.Or(r.Plugin, l.Name)
	if target == wire.BuiltinPlugin {
		return // the SDK resolved it, and any plugin may have such classes
	}
	m := l.Manifest
	if target != l.Name {
		var err error
		if m, err = lookup(target); err != nil {
			l.say(wire.RuleRelationPlugin, "", place, "give its file with --plugin",
				"the relation to (%q, %q) is to a plugin that is not known here: %v", target, r.Class, err)
			return
		}
	}
	i := slices.IndexFunc(m.Classes, func(c wire.Class) bool { return c.Name == r.Class })
	family := familyOf(m, r.Class)
	if i < 0 && len(family) == 0 {
		l.say(wire.RuleRelationTarget, "", place, near(r.Class, m.Classes), "the relation is to (%q, %q), and plugin %s has no class %s", target, r.Class, target, r.Class)
		return
	}
	for _, name := range r.Attributes {
		l.relatedAttribute(r, name, place, family)
	}
}

// familyOf returns the class of that name and those that inherit from it.
func familyOf(m wire.Manifest, name string) []*wire.Class {
	var out []*wire.Class
	for i := range m.Classes {
		if c := &m.Classes[i]; c.Name == name || slices.Contains(c.Bases, name) {
			out = append(out, c)
		}
	}
	return out
}

// relatedAttribute checks that some class of the target has the attribute, with
// values that can be equal.
func (l *linter) relatedAttribute(r *wire.Relation, name, place string, family []*wire.Class) {
	known := false
	var theirs *wire.Attribute
	for _, c := range family {
		known = known || len(c.Attributes) > 0 || len(c.Statistics) > 0
		theirs = cmp.Or(theirs, attribute(c, name))
	}
	if !known {
		return
	}
	if theirs == nil {
		l.say(wire.RuleRelationAttribute, name, place, "name attributes that both classes have",
			"the relation to %s compares %s, which no such resource has", r.Class, name)
		return
	}
	mine := attribute(l.class, name)
	if mine != nil && mine.Kind != wire.KindEnum && theirs.Kind != wire.KindEnum && alike(mine.Kind) != alike(theirs.Kind) {
		l.say(wire.RuleRelationKinds, name, place, "declare both of one kind",
			"the relation to %s compares %s, which is of kind %s here and of kind %s there: they are never equal", r.Class, name, mine.Kind, theirs.Kind)
	}
}

// alike sorts the kinds of attribute into those whose values can be equal.
func alike(kind string) string {
	switch kind {
	case wire.KindInteger, wire.KindBytes, wire.KindFloat:
		return "number"
	case wire.KindBoolean, wire.KindReference:
		return kind
	}
	return "text"
}

// near returns advice for a class that is not there.
func near(name string, classes []wire.Class) string {
	var names []string
	for _, c := range classes {
		if strings.EqualFold(c.Name, name) || wire.Distance(c.Name, name) <= 2 {
			return fmt.Sprintf("did you mean %s?", c.Name)
		}
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return "it has " + strings.Join(names, ", ")
}
