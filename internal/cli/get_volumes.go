package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) volumes() *cobra.Command {
	var category, host, primary, filesystem, q, sort string
	cmd := &cobra.Command{
		Use:     "volumes [ID|NAME]",
		Aliases: []string{"volume"},
		Short:   "List the logical drives that hosts can reach, or show one and why it is where it is",
		Long: "List the logical drives that hosts can reach, or show one with its nodes, and why its\n" +
			"primary and secondary are those. A volume is a logical drive with a device node on\n" +
			"which nothing is built: what is mounted, or is a member of something, is none.",
		Args: maxOneArg("volume"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := g.conn.dial()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				v, raw, err := c.volume(ctx, args[0])
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.volume(&v)
				return nil
			}
			p := gen.ListVolumesParams{Category: optional(category), Host: optional(host), Primary: optional(primary), Q: optional(q), Sort: optional(sort)}
			if p.Filesystem, err = resourceID(ctx, c, filesystem); err != nil {
				return err
			}
			items, next, err := g.pages(func(limit *int, cursor *string) (json.RawMessage, error) {
				p.Limit, p.Cursor = limit, cursor
				_, raw, err := answer[gen.VolumeList](c.ListVolumes(ctx, &p))
				return raw, err
			})
			if err != nil {
				return err
			}
			return g.list(items, next, func() error { return g.volumeTable(items) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&category, "category", "", "unused: only those on which nothing lies; usable: of these, only those on which a target may be placed")
	fs.StringVar(&host, "host", "", "only volumes that this `host` reaches (ID or name)")
	fs.StringVar(&primary, "primary", "", "only volumes of which this `host` is the primary (ID or name)")
	fs.StringVar(&filesystem, "filesystem", "", "only volumes with a target of this file system (ID or `name`)")
	fs.StringVarP(&q, "q", "q", "", "only volumes with this `text` in their name, kind, identity, or a node's path or host")
	fs.StringVar(&sort, "sort", "", "name, id, kind, size, filesystem_type or primary; `-field` for descending")
	g.paging(cmd)
	return cmd
}

// volume returns the volume that an argument names: an ID, or a name that only
// one volume has.
func (c *client) volume(ctx context.Context, arg string) (gen.Volume, json.RawMessage, error) {
	if id, err := strconv.ParseInt(arg, 10, 64); err == nil {
		return answer[gen.Volume](c.GetVolume(ctx, id))
	}
	var found []gen.Volume
	limit := 1000
	params := gen.ListVolumesParams{Q: &arg, Limit: &limit}
	for {
		list, _, err := answer[gen.VolumeList](c.ListVolumes(ctx, &params))
		if err != nil {
			return gen.Volume{}, nil, err
		}
		for _, v := range list.Items {
			if v.Name == arg || v.Label == arg {
				found = append(found, v)
			}
		}
		if list.Next == "" {
			break
		}
		params.Cursor = &list.Next
	}
	switch len(found) {
	case 0:
		return gen.Volume{}, nil, fmt.Errorf("there is no volume named %q", arg)
	case 1:
		return answer[gen.Volume](c.GetVolume(ctx, found[0].ID))
	}
	ids := make([]string, len(found))
	for i, v := range found {
		ids[i] = fmt.Sprintf("%d (%s)", v.ID, v.Kind)
	}
	return gen.Volume{}, nil, misusef("%d volumes are named %q; give the ID: %s", len(found), arg, strings.Join(ids, ", "))
}

func (g *getter) volumeTable(items []json.RawMessage) error {
	list, err := decode[gen.Volume](items)
	if err != nil {
		return err
	}
	t := g.table("ID", "NAME", "SIZE", "FS", "STATE", "HA", "PRIMARY", "SECONDARY", "USED BY")
	for i := range list {
		v := &list[i]
		t.AppendRow([]any{v.ID, clean(v.Name), dash(v.SizeText), dash(v.FilesystemType), g.volumeState(v.State), v.Ha,
			dash(v.Primary.Host), dash(v.Secondary.Host), dash(usedBy(v))})
	}
	t.Render()
	return nil
}

func (c *console) volumeState(s gen.VolumeState) string {
	text := strings.ReplaceAll(string(s), "_", " ")
	switch {
	case !c.color:
		return text
	case s == gen.VolumeDown:
		return colored("error", text)
	case s == gen.VolumeDegraded:
		return colored("warning", text)
	case s == gen.VolumeAtRisk:
		return colored("info", text)
	}
	return colored("ok", text)
}

func usedBy(v *gen.Volume) string {
	names := make([]string, len(v.UsedBy))
	for i, u := range v.UsedBy {
		names[i] = u.Name
	}
	return strings.Join(names, ", ")
}

func (g *getter) volume(v *gen.Volume) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", v.ID)
	row("Name", clean(v.Name))
	if v.Name != v.Label {
		row("Label", clean(v.Label))
	}
	kind := clean(v.Kind)
	if v.Plugin != "" {
		kind += fmt.Sprintf(" (%s.%s)", v.Plugin, v.Class)
	}
	row("Kind", kind)
	row("Size", dash(v.SizeText))
	row("File system", dash(v.FilesystemType))
	state := g.volumeState(v.State)
	if v.StateWhy != "" {
		state += ": " + clean(v.StateWhy)
	}
	row("State", state)
	row("HA", v.Ha)
	switch {
	case len(v.UsedBy) > 0:
		row("Used by", clean(usedBy(v)))
	case v.Usable:
		row("Used by", "nothing; a target may be placed on it")
	default:
		row("Used by", "nothing")
	}
	chosen := func(h gen.VolumeHost) string {
		if h.Host == "" {
			return "none: " + clean(h.Why)
		}
		return clean(h.Host + ": " + h.Why)
	}
	row("Primary", chosen(v.Primary))
	row("Secondary", chosen(v.Secondary))
	if len(v.Unused) > 0 {
		row("Not wanted", clean(strings.Join(v.Unused, ", ")))
	}
	if d := v.Decided; d != nil {
		by := "by a user"
		if d.By != "" {
			by = "by " + clean(d.By)
		}
		row("Decided", by+" at "+when(d.Time))
	}
	t.Render()
	if len(v.Nodes) == 0 {
		return
	}
	fmt.Fprintln(g.out)
	t = g.table("NODE", "HOST", "PATH", "ROLE", "WEIGHT", "HEALTH")
	for _, n := range v.Nodes {
		t.AppendRow([]any{n.ID, clean(n.Host), clean(n.Path), n.Role, number(n.Weight), g.health(string(n.Health), n.Stale)})
	}
	t.Render()
	if len(v.Candidates) < 2 {
		return
	}
	fmt.Fprintln(g.out)
	t = g.table("HOST", "HA CLUSTER", "WEIGHT", "OTHER PRIMARIES", "OTHERS IN USE")
	for _, c := range v.Candidates {
		name := clean(c.Host)
		if slices.Contains(v.Unused, c.Host) {
			name += " (not wanted)"
		}
		cluster := c.Cluster
		if cluster == "" {
			cluster = c.Problem
		}
		t.AppendRow([]any{name, dash(cluster), number(c.Weight), c.Primaries, c.InUse})
	}
	t.Render()
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
