package cli

import (
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) hosts() *cobra.Command {
	return &cobra.Command{
		Use:     "hosts",
		Aliases: []string{"host"},
		Short:   "List the hosts that run the agent",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			list, raw, err := answer[gen.HostList](c.ListHosts(cmd.Context()))
			if err != nil {
				return err
			}
			items, err := whole(raw)
			if err != nil {
				return err
			}
			return g.list(items, "", func() error {
				t := g.table("ID", "NAME")
				for _, h := range list.Items {
					t.AppendRow([]any{h.ID, clean(h.Name)})
				}
				t.Render()
				return nil
			})
		},
	}
}
