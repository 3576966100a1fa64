package api

import (
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Class renders a class that has count resources.
func Class(c *resource.Class, count int) gen.Class {
	out := gen.Class{
		Plugin: c.Plugin, Name: c.Name, Label: c.Label(), Full: c.FullName(), Bases: orEmpty(c.Bases),
		Identifier: gen.ClassIdentifier{Scope: gen.ClassIdentifierScope(c.IDScope), Attributes: orEmpty(c.IDNames)},
		Internal:   c.Internal(),
		Scannable:  c.Scannable(), Root: c.Root(), Count: count,
		Attributes: make([]gen.ClassAttribute, len(c.Attributes)),
		Statistics: make([]gen.ClassStatistic, len(c.Statistics)),
		Conditions: make([]gen.ClassCondition, len(c.Conditions)),
		Relations:  make([]gen.ClassRelation, len(c.Relations)),
		Charts:     charts(c), Columns: columns(c),
	}
	identifying := map[int]bool{}
	for _, i := range c.IDAttrs() {
		identifying[i] = true
	}
	for i := range c.Attributes {
		out.Attributes[i] = classAttribute(&c.Attributes[i], identifying[i])
	}
	for i := range c.Statistics {
		s := &c.Statistics[i]
		out.Statistics[i] = gen.ClassStatistic{
			Name: s.Name, Kind: gen.StatisticKind(s.Kind), Label: s.Label(),
			Unit: s.Unit, SamplePeriod: s.SamplePeriod, Bins: s.Bins,
		}
	}
	for i := range c.Conditions {
		out.Conditions[i] = classCondition(&c.Conditions[i])
	}
	for i, r := range c.Relations {
		out.Relations[i] = gen.ClassRelation{
			Kind: gen.Subscribe, Plugin: r.Plugin, Class: r.Class,
			Attributes: orEmpty(r.Attributes), IgnoreCase: r.IgnoreCase,
		}
		if r.Provide {
			out.Relations[i].Kind = gen.Provide
		}
	}
	return out
}

func classAttribute(a *resource.Attribute, identifying bool) gen.ClassAttribute {
	out := gen.ClassAttribute{
		Name: a.Name, Kind: gen.Kind(a.Kind.String()), Label: a.Label(), Optional: a.Optional,
		Hidden: a.Hidden, UserReadOnly: a.ReadOnly, Identifying: identifying,
		DefaultComputed: a.DefaultComputed, Min: a.Min, Max: a.Max, MaxLength: a.MaxLength,
	}
	if a.Kind != resource.Password { // a default password is a password
		out.Default = plain(a.Default)
	}
	for _, o := range a.Options {
		out.Options = append(out.Options, plain(o))
	}
	return out
}

func classCondition(c *resource.Condition) gen.ClassCondition {
	out := gen.ClassCondition{
		Name: c.Name(), Kind: gen.ClassConditionKind(c.Kind), Attribute: c.Attribute, Message: c.Message,
	}
	for sev, states := range c.States {
		if out.States == nil {
			out.States = map[string][]gen.Scalar{}
		}
		list := make([]gen.Scalar, len(states))
		for i, v := range states {
			list[i] = plain(v)
		}
		out.States[sev.String()] = list
	}
	for sev, b := range c.Bounds {
		if out.Bounds == nil {
			out.Bounds = map[string]float64{}
		}
		out.Bounds[sev.String()] = b
	}
	for sev, b := range c.Clear {
		if out.Clear == nil {
			out.Clear = map[string]float64{}
		}
		out.Clear[sev.String()] = b
	}
	out.ForSeconds = c.For.Seconds()
	return out
}

// charts renders the charts of a class.
func charts(c *resource.Class) []gen.ClassChart {
	drawn := c.DrawnCharts()
	out := make([]gen.ClassChart, len(drawn))
	for i, ch := range drawn {
		out[i] = gen.ClassChart{Title: ch.Title, Series: orEmpty(ch.Series)}
	}
	return out
}

// columns names the attributes that a table of the class shows.
func columns(c *resource.Class) []string {
	out := make([]string, 0, len(c.Attributes))
	for i := range c.Attributes {
		if a := &c.Attributes[i]; !a.Hidden && a.Kind != resource.Password {
			out = append(out, a.Name)
		}
	}
	return out
}
