package plugin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Class collects what a class's Describe method declares beyond its fields.
// Fields are named by pointers into the receiver of Describe, which must be a
// pointer receiver; any other pointer is an error at start. What the Describe
// methods of embedded structs of the plugin declare is inherited, apart from
// the label.
type Class struct {
	c         *class
	res       unsafe.Pointer // a resource of the class, which fields are pointed into
	inherited bool
}

// field returns the attribute or the statistic that ptr points to.
func (c *Class) field(ptr any) (*field, *statField) {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, nil
	}
	off := uintptr(v.UnsafePointer()) - uintptr(c.res)
	for _, r := range c.c.replaced {
		if r.off == off && r.typ == v.Type().Elem() {
			return c.c.fieldNamed(r.name), c.c.statNamed(r.name)
		}
	}
	for i := range c.c.fields {
		if f := &c.c.fields[i]; f.off == off && f.fieldType == v.Type().Elem() {
			return f, nil
		}
	}
	for i := range c.c.stats {
		if f := &c.c.stats[i]; f.off == off && f.fieldType == v.Type().Elem() {
			return nil, f
		}
	}
	return nil, nil
}

// pointerFix is what to do about a pointer to something else.
const pointerFix = "write &x.Field with x the receiver of Describe"

// attributeRules are what a list of attributes may break.
type attributeRules struct{ none, unknown, twice wire.Rule }

var (
	identifierRules = attributeRules{wire.RuleIdentifierEmpty, wire.RuleIdentifierUnknown, wire.RuleIdentifierTwice}
	relationRules   = attributeRules{wire.RuleRelationForm, wire.RuleRelationAttribute, wire.RuleRelationForm}
)

// attribute returns the attribute that ptr points to, or nil having noted that
// the rule is broken.
func (c *Class) attribute(rule wire.Rule, at caller, what string, ptr any) *field {
	f, st := c.field(ptr)
	switch {
	case st != nil:
		c.c.problem(rule, at, st.Name, "%s takes attributes, and %s is a statistic", what, st.goName)
	case f == nil:
		c.c.problem(rule, at, "", "%s: the pointer does not point to an attribute of this class", what).fix(pointerFix)
	}
	return f
}

func (c *Class) attributes(rules attributeRules, at caller, what string, ptrs []any) (fields []*field, ok bool) {
	if len(ptrs) == 0 {
		c.c.problem(rules.none, at, "", "%s needs at least one attribute", what)
		return nil, false
	}
	for _, ptr := range ptrs {
		f := c.attribute(rules.unknown, at, what, ptr)
		if f == nil {
			return nil, false
		}
		if slices.Contains(fields, f) {
			c.c.problem(rules.twice, at, f.Name, "%s names the attribute twice", what)
			return nil, false
		}
		fields = append(fields, f)
	}
	return fields, true
}

// Label gives the class a name for people; the default is plugin.Name. It is
// not inherited.
func (c *Class) Label(label string) {
	if !c.inherited {
		c.c.Class.Label = label
	}
}

// NotForTargets says that no file system target may be placed on drives of the
// class, such as the datasets of a pool; it is inherited (guide, "LogicalDrive":
// usable_for_lustre). What a host can reach of them is still listed as a volume.
func (c *Class) NotForTargets() { c.c.Class.NotForTargets = true }

// GlobalID declares that the attributes identify a resource in the whole
// system. It replaces the globalid and scopedid tags, where these cannot reach:
// for the attributes of a base class.
func (c *Class) GlobalID(attributes ...any) {
	c.identify(callerAt(1), "GlobalID", wire.ScopeGlobal, attributes)
}

// ScopedID declares that the attributes identify a resource within its root. It
// replaces the tags as GlobalID does.
func (c *Class) ScopedID(attributes ...any) {
	c.identify(callerAt(1), "ScopedID", wire.ScopeScoped, attributes)
}

