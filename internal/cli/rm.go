package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRm(c *console) *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use:   "rm ID|NAME",
		Short: "Remove a resource that was added, or a host, and what only it reports",
		Long: "Remove a resource that was added, and what only it reports. A host is removed with all\n" +
			"that its agent reported; its certificates are revoked, so that an agent which still runs\n" +
			"there is refused until the host is registered anew.",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			r, _, err := cl.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			remove := cl.RemoveResource
			if r.Plugin == "faultline" && r.Class == "Host" {
				remove = cl.RemoveHost
			}
			if _, _, err := answer[struct{}](remove(cmd.Context(), r.ID)); err != nil {
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
