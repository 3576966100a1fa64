package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

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
			"then the configuration file, then FAULTLINE_ variables of the environment, then flags.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` in YAML")
	f.StringVar(&flags.Data, "data", "", "`folder` of everything that the server keeps")
	f.StringVar(&flags.Listen, "listen", "", "`address` of the API and the page (default 127.0.0.1:8700)")
	f.StringArrayVar(&flags.Plugins, "plugin", nil, "`path` of a plugin beside the configured ones: a .py file, a package, an executable or builtin:NAME; repeatable")
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
			{"listen", &cfg.Listen, &flags.Listen},
			{"tls-cert", &cfg.TLSCert, &flags.TLSCert},
			{"tls-key", &cfg.TLSKey, &flags.TLSKey},
			{"log-level", &cfg.LogLevel, &flags.LogLevel},
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
		log, err := newLogger(c.err, cfg.LogLevel, cfg.LogFormat)
		if err != nil {
			return misuse{err}
		}
		return serve(cmd.Context(), c, cfg, log)
	}
	return cmd
}

// newLogger makes the server's log, which goes to standard error.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q is not one of debug, info, warn, error", level)
	}
	o := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), nil
}

// serve runs a server until ctx ends or a part of it fails.
func serve(ctx context.Context, c *console, cfg config.Config, log *slog.Logger) error {
	s, err := app.Start(ctx, app.Options{Config: cfg, Log: log, Version: Version})
	if err != nil {
		return err
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(c.err, "Faultline %s is at %s://%s; its data is in %s\n", Version, scheme, s.Addr(), cfg.Data)
	select {
	case <-ctx.Done():
		return s.Stop()
	case err := <-s.Failed():
		if stopErr := s.Stop(); stopErr != nil {
			log.Error("the server did not stop cleanly", "error", stopErr)
		}
		return err
	}
}
