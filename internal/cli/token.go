package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
)

// newToken manages the tokens in a data directory. It works on the files, so
// that the first token can be made before there is a server that asks for one.
func newToken(c *console) *cobra.Command {
	var data string
	var runner bool
	open := func() *auth.Tokens {
		if data == "" {
			data = os.Getenv("FAULTLINE_DATA")
		}
		if data == "" {
			data = config.Default().Data
		}
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
			if runner {
				make = tokens.CreateRunner
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
				t := c.table("NAME", "FOR", "CREATED")
				for _, k := range list {
					use := "API"
					if k.Runner {
						use = "runner"
					}
					t.AppendRow([]any{k.Name, use, k.Created.Format(time.RFC3339)})
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
				return tokens.Revoke(args[0])
			},
		},
	)
	return cmd
}
