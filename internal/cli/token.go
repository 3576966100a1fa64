package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
)

// dataOf returns the data directory of the server on this machine.
func dataOf(flag string) string {
	return cmp.Or(flag, os.Getenv("FAULTLINE_DATA"), config.Default().Data)
}

// newToken manages the tokens in a data directory. It works on the files, so
// that the first token can be made before there is a server that asks for one.
func newToken(c *console) *cobra.Command {
	var data string
	var runner bool
	var agents agentTokens
	open := func() *auth.Tokens {
		data = dataOf(data)
		return auth.Open(auth.Options{Dir: data})
	}
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens that the server accepts",
		RunE:  group,
	}
	cmd.PersistentFlags().StringVar(&data, "data", "", "data directory of the server (env FAULTLINE_DATA)")
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, once",
		Args:  exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			tokens := open()
			if err := os.MkdirAll(data, 0o700); err != nil {
				return fmt.Errorf("data directory: %w", err)
			}
			make := tokens.Create
			switch {
			case runner && agents.agent:
				return misusef("a token is for runners or for agents; give one of --runner and --agent")
			case runner:
				make = tokens.CreateRunner
			case agents.agent:
				make = func(name string) (string, error) { return agents.create(data, name) }
			}
			tok, err := make(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(c.err, "This token is shown only now:")
			_, err = fmt.Fprintln(c.out, tok)
			return err
		},
	}
	agents.flags(create)
	create.Flags().BoolVar(&runner, "runner", false, "make a token for faultline runner, which is good for nothing else")
	cmd.AddCommand(
		create,
		&cobra.Command{
			Use:   "list",
			Short: "List the tokens, without their secrets",
			Args:  cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				list, err := open().List()
				if err != nil {
					return err
				}
				t := c.table("NAME", "FOR", "CREATED", "EXPIRES", "USES")
				for _, k := range list {
					use := "API"
					if k.Runner {
						use = "runner"
					}
					t.AppendRow([]any{k.Name, use, k.Created.Format(time.RFC3339), "-", "-"})
				}
				joins, err := auth.NewAuthority(auth.AuthorityOptions{Dir: data}).Joins()
				if err != nil {
					return err
				}
				for _, k := range joins {
					use := "agents"
					if k.Host != "" {
						use = "agent of " + k.Host
					}
					t.AppendRow([]any{k.Name, use, k.Created.Format(time.RFC3339), k.Expires.Format(time.RFC3339), fmt.Sprintf("%d of %d", k.Used, k.Uses)})
				}
				t.Render()
				return nil
			},
		},
		&cobra.Command{
			Use:   "revoke NAME",
			Short: "End a token",
			Args:  exactArgs("NAME"),
			RunE: func(_ *cobra.Command, args []string) error {
				tokens := open()
				if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("there is no data directory %s; see --data", data)
				}
				err := tokens.Revoke(args[0])
				if auth.Missing(err) {
					return auth.NewAuthority(auth.AuthorityOptions{Dir: data}).RevokeJoin(args[0])
				}
				return err
			},
		},
	)
	return cmd
}
