package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// getter is what the kinds of `get` share.
type getter struct {
	*console
	conn   connection
	format format
	limit  int
	all    bool
}

func newGet(c *console) *cobra.Command {
	g := &getter{console: c}
	cmd := &cobra.Command{
		Use:   "get plugins|classes|resources|alerts|incidents|hosts|volumes|clusters [ID]",
		Short: "Show what the server knows",
		RunE:  group,
	}
	g.conn.flags(cmd.PersistentFlags())
	g.format.flag(cmd.PersistentFlags())
	cmd.AddCommand(g.plugins(), g.classes(), g.dashboard(), g.resources(), g.alerts(), g.incidents(), g.hosts(), g.volumes(), g.clusters())
	return cmd
}

// paging adds the flags of long lists.
func (g *getter) paging(cmd *cobra.Command) {
	cmd.Flags().IntVar(&g.limit, "limit", 100, "how many at most")
	cmd.Flags().BoolVar(&g.all, "all", false, "all there are")
	cmd.MarkFlagsMutuallyExclusive("limit", "all")
}

// pages collects the items of a list: one page of g.limit, or all pages.
func (g *getter) pages(fetch func(limit *int, cursor *string) (json.RawMessage, error)) (items []json.RawMessage, more string, err error) {
	limit, cursor := g.limit, (*string)(nil)
	if g.all {
		limit = 1000
	}
	for {
		raw, err := fetch(&limit, cursor)
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, "", err
		}
		items = append(items, page.Items...)
		if page.Next == "" || !g.all {
			return items, page.Next, nil
		}
		cursor = &page.Next
	}
}

// list prints a list; render prints it as a table.
func (g *getter) list(items []json.RawMessage, next string, render func() error) error {
	if items == nil {
		items = []json.RawMessage{}
	}
	body, err := json.Marshal(struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next,omitempty"`
	}{items, next})
	if err != nil {
		return err
	}
	if done, err := g.raw(g.format, body); done {
		return err
	}
	if err := render(); err != nil {
		return err
	}
	if next != "" {
		fmt.Fprintf(g.err, "There are more than these %d; --all shows them.\n", len(items))
	}
	return nil
}

// decode reads the items of a list.
func decode[T any](items []json.RawMessage) ([]T, error) {
	out := make([]T, len(items))
	for i, raw := range items {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, fmt.Errorf("the answer is not that of a Faultline server: %w", err)
		}
	}
	return out, nil
}

// whole fetches a list that has no pages.
func whole(raw json.RawMessage) (items []json.RawMessage, err error) {
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	err = json.Unmarshal(raw, &page)
	return page.Items, err
}

// pick keeps the item with the given name, for kinds that are known by name.
func pick[T any](items []json.RawMessage, what, name string, nameOf func(T) string) (item T, raw json.RawMessage, err error) {
	list, err := decode[T](items)
	if err != nil {
		return item, nil, err
	}
	for i, it := range list {
		if nameOf(it) == name {
			return it, items[i], nil
		}
	}
	return item, nil, fmt.Errorf("there is no %s %q", what, name)
}

// optional returns nil for a flag that was not given.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// resourceID resolves the value of a flag that names a resource.
func resourceID(ctx context.Context, c *client, arg string) (*gen.ID, error) {
	if arg == "" {
		return nil, nil
	}
	if id, err := strconv.ParseInt(arg, 10, 64); err == nil {
		return &id, nil
	}
	r, _, err := c.find(ctx, arg)
	if err != nil {
		return nil, err
	}
	return &r.ID, nil
}

func maxOneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("unexpected argument %q; give at most one %s", args[1], what)
		}
		return nil
	}
}
