package cli

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/list"
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newWhy(c *console) *cobra.Command {
	var conn connection
	var out format
	var all bool
	cmd := &cobra.Command{
		Use:   "why ID|NAME",
		Short: "Tell what makes a resource sick",
		Long: "Tell what makes a resource sick: the alerts of its own and of all that it depends\n" +
			"on, as a tree from the resource up to the causes. The exit code is 0 if the\n" +
			"resource is fine, and 1 if something makes it sick.",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			id, err := resourceID(ctx, cl, args[0])
			if err != nil {
				return err
			}
			params := gen.GetCausesParams{}
			if all {
				params.All = &all
			}
			causes, raw, err := answer[gen.Causes](cl.GetCauses(ctx, *id, &params))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); err != nil {
				return err
			} else if !done {
				if err := c.why(ctx, cl, causes); err != nil {
					return err
				}
			}
			if causes.Resource.Health != gen.SeverityOk {
				return errNotFine
			}
			return nil
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "show everything that the resource depends on, also what is fine")
	return cmd
}

func (c *console) why(ctx context.Context, cl *client, causes gen.Causes) error {
	r := causes.Resource
	if r.Health == gen.SeverityOk {
		fmt.Fprintf(c.out, "%s is fine.\n", c.nodeText(r))
	} else {
		fmt.Fprintf(c.out, "%s is sick: %s\n", c.nodeText(r), c.severity(string(r.Health)))
	}
	if len(causes.Items) == 0 {
		return nil
	}
	nodes, err := cl.nodesOfPaths(ctx, causes)
	if err != nil {
		return err
	}
	w := list.NewWriter()
	w.SetOutputMirror(c.out)
	st := list.StyleConnectedRounded
	st.CharItemSingle, st.CharItemTop = "╰─", "├─" // the tree hangs from the line above
	w.SetStyle(st)
	c.branch(w, causesTree(causes), nodes)
	w.Render()
	if causes.Truncated {
		fmt.Fprintf(c.out, "and %d more causes\n", causes.Total-len(causes.Items))
	}
	return nil
}

// tree is a node of the tree of causes.
type tree struct {
	id     int64
	alerts []gen.AlertSummary
	up     []*tree // in the order of the causes: worst first
}

// causesTree joins the paths of the causes at their common beginnings.
func causesTree(causes gen.Causes) *tree {
	root := &tree{id: causes.Resource.ID}
	for _, item := range causes.Items {
		at := root
		for _, id := range item.Path[1:] {
			at = at.child(id)
		}
		at.alerts = item.Alerts
	}
	return root
}

func (t *tree) child(id int64) *tree {
	for _, u := range t.up {
		if u.id == id {
			return u
		}
	}
	u := &tree{id: id}
	t.up = append(t.up, u)
	return u
}

// branch prints what makes t sick: its own alerts, then what it depends on.
func (c *console) branch(w list.Writer, t *tree, nodes map[int64]gen.Node) {
	for _, a := range t.alerts {
		w.AppendItem(fmt.Sprintf("%s: %s, since %s", c.severity(string(a.Severity)), clean(a.Text), when(a.Began)))
	}
	for _, u := range t.up {
		if n, ok := nodes[u.id]; ok {
			w.AppendItem(c.nodeText(n))
		} else { // removed since the causes were read
			w.AppendItem(fmt.Sprintf("#%d", u.id))
		}
		w.Indent()
		c.branch(w, u, nodes)
		w.UnIndent()
	}
}

func (c *console) nodeText(n gen.Node) string {
	text := fmt.Sprintf("%s (%s.%s %d)", clean(n.Name), n.Plugin, n.Class, n.ID)
	if n.Stale {
		text += " (stale)"
	}
	return text
}

// nodesOfPaths returns the resources on the paths to the causes, by id. Those
// between the causes are not in the answer; the graph names them.
func (c *client) nodesOfPaths(ctx context.Context, causes gen.Causes) (map[int64]gen.Node, error) {
	nodes := map[int64]gen.Node{causes.Resource.ID: causes.Resource}
	for _, item := range causes.Items {
		nodes[item.Resource.ID] = item.Resource
	}
	depth := 0
	for _, item := range causes.Items {
		for _, id := range item.Path {
			if _, ok := nodes[id]; !ok {
				depth = max(depth, item.Depth-1)
			}
		}
	}
	if depth == 0 {
		return nodes, nil
	}
	up, most := gen.DirectionUp, 100_000
	g, _, err := answer[gen.Graph](c.GetGraph(ctx, causes.Resource.ID, &gen.GetGraphParams{Direction: &up, Depth: &depth, Limit: &most}))
	if err != nil {
		return nil, err
	}
	for _, n := range g.Nodes {
		nodes[n.ID] = n
	}
	return nodes, nil
}
