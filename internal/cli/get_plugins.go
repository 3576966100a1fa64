package cli

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) plugins() *cobra.Command {
	return &cobra.Command{
		Use:     "plugins [NAME]",
		Aliases: []string{"plugin"},
		Short:   "List the plugins and how they fare",
		Args:    maxOneArg("plugin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			list, raw, err := answer[gen.PluginList](c.ListPlugins(cmd.Context()))
			if err != nil {
				return err
			}
			items, err := whole(raw)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				p, raw, err := pick(items, "plugin", args[0], func(p gen.Plugin) string { return p.Name })
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.plugin(p)
				return nil
			}
			return g.list(items, "", func() error {
				t := g.table("NAME", "STATE", "KIND", "RUNNER", "SESSIONS", "RESTARTS", "CLASSES", "ERROR")
				for _, p := range list.Items {
					t.AppendRow([]any{p.Name, g.state(p.State), p.Kind, dash(clean(p.Runner)), p.Sessions, p.Restarts, len(p.Classes), dash(p.Error)})
				}
				t.Render()
				return nil
			})
		},
	}
}

func (g *getter) state(s gen.PluginState) string {
	if !g.color {
		return string(s)
	}
	switch s {
	case gen.Running:
		return text.FgGreen.Sprint(s)
	case gen.Failed, gen.Backoff:
		return text.FgRed.Sprint(s)
	}
	return string(s)
}

// plugin prints all about one plugin.
func (g *getter) plugin(p gen.Plugin) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("Name", p.Name)
	row("State", g.state(p.State))
	row("Path", clean(p.Path))
	row("Kind", p.Kind)
	row("Runner", dash(clean(p.Runner)))
	row("Version", dash(p.Version))
	row("SDK", dash(strings.TrimSpace(p.SDK.Name+" "+p.SDK.Version)))
	row("Sessions", p.Sessions)
	row("Restarts", p.Restarts)
	if p.PID != 0 {
		row("Process", p.PID)
	}
	if p.NextTry != nil {
		row("Next try", when(*p.NextTry))
	}
	row("Error", dash(p.Error))
	row("Classes", dash(strings.Join(p.Classes, ", ")))
	t.Render()
	for _, pr := range p.Problems {
		where := pr.File
		if pr.Line > 0 {
			where = fmt.Sprintf("%s:%d", where, pr.Line)
		}
		fmt.Fprintln(g.out, clean(strings.Join(nonEmpty(where, pr.Where, pr.Text), ": ")))
	}
}

func nonEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
