package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newPluginLoad(c *console) *cobra.Command {
	var conn connection
	var runner string
	cmd := &cobra.Command{
		Use:   "load NAME",
		Short: "Have the server load a plugin of its configuration or its plugin folder",
		Long: "Have the server load a plugin, while it runs. The plugin stands in the server's\n" +
			"configuration (plugins), which is read again, or in its plugin folder: what a\n" +
			"server runs is decided on its own machine. A plugin that was unloaded, or failed,\n" +
			"is started again.",
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			p, _, err := answer[gen.Plugin](cl.LoadPlugin(cmd.Context(), gen.LoadPlugin{Name: args[0], Runner: runner}))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Loaded %s%s (%s).\n", p.Name, atRunner(p.Runner), clean(p.Path))
			return err
		},
	}
	conn.flags(cmd.Flags())
	runnerFlag(cmd, &runner)
	return cmd
}

func newPluginUnload(c *console) *cobra.Command {
	var conn connection
	var runner string
	cmd := &cobra.Command{
		Use:   "unload NAME",
		Short: "Have the server unload a plugin; what it reported stays, stale",
		Long: "Have the server tear down the sessions of a plugin and end its process, until\n" +
			"`faultline plugin load` or the next start of the server. Its roots are offline;\n" +
			"what it reported stays, and is stale.",
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			if _, _, err := answer[struct{}](cl.UnloadPlugin(cmd.Context(), args[0], &gen.UnloadPluginParams{Runner: optional(runner)})); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Unloaded %s%s.\n", args[0], atRunner(runner))
			return err
		},
	}
	conn.flags(cmd.Flags())
	runnerFlag(cmd, &runner)
	return cmd
}

func newPluginReload(c *console) *cobra.Command {
	var (
		conn     connection
		runner   string
		out      format
		yes, dry bool
	)
	cmd := &cobra.Command{
		Use:   "reload NAME",
		Short: "Have the server take a plugin in as its files are now",
		Long: "Have the server take a plugin in as its files are now, while it runs. First shown\n" +
			"is what the new version declares otherwise, and what that does to stored resources.\n" +
			"On a terminal you are asked then. The new version is started beside the old one;\n" +
			"if it is no good, the old one goes on. Sessions move after the hook that runs, and\n" +
			"no alert begins or ends for that.",
		Args: exactArgs("NAME"),
	}
	conn.flags(cmd.Flags())
	runnerFlag(cmd, &runner)
	out.flag(cmd.Flags())
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show the differences")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		cl, err := conn.dial()
		if err != nil {
			return err
		}
		ask := !yes && !dry && terminal(cmd)
		if ask || dry {
			ch, raw, err := answer[gen.PluginChanges](cl.GetPluginChanges(ctx, args[0], &gen.GetPluginChangesParams{Runner: optional(runner)}))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done && dry {
				return err
			}
			c.changes(ch)
			if ch.Refused != "" {
				return fmt.Errorf("the new version cannot be taken in: %s", ch.Refused)
			}
			if dry {
				return nil
			}
			fmt.Fprintf(c.out, "Take the new version of %s in? [y/N] ", ch.Plugin)
			reply, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
			if r := strings.ToLower(strings.TrimSpace(reply)); r != "y" && r != "yes" {
				fmt.Fprintln(c.out, "Nothing was changed.")
				return errNotFine
			}
		}
		ch, raw, err := answer[gen.PluginChanges](cl.ReloadPlugin(ctx, args[0], &gen.ReloadPluginParams{Runner: optional(runner)}))
		if err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done {
			return err
		}
		if !ask {
			c.changes(ch)
		}
		_, err = fmt.Fprintf(c.out, "Reloaded %s%s.\n", ch.Plugin, atRunner(runner))
		return err
	}
	return cmd
}

// runnerFlag says where a plugin is that several may have.
func runnerFlag(cmd *cobra.Command, runner *string) {
	cmd.Flags().StringVar(runner, "runner", "", "`name` of the runner that has the plugin (default: the server, else the only runner that has it)")
}

