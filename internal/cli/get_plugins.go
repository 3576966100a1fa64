package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) plugins() *cobra.Command {
	var runner string
	cmd := &cobra.Command{
		Use:     "plugins [NAME]",
		Aliases: []string{"plugin"},
		Short:   "List the plugins and how they fare, or tell all about one",
		Long: "List the plugins of the server and of its runners, or tell all about one. If a plugin is\n" +
			"at several places, all of them are told; as JSON or YAML that is a list.",
		Args: maxOneArg("plugin"),
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
			items, found := onlyPlugins(items, list.Items, args, runner)
			where := ""
			if runner != "" {
				where = " at a runner " + runner
			}
			switch {
			case len(args) == 1 && len(found) == 0:
				return fmt.Errorf("there is no plugin %q%s", args[0], where)
			case len(args) == 1 && len(found) == 1:
				if done, err := g.raw(g.format, items[0]); done {
					return err
				}
				g.plugin(found[0])
				return nil
			case len(args) == 1:
				return g.list(items, "", func() error {
					for i, p := range found {
						if i > 0 {
							fmt.Fprintln(g.out)
						}
						g.plugin(p)
					}
					return nil
				})
			}
			return g.list(items, "", func() error {
				t := g.table("NAME", "STATE", "KIND", "RUNNER", "SESSIONS", "RESTARTS", "MEMORY", "CPU", "SCAN", "ERROR")
				for _, p := range found {
					t.AppendRow([]any{p.Name, g.state(p.State), p.Kind, dash(clean(p.Runner)), sessions(p), p.Restarts, memory(p), cpu(p), scanTime(p), dash(trouble(p))})
				}
				t.Render()
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&runner, "runner", "", "only those at the runner of this `name`")
	return cmd
}

// onlyPlugins keeps the plugins that are asked for, in both forms.
func onlyPlugins(items []json.RawMessage, list []gen.Plugin, args []string, runner string) ([]json.RawMessage, []gen.Plugin) {
	var raw []json.RawMessage
	var found []gen.Plugin
	for i, p := range list {
		if (len(args) == 0 || p.Name == args[0]) && (runner == "" || p.Runner == runner) {
			raw, found = append(raw, items[i]), append(found, p)
		}
	}
	return raw, found
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
	if p.From != nil {
		row("From", *p.From)
	}
	row("Version", dash(p.Version))
	row("SDK", dash(strings.TrimSpace(p.SDK.Name+" "+p.SDK.Version)))
	if p.Loaded != nil {
		row("Loaded", when(*p.Loaded))
	}
	if p.LogLevel != nil {
		row("Log level", *p.LogLevel)
	}
	row("Sessions", sessions(p))
	row("Restarts", p.Restarts)
	if p.PID != 0 {
		row("Process", p.PID)
	}
	if p.NextTry != nil {
		row("Next try", when(*p.NextTry))
	}
	if p.Memory != nil {
		row("Memory", memory(p))
		row("CPU", cpu(p))
	}
	budgets(p, row)
	if p.Scans != nil {
		row("Initial scans", scans(p.Scans.Initial))
		row("Update scans", scans(p.Scans.Update))
	}
	if p.Outdated {
		row("Files", "changed since they were loaded; see faultline plugin reload")
	}
	if p.Rejected != "" {
		row("Not loaded", clean(p.Rejected))
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

// budgets tells what a plugin uses of what it may.
func budgets(p gen.Plugin, row func(k string, v any)) {
	var may gen.PluginBudgets
	if p.Budgets != nil {
		may = *p.Budgets
	}
	of := func(name, used, most string, limited bool) {
		switch {
		case limited && used != "":
			row(name, used+" of "+most)
		case limited:
			row(name, "at most "+most)
		case used != "":
			row(name, used)
		}
	}
	var mem, cpu, processes, files string
	if u := p.Usage; u != nil {
		mem, processes, files = mebibytes(u.Memory), strconv.Itoa(u.Processes), strconv.Itoa(u.OpenFiles)
		if u.CPU != nil {
			cpu = fmt.Sprintf("%.2f cores", *u.CPU)
		}
	}
	of("Memory in all", mem, mebibytes(may.Memory), may.Memory > 0)
	of("CPU now", cpu, fmt.Sprintf("%g cores", may.CPU), may.CPU > 0)
	of("Processes", processes, strconv.Itoa(may.Processes), may.Processes > 0)
	of("Open files", files, strconv.Itoa(may.OpenFiles), may.OpenFiles > 0)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func nonEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// sessions are the live sessions of a plugin, of how many.
func sessions(p gen.Plugin) string { return fmt.Sprintf("%d/%d", p.Sessions, max(p.Roots, p.Sessions)) }

func memory(p gen.Plugin) string {
	if p.Memory == nil {
		return dash("")
	}
	return mebibytes(*p.Memory)
}

func cpu(p gen.Plugin) string {
	if p.CPU == nil {
		return dash("")
	}
	return seconds(*p.CPU)
}

// scanTime is how long a plugin's usual scan takes.
func scanTime(p gen.Plugin) string {
	switch {
	case p.Scans == nil:
		return dash("")
	case p.Scans.Update != nil:
		return seconds(p.Scans.Update.P50)
	case p.Scans.Initial != nil:
		return seconds(p.Scans.Initial.P50)
	}
	return dash("")
}

func scans(s *gen.ScanTimes) string {
	if s == nil {
		return "none"
	}
	text := fmt.Sprintf("%d; last %s, median %s, 95 %% within %s", s.Count, seconds(s.Last), seconds(s.P50), seconds(s.P95))
	if s.Failed > 0 {
		text += fmt.Sprintf("; %d failed", s.Failed)
	}
	return text
}

// seconds shows a short time with three digits.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// trouble is what a person should look at.
func trouble(p gen.Plugin) string {
	switch {
	case p.Rejected != "":
		return "new version not loaded: " + p.Rejected
	case p.Error != "":
		return p.Error
	case p.Outdated:
		return "files changed since they were loaded"
	}
	return ""
}
