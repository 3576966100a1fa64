package resource

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is the type of an attribute's values (guide, "Attribute Classes").
type Kind uint8

// The kinds of attribute.
const (
	String Kind = iota + 1
	Integer
	Float
	Boolean
	Bytes
	Enum
	Hostname
	UUID
	Path
	Password
	Reference
)

var kindNames = [...]string{"", "string", "integer", "float", "boolean", "bytes", "enum", "hostname", "uuid", "path", "password", "reference"}

// String returns the kind's name in the protocol and the API.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// ParseKind is the inverse of Kind.String.
func ParseKind(s string) (Kind, bool) {
	i := slices.Index(kindNames[1:], s)
	return Kind(i + 1), i >= 0
}

// Names of the built-in base classes that the server treats specially.
const (
	BaseResource  = "Resource"
	BaseScannable = "ScannableResource"
	BaseHostRoot  = "HostRoot"
	// BaseInternal is the base of what the server reports of itself, beside the
	// hardware. Only classes of ServerPlugin have it.
	BaseInternal = "Internal"
)

// ServerPlugin is the name of the server's own plugin, which no other plugin can
// have, and ServerClass its class that stands for the server, the root of what
// it reports of itself.
const (
	ServerPlugin = "faultline"
	ServerClass  = "Server"
)

// IDScope says where an identifier is unique (guide, "Identifiers").
type IDScope string

// The scopes of an identifier.
const (
	Global IDScope = "global"
	Scoped IDScope = "scoped"
	Auto   IDScope = "auto"
)

// Class is a declared resource class. It is immutable after Index.
type Class struct {
	Plugin     string
	Name       string
	OwnLabel   string   // the author's label, or empty
	Bases      []string // nearest first
	IDScope    IDScope
	IDNames    []string // identifying attributes, in declared order
	Attributes []Attribute
	Statistics []Statistic
	Conditions []Condition
	Relations  []Relation
	Target     *Target // what a scan of a root of the class talks to; nil if nothing is said
	Charts     []Chart // as declared; nil means one chart a statistic
	// NotForTargets says that no file system target may be placed on drives of the
	// class.
	NotForTargets bool

	attr   map[string]int
	stat   map[string]int
	id     []int
	server int      // 1 + the attribute that only the server sets; 0 if there is none
	quoted []string // of each attribute, its name as a JSON key with the colon
}

// Attribute is a declared attribute.
type Attribute struct {
	Name            string
	Kind            Kind
	OwnLabel        string
	Optional        bool
	Hidden          bool
	ReadOnly        bool
	RenamedFrom     []string // the names that it had before, the latest first
	Default         Value    // null if there is no constant default
	DefaultComputed bool
	Min, Max        *float64
	MaxLength       *int
	Options         []Value // of an Enum
}

// StatKind is the type of a statistic (guide, "Statistic Classes").
type StatKind string

// The kinds of statistic.
const (
	Gauge     StatKind = "gauge"
	Counter   StatKind = "counter"
	Histogram StatKind = "histogram"
)

// Statistic is a declared statistic.
type Statistic struct {
	Name         string
	Kind         StatKind
	OwnLabel     string
	Unit         string
	SamplePeriod int       // seconds
	Bins         [][]int64 // of a Histogram: [low, high] inclusive, or [low]
}

// ConditionKind is the type of an alert condition (guide, "Alert Conditions").
type ConditionKind string

// The kinds of alert condition.
const (
	ValueCondition ConditionKind = "value"
	UpperBound     ConditionKind = "upper_bound"
	LowerBound     ConditionKind = "lower_bound"
)

// Condition is a declared alert condition. Bounds, States and Clear are by
// severity; a severity that is not in Bounds or States is not watched.
type Condition struct {
	ID        string // the author's id, or empty
	Kind      ConditionKind
	Attribute string // an attribute, a gauge or a counter of the class
	Message   string
	// Detail is an attribute of the class whose value, if it has one, is added to
	// the message of an alert.
	Detail string
	States map[Severity][]Value
	Bounds map[Severity]float64
	// Clear has the thresholds that a value must come back to before an alert of
	// a bound ends; a severity that is not in it ends at its bound. It is on the
	// fine side of the bound, or equal to it.
	Clear map[Severity]float64
	// For is how long the condition must hold without interruption before an
	// alert is raised.
	For time.Duration
}

// Name identifies the condition within its class, together with a severity:
// the author's id, or else the attribute.
func (c *Condition) Name() string {
	if c.ID != "" {
		return c.ID
	}
	return c.Attribute
}

// Relation is a declared Provide or Subscribe (guide, "Correlating Controller
// Resources with Linux Devices Using Relations").
type Relation struct {
	Provide    bool   // else Subscribe
	Plugin     string // of the target class; "builtin" for a base class
	Class      string
	Attributes []string
	IgnoreCase bool
}

