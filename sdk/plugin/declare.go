package plugin

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// class is a resource class, compiled.
type class struct {
	wire.Class
	typ   reflect.Type // the struct
	index int          // among the program's classes

	fields  []field
	ident   []*field // in the order of the identifier
	refs    []*field
	texts   []place  // strings that are no pointers
	words   []place  // numbers of 8 bytes that are no pointers
	others  []*field // what is neither
	nStrs   int
	nNums   int
	nRefs   int
	nPtrs   int
	stats   []statField
	labeled bool // has a Label method

	encrypt func(string) (string, error)
	embeds  []embed // own embedded structs, farthest first

	caller    caller // of Reports or Scans
	problems  []*problem
	autoID    bool
	tagScope  string
	tagDepth  int
	described describedID
	// misidentified says that a declared identity is wrong and was told: that the
	// class has none is then no news.
	misidentified bool
	relations     []relation

	conditionsAt, relationsAt, chartsAt []caller // of Conditions, Relations and Charts
	targetAt                            caller
	replaced                            []replaced
}

// place is where a value lies in the struct and in the shadow.
type place struct {
	off  uintptr
	slot int
}

// replaced is an inherited field that another of its name replaces. A pointer
// to it, in an inherited Describe, means the other.
type replaced struct {
	off  uintptr
	typ  reflect.Type
	name string
}

// describedID is an identifier declared by Class.GlobalID or ScopedID.
type describedID struct {
	scope     string
	fields    []*field
	inherited bool
}

// embed is a struct of the plugin itself that the class embeds.
type embed struct {
	typ reflect.Type
	off uintptr
}

// statField is one statistic of a class, compiled.
type statField struct {
	wire.Statistic
	goName    string
	in        reflect.Type // the struct that has the field
	off       uintptr
	fieldType reflect.Type
	prefix    string // ,"name":"x","t":
}

// stat returns the statistic of the resource at res.
func (f *statField) stat(res unsafe.Pointer) *stat {
	return reflect.NewAt(f.fieldType, unsafe.Add(res, f.off)).Interface().(Statistic).statistic()
}

// caller is a place in the author's code.
type caller struct {
	file string
	line int
}

func callerAt(skip int) caller {
	_, file, line, _ := runtime.Caller(skip + 1)
	return caller{file, line}
}

func (c *class) has(base string) bool {
	return slices.Contains(c.Bases, base)
}

// problem notes something wrong with the class or one of its attributes.
func (c *class) problem(rule wire.Rule, at caller, attribute, format string, args ...any) *problem {
	where := c.Name
	if attribute != "" {
		where += "." + attribute
	}
	p := newProblem(rule, at, where, format, args...)
	c.problems = append(c.problems, p)
	return p
}

var (
	sdkPath      = reflect.TypeFor[Resource]().PkgPath()
	resourceType = reflect.TypeFor[Resource]()
	anyType      = reflect.TypeFor[Any]()
)

var (
	bytesHistogramType = reflect.TypeFor[BytesHistogram]()
	statKinds          = map[reflect.Type]string{
		reflect.TypeFor[Gauge]():     wire.KindGauge,
		reflect.TypeFor[Counter]():   wire.KindCounter,
		reflect.TypeFor[Histogram](): wire.KindHistogram,
		bytesHistogramType:           wire.KindHistogram,
	}
)

var namedKinds = map[reflect.Type]string{
	reflect.TypeFor[Bytes]():    wire.KindBytes,
	reflect.TypeFor[Hostname](): wire.KindHostname,
	reflect.TypeFor[UUID]():     wire.KindUUID,
	reflect.TypeFor[Path]():     wire.KindPath,
	reflect.TypeFor[Secret]():   wire.KindPassword,
}

// compile makes a class of a struct type. Everything that is wrong with it goes
// to the class's problems.
func compile(t reflect.Type, at caller) *class {
	c := &class{typ: t, caller: at}
	c.Name = t.Name()
	if !isName(c.Name) {
		c.problem(wire.RuleClassName, at, "", "%s is no name for a class", t).fix("declare a plain named struct type")
	}
	c.walk(t, 0, 0)
	c.Bases = append(c.Bases, wire.BaseResource)
	c.finishFields()
	c.describe()
	c.finishIdentity()
	c.checkRenamed()
	c.checkHooks()
	for i := range c.fields {
		c.Attributes = append(c.Attributes, c.fields[i].Attribute)
	}
	for i := range c.stats {
		c.Statistics = append(c.Statistics, c.stats[i].Statistic)
	}
	return c
}

