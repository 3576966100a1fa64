package resource

// Query selects, sorts and pages resources. The zero Query selects all, by ID.
type Query struct {
	Plugin, Class string
	Base          string // a class name; resources of classes that are or inherit from it
	Scope         ID     // reported by this root
	Text          string // substring of the name or of an attribute's text, ignoring case
	// Identifier has some of the identifying attributes, with their values as text:
	// a reference by the ID or the name of its target, null as nothing. Those that
	// are not named may have any value.
	Identifier map[string]string
	// Hardware leaves out resources of internal classes; see Class.Internal.
	Hardware     bool
	Parent       ID // children of this resource
	AncestorOf   ID // this resource and its ancestors
	DescendantOf ID // this resource and its descendants
	// Health keeps resources whose health is one of these; nil keeps all.
	Health []Severity
	// HealthOf tells the health of a resource, for Health and for sorting by it.
	HealthOf func(ID) Severity
	// Sort is "id", "name", "class", "health", "updated", "first_seen" or the
	// name of an attribute, with a leading "-" for descending. Nulls come last.
	Sort   string
	Limit  int    // 0 means 100; at most 10,000
	Cursor string // Page.Next of the page before
}

// Page is one page of a query's answer.
type Page struct {
	Items []*Resource
	Next  string // empty on the last page
}

// Direction is a way along the edges.
type Direction uint8

// The directions.
const (
	Up   Direction = iota // to parents: what affects the resource
	Down                  // to children: what the resource affects
)

// Step is a resource that a walk reached.
type Step struct {
	Resource *Resource
	// Via is the resource from which the walk reached it, one nearer to the
	// start; 0 at the start. Following Via leads back on a shortest path.
	Via   ID
	Depth int
}
