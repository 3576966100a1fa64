package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) clusters() *cobra.Command {
	return &cobra.Command{
		Use:     "clusters [NAME]",
		Aliases: []string{"cluster"},
		Short:   "List the high-availability clusters of hosts, declared and found",
		Args:    maxOneArg("cluster"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			_, raw, err := answer[gen.ClusterList](c.ListClusters(cmd.Context()))
			if err != nil {
				return err
			}
			items, err := whole(raw)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				k, raw, err := pick(items, "HA cluster", args[0], func(k gen.Cluster) string { return k.Name })
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.cluster(&k)
				return nil
			}
			return g.list(items, "", func() error {
				list, err := decode[gen.Cluster](items)
				if err != nil {
					return err
				}
				t := g.table("NAME", "FROM", "HOSTS", "NOT KNOWN", "PROBLEMS")
				for _, k := range list {
					t.AppendRow([]any{clean(k.Name), k.Source, dash(strings.Join(k.Members, ", ")), dash(strings.Join(k.Missing, ", ")), len(k.Problems)})
				}
				t.Render()
				return nil
			})
		},
	}
}

func (g *getter) cluster(k *gen.Cluster) {
	t := g.table()
	t.AppendRow([]any{"Name", clean(k.Name)})
	t.AppendRow([]any{"From", k.Source})
	t.AppendRow([]any{"Members", clean(strings.Join(k.Hosts, ", "))})
	t.AppendRow([]any{"Hosts", dash(strings.Join(k.Members, ", "))})
	t.AppendRow([]any{"Not known", dash(strings.Join(k.Missing, ", "))})
	for _, h := range slices.Sorted(maps.Keys(k.Problems)) {
		t.AppendRow([]any{"Problem", clean(k.Problems[h])})
	}
	t.Render()
}

func newAddCluster(c *console) *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:     "cluster NAME HOST HOST...",
		Short:   "Declare a high-availability cluster of hosts, or give it other hosts",
		Example: "  faultline add cluster oss12 oss1.example oss2.example",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 3 {
				return fmt.Errorf("give a name and two hosts at least; usage: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			k, raw, err := answer[gen.Cluster](cl.DeclareCluster(cmd.Context(), gen.ClusterCreate{Name: args[0], Hosts: args[1:]}))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); done {
				return err
			}
			if len(k.Missing) > 0 {
				fmt.Fprintf(c.err, "Not known as hosts yet: %s.\n", clean(strings.Join(k.Missing, ", ")))
			}
			_, err = fmt.Fprintf(c.out, "Declared the HA cluster %s.\n", clean(k.Name))
			return err
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	return cmd
}

func newRmCluster(c *console) *cobra.Command {
	var conn connection
	cmd := &cobra.Command{
		Use:   "cluster NAME",
		Short: "Take a declared high-availability cluster back",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			if _, _, err := answer[struct{}](cl.RemoveCluster(cmd.Context(), args[0])); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "Took the HA cluster %s back.\n", clean(args[0]))
			return err
		},
	}
	conn.flags(cmd.Flags())
	return cmd
}