// walk collects the fields of a struct: those of embedded structs first, since
// inherited attributes come first.
func (c *class) walk(t reflect.Type, off uintptr, depth int) {
	for sf := range t.Fields() {
		if !sf.Anonymous {
			continue
		}
		c.walkEmbedded(sf, off, depth)
	}
	for sf := range t.Fields() {
		if sf.Anonymous || !sf.IsExported() {
			continue
		}
		c.addField(t, sf, off+sf.Offset, depth)
	}
}

func (c *class) walkEmbedded(sf reflect.StructField, off uintptr, depth int) {
	t := sf.Type
	off += sf.Offset
	if t == resourceType {
		return
	}
	if t.Kind() != reflect.Struct || statKinds[t] != "" {
		c.problem(wire.RuleEmbedWrong, c.caller, "", "embeds %s", t).fix("embed only structs, by value, and give statistics a field name")
		return
	}
	tag, err := parseAttrTag(sf.Tag.Get("attr"))
	switch {
	case err != nil:
		c.problem(wire.RuleOptionUnknown, c.caller, "", "embedded %s: %v", t.Name(), err)
	case tag.has("autoid") && t == reflect.TypeFor[ScannableResource]():
		c.autoID = true
	case tag.name != "" || len(tag.options) > 0:
		rule := wire.RuleOptionUnknown
		if tag.has("autoid") {
			rule = wire.RuleAutoIDNotRoot
		}
		c.problem(rule, c.caller, "", "embedded %s: the only attr option for an embedded struct is autoid, on ScannableResource", t.Name())
	}
	if t.PkgPath() == sdkPath {
		c.Bases = append(c.Bases, t.Name())
	} else if reflect.PointerTo(t).Implements(anyType) {
		c.Bases = append(c.Bases, t.Name())
	}
	c.walk(t, off, depth+1)
	if t.PkgPath() != sdkPath {
		c.embeds = append(c.embeds, embed{t, off}) // after what t itself embeds
	}
}

// addField compiles one named field.
func (c *class) addField(in reflect.Type, sf reflect.StructField, off uintptr, depth int) {
	if sf.Tag.Get("attr") == "-" {
		return
	}
	tag, err := parseAttrTag(sf.Tag.Get("attr"))
	name := tag.name
	if name == "" {
		name = snakeCase(sf.Name)
	}
	if err != nil {
		c.problem(attrTagRule(err), c.caller, name, "%v", err)
		c.misidentified = c.misidentified || strings.Contains(sf.Tag.Get("attr"), ",globalid") || strings.Contains(sf.Tag.Get("attr"), ",scopedid")
		return
	}
	if !isName(name) {
		c.problem(wire.RuleMemberName, c.caller, name, "field %s makes no name", sf.Name).fix("name it with attr:\"name\"")
		return
	}
	if tag.has("autoid") {
		c.problem(wire.RuleAutoIDNotRoot, c.caller, name, "autoid is for the embedded ScannableResource, not for a field")
	}
	c.override(name)
	if statKinds[sf.Type] != "" {
		c.addStat(in, sf, off, name, tag)
	} else {
		c.addAttribute(in, sf, off, name, tag, depth)
	}
}

// override drops an inherited field that the field of this name replaces.
func (c *class) override(name string) {
	for i := range c.fields {
		if f := &c.fields[i]; f.Name == name {
			c.replaced = append(c.replaced, replaced{f.off, f.fieldType, name})
			c.fields = append(c.fields[:i], c.fields[i+1:]...)
			return
		}
	}
	for i := range c.stats {
		if st := &c.stats[i]; st.Name == name {
			c.replaced = append(c.replaced, replaced{st.off, st.fieldType, name})
			c.stats = append(c.stats[:i], c.stats[i+1:]...)
			return
		}
	}
}

