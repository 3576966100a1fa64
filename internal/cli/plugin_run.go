package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
)

// runFlags are the flags of plugin run.
type runFlags struct {
	app.RunOptions
	replay  string
	set     []string
	output  string
	verbose bool
	timeout time.Duration
}

func newPluginRun(c *console) *cobra.Command {
	var o runFlags
	cmd := &cobra.Command{
		Use:   "run PATH --class CLASS --set NAME=VALUE...",
		Short: "Scan once in the terminal, without a server",
		Long: "Run a plugin's initial scan, and update scans if asked to, and print what it found.\n" +
			"It stops at the first hook that fails; what was found before is printed all the same,\n" +
			"and the exit code is 1. What a scan could not read is named, and is no failure.\n\n" +
			"--record keeps the scan in a file, without passwords, and --replay prints the same\n" +
			"again, without the plugin and its hardware: a fixture for tests.",
		Example: "  faultline plugin run acme.py --set url=https://array --set password=- --record scan.jsonl\n" +
			"  faultline plugin run --replay scan.jsonl -o json",
	}
	f := cmd.Flags()
	f.StringVar(&o.Class, "class", "", "scannable `class` of the plugin; may be left out if there is only one")
	f.StringArrayVar(&o.set, "set", nil, "attribute of the root as `name=value` (name=- reads a password from standard input, name=@file a file); repeatable")
	f.IntVar(&o.Updates, "updates", 0, "`number` of update scans after the initial scan")
	f.StringVarP(&o.output, "output", "o", "tree", "`format` of the output: tree or json")
	f.BoolVar(&o.verbose, "verbose", false, "print the plugin's whole log, not only warnings and errors")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long one hook may take")
	f.StringVar(&o.Record, "record", "", "`file` to keep the scan in, without its passwords")
	f.StringVar(&o.replay, "replay", "", "`file` that --record wrote, in place of a plugin")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if o.replay == "" {
			return exactArgs("PATH")(cmd, args)
		}
		for _, name := range []string{"class", "set", "updates", "timeout", "record"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--replay runs what was recorded, and takes no --%s", name)
			}
		}
		if len(args) > 0 {
			return fmt.Errorf("--replay runs no plugin; leave out %q", args[0])
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.output != "tree" && o.output != "json" {
			return misusef("-o %s: there are tree and json", o.output)
		}
		if o.Updates < 0 {
			return misusef("--updates %d: it must be 0 or more", o.Updates)
		}
		if len(args) > 0 {
			o.Path = args[0]
		}
		found, err := o.run(cmd.Context(), c)
		if cmd.Context().Err() != nil {
			return errors.New("interrupted")
		}
		if app.WrongInput(err) {
			return misuse{err}
		}
		if err != nil {
			return err
		}
		return o.print(c, found)
	}
	return cmd
}

// run scans, or replays a scan.
func (o *runFlags) run(ctx context.Context, c *console) (*app.Found, error) {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	tool := app.Tool{Version: Version, Log: pluginLog(c, level), Level: level, Timeout: o.timeout}
	if o.replay != "" {
		return tool.Replay(ctx, o.replay)
	}
	var err error
	if o.Attributes, err = c.textValues(o.set); err != nil {
		return nil, err
	}
	return tool.Run(ctx, o.RunOptions)
}

// print prints what was found. A hook that failed makes the exit code 1.
func (o *runFlags) print(c *console, found *app.Found) error {
	if o.output == "json" {
		e := json.NewEncoder(c.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(found); err != nil {
			return err
		}
	} else {
		if err := printTree(c, found); err != nil {
			return err
		}
		for _, e := range found.Errors {
			fmt.Fprintf(c.err, "faultline: %s: %s\n", strings.ReplaceAll(e.Hook, "_", " "), e.Message)
		}
	}
	if found.Failed {
		return errNotFine
	}
	return nil
}
