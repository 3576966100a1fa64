package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
)

func newPlugin(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write, check, describe and run plugins in the terminal, without a server",
		RunE:  group,
	}
	cmd.AddCommand(newPluginNew(c), newPluginValidate(c), newPluginExplain(c), newPluginDescribe(c), newPluginRun(c), newPluginSDK(c))
	return cmd
}

func newPluginDescribe(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "describe PATH",
		Short: "Print what a plugin declares, as canonical JSON",
		Args:  exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			tool := app.Tool{Version: Version, Log: pluginLog(c, slog.LevelWarn), Level: slog.LevelWarn}
			b, err := tool.Describe(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = c.out.Write(b)
			return err
		},
	}
}

func pluginLog(c *console, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level}))
}

func newPluginRun(c *console) *cobra.Command {
	var (
		o       app.RunOptions
		set     []string
		output  string
		verbose bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "run PATH --class CLASS --set NAME=VALUE...",
		Short: "Scan once in the terminal, without a server",
		Long: "Run a plugin's initial scan, and update scans if asked to, and print what it found.\n" +
			"It stops at the first hook that fails; what was found before is printed all the same,\n" +
			"and the exit code is 1. What a scan could not read is named, and is no failure.",
		Args: exactArgs("PATH"),
	}
	f := cmd.Flags()
	f.StringVar(&o.Class, "class", "", "scannable `class` of the plugin; may be left out if there is only one")
	f.StringArrayVar(&set, "set", nil, "attribute of the root as `name=value` (name=- reads a password from standard input, name=@file a file); repeatable")
	f.IntVar(&o.Updates, "updates", 0, "`number` of update scans after the initial scan")
	f.StringVarP(&output, "output", "o", "tree", "`format` of the output: tree or json")
	f.BoolVar(&verbose, "verbose", false, "print the plugin's whole log, not only warnings and errors")
	f.DurationVar(&timeout, "timeout", 5*time.Minute, "how long one hook may take")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "tree" && output != "json" {
			return misusef("-o %s: there are tree and json", output)
		}
		if o.Updates < 0 {
			return misusef("--updates %d: it must be 0 or more", o.Updates)
		}
		values, err := c.textValues(set)
		if err != nil {
			return err
		}
		level := slog.LevelWarn
		if verbose {
			level = slog.LevelDebug
		}
		o.Path, o.Attributes = args[0], values
		tool := app.Tool{Version: Version, Log: pluginLog(c, level), Level: level, Timeout: timeout}
		found, err := tool.Run(cmd.Context(), o)
		if cmd.Context().Err() != nil {
			return errors.New("interrupted")
		}
		if app.WrongInput(err) {
			return misuse{err}
		}
		if err != nil {
			return err
		}
		if output == "json" {
			e := json.NewEncoder(c.out)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			err = e.Encode(found)
		} else {
			err = printTree(c, found)
		}
		if err != nil {
			return err
		}
		if output == "tree" {
			for _, e := range found.Errors {
				fmt.Fprintf(c.err, "faultline: %s: %s\n", strings.ReplaceAll(e.Hook, "_", " "), e.Message)
			}
		}
		if found.Failed {
			return errNotFine
		}
		return nil
	}
	return cmd
}

// newBuiltin is how the server runs the plugins that are part of the program.
func newBuiltin() *cobra.Command {
	return &cobra.Command{
		Use:    "__plugin NAME",
		Hidden: true,
		Args:   exactArgs("NAME"),
		RunE:   func(_ *cobra.Command, args []string) error { return app.RunBuiltin(args[0]) },
	}
}
