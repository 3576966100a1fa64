package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
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
			if h, err := cl.hostNamed(cmd.Context(), args[0]); err != nil {
				return err
			} else if h != nil {
				if _, _, err := answer[struct{}](cl.RemoveHost(cmd.Context(), h.ID)); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.out, "Removed host %s, ID %d, with what its agent reported.\n", clean(h.Name), h.ID)
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

// hostNamed returns the host with an ID or a name, or nil.
func (c *client) hostNamed(ctx context.Context, arg string) (*gen.Host, error) {
	list, _, err := answer[gen.HostList](c.ListHosts(ctx))
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if h := &list.Items[i]; h.Name == arg || strconv.FormatInt(h.ID, 10) == arg {
			return h, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none, which is no error
}
