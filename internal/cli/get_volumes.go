package cli

import (
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) volumes() *cobra.Command {
	return &cobra.Command{
		Use:     "volumes",
		Aliases: []string{"volume"},
		Short:   "List the logical drives that hosts can reach",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			list, raw, err := answer[gen.VolumeList](c.ListVolumes(cmd.Context()))
			if err != nil {
				return err
			}
			items, err := whole(raw)
			if err != nil {
				return err
			}
			return g.list(items, "", func() error {
				t := g.table("ID", "NAME")
				for _, v := range list.Items {
					t.AppendRow([]any{v.ID, clean(v.Name)})
				}
				t.Render()
				return nil
			})
		},
	}
}
