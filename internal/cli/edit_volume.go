package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newEditVolume(c *console) *cobra.Command {
	var (
		conn               connection
		out                format
		alias, name        string
		primary, secondary string
		unused             []string
		noAlias, auto      bool
	)
	cmd := &cobra.Command{
		Use:   "volume ID|NAME",
		Short: "Decide about the hosts or the name of a volume",
		Long: "Decide about the hosts or the name of a volume. What you decide goes before the\n" +
			"server's choice, and stays through scans and restarts, until --auto takes it back.\n" +
			"A primary and a secondary must be in one HA cluster; see faultline get clusters.",
		Example: "  faultline edit volume 12 --primary oss1.example --secondary oss2.example\n" +
			"  faultline edit volume 12 --secondary none\n" +
			"  faultline edit volume 12 --auto",
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, changed := cmd.Context(), cmd.Flags().Changed
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			body := gen.VolumeEdit{User: name}
			if name == "" {
				body.User = loginName()
			}
			null := json.RawMessage("null")
			if auto {
				body.Primary, body.Secondary, body.Unused = null, null, &[]string{}
			}
			for _, f := range []struct {
				flag, value string
				to          *json.RawMessage
			}{{"alias", alias, &body.Alias}, {"primary", primary, &body.Primary}, {"secondary", secondary, &body.Secondary}} {
				if changed(f.flag) {
					if *f.to, err = json.Marshal(f.value); err != nil {
						return err
					}
				}
			}
			if noAlias {
				body.Alias = null
			}
			if changed("unused") {
				body.Unused = &unused
			}
			if body.Alias == nil && body.Primary == nil && body.Secondary == nil && body.Unused == nil {
				return misusef("there is nothing to change; give --primary, --secondary, --unused, --auto, --alias or --no-alias")
			}
			v, _, err := cl.volume(ctx, args[0])
			if err != nil {
				return err
			}
			v, raw, err := answer[gen.Volume](cl.EditVolume(ctx, v.ID, body))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Changed volume %s, ID %d: primary %s, secondary %s.\n", clean(v.Name), v.ID, orNone(v.Primary.Host), orNone(v.Secondary.Host))
			return err
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	fs := cmd.Flags()
	fs.StringVar(&primary, "primary", "", "the `host` (name or ID) that is the primary, or none")
	fs.StringVar(&secondary, "secondary", "", "the `host` that takes over, or none; fixes the present primary, too")
	fs.StringSliceVar(&unused, "unused", nil, "`hosts` that the server must not choose; --unused= for none")
	fs.BoolVar(&auto, "auto", false, "leave the hosts to the server again")
	fs.StringVar(&alias, "alias", "", "new name for the volume")
	fs.BoolVar(&noAlias, "no-alias", false, "go back to the name that it has by itself")
	fs.StringVar(&name, "user", "", "your `name`, for a server without tokens (default: that of your login)")
	cmd.MarkFlagsMutuallyExclusive("alias", "no-alias")
	cmd.MarkFlagsMutuallyExclusive("auto", "unused")
	return cmd
}

func orNone(host string) string {
	if host == "" {
		return "none"
	}
	return clean(host)
}
