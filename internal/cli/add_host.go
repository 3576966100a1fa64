package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newAddHost(c *console) *cobra.Command {
	var (
		conn connection
		out  format
		body gen.AddHost
	)
	cmd := &cobra.Command{
		Use:   "host ADDRESS",
		Short: "Install the agent on a machine, over SSH",
		Long: "Have the server install the agent on a machine: it connects with the SSH credentials of\n" +
			"its configuration (ssh_key or ssh_agent), checks the machine's key (ssh_known_hosts or\n" +
			"--host-key), sends its own program, writes settings and a systemd unit, registers the\n" +
			"host with a token that is good once, starts the agent and waits until it comes. Each step\n" +
			"is told. Whatever fails, all of it is undone. A host that is known already is installed\n" +
			"and registered anew. Without SSH, faultline host install-command prints what to run there.\n\n" +
			"--dry-run connects and looks, tells the other steps, and changes nothing.",
		Example: "  faultline add host oss1.example.com --dry-run\n" +
			"  faultline add host 10.0.0.21 --user admin --host-key SHA256:…",
		Args: exactArgs("ADDRESS"),
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&body.Name, "name", "", "`name` of the host (default: its address if that is a name, else what it calls itself)")
	f.StringVar(&body.User, "user", "", "`user` to come as, in place of the server's ssh_user")
	f.StringVar(&body.HostKey, "host-key", "", "`fingerprint` of the machine's key, such as SHA256:…, in place of the server's ssh_known_hosts")
	f.BoolVar(&body.DryRun, "dry-run", false, "connect, look and tell the steps, and change nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		body.Address = args[0]
		cl, err := conn.dial()
		if err != nil {
			return err
		}
		in, raw, err := answer[gen.Installation](cl.AddHost(cmd.Context(), body))
		if err != nil {
			return err
		}
		say := func(s gen.InstallationStep) { fmt.Fprintln(c.out, stepLine(s)) }
		if out == "json" || out == "yaml" {
			say = func(gen.InstallationStep) {}
		}
		if in, raw, err = cl.installation(cmd.Context(), in, raw, say); err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done && (err != nil || in.State == gen.InstallationDone) {
			return err
		}
		switch {
		case in.State == gen.InstallationFailed:
			return fmt.Errorf("the agent was not installed on %s: %s", clean(in.Address), clean(in.Error))
		case in.DryRun:
			_, err = fmt.Fprintf(c.out, "Nothing was changed on %s; it would become host %s.\n", clean(in.Address), clean(in.Host))
		default:
			_, err = fmt.Fprintf(c.out, "Host %s is installed and connected.\n", clean(in.Host))
		}
		return err
	}
	return cmd
}

// installationTick is how often the command line asks how far an installation is.
const installationTick = 300 * time.Millisecond

// installation follows an installation to its end, and tells each step as it
// changes.
func (c *client) installation(ctx context.Context, in gen.Installation, raw json.RawMessage, say func(gen.InstallationStep)) (gen.Installation, json.RawMessage, error) {
	told := 0
	for {
		for ; told < len(in.Steps); told++ {
			say(in.Steps[told])
		}
		if in.State != gen.InstallationRunning {
			return in, raw, nil
		}
		select {
		case <-time.After(installationTick):
		case <-ctx.Done():
			return in, raw, ctx.Err()
		}
		var err error
		if in, raw, err = answer[gen.Installation](c.GetInstallation(ctx, in.ID)); err != nil {
			return in, raw, err
		}
	}
}

// stepLine shows a step of an installation.
func stepLine(s gen.InstallationStep) string {
	text := fmt.Sprintf("%-10s %s", s.State, clean(s.Text))
	if s.Detail != "" {
		text += ": " + clean(s.Detail)
	}
	return text
}
