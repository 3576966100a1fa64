package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newHistory(c *console) *cobra.Command {
	g := &getter{console: c}
	var since, until moment
	cmd := &cobra.Command{
		Use:   "history ID|NAME",
		Short: "Tell what happened to a resource",
		Long: "Tell what happened to a resource, the newest first: attributes, names and links\n" +
			"that changed, alerts that began and ended, and when it was first seen. Of a\n" +
			"resource that was deleted and came back, also what happened before; one that is\n" +
			"gone has an ID only.",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := g.conn.dial()
			if err != nil {
				return err
			}
			id, err := resourceID(ctx, cl, args[0])
			if err != nil {
				return err
			}
			p := gen.GetHistoryParams{Since: optional(time.Time(since)), Until: optional(time.Time(until))}
			var h gen.History
			items, _, err := g.pages(func(limit *int, cursor *string) (raw json.RawMessage, err error) {
				p.Limit, p.Cursor = limit, cursor
				h, raw, err = answer[gen.History](cl.GetHistory(ctx, *id, &p))
				return raw, err
			})
			if err != nil {
				return err
			}
			if h.Items, err = decode[gen.HistoryItem](items); err != nil { // of all pages
				return err
			}
			return g.history(h)
		},
	}
	g.conn.flags(cmd.Flags())
	g.format.flag(cmd.Flags())
	g.paging(cmd)
	cmd.Flags().Var(&since, "since", "leave out what happened before this `time`, or longer ago, as 2h")
	cmd.Flags().Var(&until, "until", "leave out what happened after this `time`, or less long ago")
	return cmd
}

// history prints a history.
func (g *getter) history(h gen.History) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if done, err := g.raw(g.format, body); done {
		return err
	}
	t := g.table("TIME", "WHAT")
	for _, it := range h.Items {
		at := when(it.Time)
		for _, fact := range g.facts(h.Resource, it) {
			t.AppendRow([]any{at, fact})
			at = ""
		}
	}
	t.Render()
	switch {
	case h.Next != "":
		fmt.Fprintf(g.err, "There is more than these %d; --all shows it.\n", len(h.Items))
	case h.KeptSince != nil && len(h.Items) > 0 && h.Items[len(h.Items)-1].Time.Before(*h.KeptSince):
		fmt.Fprintf(g.err, "Changes from before %s are not known.\n", when(*h.KeptSince))
	}
	return nil
}

// facts tells what an item of the history of a resource says, each in a line.
func (g *getter) facts(of gen.Ref, it gen.HistoryItem) (out []string) {
	if it.Alert != nil {
		return []string{g.alertFact(it)}
	}
	add := func(form string, args ...any) { out = append(out, fmt.Sprintf(form, args...)) }
	former := ""
	if it.Resource != of.ID {
		former = fmt.Sprintf(" (as resource %d)", it.Resource)
	}
	switch it.Kind {
	case gen.Created:
		add("seen for the first time%s", former)
	case gen.Deleted:
		add("deleted%s", former)
	}
	if s := it.Session; s != nil {
		if s.Offline {
			add("went offline: %s", dash(s.Error))
		} else {
			add("is back online")
		}
	}
	for _, a := range it.Attributes {
		if a.Secret {
			add("%s changed", clean(a.Label))
		} else {
			add("%s: %s → %s", clean(a.Label), dash(a.FromText), dash(a.ToText))
		}
	}
	for _, name := range []struct {
		what string
		text *gen.HistoryText
	}{{"label", it.Label}, {"alias", it.Alias}} {
		if name.text != nil {
			add("%s: %s → %s", name.what, dash(name.text.From), dash(name.text.To))
		}
	}
	for _, l := range []struct {
		what  string
		links *gen.HistoryLinks
	}{{"depends on", it.Parents}, {"is needed by", it.Children}} {
		if l.links != nil {
			out = append(out, linkFacts(l.what, l.links)...)
		}
	}
	return out
}

func (g *getter) alertFact(it gen.HistoryItem) string {
	a := it.Alert
	text := fmt.Sprintf("%s: %s", g.severity(string(a.Severity)), clean(a.Message))
	switch it.Kind {
	case gen.AlertEnded:
		text += fmt.Sprintf(" ended after %s", it.Time.Sub(a.Began).Round(time.Second))
	case gen.AlertAcknowledged:
		text += " acknowledged"
		if a.Acknowledged != nil {
			text += fmt.Sprintf(" by %s", clean(a.Acknowledged.User))
			if a.Acknowledged.Comment != "" {
				text += fmt.Sprintf(" (%s)", clean(a.Acknowledged.Comment))
			}
		}
	}
	return text
}

// linkFacts tells which links in one direction came and went.
func linkFacts(what string, links *gen.HistoryLinks) (out []string) {
	for _, l := range []struct {
		verb  string
		list  []gen.HistoryLink
		count int
	}{{what, links.Added, links.AddedCount}, {"no longer " + what, links.Removed, links.RemovedCount}} {
		if l.count == 0 {
			continue
		}
		names := make([]string, len(l.list))
		for i, e := range l.list {
			names[i] = fmt.Sprintf("%s (%s.%s %d)", clean(e.Name), e.Plugin, e.Class, e.ID)
		}
		text := l.verb + " " + strings.Join(names, ", ")
		if more := l.count - len(l.list); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, text)
	}
	return out
}
