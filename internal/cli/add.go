package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newAdd(c *console) *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "add PLUGIN.CLASS name=value...",
		Short: "Add a resource for its plugin to scan",
		Long: "Add a resource of a scannable class. Its plugin starts to scan it at once.\n\n" +
			"name=@FILE takes the content of a file; a password given as name=- is asked for,\n" +
			"or read from the input.",
		Example: "  faultline add redfish.Service url=https://10.0.0.7 user=monitor password=-",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("PLUGIN.CLASS is missing; usage: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			i := strings.LastIndexByte(args[0], '.')
			if i < 1 || i == len(args[0])-1 {
				return misusef("%q is no PLUGIN.CLASS", args[0])
			}
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			class, err := cl.scannable(ctx, args[0][:i], args[0][i+1:])
			if err != nil {
				return err
			}
			values, err := c.parseValues(class, args[1:])
			if err != nil {
				return err
			}
			r, raw, err := answer[gen.Resource](cl.AddResource(ctx, gen.ResourceCreate{
				Plugin: class.Plugin, Class: class.Name, Attributes: values,
			}))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Added %s (%s.%s) with ID %d.\n", clean(r.Name), r.Plugin, r.Class, r.ID)
			return err
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	cmd.AddCommand(newAddCluster(c), newAddHost(c))
	return cmd
}

// scannable returns a class whose resources users add. The error for another
// one lists them.
func (c *client) scannable(ctx context.Context, plugin, name string) (*gen.Class, error) {
	yes := true
	list, _, err := answer[gen.ClassList](c.ListClasses(ctx, &gen.ListClassesParams{Scannable: &yes}))
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		if list.Items[i].Plugin == plugin && list.Items[i].Name == name {
			return &list.Items[i], nil
		}
		names = append(names, list.Items[i].Full)
	}
	if names == nil {
		return nil, fmt.Errorf("no plugin that runs has a class whose resources users add; see faultline get plugins")
	}
	return nil, misusef("there is no class %s.%s whose resources users add; there are %s", plugin, name, strings.Join(names, ", "))
}
