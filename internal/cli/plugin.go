package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
)

func newPlugin(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write, check, describe, run and test plugins; load and reload those of a server",
		RunE:  group,
	}
	cmd.AddCommand(
		newPluginNew(c), newPluginValidate(c), newPluginExplain(c), newPluginDescribe(c), newPluginRun(c), newPluginTest(c), newPluginDocs(c),
		newPluginSDK(c),
		newPluginLoad(c), newPluginReload(c), newPluginUnload(c), newPluginLogLevel(c), newPluginLog(c),
	)
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

// newBuiltin is how the server runs the plugins that are part of the program.
func newBuiltin() *cobra.Command {
	return &cobra.Command{
		Use:    "__plugin NAME",
		Hidden: true,
		Args:   exactArgs("NAME"),
		RunE:   func(_ *cobra.Command, args []string) error { return app.RunBuiltin(args[0]) },
	}
}
