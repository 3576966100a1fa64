package wire

import "encoding/json"

// Manifest is what a plugin declares. It does not hold the plugin's name,
// which is a matter of the file it stands in: the same declarations make the
// same manifest, in any language.
type Manifest struct {
	APIVersion int     `json:"api_version"`
	Classes    []Class `json:"classes"` // in the order of declaration
}

// Built-in base classes (guide, "Resource Classes"). Bases[len-1] of a class
// is always BaseResource.
const (
	BaseResource             = "Resource"
	BaseScannable            = "ScannableResource"
	BaseHostRoot             = "HostRoot" // root of what an agent plugin reports for one host
	BaseHost                 = "Host"
	BaseController           = "Controller"
	BaseEnclosure            = "Enclosure"
	BaseFan                  = "Fan"
	BasePhysicalDisk         = "PhysicalDisk"
	BaseStoragePool          = "StoragePool"
	BaseLogicalDrive         = "LogicalDrive"
	BaseLogicalDriveSlice    = "LogicalDriveSlice"
	BaseLogicalDriveOccupier = "LogicalDriveOccupier"
	BaseDeviceNode           = "DeviceNode"
	BasePathWeight           = "PathWeight"
	BaseVirtualMachine       = "VirtualMachine"
)

// Class is one declared resource class.
type Class struct {
	Name string `json:"name"`
	// Label is the author's own name for the class; empty means plugin.Name.
	Label string `json:"label,omitempty"`
	// Bases are the names of the classes it inherits from, nearest first: first
	// the plugin's own, then built-in ones, ending with "Resource".
	Bases      []string    `json:"bases"`
	Identifier Identifier  `json:"identifier"`
	Attributes []Attribute `json:"attributes,omitempty"` // inherited first, then declaration order
	Statistics []Statistic `json:"statistics,omitempty"`
	Conditions []Condition `json:"alert_conditions,omitempty"`
	Relations  []Relation  `json:"relations,omitempty"`
	// Target says what a scan of a root of the class talks to; nil sets no bounds.
	Target *Target `json:"target,omitempty"`
	// NotForTargets says that no file system target may be placed on drives of the
	// class (guide, "LogicalDrive": usable_for_lustre).
	NotForTargets bool `json:"not_for_targets,omitempty"`
	// Charts is what the author declared; nil means one chart a statistic.
	Charts []Chart `json:"charts,omitempty"`
}

// Scopes of an Identifier.
const (
	ScopeGlobal = "global" // unique in the whole system
	ScopeScoped = "scoped" // unique within one root
	ScopeAuto   = "auto"   // made by the server; user-created roots only
)

// Identifier says which attributes identify a resource of the class.
type Identifier struct {
	Scope      string   `json:"scope"`
	Attributes []string `json:"attributes,omitempty"`
}

// Kinds of Attribute.
const (
	KindString    = "string"
	KindInteger   = "integer" // 64 bit
	KindFloat     = "float"
	KindBoolean   = "boolean"
	KindBytes     = "bytes" // an integer number of bytes
	KindEnum      = "enum"
	KindHostname  = "hostname"
	KindUUID      = "uuid"
	KindPath      = "path"
	KindPassword  = "password"
	KindReference = "reference"
)

// Attribute is one declared attribute.
type Attribute struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Label    string `json:"label,omitempty"` // the author's own; empty means the name, capitalised, with spaces
	Optional bool   `json:"optional,omitempty"`
	Hidden   bool   `json:"hidden,omitempty"`
	ReadOnly bool   `json:"user_read_only,omitempty"`
	// RenamedFrom are the names that the attribute had in older versions of the
	// plugin, the latest first. Stored resources keep their values under the new
	// name. None of them is the name of an attribute of the class now, and no two
	// attributes have one in common.
	RenamedFrom []string `json:"renamed_from,omitempty"`
	// Default is the constant default, if there is one.
	Default json.RawMessage `json:"default,omitempty"`
	// DefaultComputed says that the default is a function; see MethodDefaults.
	DefaultComputed bool              `json:"default_computed,omitempty"`
	Min             *float64          `json:"min,omitempty"` // inclusive
	Max             *float64          `json:"max,omitempty"` // inclusive
	MaxLength       *int              `json:"max_length,omitempty"`
	Options         []json.RawMessage `json:"options,omitempty"` // of an enum: strings, numbers or booleans
}

