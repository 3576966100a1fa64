package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/protocol/rule"
)

func newPluginValidate(c *console) *cobra.Command {
	var (
		others []string
		output string
		strict bool
	)
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check plugins: that they load, and that what they declare makes sense",
		Long: "Check plugins without a server: Python files and packages, programs, folders with\n" +
			"the Go source of a plugin, and builtin:NAME. All problems are printed at once, each\n" +
			"on a line of its own: FILE:LINE: class.attribute: text; fix [CODE].\n\n" +
			"A warning has \"warning: \" before its text and leaves the plugin OK. The exit code\n" +
			"is 1 if there is an error, with --strict also if there is a warning. What a code\n" +
			"means tells faultline plugin explain CODE.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if output != "text" && output != "json" {
				return misusef("-o %s: there are text and json", output)
			}
			tool := app.Tool{Version: Version}
			verdicts := tool.Validate(cmd.Context(), paths, others)
			bad := false
			for i := range verdicts {
				v := &verdicts[i]
				v.OK = v.OK && (!strict || len(v.Problems) == 0)
				bad = bad || !v.OK
			}
			err := printVerdicts(c.out, verdicts, output)
			if err == nil && bad {
				err = errNotFine
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&others, "plugin", nil, "`path` of a further plugin that relations may name; repeatable")
	f.StringVarP(&output, "output", "o", "text", "`format` of the output: text or json")
	f.BoolVar(&strict, "strict", false, "let warnings fail, too")
	return cmd
}

func printVerdicts(w io.Writer, verdicts []app.Verdict, output string) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Plugins []app.Verdict `json:"plugins"`
		}{verdicts})
	}
	for _, v := range verdicts {
		fmt.Fprintf(w, "Validating plugin '%s'...\n", v.Name)
		for _, p := range v.Problems {
			fmt.Fprintln(w, p)
		}
		if v.OK {
			fmt.Fprintln(w, "OK")
		}
	}
	return nil
}

func newPluginExplain(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE...]",
		Short: "Explain what plugin validate found, by its code; without a code, list all",
		RunE: func(_ *cobra.Command, codes []string) error {
			rules, err := rule.All()
			if err != nil {
				return err
			}
			if len(codes) == 0 {
				for _, r := range rules {
					fmt.Fprintf(c.out, "%s  %-7s  %s\n", r.Code, r.Severity(), r.Title)
				}
				return nil
			}
			for i, code := range codes {
				r, ok := rule.Find(strings.Trim(code, "[]"))
				if !ok {
					return misusef("there is no code %s; faultline plugin explain lists all", code)
				}
				if i > 0 {
					fmt.Fprintln(c.out)
				}
				explain(c.out, r)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			rules, _ := rule.All() // no completion if there is something wrong with it
			for _, r := range rules {
				if strings.HasPrefix(r.Code, strings.ToUpper(prefix)) {
					codes = append(codes, r.Code+"\t"+r.Title)
				}
			}
			return slices.Clip(codes), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// explain prints a rule for people.
func explain(w io.Writer, r rule.Rule) {
	fmt.Fprintf(w, "%s (%s): %s.\n\n%s\n", r.Code, r.Severity(), r.Title, r.Text)
	for _, l := range rule.Languages {
		for _, which := range []string{"wrong", "right"} {
			if text, ok := r.Examples[which+"."+l.Ext]; ok {
				fmt.Fprintf(w, "\n%s, %s:\n\n", l.Name, which)
				for line := range strings.Lines(text) {
					fmt.Fprint(w, strings.TrimRight("    "+line, " \t"))
				}
			}
		}
	}
}
