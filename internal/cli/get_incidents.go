package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) incidents() *cobra.Command {
	var (
		severity     []string
		acknowledged bool
	)
	cmd := &cobra.Command{
		Use:     "incidents [ID]",
		Aliases: []string{"incident"},
		Short:   "List incidents, or show one",
		Long: "List incidents: resources that are sick although nothing that they depend on is,\n" +
			"each with the alerts that follow from it. The ID of an incident is that of its\n" +
			"resource.",
		Args: maxOneArg("incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				id, err := resourceID(ctx, c, args[0])
				if err != nil {
					return err
				}
				p := gen.GetIncidentParams{Limit: &g.limit}
				if g.all {
					p.Limit = new(100_000)
				}
				i, raw, err := answer[gen.Incident](c.GetIncident(ctx, *id, &p))
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.incident(i)
				return nil
			}
			var p gen.ListIncidentsParams
			for _, s := range severity {
				p.Severity = append(p.Severity, gen.AlertSeverity(s))
			}
			if cmd.Flags().Changed("acknowledged") {
				p.Acknowledged = &acknowledged
			}
			items, next, err := g.pages(func(limit *int, cursor *string) (json.RawMessage, error) {
				p.Limit, p.Cursor = limit, cursor
				_, raw, err := answer[gen.IncidentList](c.ListIncidents(ctx, &p))
				return raw, err
			})
			if err != nil {
				return err
			}
			return g.list(items, next, func() error { return g.incidentTable(items) })
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&severity, "severity", nil, "only those whose worst alert has one of these `severities`: info, warning, error")
	fs.BoolVar(&acknowledged, "acknowledged", false, "only those whose causes are acknowledged; --acknowledged=false: only the others")
	g.paging(cmd)
	return cmd
}

func (g *getter) incidentTable(items []json.RawMessage) error {
	list, err := decode[gen.Incident](items)
	if err != nil {
		return err
	}
	t := g.table("ID", "SEVERITY", "BEGAN", "ACK", "EFFECTS", "FILE SYSTEMS", "CAUSE")
	for _, i := range list {
		ack := "-"
		if i.Acknowledged {
			ack = "yes"
		}
		t.AppendRow([]any{i.ID, g.severity(string(i.Severity)), when(i.Began), ack, i.Effects.Total, len(i.Affected.Filesystems), clean(causeText(i))})
	}
	t.Render()
	return nil
}

// causeText is the first alert of an incident, and how many more there are.
func causeText(i gen.Incident) string {
	if n := len(i.Causes); n > 1 {
		return fmt.Sprintf("%s, and %d more", i.Causes[0].Text, n-1)
	}
	return i.Causes[0].Text
}

func (g *getter) incident(i gen.Incident) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", i.ID)
	row("Resource", fmt.Sprintf("%s (%s.%s)", clean(i.Resource.Name), i.Resource.Plugin, i.Resource.Class))
	row("Severity", g.severity(string(i.Severity)))
	row("Began", when(i.Began))
	row("Acknowledged", yesNo(i.Acknowledged))
	for _, a := range i.Causes {
		row("Cause", g.alertLine(a))
	}
	row("Effects", i.Effects.Total)
	if i.Effects.Total > 0 {
		row("By class", countText(i.Effects.ByClass))
	}
	for _, a := range i.Effects.Items {
		row("Effect", g.alertLine(a))
	}
	if n := i.Effects.Total - len(i.Effects.Items); n > 0 {
		row("", fmt.Sprintf("and %d more; --all shows them", n))
	}
	row("Affects", dash(countText(i.Affected.Counts)))
	for _, f := range i.Affected.Filesystems {
		row("File system", fmt.Sprintf("%s (%d)", clean(f.Name), f.ID))
	}
	t.Render()
}

// alertLine is an alert in one line.
func (g *getter) alertLine(a gen.AlertSummary) string {
	text := fmt.Sprintf("%s: %s, since %s (alert %d)", g.severity(string(a.Severity)), clean(a.Text), when(a.Began), a.ID)
	if a.Acknowledged {
		text += ", acknowledged"
	}
	return text
}
