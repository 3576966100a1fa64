package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// trialTime bounds a scan that a user waits for.
const trialTime = 30 * time.Second

// trials do initial scans of which nothing is kept: whoever adds or edits a root
// learns at once whether its plugin can do with it.
type trials struct {
	own   *localSessions
	place *placement
}

// try does the initial scan of a root in an inventory of its own. A scan that fails
// is a result, no error.
func (t *trials) try(ctx context.Context, c *resource.Class, values []resource.Value) (api.Trial, error) {
	if m := t.place.at(c.Plugin); m != nil {
		return api.Trial{}, &resource.Fault{Kind: resource.Conflict, Field: "plugin", Text: fmt.Sprintf(
			"plugin %s runs at %s, and only the server's own plugins can try a scan; save it, and see the state of its connection", c.Plugin, m.name)}
	}
	values = slices.Clone(values)
	for i := range values {
		if c.Attributes[i].Kind == resource.Reference {
			values[i] = resource.Null // its target is not in that inventory, and no session is told of it
		}
	}
	inv, err := inventory.New(ctx, inventory.Options{Store: memory.New(), Classes: t.own.inv.Classes(), Log: slog.New(slog.DiscardHandler), Now: t.own.now})
	if err != nil {
		return api.Trial{}, err
	}
	root, _, err := inv.AddRoot(ctx, c, values)
	if err != nil {
		return api.Trial{}, err
	}
	o := t.own.options(ctx, root.ID, c.Plugin)
	o.Root = func() (session.Root, error) { return rootFor(inv, t.own.secrets, root.ID) }
	o.Class = func(name string) *resource.Class { return inv.Class(c.Plugin, name) }
	o.Sink, o.Scanned = inv, nil
	o.TeardownTimeout = stopSoon
	o.Log = t.own.log.With("plugin", c.Plugin, "trial", true)

	began := t.own.now()
	within, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	incomplete, err := session.New(o).Once(within, 0)
	if ctx.Err() != nil {
		return api.Trial{}, ctx.Err() // nobody waits any more
	}
	out := api.Trial{Ok: err == nil, Seconds: t.own.now().Sub(began).Seconds(), Counts: map[string]int{}, Incomplete: append([]string{}, incomplete...)}
	for _, of := range inv.Classes() {
		n := inv.Count(of)
		if of == c {
			n-- // the root itself was not found
		}
		if n > 0 {
			out.Counts[of.FullName()] = n
			out.Resources += n
		}
	}
	var hook *session.HookError
	switch {
	case err == nil:
	case within.Err() != nil:
		out.Error = fmt.Sprintf("the scan had not ended after %v; it may still work, if the controller has much to tell", trialTime)
	case errors.As(err, &hook):
		f := hookFailure(hook)
		out.Error, out.Kind, out.Detail = f.Message, f.Kind, f.Detail
	default:
		out.Error = err.Error()
	}
	return out, nil
}
