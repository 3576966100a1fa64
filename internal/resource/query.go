package resource

import "strings"

// Query selects, sorts and pages resources. The zero Query selects all, by ID.
type Query struct {
	Plugin, Class string
	Base          string // a class name; resources of classes that are or inherit from it
	Scopes        []ID   // reported by one of these roots; nil keeps all
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
	// Where are conditions on attributes, of which all must hold; of those that ask
	// whether one attribute is equal to something, one.
	Where []Predicate
	// Health keeps resources whose health is one of these; nil keeps all.
	Health []Severity
	// Sick has the resources whose health is not OK, for Health and for sorting by
	// it. It is not modified, and must not be while the query is answered.
	Sick map[ID]Severity
	// Sort is "id", "name", "class", "health", "updated", "first_seen" or the
	// name of an attribute, which AttributePrefix tells from these, with a leading
	// "-" for descending. Nulls come last.
	Sort   string
	Limit  int    // 0 means 100; at most 10,000
	Cursor string // Page.Next of the page before
	// Offset is how many resources come before the page, to jump anywhere. It is
	// no place to go on from: use Cursor for that. Not both are given.
	Offset int
}

// AttributePrefix stands before the name of an attribute where the name alone may
// mean something that all resources have: "attribute.name" is always the attribute,
// "name" what people call the resource. No attribute has a dot in its name.
const AttributePrefix = "attribute."

// AttributeName returns the name of the attribute that a query means.
func AttributeName(field string) string { return strings.TrimPrefix(field, AttributePrefix) }

// Page is one page of a query's answer.
type Page struct {
	Items []*Resource
	Next  string // empty on the last page
	// Total is how many resources the query selects, on all pages together.
	Total int
}

// Match is what a search found of one class.
type Match struct {
	Class *Class
	Count int // of all that was found
	Best  []MatchedResource
}

// MatchedResource is a resource that a search found.
type MatchedResource struct {
	*Resource
	// Attribute is the index of the attribute that has the text; -1 if the name has
	// it.
	Attribute int
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
