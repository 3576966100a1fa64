package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

func (g *getter) hosts() *cobra.Command {
	return &cobra.Command{
		Use:     "hosts [ID|NAME]",
		Aliases: []string{"host"},
		Short:   "List the hosts that run the agent, or tell all about one",
		Args:    maxOneArg("host"),
		RunE: func(cmd *cobra.Command, args []string) error {
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
			if len(args) == 1 {
				h, raw, err := pick(items, "host", args[0], func(h gen.Host) string {
					if id := strconv.FormatInt(h.ID, 10); id == args[0] {
						return id
					}
					return h.Name
				})
				if err != nil {
					return err
				}
				if done, err := g.raw(g.format, raw); done {
					return err
				}
				g.host(h)
				return nil
			}
			return g.list(items, "", func() error {
				t := g.table("ID", "NAME", "STATE", "ADDRESS", "AGENT", "LAST CONTACT", "PLUGINS", "VOLUMES")
				for _, h := range list.Items {
					contact := dash("")
					if h.LastContact != nil {
						contact = when(*h.LastContact)
					}
					t.AppendRow([]any{h.ID, clean(h.Name), g.hostState(h.State), dash(clean(h.Address)), dash(clean(h.AgentVersion)), contact, hostPlugins(h), h.Volumes})
				}
				t.Render()
				return nil
			})
		},
	}
}

func (g *getter) hostState(s gen.HostState) string {
	name := strings.ReplaceAll(string(s), "awaiting", "awaiting agent")
	if !g.color {
		return name
	}
	switch s {
	case gen.HostConnected:
		return text.FgGreen.Sprint(name)
	case gen.HostLost:
		return text.FgRed.Sprint(name)
	}
	return name
}

// hostPlugins are the live sessions of a host, of how many.
func hostPlugins(h gen.Host) string {
	live := 0
	for _, p := range h.Plugins {
		if p.Session == gen.HostSessionLive {
			live++
		}
	}
	return fmt.Sprintf("%d/%d", live, len(h.Plugins))
}

// host prints all about one host.
func (g *getter) host(h gen.Host) {
	t := g.table()
	row := func(k string, v any) { t.AppendRow([]any{k, v}) }
	row("ID", h.ID)
	row("Name", clean(h.Name))
	row("State", g.hostState(h.State))
	row("Address", dash(clean(h.Address)))
	row("Agent", dash(clean(h.AgentVersion)))
	if h.Booted != nil {
		row("Booted", when(*h.Booted))
	}
	if h.LastContact != nil {
		row("Last contact", when(*h.LastContact))
	}
	row("Volumes", h.Volumes)
	for _, p := range h.Plugins {
		line := string(p.Session)
		if p.Root != nil {
			line += fmt.Sprintf(" (resource %d)", *p.Root)
		}
		row("Plugin "+clean(p.Name), line)
	}
	if h.Installation != "" {
		row("Installation", clean(h.Installation))
	}
	if h.Advice != "" {
		row("To do", clean(h.Advice))
	}
	t.Render()
}
