package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) alerts() *cobra.Command {
	var (
		active, acknowledged             bool
		severity                         []string
		plugin, class, resource, sort, q string
	)
	cmd := &cobra.Command{
		Use:     "alerts [ID]",
		Aliases: []string{"alert"},
		Short:   "List alerts, or show one",
		Args:    maxOneArg("alert"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				id, err := strconv.ParseInt(args[0], 10, 64)
				if err != nil {
					return misusef("%q is no alert ID; an ID is a number", args[0])
				}
				a, raw, err := answer[gen.Alert](c.GetAlert(ctx, id))
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.alert(a)
				return nil
			}
			p := gen.ListAlertsParams{Plugin: optional(plugin), Class: optional(class), Q: optional(q), Sort: optional(sort)}
			if cmd.Flags().Changed("active") {
				p.Active = &active
			}
			if cmd.Flags().Changed("acknowledged") {
				p.Acknowledged = &acknowledged
			}
			for _, s := range severity {
				p.Severity = append(p.Severity, gen.AlertSeverity(s))
			}
			if p.Resource, err = resourceID(ctx, c, resource); err != nil {
				return err
			}
			items, next, err := g.pages(func(limit *int, cursor *string) (json.RawMessage, error) {
				p.Limit, p.Cursor = limit, cursor
				_, raw, err := answer[gen.AlertList](c.ListAlerts(ctx, &p))
				return raw, err
			})
			if err != nil {
				return err
			}
			return g.list(items, next, func() error { return g.alertTable(items) })
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&active, "active", false, "only alerts that hold; --active=false: only those that ended")
	fs.StringSliceVar(&severity, "severity", nil, "only these `severities`: info, warning, error")
	fs.StringVar(&resource, "resource", "", "only alerts of this resource (ID or name)")
	fs.StringVar(&plugin, "plugin", "", "only alerts of resources of this plugin")
	fs.StringVar(&class, "class", "", "only alerts of resources of this `class`")
	fs.BoolVar(&acknowledged, "acknowledged", false, "only alerts that somebody acknowledged; --acknowledged=false: only the others")
	fs.StringVarP(&q, "q", "q", "", "only alerts with all words of this `text` in their text, condition or class")
	fs.StringVar(&sort, "sort", "", "began, ended, severity or resource; `-field` for descending")
	g.paging(cmd)
	return cmd
}

func (g *getter) alertTable(items []json.RawMessage) error {
	list, err := decode[gen.Alert](items)
	if err != nil {
		return err
	}
	t := g.table("ID", "SEVERITY", "BEGAN", "ENDED", "ACK", "RESOURCE", "TEXT", "PART OF")
	for _, a := range list {
		ended := "-"
		if a.Ended != nil {
			ended = when(*a.Ended)
		}
		ack := "-"
		if a.Acknowledged != nil {
			ack = clean(a.Acknowledged.User)
		}
		t.AppendRow([]any{a.ID, g.severity(string(a.Severity)), when(a.Began), ended, ack, a.Resource, clean(a.Text), dash(a.Root)})
	}
	t.Render()
	return nil
}

func (g *getter) alert(a gen.Alert) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", a.ID)
	row("Text", clean(a.Text))
	row("Severity", g.severity(string(a.Severity)))
	row("Resource", fmt.Sprintf("%s (%s.%s %d)", clean(a.ResourceName), a.Plugin, a.Class, a.Resource))
	row("Condition", clean(a.Condition))
	if !a.Since.Equal(a.Began) {
		row("Holds since", when(a.Since))
	}
	row("Began", when(a.Began))
	if a.Ended != nil {
		row("Ended", when(*a.Ended))
	}
	if k := a.Acknowledged; k != nil {
		row("Acknowledged", fmt.Sprintf("by %s at %s", clean(k.User), when(k.Time)))
		if k.Comment != "" {
			row("Comment", clean(k.Comment))
		}
	}
	row("Affects", dash(countText(a.Affected.Counts)))
	for _, f := range a.Affected.Filesystems {
		row("File system", fmt.Sprintf("%s (%d)", clean(f.Name), f.ID))
	}
	t.Render()
}

// countText says "3 acme.Lun, 1 acme.RaidPool".
func countText(n map[string]int) string {
	var out []string
	for _, class := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%d %s", n[class], class))
	}
	return strings.Join(out, ", ")
}