// atRunner names the place of a plugin that is not the server.
func atRunner(runner string) string {
	if runner == "" {
		return ""
	}
	return " at runner " + clean(runner)
}

// terminal reports whether somebody sits at the input.
func terminal(cmd *cobra.Command) bool {
	f, ok := cmd.InOrStdin().(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// changes prints the differences between two versions of a plugin.
func (c *console) changes(ch gen.PluginChanges) {
	if ch.Version != ch.Now {
		fmt.Fprintf(c.out, "Version %s → %s\n", cmp.Or(clean(ch.Version), "none"), cmp.Or(clean(ch.Now), "none"))
	}
	if ch.Same {
		fmt.Fprintln(c.out, "The declarations are the same.")
		return
	}
	mark := map[gen.PluginChangeChange]string{gen.ChangeAdded: "+", gen.ChangeRemoved: "-"}
	for _, d := range ch.Changes {
		name := d.Class
		if d.Name != "" {
			name += "." + d.Name
		}
		what := string(d.What)
		if d.What == gen.PluginChangeWhatClass || d.What == gen.PluginChangeWhatAttribute {
			what = ""
		}
		fmt.Fprintln(c.out, cmp.Or(mark[d.Change], "~"), strings.Join(nonEmpty(strings.TrimSpace(clean(name)+" "+what), clean(d.Text)), ": "))
		if d.Effect != "" {
			fmt.Fprintln(c.out, "    "+clean(d.Effect))
		}
	}
}

func newPluginLogLevel(c *console) *cobra.Command {
	var conn connection
	var runner string
	known := []string{"debug", "info", "warning", "error"}
	cmd := &cobra.Command{
		Use:   "log-level NAME [" + strings.Join(known, "|") + "]",
		Short: "Show or change what of a plugin's log the server keeps",
		Long: "Show or change what of a plugin's log the server keeps, in the plugin that runs and\n" +
			"until the server ends; debug_plugins in the configuration holds for longer.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			var p gen.Plugin
			if len(args) == 1 {
				p, _, err = answer[gen.Plugin](cl.GetPlugin(cmd.Context(), args[0], &gen.GetPluginParams{Runner: optional(runner)}))
			} else {
				if !slices.Contains(known, args[1]) {
					return misusef("log level %q is not one of %s", args[1], strings.Join(known, ", "))
				}
				p, _, err = answer[gen.Plugin](cl.EditPlugin(cmd.Context(), args[0], &gen.EditPluginParams{Runner: optional(runner)}, gen.EditPlugin{LogLevel: gen.LogLevel(args[1])}))
			}
			if err != nil {
				return err
			}
			level := "unknown"
			if p.LogLevel != nil {
				level = string(*p.LogLevel)
			}
			_, err = fmt.Fprintf(c.out, "%s%s: %s\n", p.Name, atRunner(p.Runner), level)
			return err
		},
	}
	conn.flags(cmd.Flags())
	runnerFlag(cmd, &runner)
	return cmd
}

func newPluginLog(c *console) *cobra.Command {
	var (
		conn   connection
		runner string
		out    format
		lines  int
	)
	cmd := &cobra.Command{
		Use:   "log NAME",
		Short: "Print the end of a plugin's log, and what the server says about the plugin",
		Long: "Print the last lines that a plugin logged, and what the server says about it. What is\n" +
			"below the plugin's log level is not there; see faultline plugin log-level. The server\n" +
			"keeps the last 500 lines of each plugin until it ends.",
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			log, raw, err := answer[gen.PluginLog](cl.GetPluginLog(cmd.Context(), args[0], &gen.GetPluginLogParams{Runner: optional(runner), Limit: &lines}))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			for _, l := range log.Items {
				line := []string{when(l.Time), fmt.Sprintf("%-7s", l.Level), clean(l.Text)}
				for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
					line = append(line, clean(name+"="+l.Fields[name]))
				}
				if _, err := fmt.Fprintln(c.out, strings.Join(line, "  ")); err != nil {
					return err
				}
			}
			return nil
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	runnerFlag(cmd, &runner)
	cmd.Flags().IntVar(&lines, "lines", 200, "`how many` lines at most, up to 500")
	return cmd
}
