package cli

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

func newAgent(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Tell the server what a storage server has: run the agent there, or try its device plugins",
		RunE:  group,
	}
	cmd.AddCommand(newAgentRegister(c), newAgentRun(c), newAgentInstall(c), newAgentUnit(c), newAgentDevicePlugin(c))
	return cmd
}

// agentFlags are the settings of an agent that are flags, too.
type agentFlags struct {
	file      string
	set       config.Agent
	noBuiltin bool
}

func (a *agentFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&a.file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` in YAML")
	f.StringVar(&a.set.DevicePluginDir, "device-plugin-dir", "", "`folder` of device plugins (default "+config.DevicePluginDir+")")
}

// load returns the settings with the flags.
func (a *agentFlags) load() (config.Agent, error) {
	cfg, err := config.LoadAgent(a.file, os.Getenv)
	if err != nil {
		return cfg, misuse{err}
	}
	cfg.Data = cmp.Or(a.set.Data, cfg.Data)
	cfg.DevicePluginDir = cmp.Or(a.set.DevicePluginDir, cfg.DevicePluginDir)
	cfg.LogLevel = cmp.Or(a.set.LogLevel, cfg.LogLevel)
	if a.noBuiltin {
		cfg.DevicePlugins = nil
	}
	cfg.DevicePlugins = append(cfg.DevicePlugins, a.set.DevicePlugins...)
	cfg.DebugPlugins = append(cfg.DebugPlugins, a.set.DebugPlugins...)
	if err := cfg.Check(); err != nil {
		return cfg, misuse{err}
	}
	return cfg, nil
}

func newAgentDevicePlugin(c *console) *cobra.Command {
	var (
		a       agentFlags
		o       app.DeviceOptions
		verbose bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "device-plugin [--plugin NAME]...",
		Short: "Print what device plugins would send",
		Long: "Run start_session of one device plugin, or of all, and print what it would send, as JSON:\n" +
			"for each plugin the list of its messages. Nothing is sent, and no server is needed.\n\n" +
			"A plugin that fails is an error, and the exit code 1; what others say is printed all the same.",
		Example: "  faultline agent device-plugin --plugin=my_controller\n" +
			"  faultline agent device-plugin --plugin ./my_controller.py --updates 3 --every 1s",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	a.flags(f)
	f.StringArrayVar(&o.Plugins, "plugin", nil, "`name` of a device plugin, or the path of one: a .py file, a package, a program or builtin:NAME; repeatable (default: all)")
	f.IntVar(&o.Updates, "updates", 0, "`number` of update_session calls after the start")
	f.DurationVar(&o.Every, "every", 0, "`pause` before each update (default: the plugin's period); news of the plugin cut it short")
	f.BoolVar(&verbose, "verbose", false, "print the plugin's whole log, not only warnings and errors")
	f.DurationVar(&timeout, "timeout", 5*time.Minute, "how long one hook may take")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.Updates < 0 {
			return misusef("--updates %d: it must be 0 or more", o.Updates)
		}
		if o.Every < 0 {
			return misusef("--every %v: it must be 0 or more", o.Every)
		}
		var err error
		if o.Config, err = a.load(); err != nil {
			return err
		}
		level := slog.LevelWarn
		if verbose {
			level = slog.LevelDebug
		}
		tool := app.Tool{Version: Version, Log: pluginLog(c, level), Level: level, Timeout: timeout}
		said, err := tool.Devices(cmd.Context(), o)
		e := json.NewEncoder(c.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if werr := e.Encode(said); werr != nil {
			return werr
		}
		return err
	}
	return cmd
}