func (c *Class) identify(at caller, what, scope string, attributes []any) {
	fields, ok := c.attributes(identifierRules, at, what, attributes)
	if !ok {
		c.c.misidentified = true
		return
	}
	c.c.described = describedID{scope: scope, fields: fields, inherited: c.inherited}
}

// Alert declares an alert condition with its message. Two conditions that watch
// one attribute at one severity need an id each (guide, "Alert Conditions").
func (c *Class) Alert(cond Condition, message string, id ...string) {
	at := callerAt(1)
	if len(id) > 1 {
		c.c.problem(wire.RuleConditionOption, at, "", "Alert takes one id at most")
		return
	}
	w, ok := c.condition(at, cond.condition())
	if !ok {
		return
	}
	w.Message = message
	if len(id) == 1 {
		w.ID = id[0]
	}
	for _, old := range c.c.Conditions {
		if reflect.DeepEqual(old, w) {
			return // Describe of an embedded struct, called once more by hand
		}
	}
	c.c.addCondition(at, w)
}

// Chart declares a chart of several statistics. A class that declares none has
// one chart for each statistic. The statistics of one chart are of one type,
// series or histogram, and have at most two units (guide, "Charts").
func (c *Class) Chart(title string, statistics ...Statistic) {
	at := callerAt(1)
	chart := wire.Chart{Title: title}
	var units []string
	histograms := 0
	for _, ptr := range statistics {
		_, st := c.field(ptr)
		if st == nil {
			c.c.problem(wire.RuleChartUnknown, at, "", "chart %q: the pointer does not point to a statistic of this class", title).fix(pointerFix)
			return
		}
		chart.Series = append(chart.Series, st.Name)
		if st.Kind == wire.KindHistogram {
			histograms++
		}
		if !slices.Contains(units, st.Unit) {
			units = append(units, st.Unit)
		}
	}
	switch {
	case title == "":
		c.c.problem(wire.RuleChartForm, at, "", "a chart needs a title")
	case len(statistics) == 0:
		c.c.problem(wire.RuleChartForm, at, "", "chart %q has no statistics", title)
	case histograms != 0 && histograms != len(statistics):
		c.c.problem(wire.RuleChartMixed, at, "", "chart %q mixes histograms with other statistics", title).fix("declare one chart for the histograms and one for the rest")
	case len(units) > 2:
		c.c.problem(wire.RuleChartUnits, at, "", "chart %q has %d units, but two axes at most", title, len(units)).fix("split it into charts of two units")
	case !slices.ContainsFunc(c.c.Charts, func(o wire.Chart) bool { return reflect.DeepEqual(o, chart) }):
		c.c.Charts = append(c.c.Charts, chart)
		c.c.chartsAt = append(c.c.chartsAt, at)
	}
}

// Relation is a declared Provide or Subscribe.
type Relation struct{ w *wire.Relation }

// IgnoreCase makes the relation compare texts without regard to case.
func (r *Relation) IgnoreCase() *Relation {
	r.w.IgnoreCase = true
	return r
}

// Provide declares that a resource of this class is what a resource of the
// named class in the named plugin presents if all the given attributes are
// equal: it then becomes a parent of that resource (guide, "Correlating
// Controller Resources"). An empty plugin means this one.
func (c *Class) Provide(plugin, class string, attributes ...any) *Relation {
	return c.relate(callerAt(1), wire.RelationProvide, "Provide", plugin, class, attributes)
}

// Subscribe is Provide seen from the other side: a resource of the named class
// with equal attributes becomes a parent of this one.
func (c *Class) Subscribe(plugin, class string, attributes ...any) *Relation {
	return c.relate(callerAt(1), wire.RelationSubscribe, "Subscribe", plugin, class, attributes)
}

// ProvideTo is Class.Provide to a class given by its Go type: one of this
// plugin, or a base class, which means every class with that base in any plugin.
func ProvideTo[T any](c *Class, attributes ...any) *Relation {
	plugin, class := target(reflect.TypeFor[T]())
	return c.relate(callerAt(1), wire.RelationProvide, "ProvideTo", plugin, class, attributes)
}

