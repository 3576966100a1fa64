package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRm(c *console) *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use:   "rm ID|NAME",
		Short: "Remove a resource that was added, and what only it reports",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			r, _, err := cl.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if _, _, err := answer[struct{}](cl.RemoveResource(cmd.Context(), r.ID)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Removed %s (%s.%s), ID %d.\n", clean(r.Name), r.Plugin, r.Class, r.ID)
			return err
		},
	}
	conn.flags(cmd.Flags())
	cmd.AddCommand(newRmCluster(c))
	return cmd
}
