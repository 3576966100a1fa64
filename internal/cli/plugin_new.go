package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/skeleton"
)

func newPluginNew(c *console) *cobra.Command {
	o := skeleton.Options{Version: Version}
	cmd := &cobra.Command{
		Use:   "new --lang go|python NAME",
		Short: "Write a new plugin that works, with its tests, to begin with",
		Long: "Write a small plugin that works: a scannable class, a chain from enclosures to\n" +
			"volumes, alerts, statistics, tests, a fake array to scan, and what CI runs. No file\n" +
			"is ever overwritten.\n\n" +
			"A plugin in Python needs this program alone. One in Go requires the Go SDK of this\n" +
			"program's version; --sdk uses a local checkout instead, and a build that is no\n" +
			"release the checkout that it stands in.",
		Example: "  faultline plugin new --lang python acme\n" +
			"  faultline plugin new --lang go --module github.com/acme/faultline-plugin-acme acme",
		Args: exactArgs("NAME"),
	}
	f := cmd.Flags()
	f.StringVar(&o.Lang, "lang", "", "`language`: go or python")
	f.StringVar(&o.Dir, "dir", "", "`folder` to write to (default: NAME)")
	f.StringVar(&o.Module, "module", "", "`path` of the Go module (default: example.com/faultline-plugin-NAME)")
	f.StringVar(&o.SDK, "sdk", "", "`folder` of a checkout of the Go SDK, to use in place of a release")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if o.Lang == "" {
			return misusef("--lang is missing: go or python")
		}
		o.Name = args[0]
		if program, err := os.Executable(); err == nil {
			o.Program = program
		}
		p, err := skeleton.New(o)
		if err != nil {
			return misuse{err}
		}
		if err := p.Write(); errors.Is(err, skeleton.ErrExists) {
			return misuse{err}
		} else if err != nil {
			return err
		}
		for _, name := range p.Files {
			fmt.Fprintln(c.out, filepath.Join(p.Dir, name))
		}
		fmt.Fprintln(c.out, "\nNext:")
		for _, command := range p.Next {
			fmt.Fprintln(c.out, "  "+command)
		}
		return nil
	}
	return cmd
}

func newPluginSDK(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "sdk",
		Short: "Print the folder of the Python SDK, for the PYTHONPATH of tests and editors",
		Long: "Print the folder that holds the Python SDK of this program, and write it first if\n" +
			"need be. Plugins that faultline starts have it on their path; tests and editors\n" +
			"need it: PYTHONPATH=\"$(faultline plugin sdk)\" python3 -m unittest",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := app.PythonSDK()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, dir)
			return err
		},
	}
}
