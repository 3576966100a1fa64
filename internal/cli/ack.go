package cli

import (
	"context"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// chosenAlerts are the flags by which ack and unack choose alerts.
type chosenAlerts struct {
	severity                   []string
	resource, plugin, class, q string
}

func (a *chosenAlerts) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringSliceVar(&a.severity, "severity", nil, "alerts of these `severities`: info, warning, error")
	fs.StringVar(&a.resource, "resource", "", "alerts of this resource (ID or name)")
	fs.StringVar(&a.plugin, "plugin", "", "alerts of resources of this plugin")
	fs.StringVar(&a.class, "class", "", "alerts of resources of this `class`")
	fs.StringVarP(&a.q, "q", "q", "", "alerts with all words of this `text`")
}

// body is the part of the request that names the alerts.
func (a *chosenAlerts) body(ctx context.Context, cl *client, args []string) (b gen.BulkUnacknowledge, err error) {
	if len(args) == 0 && len(a.severity) == 0 && a.resource+a.plugin+a.class+a.q == "" {
		return b, misusef("which alerts? give IDs, or --severity, --resource, --plugin, --class or -q")
	}
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return b, misusef("%q is no alert ID; an ID is a number", arg)
		}
		b.Ids = append(b.Ids, id)
	}
	for _, s := range a.severity {
		b.Severity = append(b.Severity, gen.AlertSeverity(s))
	}
	b.Plugin, b.Class, b.Q = optional(a.plugin), optional(a.class), optional(a.q)
	b.Resource, err = resourceID(ctx, cl, a.resource)
	return b, err
}

func newAck(c *console) *cobra.Command {
	var (
		conn          connection
		out           format
		which         chosenAlerts
		comment, name string
	)
	cmd := &cobra.Command{
		Use:     "ack [ID...]",
		Aliases: []string{"acknowledge"},
		Short:   "Acknowledge alerts: say that you know of them",
		Long: "Acknowledge alerts: say that you know of them. Give their IDs, or flags for what\n" +
			"they have in common; then those are acknowledged that are not yet. Everybody sees\n" +
			"who acknowledged an alert, when, and the comment. An acknowledgement ends with its\n" +
			"alert. With a token you act under its name.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			b, err := which.body(ctx, cl, args)
			if err != nil {
				return err
			}
			if name == "" {
				name = loginName()
			}
			done, raw, err := answer[gen.ChangedAlerts](cl.AcknowledgeAlerts(ctx, gen.BulkAcknowledge{
				Ids: b.Ids, Severity: b.Severity, Plugin: b.Plugin, Class: b.Class, Resource: b.Resource, Q: b.Q,
				User: name, Comment: comment,
			}))
			if err != nil {
				return err
			}
			return c.changedAlerts(out, "Acknowledged", done, raw)
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	which.flags(cmd)
	cmd.Flags().StringVarP(&comment, "comment", "m", "", "a `text` for others: what is being done about it")
	cmd.Flags().StringVar(&name, "user", "", "your `name`, for a server without tokens (default: that of your login)")
	return cmd
}

func newUnack(c *console) *cobra.Command {
	var (
		conn  connection
		out   format
		which chosenAlerts
	)
	cmd := &cobra.Command{
		Use:     "unack [ID...]",
		Aliases: []string{"unacknowledge"},
		Short:   "Take the acknowledgement of alerts back",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			cl, err := conn.dial()
			if err != nil {
				return err
			}
			b, err := which.body(ctx, cl, args)
			if err != nil {
				return err
			}
			done, raw, err := answer[gen.ChangedAlerts](cl.UnacknowledgeAlerts(ctx, b))
			if err != nil {
				return err
			}
			return c.changedAlerts(out, "Unacknowledged", done, raw)
		},
	}
	conn.flags(cmd.Flags())
	out.flag(cmd.Flags())
	which.flags(cmd)
	return cmd
}

func (c *console) changedAlerts(out format, verb string, done gen.ChangedAlerts, raw []byte) error {
	if done, err := c.raw(out, raw); done {
		return err
	}
	what := strconv.Itoa(done.Count) + " alerts"
	if done.Count == 1 {
		what = fmt.Sprintf("alert %d", done.Ids[0])
	}
	_, err := fmt.Fprintf(c.out, "%s %s.\n", verb, what)
	return err
}

// loginName is what the system calls the user; empty if it does not know.
func loginName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(u.Username)
}