// SubscribeTo is Class.Subscribe to a class given by its Go type, as in ProvideTo.
func SubscribeTo[T any](c *Class, attributes ...any) *Relation {
	plugin, class := target(reflect.TypeFor[T]())
	return c.relate(callerAt(1), wire.RelationSubscribe, "SubscribeTo", plugin, class, attributes)
}

func target(t reflect.Type) (plugin, class string) {
	if t.PkgPath() == sdkPath {
		return wire.BuiltinPlugin, t.Name()
	}
	return "", t.Name()
}

func (c *Class) relate(at caller, kind, what, plugin, class string, ptrs []any) *Relation {
	r := wire.Relation{Kind: kind, Plugin: plugin, Class: class}
	if class == "" {
		c.c.problem(wire.RuleRelationForm, at, "", "%s needs the name of a class", what)
	}
	fields, _ := c.attributes(relationRules, at, what, ptrs)
	for _, f := range fields {
		r.Attributes = append(r.Attributes, f.Name)
	}
	// Kept by pointer, since IgnoreCase comes after.
	c.c.relations = append(c.c.relations, relation{&r, at})
	return &Relation{&r}
}

// Target is a declared target of scans.
type Target struct {
	c *Class
	w *wire.Target
}

// Target declares that the attribute of a scannable class holds the address that
// its plugin talks to, so that the host can keep scans of one address apart, also
// those of different roots. It needs a bound, Concurrency or MinInterval. An
// operator can make the bounds tighter. The guide has no such thing; without a
// target there are no bounds.
func (c *Class) Target(attribute any) *Target {
	at := callerAt(1)
	w := &wire.Target{}
	if f := c.attribute(wire.RuleTargetWrong, at, "Target", attribute); f != nil {
		w.Attribute = f.Name
		if f.Kind != wire.KindString && f.Kind != wire.KindHostname && f.Kind != wire.KindPath {
			c.c.problem(wire.RuleTargetWrong, at, f.Name, "the target is no text").fix("name the attribute that holds the address")
		}
	}
	c.c.Target, c.c.targetAt = w, at
	return &Target{c, w}
}

// Concurrency bounds how many scans of one address may run at a time, from 1 on.
func (t *Target) Concurrency(n int) *Target {
	if n < 1 {
		t.c.c.problem(wire.RuleTargetWrong, callerAt(1), t.w.Attribute, "the concurrency of a target is %d; it must be at least 1", n)
	}
	t.w.Concurrency = n
	return t
}

// MinInterval is the least time from the beginning of one scan of an address to
// the beginning of the next, a day at most.
func (t *Target) MinInterval(d time.Duration) *Target {
	if d <= 0 || d.Seconds() > wire.MaxMinInterval {
		t.c.c.problem(wire.RuleTargetWrong, callerAt(1), t.w.Attribute, "the least interval of a target is %v; it must be more than 0, and a day at most", d)
	}
	t.w.MinInterval = d.Seconds()
	return t
}

// checkTarget checks the target when all of it was declared.
func (c *class) checkTarget() {
	if c.Target == nil {
		return
	}
	if !slices.Contains(c.Bases, wire.BaseScannable) {
		c.problem(wire.RuleTargetWrong, c.targetAt, "", "the target is of a class that nobody scans").fix("declare it in the scannable class")
	}
	if c.Target.Concurrency == 0 && c.Target.MinInterval == 0 {
		c.problem(wire.RuleTargetWrong, c.targetAt, c.Target.Attribute, "the target has no bound").fix("call Concurrency or MinInterval on it")
	}
}

