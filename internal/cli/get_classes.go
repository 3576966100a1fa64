package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) classes() *cobra.Command {
	var plugin, base string
	var scannable bool
	cmd := &cobra.Command{
		Use:     "classes [PLUGIN.CLASS]",
		Aliases: []string{"class"},
		Short:   "List the resource classes that plugins declare",
		Args:    maxOneArg("class"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			list, raw, err := answer[gen.ClassList](c.ListClasses(cmd.Context(), &gen.ListClassesParams{
				Plugin: optional(plugin), Base: optional(base), Scannable: optional(scannable),
			}))
			if err != nil {
				return err
			}
			items, err := whole(raw)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				cl, raw, err := pick(items, "class", args[0], func(c gen.Class) string { return c.Full })
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.class(cl)
				return nil
			}
			return g.list(items, "", func() error {
				t := g.table("CLASS", "LABEL", "BASE", "RESOURCES", "USERS ADD")
				for _, cl := range list.Items {
					t.AppendRow([]any{cl.Full, clean(cl.Label), first(cl.Bases), cl.Count, yesNo(cl.Scannable)})
				}
				t.Render()
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&plugin, "plugin", "", "only those of this plugin")
	cmd.Flags().StringVar(&base, "base", "", "only this class and those that inherit from it")
	cmd.Flags().BoolVar(&scannable, "scannable", false, "only those whose resources users add")
	return cmd
}

// class prints all about one class.
func (g *getter) class(c gen.Class) {
	fmt.Fprintf(g.out, "%s: %s\nBases: %s\nIdentifier: %s %s\n\n", c.Full, clean(c.Label), strings.Join(c.Bases, ", "),
		c.Identifier.Scope, strings.Join(c.Identifier.Attributes, ", "))
	t := g.table("ATTRIBUTE", "KIND", "LABEL", "OPTIONS")
	for _, a := range c.Attributes {
		var o []string
		for _, f := range []struct {
			is   bool
			name string
		}{{a.Identifying, "identifying"}, {a.Optional, "optional"}, {a.Hidden, "hidden"}, {a.UserReadOnly, "read only"}} {
			if f.is {
				o = append(o, f.name)
			}
		}
		if len(a.Options) > 0 {
			o = append(o, "one of "+strings.Trim(fmt.Sprint(a.Options), "[]"))
		}
		if a.Default != nil {
			o = append(o, fmt.Sprintf("default %v", a.Default))
		}
		t.AppendRow([]any{a.Name, a.Kind, clean(a.Label), clean(strings.Join(o, ", "))})
	}
	t.Render()
	if len(c.Statistics) > 0 {
		fmt.Fprintln(g.out)
		t := g.table("STATISTIC", "KIND", "LABEL", "UNIT")
		for _, s := range c.Statistics {
			t.AppendRow([]any{s.Name, s.Kind, clean(s.Label), dash(s.Unit)})
		}
		t.Render()
	}
	if len(c.Conditions) > 0 {
		fmt.Fprintln(g.out)
		t := g.table("ALERT CONDITION", "KIND", "WATCHES", "MESSAGE")
		for _, k := range c.Conditions {
			t.AppendRow([]any{k.Name, k.Kind, k.Attribute, clean(k.Message)})
		}
		t.Render()
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return list[0]
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
