package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) dashboard() *cobra.Command {
	var plugin, base string
	cmd := &cobra.Command{
		Use:   "dashboard [PLUGIN.CLASS]",
		Short: "Write a Grafana dashboard with the charts that classes declare",
		Long: `Write a Grafana dashboard, as JSON, with the charts that classes declare: of one class, of
those that the flags choose, or of all. Import it in Grafana and choose a data source of the
kind Prometheus whose address is that of this server with /prometheus at its end.`,
		Args: maxOneArg("class"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			p := &gen.GetDashboardParams{Plugin: optional(plugin), Base: optional(base)}
			if len(args) == 1 {
				p.Class = &args[0]
			}
			_, raw, err := answer[gen.Dashboard](c.GetDashboard(cmd.Context(), p))
			if err != nil {
				return err
			}
			enc := json.NewEncoder(g.out)
			enc.SetIndent("", "  ")
			return enc.Encode(raw)
		},
	}
	cmd.Flags().StringVar(&plugin, "plugin", "", "only classes of this plugin")
	cmd.Flags().StringVar(&base, "base", "", "only this class and those that inherit from it")
	return cmd
}
