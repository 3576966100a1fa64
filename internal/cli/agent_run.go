package cli

import (
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/auth"
)

func newAgentRun(c *console) *cobra.Command {
	var a agentFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent of this host until interrupted",
		Long: "Run the device plugins of this host and send the server what they say, until interrupted.\n" +
			"The host has to be registered first (faultline agent register). The agent connects to\n" +
			"the server, which needs to reach nothing; while the server or the network is away it\n" +
			"keeps what was said and goes on where it was.\n\n" +
			"Settings come from defaults, the file of --config, FAULTLINE_ variables and flags.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	a.flags(f)
	f.StringVar(&a.set.Data, "data", "", "`folder` of what the agent keeps")
	f.StringArrayVar(&a.set.DevicePlugins, "plugin", nil, "`path` of a device plugin beside the configured ones: a .py file, a package, a program or builtin:NAME; repeatable")
	f.BoolVar(&a.noBuiltin, "no-builtin", false, "leave the plugins of the configuration (device_plugins) out, which are the built-in ones by default")
	f.StringArrayVar(&a.set.DebugPlugins, "debug-plugin", nil, "`name` of a plugin whose whole log is kept; repeatable")
	f.StringVar(&a.set.LogLevel, "log-level", "", "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.load()
		if err != nil {
			return err
		}
		id, err := auth.OpenIdentity(cfg.Data)
		if err != nil {
			return err
		}
		log, _, err := newLogger(c.err, cfg.LogLevel, cfg.LogFormat)
		if err != nil {
			return misuse{err}
		}
		agent, err := app.NewAgent(app.AgentOptions{Identity: id, Config: cfg, Log: log, Version: Version})
		if err != nil {
			return err
		}
		go app.StaySmall(cmd.Context())
		return agent.Run(cmd.Context())
	}
	return cmd
}
