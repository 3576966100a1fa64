package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func newWhyLinked(c *console) *cobra.Command {
	var conn connection
	var out format
	cmd := &cobra.Command{
		Use:   "why-linked A B",
		Short: "Tell through what two resources are linked, or why they are not",
		Long: "Tell through what two resources, given by ID or by name, are linked: which sessions\n" +
			"report the edges between them, and which relations make them, by which values. If\n" +
			"they are not linked, tell which relations could link them, what differs, and what\n" +
			"matches one of the two instead, or nearly does. The exit code is 0 if one of the\n" +
			"two affects the other, and 1 if not.",
		Example: "  faultline why-linked 'lun 7' /dev/sdb",
		Args:    exactArgs("A", "B"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			var ids [2]gen.ID
			for i, arg := range args {
				id, err := resourceID(ctx, cl, arg)
				if err != nil {
					return err
				}
				ids[i] = *id
			}
			l, raw, err := answer[gen.Linkage](cl.GetLinkage(ctx, ids[0], ids[1]))
			if err != nil {
				return err
			}
			if done, err := c.raw(out, raw); err != nil {
				return err
			} else if !done {
				c.linkage(l)
			}
			if !l.Linked {
				return errNotFine
			}
			return nil
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	return cmd
}

func (c *console) linkage(l gen.Linkage) {
	switch {
	case !l.Linked:
		fmt.Fprintf(c.out, "%s and %s are not linked.\n", c.nodeText(l.Resource), c.nodeText(l.Other))
	case l.Steps[0].Parent.ID == l.Resource.ID:
		fmt.Fprintf(c.out, "%s affects %s.\n", c.nodeText(l.Resource), c.nodeText(l.Other))
	default:
		fmt.Fprintf(c.out, "%s affects %s.\n", c.nodeText(l.Other), c.nodeText(l.Resource))
	}
	for _, s := range l.Steps {
		fmt.Fprintf(c.out, "\n%s → %s\n", refText(s.Parent), refText(s.Child))
		for _, r := range s.ReportedBy {
			fmt.Fprintf(c.out, "  reported by the session of %s\n", refText(r))
		}
		for _, m := range s.Relations {
			fmt.Fprintf(c.out, "  by relation: %s\n", relationText(m))
			c.comparisons("    ", m.Attributes)
		}
	}
	if !l.Linked && len(l.Misses) == 0 {
		fmt.Fprintf(c.out, "No session reports an edge between them, and no relation is declared between %s.%s and %s.%s.\n",
			l.Resource.Plugin, l.Resource.Class, l.Other.Plugin, l.Other.Class)
	}
	for _, m := range l.Misses {
		c.miss(m)
	}
}

// miss prints a relation that does not link the two.
func (c *console) miss(m gen.RelationMatch) {
	fmt.Fprintf(c.out, "\nNot linked by relation: %s\n", relationText(m))
	c.comparisons("  ", m.Attributes)
	if len(m.Cycle) > 0 {
		names := make([]string, len(m.Cycle))
		for i, r := range m.Cycle {
			names[i] = clean(r.Name)
		}
		fmt.Fprintf(c.out, "  all is the same, but the edge would close the cycle %s → %s\n", strings.Join(names, " → "), names[0])
	}
	for _, n := range m.Near {
		how := "nearly matches"
		if n.Matches {
			how = "matches"
		}
		with := m.Provider
		if n.InsteadOf == "provider" {
			with = m.Subscriber
		}
		fmt.Fprintf(c.out, "  %s %s %s\n", refText(n.Resource), how, refText(with))
		if !n.Matches {
			c.comparisons("    ", n.Attributes)
		}
	}
	if m.Incomplete {
		fmt.Fprintln(c.out, "  not all resources were looked at for what matches: there are too many")
	}
}

func (c *console) comparisons(indent string, list []gen.Comparison) {
	for _, a := range list {
		fmt.Fprintf(c.out, "%s%s: %s", indent, a.Name, valueText(a.Provider))
		switch a.Difference {
		case gen.Same:
			if valueText(a.Provider) != valueText(a.Subscriber) {
				fmt.Fprintf(c.out, " and %s, the same but for case", valueText(a.Subscriber))
			}
			fmt.Fprintln(c.out)
		default:
			fmt.Fprintf(c.out, " and %s: %s\n", valueText(a.Subscriber), differences[a.Difference])
		}
	}
}

// differences says what a difference means.
var differences = map[gen.ComparisonDifference]string{
	gen.Case:        "they differ in case, which the relation does not ignore",
	gen.Whitespace:  "they differ in white space",
	gen.Punctuation: "they differ in punctuation",
	gen.Part:        "one is only a part of the other",
	gen.Other:       "they differ",
	gen.Null:        "null matches nothing",
}

// relationText says a relation with its two ends: the provider affects the
// subscriber.
func relationText(m gen.RelationMatch) string {
	verb := "provides to"
	if m.Kind == "subscribe" {
		verb = "subscribes to"
	}
	names := make([]string, len(m.Attributes))
	for i, a := range m.Attributes {
		names[i] = a.Name
	}
	text := fmt.Sprintf("%s %s %s by %s", m.Class, verb, m.Target, strings.Join(names, ", "))
	if m.IgnoreCase {
		text += ", ignoring case"
	}
	return text + fmt.Sprintf(" (%s provides, %s subscribes)", clean(m.Provider.Name), clean(m.Subscriber.Name))
}

func refText(r gen.Ref) string {
	return fmt.Sprintf("%s (%s.%s %d)", clean(r.Name), r.Plugin, r.Class, r.ID)
}

func valueText(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	b, err := json.Marshal(v)
	if err != nil { // it came as JSON
		return fmt.Sprint(v)
	}
	return clean(string(b))
}
