package cli

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

func newRunner(c *console) *cobra.Command {
	var (
		conn       connection
		file, name string
		flags      config.Config
		verbose    bool
	)
	cmd := &cobra.Command{
		Use:   "runner",
		Short: "Run plugins in a process of its own, for a server elsewhere",
		Long: "Run plugins for a server, near the arrays or during development, until interrupted.\n" +
			"The runner connects to the server, which needs to reach nothing. It can be stopped and\n" +
			"started at any time; a server that is to leave all plugins to runners is started with\n" +
			"serve --no-runner. Of a plugin that the server runs too, the server's is used.\n\n" +
			"Settings about plugins and the log come from where serve has them: defaults, the file of\n" +
			"--config, FAULTLINE_ variables, flags. A server that asks for tokens wants one here that\n" +
			"was made by faultline token create --runner.\n\n" +
			"Its plugins are loaded, unloaded and reloaded from the server: faultline plugin --help,\n" +
			"with --runner NAME. SIGHUP has it read its list of plugins again.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	conn.flags(f)
	f.StringVar(&file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` in YAML")
	f.StringVar(&flags.Data, "data", "", "`folder` for what plugins need")
	f.StringVar(&flags.PluginDir, "plugin-dir", "", "`folder` whose plugins are loaded as soon as they are there (default: plugins in the data folder)")
	f.StringArrayVar(&flags.Plugins, "plugin", nil, "`path` of a plugin beside the configured ones: a .py file, a package, an executable or builtin:NAME; repeatable")
	f.StringArrayVar(&flags.DebugPlugins, "debug-plugin", nil, "`name` of a plugin whose whole log is kept; repeatable")
	f.StringVar(&name, "name", "", "`name` of the runner, by which the server knows it (default: the name of this host)")
	f.BoolVarP(&verbose, "verbose", "v", false, "keep the whole log of all plugins, here and on the server")
	f.StringVar(&flags.LogLevel, "log-level", "", "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.LoadRunner(file, os.Getenv)
		if err != nil {
			return misuse{err}
		}
		cfg.Plugins = append(cfg.Plugins, flags.Plugins...)
		cfg.DebugPlugins = append(cfg.DebugPlugins, flags.DebugPlugins...)
		cfg.Data = cmp.Or(flags.Data, cfg.Data)
		cfg.PluginDir = cmp.Or(flags.PluginDir, cfg.PluginDir)
		cfg.LogLevel = cmp.Or(flags.LogLevel, cfg.LogLevel)
		if verbose && flags.LogLevel == "" {
			cfg.LogLevel = "debug"
		}
		if err := cfg.Check(); err != nil {
			return misuse{err}
		}
		if _, err := os.Stat(app.PluginFolder(cfg)); err != nil && len(cfg.Plugins) == 0 {
			return misusef("name the plugins to run with --plugin PATH or in the configuration, or put them into a folder (--plugin-dir): %v", err)
		}
		if name == "" {
			if name, err = os.Hostname(); err != nil {
				return misusef("the name of this host is not known (%v); give the runner one with --name", err)
			}
		}
		server, u, err := conn.address()
		if err != nil {
			return err
		}
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return misusef("passwords would cross the network in clear; use https for %s", server)
		}
		t, err := conn.transport()
		if err != nil {
			return err
		}
		log, all, err := newLogger(c.err, cfg.LogLevel, cfg.LogFormat)
		if err != nil {
			return misuse{err}
		}
		r, err := app.NewRunner(app.RunnerOptions{
			Server: server, Token: cmp.Or(conn.token, os.Getenv("FAULTLINE_TOKEN")), HTTP: onlyHTTP1(t),
			Name: name, Version: Version, Config: cfg, Log: log, DebugLog: all, Verbose: verbose,
			Plugins: func() ([]string, error) {
				now, err := config.LoadRunner(file, os.Getenv)
				return append(now.Plugins, flags.Plugins...), err
			},
		})
		if err != nil {
			return err
		}
		return runUntilEnd(cmd.Context(), r, log)
	}
	return cmd
}

// runUntilEnd runs a runner until ctx ends; SIGHUP has it read its list of plugins
// again.
func runUntilEnd(ctx context.Context, r *app.Runner, log *slog.Logger) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-again:
			if err := r.ReadPlugins(); err != nil {
				log.Error("the plugins stay as they are: the configuration cannot be read again", "error", err)
			} else {
				log.Info("the list of plugins was read again")
			}
		}
	}
}

// onlyHTTP1 has each request use a connection of its own, so that one which died in
// silence is given up with the request that found it out.
func onlyHTTP1(t *http.Transport) *http.Client {
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	return &http.Client{Transport: t}
}
