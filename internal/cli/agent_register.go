package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/auth"
)

func newAgentRegister(c *console) *cobra.Command {
	var (
		a    agentFlags
		o    auth.JoinOptions
		ca   string
		file string
	)
	cmd := &cobra.Command{
		Use:   "register --server URL --token T",
		Short: "Have this host known by a server, once",
		Long: "Make a key for this host and have the server sign its certificate. The agent shows it\n" +
			"from then on and renews it by itself. The token is made by\n" +
			"faultline token create NAME --agent; its end is the fingerprint of the server, so that\n" +
			"the host knows whom it talks to. The connection goes from this host to the address of\n" +
			"the server's API, and is TLS whether or not the API is.\n\n" +
			"A host that is registered already can be registered anew; an agent that runs takes that\n" +
			"in within a minute.",
		Example: "  faultline agent register --server https://manager:8700 --token fla_…\n" +
			"  faultline agent register --server manager:8700 --token-file /run/token --name oss1.example.com",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&a.file, "config", os.Getenv("FAULTLINE_CONFIG"), "configuration `file` in YAML")
	f.StringVar(&a.set.Data, "data", "", "`folder` of the agent")
	f.StringVar(&o.Server, "server", os.Getenv("FAULTLINE_SERVER"), "`address` of the server, such as https://manager:8700")
	f.StringVar(&o.Token, "token", "", "`token` for agents (env FAULTLINE_AGENT_TOKEN)")
	f.StringVar(&file, "token-file", "", "`file` with the token, or - to read it, so that no list of processes shows it")
	f.StringVar(&o.Host, "name", "", "`name` of this host, by which the server knows it (default: its full name)")
	f.StringVar(&ca, "ca", "", "`file` with the certificate of the server's authority, in place of the fingerprint in the token")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.load()
		if err != nil {
			return err
		}
		o.Dir = cfg.Data
		if o.Server == "" {
			return misusef("--server is missing: the address of the server, such as https://manager:8700")
		}
		if o.Token, err = tokenFrom(c, o.Token, file); err != nil {
			return err
		}
		if ca != "" {
			if o.CA, err = os.ReadFile(ca); err != nil {
				return misuse{err}
			}
		}
		if o.Host == "" {
			if o.Host, err = hostName(); err != nil {
				return misusef("the name of this host is not known (%v); give it with --name", err)
			}
		}
		i, err := auth.Join(cmd.Context(), o)
		if auth.Refused(err) {
			return misuse{err}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "host %s is registered at %s; its certificate is in %s and good until %s\n", i.Host(), i.Server(), o.Dir, i.Expires().Format(time.DateOnly))
		return err
	}
	return cmd
}

// tokenFrom returns the token that was given in one of several ways.
func tokenFrom(c *console, token, file string) (string, error) {
	switch {
	case token != "" && file != "":
		return "", misusef("--token and --token-file are two ways to say the same; give one")
	case file == "-":
		b, err := io.ReadAll(io.LimitReader(c.in, 1<<10))
		if err != nil {
			return "", err
		}
		token = string(b)
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return "", misuse{err}
		}
		token = string(b)
	}
	token = strings.TrimSpace(cmp.Or(token, os.Getenv("FAULTLINE_AGENT_TOKEN")))
	if token == "" {
		return "", misusef("--token is missing; make one with faultline token create NAME --agent")
	}
	return token, nil
}

// hostName returns the full name of this host, as far as it is known.
func hostName() (string, error) {
	name, err := os.Hostname()
	if err != nil || strings.Contains(name, ".") {
		return name, err
	}
	full, err := fullName(name)
	if err != nil { // a resolver that is away; the short name is a name, too
		return name, nil //nolint:nilerr // see above
	}
	return full, nil
}
