package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newApprove(c *console) *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "approve ID|NAME",
		Short: "Remove what the last scan of a root lacked",
		Long: "Remove what the last scan of a root lacked. A scan that lacks more than half of\n" +
			"what there was removes nothing before a second scan agrees or this command\n" +
			"approves it. What waits is in `faultline get resources ID`, under Held removal,\n" +
			"and the resources in question are stale.",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			r, _, err := cl.find(ctx, args[0])
			if err != nil {
				return err
			}
			var body gen.Approval
			if s := r.Session; s != nil && s.Held != nil {
				body.Resources = &s.Held.Resources
			}
			done, raw, err := answer[gen.Approved](cl.ApproveRemoval(ctx, r.ID, body))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Removed %d resources of %s (%s.%s), ID %d.\n", done.Removed, clean(r.Name), r.Plugin, r.Class, r.ID)
			return err
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	return cmd
}