func (c *class) addStat(in reflect.Type, sf reflect.StructField, off uintptr, name string, tag attrTag) {
	st := statField{goName: sf.Name, in: in, off: off, fieldType: sf.Type}
	st.Name, st.Label, st.Unit, st.SamplePeriod = name, sf.Tag.Get("label"), sf.Tag.Get("unit"), 10
	st.Kind = statKinds[sf.Type]
	if st.Unit == "" && sf.Type == bytesHistogramType {
		st.Unit = "bytes"
	}
	st.prefix = `,"name":` + string(appendString(nil, name)) + `,"t":`
	for _, p := range checkTags(sf.Tag, "statistic", "attr", "label", "unit", "every", "bins") {
		c.problem(wire.RuleOptionUnknown, c.caller, name, "%s", p.text)
	}
	if len(tag.options) > 0 {
		c.problem(wire.RuleOptionUnknown, c.caller, name, "attr option %s has no meaning for a statistic", tag.options[0])
	}
	if every, ok := sf.Tag.Lookup("every"); ok {
		period, err := parseEvery(every)
		if err != nil {
			c.problem(wire.RuleSamplePeriod, c.caller, name, "%v", err)
		}
		st.SamplePeriod = period
	}
	bins, ok := sf.Tag.Lookup("bins")
	switch {
	case ok != (st.Kind == wire.KindHistogram):
		c.problem(wire.RuleBins, c.caller, name, `a Histogram, and nothing else, needs a tag such as bins:"0-512,513-"`)
	case ok:
		var err error
		if st.Bins, err = parseBins(bins); err != nil {
			c.problem(wire.RuleBins, c.caller, name, "%v", err)
		}
	}
	c.stats = append(c.stats, st)
}

func (c *class) addAttribute(in reflect.Type, sf reflect.StructField, off uintptr, name string, tag attrTag, depth int) {
	f := field{goName: sf.Name, in: in, off: off, fieldType: sf.Type}
	f.Name, f.Label = name, sf.Tag.Get("label")
	f.Optional, f.Hidden, f.ReadOnly = tag.has("optional"), tag.has("hidden"), tag.has("readonly")
	f.prefix = string(appendString(nil, name)) + ":"
	if !f.setType(sf.Type) {
		c.problem(wire.RuleAttributeType, c.caller, name, "a field of type %s cannot be an attribute", sf.Type).fix(`see the package documentation for the types, or leave it out with attr:"-"`)
		return
	}
	if f.ReadOnly && !f.Optional {
		c.problem(wire.RuleReadOnlyMandatory, c.caller, name, "a readonly attribute must be optional too, since users cannot give it").fix(`write attr:",optional,readonly"`)
	}
	for _, p := range f.setTags(sf.Tag) {
		c.problem(p.rule, c.caller, name, "%s", p.text)
	}
	if tag.has("globalid") || tag.has("scopedid") {
		f.ident = c.tagIdentity(name, tag, depth)
	}
	c.fields = append(c.fields, f)
}

// checkRenamed checks that what attributes were called is unambiguous.
func (c *class) checkRenamed() {
	by := map[string]string{}
	for i := range c.fields {
		by[c.fields[i].Name] = ""
	}
	for i := range c.fields {
		f := &c.fields[i]
		for _, was := range f.RenamedFrom {
			switch other, ok := by[was]; {
			case ok && other == "":
				c.problem(wire.RuleRenamed, c.caller, f.Name, "was:%q: the class still has an attribute %s, which keeps its own values", was, was)
			case ok:
				c.problem(wire.RuleRenamed, c.caller, f.Name, "was:%q: attribute %s says the same; only one can take the values over", was, other)
			default:
				by[was] = f.Name
			}
		}
	}
}

// tagIdentity notes the scope of a tagged field and reports whether the field
// identifies. The fields of the class
// itself count; those of an embedded struct only if it has none of its own.
func (c *class) tagIdentity(name string, tag attrTag, depth int) bool {
	scope := wire.ScopeScoped
	if tag.has("globalid") {
		scope = wire.ScopeGlobal
	}
	if c.tagScope != "" && depth > c.tagDepth {
		return false
	}
	if c.tagScope != "" && depth < c.tagDepth {
		for i := range c.fields {
			c.fields[i].ident = false
		}
		c.tagScope = ""
	}
	if c.tagScope != "" && c.tagScope != scope {
		c.problem(wire.RuleIdentifierMixed, c.caller, name, "globalid and scopedid are mixed in one class").fix("tag all identifying fields alike")
	}
	c.tagScope, c.tagDepth = scope, depth
	return true
}
