package plugin

// Class collects what a class's Describe method declares beyond its fields.
// Fields are named by pointers into the receiver of Describe, which must be a
// pointer receiver; any other pointer is an error at start.
type Class struct{}

// Label gives the class a name for people; the default is plugin.Name.
func (c *Class) Label(label string) {}

// Alert declares an alert condition with its message. Two conditions that watch
// one attribute at one severity need an id each (guide, "Alert Conditions").
func (c *Class) Alert(cond Condition, message string, id ...string) {}

// Chart declares a chart of several statistics. A class that declares none has
// one chart for each statistic. The statistics of one chart are of one type,
// series or histogram, and have at most two units (guide, "Charts").
func (c *Class) Chart(title string, statistics ...Statistic) {}

// Provide declares that a resource of this class is what a resource of the
// named class in the named plugin presents if all the given attributes are
// equal: it then becomes a parent of that resource (guide, "Correlating
// Controller Resources"). An empty plugin means this one.
func (c *Class) Provide(plugin, class string, attributes ...any) *Relation { return &Relation{} }

// Subscribe is Provide seen from the other side: a resource of the named class
// with equal attributes becomes a parent of this one.
func (c *Class) Subscribe(plugin, class string, attributes ...any) *Relation { return &Relation{} }

// ProvideTo is Class.Provide to a class given by its Go type: one of this
// plugin, or a base class, which means every class with that base in any plugin.
func ProvideTo[T any](c *Class, attributes ...any) *Relation { return &Relation{} }

// SubscribeTo is Class.Subscribe to a class given by its Go type, as in ProvideTo.
func SubscribeTo[T any](c *Class, attributes ...any) *Relation { return &Relation{} }

// Default declares a computed default for an attribute: f is asked for the
// value when a mandatory attribute has none. It sees the resource with the
// values that are known, and may return an error's worth of nothing: the zero
// value then has to pass the attribute's rules like any other.
func Default[R, T any](c *Class, attribute *T, f func(R) T) {}

// Relation is a declared Provide or Subscribe.
type Relation struct{}

// IgnoreCase makes the relation compare texts without regard to case.
func (r *Relation) IgnoreCase() *Relation { return r }
