package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// changes compares what a version of a plugin declares with what is declared now,
// by the version in charge or else as it is stored, and says what that does to
// stored resources.
func (d *declarations) changes(ctx context.Context, plugin string, running *wire.Manifest, next wire.Manifest) (*api.PluginChanges, error) {
	before, _, err := d.former(ctx, plugin)
	if err != nil {
		return nil, err
	}
	if running != nil {
		before = *running
	}
	out := &api.PluginChanges{Plugin: plugin, Changes: []gen.PluginChange{}}
	classes, err := checkedClasses(plugin, next)
	plan := &inventory.Migration{}
	if err == nil {
		plan, err = d.inv.Plan(ctx, inventory.Declaration{Plugin: plugin, Classes: classes})
	}
	if err != nil {
		out.Refused, plan = err.Error(), &inventory.Migration{}
	}
	out.Changes = append(out.Changes, d.compare(plugin, before, next, plan)...)
	out.Same = len(out.Changes) == 0
	return out, nil
}

// compare lists the differences between two versions of a plugin; plan is what
// becomes of stored resources.
func (d *declarations) compare(plugin string, before, next wire.Manifest, plan *inventory.Migration) []gen.PluginChange {
	c := comparison{plugin: plugin, inv: d.inv, plan: plan}
	names := map[string]bool{}
	for _, list := range [][]wire.Class{before.Classes, next.Classes} {
		for i := range list {
			names[list[i].Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.class(named(before.Classes, name), named(next.Classes, name))
	}
	return c.found
}

// logChanges notes what a new version declares otherwise.
func logChanges(log *slog.Logger, changes []gen.PluginChange) {
	for _, c := range changes {
		where := c.Class
		if c.Name != "" {
			where += "." + c.Name
		}
		args := []any{"declared", where, "change", c.Text}
		if c.Effect != "" {
			args = append(args, "effect", c.Effect)
		}
		log.Info("the plugin's new version declares something otherwise", args...)
	}
}

func named(list []wire.Class, name string) *wire.Class {
	if i := slices.IndexFunc(list, func(c wire.Class) bool { return c.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// comparison collects the differences between two versions of a plugin.
type comparison struct {
	plugin string
	inv    declarant
	plan   *inventory.Migration
	found  []gen.PluginChange
}

func (c *comparison) add(class string, what gen.PluginChangeWhat, name string, change gen.PluginChangeChange, text, effect string, resources int) {
	c.found = append(c.found, gen.PluginChange{Class: class, What: what, Name: name, Change: change, Text: text, Effect: effect, Resources: resources})
}

func (c *comparison) class(old, now *wire.Class) {
	stored := 0
	name := ""
	if old != nil {
		name = old.Name
	} else {
		name = now.Name
	}
	if known := c.inv.Class(c.plugin, name); known != nil {
		stored = c.inv.Count(known)
	}
	switch {
	case old == nil:
		c.add(name, gen.PluginChangeWhatClass, "", gen.ChangeAdded, "the class is new", "", 0)
		return
	case now == nil:
		if stored > 0 || c.inv.Class(c.plugin, name) != nil {
			effect := ""
			if stored > 0 {
				effect = fmt.Sprintf("%s until the next scan of their root lacks them; their alerts end with them", count(stored, "resource stays", "resources stay"))
			}
			c.add(name, gen.PluginChangeWhatClass, "", gen.ChangeRemoved, "the class is no longer declared", effect, stored)
		}
		return
	}
	var plan *inventory.ClassMigration
	if i := slices.IndexFunc(c.plan.Classes, func(m inventory.ClassMigration) bool { return m.Class.Name == name }); i >= 0 {
		plan = &c.plan.Classes[i]
	}
	if text := differences(classHead(old), classHead(now)); text != "" {
		c.add(name, gen.PluginChangeWhatClass, "", gen.ChangeChanged, text, "", 0)
	}
	c.identifier(old, now, plan)
	c.attributes(old, now, plan)
	c.statistics(old, now)
	c.conditions(old, now)
	if text := differences(map[string]any{"relations": asJSON(old.Relations)}, map[string]any{"relations": asJSON(now.Relations)}); text != "" {
		c.add(name, gen.PluginChangeWhatRelation, "", gen.ChangeChanged, "other relations", "links are worked out anew", 0)
	}
	if text := differences(map[string]any{"charts": asJSON(old.Charts)}, map[string]any{"charts": asJSON(now.Charts)}); text != "" {
		c.add(name, gen.PluginChangeWhatChart, "", gen.ChangeChanged, "other charts", "", 0)
	}
}

func classHead(c *wire.Class) map[string]any {
	return map[string]any{"label": c.Label, "bases": strings.Join(c.Bases, ", "), "what it talks to": asJSON(c.Target)}
}

func (c *comparison) identifier(old, now *wire.Class, plan *inventory.ClassMigration) {
	text := differences(
		map[string]any{"scope": old.Identifier.Scope, "attributes": strings.Join(old.Identifier.Attributes, ", ")},
		map[string]any{"scope": now.Identifier.Scope, "attributes": strings.Join(now.Identifier.Attributes, ", ")})
	effect, gone := "", 0
	if plan != nil {
		gone = plan.NewIdentity
	}
	switch {
	case gone > 0:
		effect = fmt.Sprintf("%s another identity: they go, and the next scan reports them as new ones", count(gone, "resource has", "resources have"))
		if text == "" {
			text = "an identifying attribute has another kind"
		}
	case text != "" && plan != nil:
		effect = "resources keep their identity"
	case text == "":
		return
	}
	c.add(now.Name, gen.PluginChangeWhatIdentifier, "", gen.ChangeChanged, text, effect, gone)
}

func (c *comparison) attributes(old, now *wire.Class, plan *inventory.ClassMigration) {
	effects := map[string]inventory.AttributeMigration{}
	if plan != nil {
		for _, a := range plan.Attributes {
			effects[a.Name] = a
		}
	}
	was := map[string]*wire.Attribute{}
	for i := range old.Attributes {
		was[old.Attributes[i].Name] = &old.Attributes[i]
	}
	for i := range now.Attributes {
		a := &now.Attributes[i]
		before := was[a.Name]
		from := ""
		for _, name := range a.RenamedFrom {
			if before == nil && was[name] != nil {
				before, from = was[name], name
			}
		}
		effect, n := effectOf(a, effects[a.Name], plan)
		if before == nil {
			c.add(now.Name, gen.PluginChangeWhatAttribute, a.Name, gen.ChangeAdded, "the attribute is new: "+form(a), effect, n)
			continue
		}
		delete(was, before.Name)
		text := differences(attributeHead(before), attributeHead(a))
		switch {
		case from != "":
			if text != "" {
				text = "; " + text
			}
			if effect == "" && plan != nil {
				effect, n = "values, alerts and history go on under the new name", plan.Resources
			}
			c.add(now.Name, gen.PluginChangeWhatAttribute, a.Name, gen.ChangeRenamed, "it was called "+from+text, effect, n)
		case text != "" || effect != "":
			c.add(now.Name, gen.PluginChangeWhatAttribute, a.Name, gen.ChangeChanged, text, effect, n)
		}
	}
	for i := range old.Attributes {
		a := &old.Attributes[i]
		if was[a.Name] == nil {
			continue
		}
		effect := ""
		if n := effects[a.Name].Dropped; n > 0 {
			effect = count(n, "value is dropped", "values are dropped")
		}
		c.add(now.Name, gen.PluginChangeWhatAttribute, a.Name, gen.ChangeRemoved, "the attribute is no longer declared", effect, effects[a.Name].Dropped)
	}
}

// effectOf says what becomes of the values of an attribute that there is now.
func effectOf(a *wire.Attribute, m inventory.AttributeMigration, plan *inventory.ClassMigration) (text string, resources int) {
	if plan == nil {
		return "", 0
	}
	var parts []string
	say := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, count(n, one, many))
			resources = max(resources, n)
		}
	}
	say(m.Converted, "value is converted", "values are converted")
	say(m.Dropped, "value does not fit and is dropped", "values do not fit and are dropped")
	say(m.Filled, "resource gets the default", "resources get the default")
	switch {
	case a.DefaultComputed:
		say(m.Unset, "resource gets the computed default", "resources get the computed default")
	default:
		say(m.Unset, "resource has no value before the next scan", "resources have no value before the next scan")
	}
	return strings.Join(parts, "; "), resources
}

// attributeHead is what of an attribute matters to a comparison.
func attributeHead(a *wire.Attribute) map[string]any {
	c := *a
	c.Name, c.RenamedFrom = "", nil
	m, _ := asJSON(c).(map[string]any)
	delete(m, "name")
	return m
}

// form says what an attribute is, in short.
func form(a *wire.Attribute) string {
	text := a.Kind
	if a.Optional {
		text += ", optional"
	}
	if len(a.Default) > 0 {
		text += ", default " + string(a.Default)
	}
	if a.DefaultComputed {
		text += ", computed default"
	}
	return text
}

func (c *comparison) statistics(old, now *wire.Class) {
	was := map[string]*wire.Statistic{}
	for i := range old.Statistics {
		was[old.Statistics[i].Name] = &old.Statistics[i]
	}
	for i := range now.Statistics {
		s := &now.Statistics[i]
		before := was[s.Name]
		if before == nil {
			c.add(now.Name, gen.PluginChangeWhatStatistic, s.Name, gen.ChangeAdded, "the statistic is new: "+s.Kind, "", 0)
			continue
		}
		delete(was, s.Name)
		text := differences(asJSON(before), asJSON(s))
		if text == "" {
			continue
		}
		effect := ""
		if before.Kind != s.Kind || before.SamplePeriod != s.SamplePeriod || fmt.Sprint(before.Bins) != fmt.Sprint(s.Bins) {
			effect = "its series starts anew"
		}
		c.add(now.Name, gen.PluginChangeWhatStatistic, s.Name, gen.ChangeChanged, text, effect, 0)
	}
	for i := range old.Statistics {
		if name := old.Statistics[i].Name; was[name] != nil {
			c.add(now.Name, gen.PluginChangeWhatStatistic, name, gen.ChangeRemoved, "the statistic is no longer declared", "its series ends", 0)
		}
	}
}

func (c *comparison) conditions(old, now *wire.Class) {
	key := func(k *wire.Condition) string { return k.ID + " " + k.Attribute + " " + k.Kind }
	name := func(k *wire.Condition) string {
		if k.ID != "" {
			return k.ID
		}
		return k.Attribute
	}
	renamed := map[string]string{}
	for i := range now.Attributes {
		for _, was := range now.Attributes[i].RenamedFrom {
			renamed[was] = now.Attributes[i].Name
		}
	}
	was := map[string]*wire.Condition{}
	for i := range old.Conditions {
		k := old.Conditions[i] // as it is called now
		if to := renamed[k.Attribute]; to != "" {
			k.Attribute = to
		}
		was[key(&k)] = &k
	}
	for i := range now.Conditions {
		k := &now.Conditions[i]
		before := was[key(k)]
		if before == nil {
			c.add(now.Name, gen.PluginChangeWhatCondition, name(k), gen.ChangeAdded, "the alert condition is new", "what it holds for gets an alert", 0)
			continue
		}
		delete(was, key(k))
		if text := differences(asJSON(before), asJSON(k)); text != "" {
			c.add(now.Name, gen.PluginChangeWhatCondition, name(k), gen.ChangeChanged, text, "alerts that still hold go on; the others end", 0)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		c.add(now.Name, gen.PluginChangeWhatCondition, name(was[k]), gen.ChangeRemoved, "the alert condition is no longer declared", "its alerts end", 0)
	}
}

// asJSON is a value as JSON has it.
func asJSON(v any) (out any) {
	b, err := json.Marshal(v)
	if err != nil || json.Unmarshal(b, &out) != nil {
		return nil // every part of a manifest marshals
	}
	return out
}

// differences names the members that two objects have otherwise.
func differences(a, b any) string {
	ma, _ := a.(map[string]any)
	mb, _ := b.(map[string]any)
	keys := map[string]bool{}
	for k := range ma {
		keys[k] = true
	}
	for k := range mb {
		keys[k] = true
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if was, is := brief(ma[k]), brief(mb[k]); was != is {
			parts = append(parts, fmt.Sprintf("%s %s → %s", strings.ReplaceAll(k, "_", " "), was, is))
		}
	}
	return strings.Join(parts, "; ")
}

func brief(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		if v == "" {
			return "none"
		}
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
