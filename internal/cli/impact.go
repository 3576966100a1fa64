package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newImpact(c *console) *cobra.Command {
	var conn connection
	var out format
	limit := 1000
	cmd := &cobra.Command{
		Use:   "impact ID|NAME",
		Short: "Tell what a fault of a resource endangers",
		Args:  exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			id, err := resourceID(ctx, cl, args[0])
			if err != nil {
				return err
			}
			impact, raw, err := answer[gen.Impact](cl.GetImpact(ctx, *id, &gen.GetImpactParams{Limit: &limit}))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			c.impact(impact)
			return nil
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	cmd.Flags().IntVar(&limit, "limit", limit, "how many to list at most; the nearest are kept")
	return cmd
}

func (c *console) impact(im gen.Impact) {
	if im.Total == 0 {
		fmt.Fprintf(c.out, "A fault of %s endangers nothing else.\n", c.nodeText(im.Resource))
		return
	}
	fmt.Fprintf(c.out, "A fault of %s endangers %s.\n", c.nodeText(im.Resource), countText(im.Counts))
	for _, f := range im.Filesystems {
		fmt.Fprintf(c.out, "File system %s (%d)\n", clean(f.Name), f.ID)
	}
	fmt.Fprintln(c.out)
	names := map[int64]string{}
	for _, it := range im.Items {
		names[it.Resource.ID] = clean(it.Resource.Name)
	}
	t := c.table("ID", "CLASS", "NAME", "HEALTH", "THROUGH")
	for _, it := range im.Items {
		r := it.Resource
		var through []string
		for _, id := range it.Path[1 : len(it.Path)-1] {
			through = append(through, names[id]) // nearer than the item, so listed before it
		}
		t.AppendRow([]any{r.ID, r.Plugin + "." + r.Class, clean(r.Name), c.health(string(r.Health), r.Stale),
			dash(strings.Join(through, " > "))})
	}
	t.Render()
	if im.Truncated {
		fmt.Fprintf(c.err, "There are %d in all; --limit shows more.\n", im.Total)
	}
}
