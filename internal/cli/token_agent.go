package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// agentToken is what faultline token create is told for agents.
type agentToken struct {
	body    gen.AgentTokenCreate
	uses    int
	expires time.Duration
	out     format
}

// agentOnly are the flags that say something about a token for agents.
var agentOnly = []string{"expires", "uses", "host", "address", "machine", "output"}

func (a *agentToken) flags(f *pflag.FlagSet) {
	a.out.flag(f)
	f.DurationVar(&a.expires, "expires", 24*time.Hour, "with --agent: `how long` hosts may register with it")
	f.IntVar(&a.uses, "uses", 1, "with --agent: `how many` hosts may register with it")
	f.StringVar(&a.body.Host, "host", "", "with --agent: the `name` of the one host that it is for, which may be registered already")
	f.StringVar(&a.body.Server, "address", "", "with --agent: `address` of the server as hosts reach it, for the commands (default: agent_server of the server's configuration)")
	f.StringVar(&a.body.Machine, "machine", "", "with --agent: `kind` of machine that the install command is for, such as amd64 or arm64 (default: that of the server)")
}

// check refuses what other tokens do not have.
func (*agentToken) check(f *pflag.FlagSet, agent bool) error {
	for _, name := range agentOnly {
		if !agent && f.Changed(name) {
			return misusef("--%s goes with --agent", name)
		}
	}
	return nil
}

// create makes a token at the server and prints it. What to do with it goes to the
// standard error, so that scripts get the token alone.
func (a *agentToken) create(ctx context.Context, c *console, conn *connection, name string) (err error) {
	a.body.Name, a.body.Uses = name, &a.uses
	if a.body.Lifetime, err = lifetime(a.expires); err != nil {
		return err
	}
	cl, err := conn.dial()
	if err != nil {
		return err
	}
	made, raw, err := answer[gen.NewAgentToken](cl.CreateAgentToken(ctx, a.body))
	if err != nil {
		return err
	}
	if done, err := c.raw(a.out, raw); done {
		return err
	}
	fmt.Fprintf(c.err, "On a machine that has this program, as root:\n  %s\n", made.RegisterCommand)
	if made.InstallCommand != "" {
		fmt.Fprintf(c.err, "On any other:\n  %s\n", made.InstallCommand)
	}
	return c.showToken(made.Secret)
}

func listAgentTokens(ctx context.Context, c *console, conn *connection, out format) error {
	cl, err := conn.dial()
	if err != nil {
		return err
	}
	list, raw, err := answer[gen.AgentTokenList](cl.ListAgentTokens(ctx))
	if err != nil {
		return err
	}
	if done, err := c.raw(out, raw); done {
		return err
	}
	t := c.table("NAME", "STATE", "HOST", "CREATED", "EXPIRES", "USES")
	for _, k := range list.Items {
		t.AppendRow([]any{clean(k.Name), k.State, dash(k.Host), stamp(k.Created), stamp(k.Expires), fmt.Sprintf("%d of %d", k.Used, k.Uses)})
	}
	t.Render()
	return nil
}

func revokeAgentToken(ctx context.Context, conn *connection, name string) error {
	cl, err := conn.dial()
	if err != nil {
		return err
	}
	_, _, err = answer[struct{}](cl.DeleteAgentToken(ctx, name))
	return err
}