// Kinds of Statistic.
const (
	KindGauge     = "gauge"
	KindCounter   = "counter"
	KindHistogram = "histogram"
)

// Statistic is one declared statistic.
type Statistic struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`
	Label        string `json:"label,omitempty"`
	Unit         string `json:"unit,omitempty"`
	SamplePeriod int    `json:"sample_period"` // seconds; 10 by default
	// Bins of a histogram: [low, high] both inclusive, or [low] for an open end.
	Bins [][]int64 `json:"bins,omitempty"`
}

// Kinds of Condition.
const (
	ConditionValue = "value"
	ConditionUpper = "upper_bound"
	ConditionLower = "lower_bound"
)

// Condition is one declared alert condition. A value condition has lists of
// values, a bound condition has bounds; a severity that it lacks is not watched.
// Bounds are strict: a value equal to the bound is fine.
type Condition struct {
	ID        string `json:"id,omitempty"`
	Kind      string `json:"kind"`
	Attribute string `json:"attribute"` // an attribute, a gauge or a counter
	Message   string `json:"message,omitempty"`

	// Detail names a string attribute of the class; its value, if there is one
	// when an alert is raised, follows the message: "Over budget: 70 of 64 MiB".
	Detail string `json:"detail,omitempty"`

	ErrorStates []json.RawMessage `json:"error_states,omitempty"`
	WarnStates  []json.RawMessage `json:"warn_states,omitempty"`
	InfoStates  []json.RawMessage `json:"info_states,omitempty"`

	ErrorBound *float64 `json:"error_bound,omitempty"`
	WarnBound  *float64 `json:"warn_bound,omitempty"`
	InfoBound  *float64 `json:"info_bound,omitempty"`

	// A clear threshold, of a bound, is where a value must be back for the alert
	// to end; without it that is the bound. It is on the fine side of the bound, or
	// equal to it.
	ErrorClear *float64 `json:"error_clear,omitempty"`
	WarnClear  *float64 `json:"warn_clear,omitempty"`
	InfoClear  *float64 `json:"info_clear,omitempty"`

	// ForSeconds is how long the condition must hold without interruption before
	// an alert is raised; 0, the default, raises it at once. At most MaxForSeconds.
	ForSeconds float64 `json:"for_seconds,omitempty"`
}

// MaxForSeconds bounds Condition.ForSeconds: 366 days.
const MaxForSeconds = 366 * 24 * 60 * 60

// Target is what scans of a scannable class talk to, and what that can bear. The
// bounds hold for all roots whose attribute has the same address together.
type Target struct {
	Attribute string `json:"attribute"` // of the class; a text
	// Concurrency is how many scans of one address may run at a time; 0 is any
	// number.
	Concurrency int `json:"concurrency,omitempty"`
	// MinInterval is the least time from the beginning of one scan of an address to
	// that of the next, in seconds; at most MaxMinInterval.
	MinInterval float64 `json:"min_interval,omitempty"`
}

// MaxMinInterval bounds Target.MinInterval: a day.
const MaxMinInterval = 24 * 60 * 60

// Kinds of Relation.
const (
	RelationProvide   = "provide"
	RelationSubscribe = "subscribe"
)

// Relation links resources of this class to those of a target class whose
// named attributes have equal values. The provider becomes a parent.
type Relation struct {
	Kind string `json:"kind"`
	// Plugin is the target's plugin; empty means this plugin, or for a built-in
	// base class (Plugin "builtin") any plugin.
	Plugin     string   `json:"plugin,omitempty"`
	Class      string   `json:"class"`
	Attributes []string `json:"attributes"`
	IgnoreCase bool     `json:"ignorecase,omitempty"`
}

// BuiltinPlugin is the Relation.Plugin of a built-in base class.
const BuiltinPlugin = "builtin"

// Chart is one declared chart.
type Chart struct {
	Title  string   `json:"title"`
	Series []string `json:"series"`
}
