package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
)

func newPluginDocs(c *console) *cobra.Command {
	var out, output string
	cmd := &cobra.Command{
		Use:   "docs PATH",
		Short: "Write what a plugin reports and watches, as Markdown for operators",
		Long: "Write Markdown for operators from what a plugin declares: how to add a controller, its\n" +
			"classes with their columns, statistics, alerts and charts, and a diagram of their\n" +
			"relations. The same declarations give the same text, in Go or Python.",
		Example: "  faultline plugin docs acme.py --out OPERATORS.md",
		Args:    exactArgs("PATH"),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "md", "`format` of the output: md")
	cmd.Flags().StringVar(&out, "out", "", "`file` to write, in place of standard output; one that is there is replaced if this command wrote it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "md" {
			return misusef("-o %s: there is md", output)
		}
		tool := app.Tool{Version: Version, Log: pluginLog(c, slog.LevelWarn), Level: slog.LevelWarn}
		docs, err := tool.Docs(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if out == "" {
			_, err = c.out.Write(docs)
			return err
		}
		if err := app.WriteDocs(out, docs); app.WrongInput(err) {
			return misuse{err}
		} else if err != nil {
			return err
		}
		return nil
	}
	return cmd
}
