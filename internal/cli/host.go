package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// newHost is what users do about who may speak for hosts, at the server.
func newHost(c *console) *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use:   "host",
		Short: "Print how to install the agent by hand; list and revoke the certificates of hosts",
		RunE:  group,
	}
	conn.flags(cmd.PersistentFlags())
	cmd.AddCommand(newHostInstallCommand(c, &conn), newHostCertificates(c, &conn), newHostRevoke(c, &conn))
	return cmd
}

// newHostInstallCommand prints what a person runs on a machine that the server does
// not reach by SSH.
func newHostInstallCommand(c *console, conn *connection) *cobra.Command {
	var (
		out     format
		body    gen.AgentTokenCreate
		expires time.Duration
	)
	cmd := &cobra.Command{
		Use:   "install-command",
		Short: "Print a command that installs the agent on the machine where root runs it",
		Long: "Print one command. Run by root on another machine, it gets this program from the server,\n" +
			"checks its SHA-256, installs it as a service, registers the host and starts the agent.\n" +
			"The token in it is good for one host and for a day, and stands in no list of processes.\n" +
			"The connection is to the address of the server's API, and TLS whether or not the API is;\n" +
			"nobody on the way can put another program in the place of this one.",
		Example: "  faultline host install-command --address manager:8700 --machine arm64",
		Args:    cobra.NoArgs,
	}
	f := cmd.Flags()
	out.flag(f)
	f.StringVar(&body.Server, "address", "", "`address` of the server as that machine reaches it (default: agent_server of the server's configuration)")
	f.StringVar(&body.Host, "name", "", "`name` of the host; the token is for it alone, also if it is registered already (default: what the machine calls itself)")
	f.StringVar(&body.Machine, "machine", "", "`kind` of machine, such as amd64 or arm64 (default: that of the server)")
	f.DurationVar(&expires, "expires", 24*time.Hour, "`how long` the command is good")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		body.Name = "command-" + rand.Text()[:12]
		var err error
		if body.Lifetime, err = lifetime(expires); err != nil {
			return err
		}
		cl, err := conn.dial()
		if err != nil {
			return err
		}
		made, raw, err := answer[gen.NewAgentToken](cl.CreateAgentToken(cmd.Context(), body))
		if err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done {
			return err
		}
		if made.InstallCommand == "" {
			return errors.New("the server does not have the program for Linux; put it into a folder that its agent_programs names, and ask with --machine")
		}
		_, err = fmt.Fprintln(c.out, made.InstallCommand)
		return err
	}
	return cmd
}

func newHostCertificates(c *console, conn *connection) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "certificates [NAME]",
		Short: "List the hosts that were registered, with their certificates",
		Args:  maxOneArg("host"),
	}
	out.flag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cl, err := conn.dial()
		if err != nil {
			return err
		}
		var params gen.ListHostCertificatesParams
		if len(args) == 1 {
			params.Host = &args[0]
		}
		list, raw, err := answer[gen.HostCertificateList](cl.ListHostCertificates(cmd.Context(), &params))
		if err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done {
			return err
		}
		t := c.table("HOST", "STATE", "ISSUED", "EXPIRES", "REVOKED")
		for _, h := range list.Items {
			revoked := "-"
			if h.Revoked != nil {
				revoked = stamp(*h.Revoked)
			}
			t.AppendRow([]any{clean(h.Host), h.State, stamp(h.Issued), stamp(h.Expires), revoked})
		}
		t.Render()
		return nil
	}
	return cmd
}

func newHostRevoke(c *console, conn *connection) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Refuse the agent of a host from now on; it can be registered again",
		Args:  exactArgs("NAME"),
	}
	out.flag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cl, err := conn.dial()
		if err != nil {
			return err
		}
		h, raw, err := answer[gen.HostCertificate](cl.RevokeHost(cmd.Context(), args[0]))
		if err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done {
			return err
		}
		_, err = fmt.Fprintf(c.out, "The agent of host %s is refused from now on.\n", clean(h.Host))
		return err
	}
	return cmd
}

// lifetime is a flag's duration as the server wants it.
func lifetime(d time.Duration) (*int64, error) {
	if d < time.Second {
		return nil, misusef("--expires: a token for agents lasts for a second to a year, not for %v", d)
	}
	s := int64(d / time.Second)
	return &s, nil
}

// stamp is a moment as tables of tokens and certificates show it.
func stamp(t time.Time) string { return t.Format(time.RFC3339) }