// Default declares a computed default for an attribute: f is asked for the
// value when a mandatory attribute has none, and sees the resource with the
// values that are known. R is the receiver's type:
//
//	plugin.Default(c, &a.Port, func(a *Array) int { return a.BasePort + 80 })
func Default[R, T any](c *Class, attribute *T, f func(R) T) {
	at := callerAt(1)
	fd := c.attribute(wire.RuleDefaultInvalid, at, "Default", attribute)
	if fd == nil {
		return
	}
	off, ok := c.c.receiverOffset(reflect.TypeFor[R]())
	if !ok {
		c.c.problem(wire.RuleDefaultInvalid, at, fd.Name, "Default: the function must take *%s", c.c.Name)
		return
	}
	if fd.set != nil {
		c.c.problem(wire.RuleDefaultInvalid, at, fd.Name, "has a default tag and a computed default").fix("leave one of them out")
		return
	}
	fd.DefaultComputed = true
	fd.computeOff = off
	fd.compute = func(res, field unsafe.Pointer) { *(*T)(field) = f(*(*R)(unsafe.Pointer(&res))) }
}

// receiverOffset returns where the struct that ptr points to lies in the class.
func (c *class) receiverOffset(ptr reflect.Type) (uintptr, bool) {
	if ptr.Kind() != reflect.Pointer {
		return 0, false
	}
	if ptr.Elem() == c.typ {
		return 0, true
	}
	for _, e := range c.embeds {
		if e.typ == ptr.Elem() {
			return e.off, true
		}
	}
	return 0, false
}

type describer interface{ Describe(*Class) }

// describe runs the Describe methods of the class and of the plugin's own
// structs that it embeds.
func (c *class) describe() {
	v := reflect.New(c.typ)
	for _, e := range append(slices.Clip(c.embeds), embed{c.typ, 0}) {
		if _, ok := e.typ.MethodByName("Describe"); ok {
			c.problem(wire.RuleDescribeFails, c.caller, "", "Describe of %s needs a pointer receiver", e.typ.Name()).fix("write func (x *%s) Describe(c *plugin.Class)", e.typ.Name())
			continue
		}
		m, ok := reflect.PointerTo(e.typ).MethodByName("Describe")
		if !ok || !written(m) {
			continue
		}
		at := v.UnsafePointer()
		d, ok := reflect.NewAt(e.typ, unsafe.Add(at, e.off)).Interface().(describer)
		if !ok {
			c.problem(wire.RuleDescribeFails, c.caller, "", "Describe of %s must be declared as Describe(*plugin.Class)", e.typ.Name())
			continue
		}
		c.callDescribe(d, &Class{c: c, res: at, inherited: e.typ != c.typ})
	}
	c.checkTarget()
	for _, r := range c.relations {
		if !slices.ContainsFunc(c.Relations, func(o wire.Relation) bool { return reflect.DeepEqual(o, *r.w) }) {
			c.Relations = append(c.Relations, *r.w)
			c.relationsAt = append(c.relationsAt, r.at)
		}
	}
}

// written reports whether a method was written for its type, and not promoted
// from an embedded struct.
func written(m reflect.Method) bool {
	pc := m.Func.Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	return file != "<autogenerated>"
}

func (c *class) callDescribe(d describer, desc *Class) {
	defer func() {
		if r := recover(); r != nil {
			c.problem(wire.RuleDescribeFails, c.caller, "", "Describe panics: %v", r).fix("it runs on an empty resource, so it may only declare")
		}
	}()
	d.Describe(desc)
}

// relation is a declared relation and where it was declared.
type relation struct {
	w  *wire.Relation
	at caller
}

// rawValue turns a value of a condition into JSON, going by the type that
// underlies it.
func rawValue(value any) (json.RawMessage, error) {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return appendString(nil, v.String()), nil
	case v.CanInt():
		return json.Marshal(v.Int())
	case v.CanUint():
		return json.Marshal(v.Uint())
	case v.CanFloat():
		return json.Marshal(v.Float())
	case v.Kind() == reflect.Bool:
		return json.Marshal(v.Bool())
	}
	return nil, fmt.Errorf("%v is no value that a condition can watch for", value)
}