// Target is what the scans of roots talk to, and what that can bear: the address
// in an attribute, how many scans of it may run at a time (0: any number), and
// the least time from the beginning of one to that of the next.
type Target struct {
	Attribute   string
	Concurrency int
	MinInterval time.Duration
}

// Tighter returns the target with the bounds of another one where these are
// tighter. Without a target of its own, a class takes the other one as it is.
func (t *Target) Tighter(o *Target) *Target {
	switch {
	case o == nil:
		return t
	case t == nil:
		return o
	}
	out := *t
	if o.Concurrency > 0 && (out.Concurrency == 0 || o.Concurrency < out.Concurrency) {
		out.Concurrency = o.Concurrency
	}
	out.MinInterval = max(out.MinInterval, o.MinInterval)
	return &out
}

// Chart is a declared chart: a title and the names of its statistics.
type Chart struct {
	Title  string
	Series []string
}

// Index prepares the class's look-ups. It must be called once, after the
// fields are set and before the class is shared.
func (c *Class) Index() {
	c.attr = make(map[string]int, len(c.Attributes))
	c.quoted = make([]string, len(c.Attributes))
	for i := range c.Attributes {
		c.attr[c.Attributes[i].Name] = i
		c.quoted[i] = string(append(AppendJSONString(nil, c.Attributes[i].Name), ':'))
	}
	c.stat = make(map[string]int, len(c.Statistics))
	for i := range c.Statistics {
		c.stat[c.Statistics[i].Name] = i
	}
	c.server = 0
	if c.Is(BaseVirtualMachine) {
		c.server = c.Attr("host_id") + 1
	}
	c.id = c.id[:0]
	for _, n := range c.IDNames {
		if i, ok := c.attr[n]; ok {
			c.id = append(c.id, i)
		}
	}
}

// ServerSets reports whether an attribute is the server's to set, whatever a plugin
// says: the host_id of a VirtualMachine (guide, "Reporting Hosts").
func (c *Class) ServerSets(attribute int) bool { return c.server == attribute+1 }

// FullName is "plugin.Class".
func (c *Class) FullName() string { return c.Plugin + "." + c.Name }

// Label is the author's label of the class, or else its full name (guide,
// "Names").
func (c *Class) Label() string {
	if c.OwnLabel != "" {
		return c.OwnLabel
	}
	return c.FullName()
}

// Attr returns the index of the named attribute, or -1.
func (c *Class) Attr(name string) int {
	if i, ok := c.attr[name]; ok {
		return i
	}
	return -1
}

// Stat returns the index of the named statistic, or -1.
func (c *Class) Stat(name string) int {
	if i, ok := c.stat[name]; ok {
		return i
	}
	return -1
}

// DrawnCharts are the declared charts, or else one for each statistic (guide,
// "Charts").
func (c *Class) DrawnCharts() []Chart {
	if c.Charts != nil {
		return c.Charts
	}
	out := make([]Chart, len(c.Statistics))
	for i := range c.Statistics {
		s := &c.Statistics[i]
		out[i] = Chart{Title: s.Label(), Series: []string{s.Name}}
	}
	return out
}

// IDAttrs returns the indexes of the identifying attributes, in declared
// order. It is empty for an Auto identifier.
func (c *Class) IDAttrs() []int { return c.id }

// Is reports whether the class is, or inherits from, the named one.
func (c *Class) Is(name string) bool { return c.Name == name || slices.Contains(c.Bases, name) }

// Scannable reports whether users may add resources of the class (guide,
// "Declaring a ScannableResource").
func (c *Class) Scannable() bool { return slices.Contains(c.Bases, BaseScannable) }

// Root reports whether a resource of the class can be the scope of others.
func (c *Class) Root() bool {
	return c.Scannable() || slices.Contains(c.Bases, BaseHostRoot) || c.Internal() && c.Name == ServerClass
}

// Internal reports whether resources of the class are the server's own affairs,
// such as its plugins, and no part of what a user looks for among the hardware.
func (c *Class) Internal() bool {
	return c.Plugin == ServerPlugin && slices.Contains(c.Bases, BaseInternal)
}

// Label is the author's label of the attribute, or else its name made
// readable: file_size becomes "File size" (guide, "Names").
func (a *Attribute) Label() string { return cmpLabel(a.OwnLabel, a.Name) }

// Label is the author's label of the statistic, or else its name made readable.
func (s *Statistic) Label() string { return cmpLabel(s.OwnLabel, s.Name) }

func cmpLabel(own, name string) string {
	if own != "" {
		return own
	}
	return Readable(name)
}

// Readable turns a programmatic name into words: file_size becomes "File size".
func Readable(name string) string {
	s := strings.ReplaceAll(name, "_", " ")
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
