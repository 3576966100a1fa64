package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/config"
)

func newServe(c *console) *cobra.Command {
	var (
		file  string
		flags config.Config
		noRun bool
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the manager server: store, inventory, alerts, API, page and plugins",
		Long: "Run the manager server until it is interrupted. Settings come from their defaults,\n" +
			"then the configuration file, then FAULTLINE_ variables of the environment, then flags.\n" +
			"SIGHUP has it read the list of plugins again.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` in YAML")
	f.StringVar(&flags.Data, "data", "", "`folder` of everything that the server keeps")
	f.StringVar(&flags.Store, "store", "", "PostgreSQL database, postgres://`host`/name, in place of SQLite in the data folder")
	f.StringVar(&flags.Listen, "listen", "", "`address` of the API and the page (default 127.0.0.1:8700)")
	f.StringArrayVar(&flags.Plugins, "plugin", nil, "`path` of a plugin beside the configured ones: a .py file, a package, an executable or builtin:NAME; repeatable")
	f.StringVar(&flags.PluginDir, "plugin-dir", "", "`folder` whose plugins are loaded as soon as they are there (default: plugins in the data folder)")
	f.StringArrayVar(&flags.DebugPlugins, "debug-plugin", nil, "`name` of a plugin whose whole log is kept; repeatable")
	f.StringVar(&flags.TLSCert, "tls-cert", "", "`file` of the server's certificate, in PEM form")
	f.StringVar(&flags.TLSKey, "tls-key", "", "`file` of the certificate's key, in PEM form")
	f.BoolVar(&noRun, "no-runner", false, "do not run plugins in this server")
	f.StringVar(&flags.LogLevel, "log-level", "", "debug, info, warn or error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(file, os.Getenv)
		if err != nil {
			return misuse{err}
		}
		for _, o := range []struct {
			flag      string
			to, value *string
		}{
			{"data", &cfg.Data, &flags.Data},
			{"store", &cfg.Store, &flags.Store},
			{"listen", &cfg.Listen, &flags.Listen},
			{"tls-cert", &cfg.TLSCert, &flags.TLSCert},
			{"tls-key", &cfg.TLSKey, &flags.TLSKey},
			{"log-level", &cfg.LogLevel, &flags.LogLevel},
			{"plugin-dir", &cfg.PluginDir, &flags.PluginDir},
		} {
			if f.Changed(o.flag) {
				*o.to = *o.value
			}
		}
		cfg.Plugins = append(cfg.Plugins, flags.Plugins...)
		cfg.DebugPlugins = append(cfg.DebugPlugins, flags.DebugPlugins...)
		cfg.Runner = cfg.Runner && !noRun
		if err := cfg.Check(); err != nil {
			return misuse{err}
		}
		log, all, err := newLogger(c.err, cfg.LogLevel, cfg.LogFormat)
		if err != nil {
			return misuse{err}
		}
		reread := func() ([]string, error) {
			now, err := config.Load(file, os.Getenv)
			return append(now.Plugins, flags.Plugins...), err
		}
		return serve(cmd.Context(), c, app.Options{Config: cfg, Log: log, DebugLog: all, Version: Version, Plugins: reread})
	}
	return cmd
}

// newLogger makes the server's log, which goes to standard error: one that
// keeps what is at least of the level, and one that keeps everything.
func newLogger(w io.Writer, level, format string) (log, all *slog.Logger, err error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, fmt.Errorf("log level %q is not one of debug, info, warn, error", level)
	}
	var h slog.Handler
	o := &slog.HandlerOptions{Level: slog.LevelDebug}
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	} else {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(leveled{h, l}), slog.New(h), nil
}

// leveled is a handler that keeps what is at least of a level.
type leveled struct {
	slog.Handler
	least slog.Level
}

// Enabled implements slog.Handler.
func (h leveled) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

// WithAttrs implements slog.Handler.
func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(attrs), h.least}
}

// WithGroup implements slog.Handler.
func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.least}
}

// serve runs a server until ctx ends or a part of it fails. One that lost its
// database to another server, or altogether, starts over as a standby.
func serve(ctx context.Context, c *console, o app.Options) error {
	scheme := "http"
	if o.Config.TLSCert != "" {
		scheme = "https"
	}
	say := func(addr net.Addr, what string) {
		fmt.Fprintf(c.err, "Faultline %s is at %s://%s; %s\n", Version, scheme, addr, what)
	}
	o.OnStandby = say
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	for {
		s, err := app.Start(ctx, o)
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil // stopped while it stood by
			}
			return err
		}
		say(s.Addr(), "its data is in "+o.Config.Data)
		for running := true; running; {
			select {
			case <-ctx.Done():
				return s.Stop()
			case <-again:
				if err := s.ReadPlugins(); err != nil {
					o.Log.Error("the plugins stay as they are: the configuration cannot be read again", "error", err)
				} else {
					o.Log.Info("the list of plugins was read again")
				}
			case err = <-s.Failed():
				running = false
			}
		}
		if stopErr := s.Stop(); stopErr != nil {
			o.Log.Error("the server did not stop cleanly", "error", stopErr)
		}
		if !s.LostLead() {
			return err
		}
		o.Log.Error("starting over, to read the database again", "error", err)
		o.Resume = true
	}
}
