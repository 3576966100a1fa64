package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
)

// dataOf returns the data directory of the server on this machine.
func dataOf(flag string) string {
	return cmp.Or(flag, os.Getenv("FAULTLINE_DATA"), config.Default().Data)
}

// tokenPlace says where the tokens are that a command is about. Those of the API and of
// runners are in a file of the data directory, so that the first one can be made
// before there is a server that asks for it; those for agents are at the server.
type tokenPlace struct {
	agent bool
	data  string
	conn  connection
}

func (p *tokenPlace) flags(f *pflag.FlagSet) {
	f.BoolVar(&p.agent, "agent", false, "tokens with which hosts register (faultline agent register); the server has them, see --server")
	f.StringVar(&p.data, "data", "", "data directory of the server (env FAULTLINE_DATA); not with --agent")
	p.conn.flags(f)
}

// check refuses flags of the other place.
func (p *tokenPlace) check(f *pflag.FlagSet) error {
	wrong, hint := []string{"server", "token", "ca"}, "goes with --agent: the tokens of the API and of runners are in the data directory of the server (--data)"
	if p.agent {
		wrong, hint = []string{"data"}, "does not go with --agent: the server has the tokens for agents (--server)"
	}
	for _, name := range wrong {
		if f.Changed(name) {
			return misusef("--%s %s", name, hint)
		}
	}
	return nil
}

func (p *tokenPlace) open() *auth.Tokens {
	p.data = dataOf(p.data)
	return auth.Open(auth.Options{Dir: p.data})
}

// newToken manages tokens, each kind in its place.
func newToken(c *console) *cobra.Command {
	p := &tokenPlace{}
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens that the server accepts",
		Long: "Make, list and revoke the tokens that the server accepts: those of the API, which users and\n" +
			"programs show; with --runner those of runners; with --agent those with which hosts register.\n\n" +
			"The first two kinds are kept in the data directory of the server, and the command works on\n" +
			"that (--data), whether the server runs or not. For agents it asks the server (--server).",
		RunE: group,
	}
	p.flags(cmd.PersistentFlags())
	cmd.AddCommand(newTokenCreate(c, p), newTokenList(c, p), newTokenRevoke(c, p))
	return cmd
}

func newTokenCreate(c *console, p *tokenPlace) *cobra.Command {
	var runner bool
	var agents agentToken
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, once",
		Example: "  faultline token create operations\n" +
			"  faultline token create rack7 --agent --uses 40 --expires 8h",
		Args: exactArgs("NAME"),
	}
	agents.flags(cmd.Flags())
	cmd.Flags().BoolVar(&runner, "runner", false, "make a token for faultline runner, which is good for nothing else")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := errors.Join(p.check(cmd.Flags()), agents.check(cmd.Flags(), p.agent)); err != nil {
			return err
		}
		if p.agent {
			if runner {
				return misusef("a token is for runners or for agents; give one of --runner and --agent")
			}
			return agents.create(cmd.Context(), c, &p.conn, args[0])
		}
		tokens := p.open()
		if err := os.MkdirAll(p.data, 0o700); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		make := tokens.Create
		if runner {
			make = tokens.CreateRunner
		}
		tok, err := make(args[0])
		if err != nil {
			return err
		}
		return c.showToken(tok)
	}
	return cmd
}

// showToken prints a token that was made.
func (c *console) showToken(token string) error {
	fmt.Fprintln(c.err, "This token is shown only now:")
	_, err := fmt.Fprintln(c.out, token)
	return err
}

func newTokenList(c *console, p *tokenPlace) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tokens, without their secrets",
		Args:  cobra.NoArgs,
	}
	out.flag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := p.check(cmd.Flags()); err != nil {
			return err
		}
		if p.agent {
			return listAgentTokens(cmd.Context(), c, &p.conn, out)
		}
		list, err := p.open().List()
		if err != nil {
			return err
		}
		items := make([]fileToken, len(list))
		for i, k := range list {
			items[i] = fileToken{Name: k.Name, For: "API", Created: k.Created}
			if k.Runner {
				items[i].For = "runner"
			}
		}
		raw, err := json.Marshal(map[string]any{"items": items})
		if err != nil {
			return err
		}
		if done, err := c.raw(out, raw); done {
			return err
		}
		t := c.table("NAME", "FOR", "CREATED")
		for _, k := range items {
			t.AppendRow([]any{k.Name, k.For, stamp(k.Created)})
		}
		t.Render()
		return nil
	}
	return cmd
}

// fileToken is a token of the data directory, as -o shows it.
type fileToken struct {
	Name    string    `json:"name"`
	For     string    `json:"for"`
	Created time.Time `json:"created"`
}

func newTokenRevoke(c *console, p *tokenPlace) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a token",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd.Flags()); err != nil {
				return err
			}
			if p.agent {
				return revokeAgentToken(cmd.Context(), &p.conn, args[0])
			}
			tokens := p.open()
			if _, err := os.Stat(p.data); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no data directory %s; see --data", p.data)
			}
			err := tokens.Revoke(args[0])
			if auth.Missing(err) {
				return fmt.Errorf("%w; one for agents is revoked with --agent", err)
			}
			return err
		},
	}
}
