package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) incidents() *cobra.Command {
	var (
		severity     []string
		acknowledged bool
		ended        bool
		since        moment
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
			if cmd.Flags().Changed("since") && !ended {
				return misusef("--since goes with --ended")
			}
			if ended {
				return g.endedIncidents(ctx, c, time.Time(since))
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
	fs.BoolVar(&ended, "ended", false, "those that are over, the last to end first")
	fs.Var(&since, "since", "with --ended: leave out what ended before this `time`, or longer ago, as 36h (default 720h)")
	cmd.MarkFlagsMutuallyExclusive("ended", "severity")
	cmd.MarkFlagsMutuallyExclusive("ended", "acknowledged")
	g.paging(cmd)
	return cmd
}

// endedIncidents lists what was sick and is well.
func (g *getter) endedIncidents(ctx context.Context, c *client, since time.Time) error {
	p := gen.ListEndedIncidentsParams{Limit: &g.limit, Since: optional(since)}
	if g.all {
		p.Limit = new(1000)
	}
	list, raw, err := answer[gen.EndedIncidentList](c.ListEndedIncidents(ctx, &p))
	if err != nil {
		return err
	}
	if done, err := g.raw(g.format, raw); done {
		return err
	}
	t := g.table("RESOURCE", "SEVERITY", "BEGAN", "LASTED", "EFFECTS", "CAUSE", "PART OF")
	for _, i := range list.Items {
		t.AppendRow([]any{i.ID, g.severity(string(i.Severity)), when(i.Began), i.Ended.Sub(i.Began).Round(time.Second), i.Effects, clean(causeText(i.Causes)), dash(i.Causes[0].Root)})
	}
	t.Render()
	if list.Truncated {
		fmt.Fprintf(g.err, "There is more than these %d; --all shows up to 1000\n", len(list.Items))
	}
	return nil
}

func (g *getter) incidentTable(items []json.RawMessage) error {
	list, err := decode[gen.Incident](items)
	if err != nil {
		return err
	}
	t := g.table("ID", "SEVERITY", "BEGAN", "ACK", "EFFECTS", "FILE SYSTEMS", "CAUSE", "PART OF")
	for _, i := range list {
		ack := "-"
		if i.Acknowledged {
			ack = "yes"
		}
		t.AppendRow([]any{i.ID, g.severity(string(i.Severity)), when(i.Began), ack, i.Effects.Total, len(i.Affected.Filesystems), clean(causeText(i.Causes)), dash(i.Resource.Root)})
	}
	t.Render()
	return nil
}

// causeText is the first cause of an incident, and how many more there are.
func causeText(causes []gen.AlertSummary) string {
	if n := len(causes); n > 1 {
		return fmt.Sprintf("%s, and %d more", causes[0].Text, n-1)
	}
	return causes[0].Text
}

func (g *getter) incident(i gen.Incident) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", i.ID)
	row("Resource", fmt.Sprintf("%s (%s.%s)", clean(i.Resource.Name), i.Resource.Plugin, i.Resource.Class))
	row("Part of", dash(i.Resource.Root))
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
