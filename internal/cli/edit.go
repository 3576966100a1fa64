package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newEdit(c *console) *cobra.Command {
	var (
		conn    connection
		out     format
		alias   string
		noAlias bool
	)
	cmd := &cobra.Command{
		Use:   "edit ID|NAME [name=value...]",
		Short: "Change the alias of a resource, or attributes of one that was added",
		Example: "  faultline edit 12 --alias 'left rack'\n" +
			"  faultline edit 3 password=-",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("ID is missing; usage: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			body := gen.ResourceEdit{}
			switch {
			case noAlias:
				body.Alias = json.RawMessage("null")
			case cmd.Flags().Changed("alias"):
				if body.Alias, err = json.Marshal(alias); err != nil {
					return err
				}
			case len(args) == 1:
				return misusef("there is nothing to change; give name=value, --alias or --no-alias")
			}
			r, _, err := cl.find(ctx, args[0])
			if err != nil {
				return err
			}
			if len(args) > 1 {
				class, err := cl.class(ctx, r.Plugin, r.Class)
				if err != nil {
					return err
				}
				if class == nil {
					return fmt.Errorf("class %s.%s is not known now; is its plugin running? see faultline get plugins", r.Plugin, r.Class)
				}
				if body.Attributes, err = c.parseValues(class, args[1:]); err != nil {
					return err
				}
			}
			r, raw, err := answer[gen.Resource](cl.EditResource(ctx, r.ID, body))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Changed %s (%s.%s), ID %d.\n", clean(r.Name), r.Plugin, r.Class, r.ID)
			return err
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	cmd.Flags().StringVar(&alias, "alias", "", "new name for the resource")
	cmd.Flags().BoolVar(&noAlias, "no-alias", false, "go back to the name that the plugin gives it")
	cmd.MarkFlagsMutuallyExclusive("alias", "no-alias")
	cmd.AddCommand(newEditVolume(c))
	return cmd
}
