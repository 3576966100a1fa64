package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// resourceFilters are the flags of `get resources`.
type resourceFilters struct {
	plugin, class, base, q, sort                  string
	scope, host, parent, ancestorOf, descendantOf string
	health, identifier, where                     []string
}

func (g *getter) resources() *cobra.Command {
	var f resourceFilters
	cmd := &cobra.Command{
		Use:     "resources [ID|NAME]",
		Aliases: []string{"resource"},
		Short:   "List resources, or show one",
		Example: "  faultline get resources --class acme.HardDrive --health error,warning --sort -temperature\n" +
			"  faultline get resources --ancestor-of 'lun 7' -o json",
		Args: maxOneArg("resource"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return g.oneResource(cmd.Context(), c, args[0])
			}
			return g.manyResources(cmd.Context(), c, &f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.plugin, "plugin", "", "only those of this plugin")
	fs.StringVar(&f.class, "class", "", "only those of this `class`: PLUGIN.CLASS or CLASS")
	fs.StringVar(&f.base, "base", "", "only those of this base `class`, such as PhysicalDisk")
	fs.StringVar(&f.scope, "scope", "", "only what this root (ID or name) reports")
	fs.StringVar(&f.host, "host", "", "only what this host (ID) reports")
	fs.StringSliceVar(&f.health, "health", nil, "only those in these `states`: ok, info, warning, error")
	fs.StringArrayVar(&f.identifier, "identifier", nil, "only those whose identifying attribute has this value, as `name=value`; may be repeated")
	fs.StringArrayVar(&f.where, "where", nil, "only those for which this `condition` holds, such as 'capacity>=10 TiB', status=FAILED or model~st16; may be repeated")
	fs.StringVarP(&f.q, "q", "q", "", "only those with this `text` in their name or an attribute")
	fs.StringVar(&f.parent, "parent", "", "only the children of this resource")
	fs.StringVar(&f.ancestorOf, "ancestor-of", "", "this resource and what can make it sick")
	fs.StringVar(&f.descendantOf, "descendant-of", "", "this resource and what it can make sick")
	fs.StringVar(&f.sort, "sort", "", "`field` or attribute to sort by; -field for descending; attribute.name for an attribute that is called as a field is")
	g.paging(cmd)
	return cmd
}

func (g *getter) manyResources(ctx context.Context, c *client, f *resourceFilters) error {
	p := gen.ListResourcesParams{
		Plugin: optional(f.plugin), Class: optional(f.class), Base: optional(f.base), Q: optional(f.q), Sort: optional(f.sort),
		Identifier: f.identifier, Where: f.where,
	}
	for _, h := range f.health {
		p.Health = append(p.Health, gen.Severity(h))
	}
	for _, r := range []struct {
		arg string
		to  **gen.ID
	}{{f.scope, &p.Scope}, {f.host, &p.Host}, {f.parent, &p.Parent}, {f.ancestorOf, &p.AncestorOf}, {f.descendantOf, &p.DescendantOf}} {
		var err error
		if *r.to, err = resourceID(ctx, c, r.arg); err != nil {
			return err
		}
	}
	items, next, err := g.pages(func(limit *int, cursor *string) (json.RawMessage, error) {
		p.Limit, p.Cursor = limit, cursor
		_, raw, err := answer[gen.ResourceList](c.ListResources(ctx, &p))
		return raw, err
	})
	if err != nil {
		return err
	}
	return g.list(items, next, func() error {
		list, err := decode[gen.Resource](items)
		if err != nil {
			return err
		}
		return g.resourceTable(ctx, c, list)
	})
}

// resourceTable prints resources with the columns of their class, if they are
// all of one.
func (g *getter) resourceTable(ctx context.Context, c *client, list []gen.Resource) error {
	same := len(list) > 0
	for _, r := range list {
		same = same && r.Plugin == list[0].Plugin && r.Class == list[0].Class
	}
	if !same {
		t := g.table("ID", "CLASS", "NAME", "HEALTH")
		for _, r := range list {
			t.AppendRow([]any{r.ID, r.Plugin + "." + r.Class, clean(r.Name), g.health(string(r.Health), r.Stale)})
		}
		t.Render()
		return nil
	}
	cl, err := c.class(ctx, list[0].Plugin, list[0].Class)
	if err != nil {
		return err
	}
	header := []any{"ID", "NAME", "HEALTH"}
	var columns []string
	if cl != nil { // else its plugin is gone since the list was read
		columns = cl.Columns
		labels := map[string]string{}
		for _, a := range cl.Attributes {
			labels[a.Name] = a.Label
		}
		for _, n := range columns {
			header = append(header, clean(labels[n]))
		}
	}
	t := g.table(header...)
	for _, r := range list {
		row := []any{r.ID, clean(r.Name), g.health(string(r.Health), r.Stale)}
		for _, n := range columns {
			row = append(row, dash(r.Attributes[n].Text))
		}
		t.AppendRow(row)
	}
	t.Render()
	return nil
}

func (g *getter) oneResource(ctx context.Context, c *client, arg string) error {
	r, raw, err := c.find(ctx, arg)
	if err != nil {
		return err
	}
	if done, err := g.raw(g.format, raw); done {
		return err
	}
	cl, err := c.class(ctx, r.Plugin, r.Class)
	if err != nil {
		return err
	}
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", r.ID)
	row("Class", r.Plugin+"."+r.Class)
	row("Name", clean(r.Name))
	if r.Alias != nil {
		row("Label", clean(r.Label))
	}
	row("Health", g.health(string(r.Health), r.Stale))
	if r.Standing != nil {
		row("Standing", strings.ReplaceAll(string(*r.Standing), "_", " "))
	}
	row("Parents", dash(strings.Trim(fmt.Sprint(r.Parents), "[]")))
	row("Children", r.ChildrenCount)
	row("First seen", when(r.FirstSeen))
	row("Updated", when(r.Updated))
	if s := r.Session; s != nil {
		row("Session", strings.Join(nonEmpty(string(s.State), clean(s.Error), clean(s.Waiting)), ": "))
		if s.LastContact != nil {
			row("Last contact", when(*s.LastContact))
		}
		if s.NextTry != nil {
			row("Next try", when(*s.NextTry))
		}
		if h := s.Held; h != nil {
			row("Held removal", fmt.Sprintf("%d resources: the scan of %s lacked %d of %d; see faultline approve", h.Resources, when(h.Since), h.Lacking, h.Of))
		}
		for _, what := range s.Incomplete {
			row("Not read", clean(what))
		}
	}
	writers, err := c.writers(ctx, r)
	if err != nil {
		return err
	}
	t.Render()
	g.values(r, cl, writers)
	g.alertLines("Alerts", r.OwnAlerts, 0)
	g.alertLines("Inherited alerts", r.InheritedAlerts, r.InheritedAlertsCount)
	return nil
}

// writers returns the names of the roots whose values a resource has, by ID. It
// is empty unless several roots report the resource.
func (c *client) writers(ctx context.Context, r gen.Resource) (map[int64]string, error) {
	names := map[int64]string{}
	for _, a := range r.Attributes {
		if a.WrittenBy == 0 || names[a.WrittenBy] != "" {
			continue
		}
		root, _, err := answer[gen.Resource](c.GetResource(ctx, a.WrittenBy))
		if err != nil {
			return nil, err
		}
		names[a.WrittenBy] = fmt.Sprintf("%s (%d)", clean(root.Name), root.ID)
	}
	return names, nil
}

// values prints attributes and statistics, in the order of the class. Writers
// are the names of those who wrote the attributes.
func (g *getter) values(r gen.Resource, cl *gen.Class, writers map[int64]string) {
	names, stats := slices.Sorted(maps.Keys(r.Attributes)), slices.Sorted(maps.Keys(r.Statistics))
	if cl != nil {
		names, stats = nil, nil
		for _, a := range cl.Attributes {
			if v, ok := r.Attributes[a.Name]; ok && !v.Hidden {
				names = append(names, a.Name)
			}
		}
		for _, s := range cl.Statistics {
			stats = append(stats, s.Name)
		}
	}
	t := g.table()
	for _, n := range names {
		row := []any{clean(r.Attributes[n].Label), dash(r.Attributes[n].Text)}
		if by := r.Attributes[n].WrittenBy; by != 0 {
			row = append(row, "by "+writers[by])
		}
		t.AppendRow(row)
	}
	for _, n := range stats {
		s := r.Statistics[n]
		v := "-"
		if s.Value != nil {
			v = strings.TrimSpace(fmt.Sprintf("%v %s", *s.Value, s.Unit))
		} else if len(s.Bins) > 0 {
			v = strings.Trim(fmt.Sprint(s.Bins), "[]")
		}
		t.AppendRow([]any{clean(s.Label), clean(v)})
	}
	if t.Length() > 0 {
		fmt.Fprintln(g.out)
		t.Render()
	}
}

func (g *getter) alertLines(title string, list []gen.AlertSummary, count int) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(g.out, "\n%s:\n", title)
	for _, a := range list {
		fmt.Fprintf(g.out, "  %s: %s (alert %d, since %s)\n", g.severity(string(a.Severity)), clean(a.Text), a.ID, when(a.Began))
	}
	if count > len(list) {
		fmt.Fprintf(g.out, "  and %d more\n", count-len(list))
	}
}
