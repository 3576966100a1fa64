package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
)

func newAgentInstall(c *console) *cobra.Command {
	var (
		o               app.InstallOptions
		out             format
		token, file, ca string
		dry             bool
	)
	cmd := &cobra.Command{
		Use:   "install --server URL --token-file FILE",
		Short: "Install the agent on this machine as a service, and register the host",
		Long: "Install the agent on this machine: copy this program to /usr/local/bin, write its settings\n" +
			"and a systemd unit, register the host and start the service. Whatever fails, what was\n" +
			"done before is undone. It needs root.\n\n" +
			"The server does this over SSH (faultline add host), and faultline host install-command\n" +
			"prints a line that fetches this program and runs it.",
		Example: "  faultline agent install --server https://manager:8700 --token-file - <token",
		Args:    cobra.NoArgs,
	}
	f := cmd.Flags()
	out.flag(f)
	f.StringVar(&o.Server, "server", os.Getenv("FAULTLINE_SERVER"), "`address` of the server, such as https://manager:8700")
	f.StringVar(&token, "token", "", "`token` for agents (env FAULTLINE_AGENT_TOKEN)")
	f.StringVar(&file, "token-file", "", "`file` with the token, or - to read it, so that no list of processes shows it")
	f.StringVar(&o.Name, "name", "", "`name` of this host, by which the server knows it (default: its full name)")
	f.StringVar(&ca, "ca", "", "`file` with the certificate of the server's authority, in place of the fingerprint in the token")
	f.StringVar(&o.Root, "root", "", "`folder` in place of /")
	f.BoolVar(&dry, "dry-run", false, "tell the steps and take none")
	f.BoolVar(&o.Confirm, "confirm", false, "undo everything unless the input says, after the token, that the agent has come")
	_ = f.MarkHidden("confirm")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.Say = func(s app.InstallStep) {
			if out == "json" {
				b, err := json.Marshal(s)
				if err == nil {
					fmt.Fprintln(c.out, string(b))
				}
				return
			}
			fmt.Fprintln(c.out, clean(s.String()))
		}
		if o.Server == "" {
			return misusef("--server is missing: the address of the server, such as https://manager:8700")
		}
		if dry {
			plan, err := app.PlanAgent(o)
			for _, s := range plan {
				o.Say(s)
			}
			return err
		}
		if os.Geteuid() != 0 && o.Root == "" {
			return misusef("only root can install a service; run it with sudo")
		}
		var err error
		if o.Name == "" {
			if o.Name, err = hostName(); err != nil {
				return misusef("the name of this host is not known (%v); give it with --name", err)
			}
		}
		if file == "-" && token == "" {
			o.In = c.in
		} else if o.Token, err = tokenFrom(c, token, file); err != nil {
			return err
		}
		if ca != "" {
			if o.CA, err = os.ReadFile(ca); err != nil {
				return misuse{err}
			}
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return app.InstallAgent(ctx, o)
	}
	return cmd
}

func newAgentUnit(c *console) *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Print the systemd unit of the agent, with its bounds of memory and CPU",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(c.out, app.AgentUnit(root))
			return err
		},
	}
	cmd.Flags().StringVar(&root, "root", "", "`folder` in place of /")
	return cmd
}
