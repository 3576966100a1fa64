package plugindoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// diagram draws what classes have to do with each other, as Mermaid does. What
// depends on what is for a scan to say; drawn is what is declared.
func (w *writer) diagram(classes []*resource.Class) {
	d := &graph{ids: map[string]string{}}
	for _, c := range classes {
		d.node("class "+c.Name, "[", caption(c), "]")
	}
	for _, c := range classes {
		from := d.ids["class "+c.Name]
		if len(c.Bases) > 0 && c.Bases[0] != resource.BaseResource {
			d.edge("%s -->|is a| %s", from, d.parent(c))
		}
		for i := range c.Attributes {
			if a := &c.Attributes[i]; a.Kind == resource.Reference {
				how := "names"
				if !a.Optional {
					how = "goes with"
				}
				d.edge("%s -.->|%s| %s", from, quoted(how+" its "+strings.ToLower(a.Label())), d.node("any", "([", "a resource", "])"))
			}
		}
		for _, r := range c.Relations {
			to := d.target(c, r)
			by := quoted("same " + strings.Join(r.Attributes, ", "))
			if r.Provide {
				d.edge("%s ==>|%s| %s", from, by, to)
			} else {
				d.edge("%s ==>|%s| %s", to, by, from)
			}
		}
	}
	w.line("")
	w.line("```mermaid")
	w.line("flowchart LR")
	for _, l := range append(d.nodes, d.edges...) {
		w.line("  %s", l)
	}
	w.line("```")
	w.line("")
	w.line("Thick arrows lead from what affects to what is affected, where values match. Dotted ones are references: what goes with a")
	w.line("resource is removed with it. Which resource affects which otherwise is what a scan reports.")
}

// graph gathers nodes and edges in the order in which they are named.
type graph struct {
	ids          map[string]string
	nodes, edges []string
}

// node returns the ID of a node, which is drawn when it is first named. The key
// tells nodes of one caption apart.
func (d *graph) node(key, open, caption, end string) string {
	if id, ok := d.ids[key]; ok {
		return id
	}
	id := fmt.Sprintf("n%d", len(d.ids)+1)
	d.ids[key] = id
	d.nodes = append(d.nodes, id+open+quoted(caption)+end)
	return id
}

func (d *graph) edge(format string, args ...any) {
	d.edges = append(d.edges, fmt.Sprintf(format, args...))
}

// parent is the node of the class that a class inherits from: another of the plugin,
// or a built-in one, which may have the name of one of the plugin.
func (d *graph) parent(c *resource.Class) string {
	name := c.Bases[0]
	_, builtin := bases[name]
	if id, own := d.ids["class "+name]; own && (!builtin || slices.Contains(c.Bases[1:], name)) {
		return id
	}
	return d.base(name)
}

// base is the node of a built-in class.
func (d *graph) base(name string) string { return d.node("base "+name, "(", name, ")") }

// target is the node of the class that a relation is to.
func (d *graph) target(c *resource.Class, r resource.Relation) string {
	switch r.Plugin {
	case "", c.Plugin:
		return d.node("class "+r.Class, "[", r.Class, "]")
	case "builtin":
		return d.base(r.Class)
	}
	return d.node("of "+r.Plugin+" "+r.Class, "[[", r.Plugin+"."+r.Class, "]]")
}

func caption(c *resource.Class) string {
	if c.OwnLabel == "" || c.OwnLabel == c.Name {
		return c.Name
	}
	return c.Name + ": " + c.OwnLabel
}

// quoted writes a text for Mermaid.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "#", "#35;", "\n", " ", "\r", " ", "<", "#lt;", ">", "#gt;", "`", "'").Replace(s) + `"`
}
