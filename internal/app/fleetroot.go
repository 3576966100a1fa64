package app

import (
	"context"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// hostRoot reports whether resources of the class are roots of what agents report.
func hostRoot(c *resource.Class) bool { return c.Is(resource.BaseHostRoot) && !c.Scannable() }

// rootFor returns the root of what a plugin's agent side reports of a host, which
// it makes if it is not there: of the plugin's own class with the base HostRoot if
// it has one, else of the server's (see docs/decisions/0018-hosts.md).
func (f *fleet) rootFor(ctx context.Context, host *fleetHost, plugin string) (resource.ID, error) {
	f.mu.Lock()
	known := map[string]resource.Value{
		"host_id": resource.IntValue(int64(host.id)), "fqdn": resource.StringValue(host.name), "plugin": resource.StringValue(plugin),
	}
	gone := host.gone
	f.mu.Unlock()
	if gone {
		return 0, resource.Errorf(resource.Unavailable, "host %s was removed", host.name)
	}
	class := f.inv.Class(resource.ServerPlugin, hostPluginClass)
	for _, c := range f.inv.Classes() {
		if c.Plugin != plugin || !hostRoot(c) {
			continue
		}
		if why := fits(c, known); why != "" {
			if f.said.first(c.FullName() + why) {
				f.log.Warn("the class is not used for the root of what agents report", "class", c.FullName(), "reason", why, "instead", class.FullName())
			}
			continue
		}
		class = c
		break
	}
	values := make([]resource.Value, len(class.Attributes))
	for i := range class.Attributes {
		a := &class.Attributes[i]
		if v, ok := known[a.Name]; ok && a.Check(v) == nil {
			values[i] = v
		} else if !a.Optional {
			values[i] = a.Default
		}
	}
	var r *resource.Resource
	var err error
	if class.Plugin == resource.ServerPlugin {
		r, _, err = f.inv.AddLabelledRoot(ctx, class, values, plugin+" on "+host.name)
	} else { // its label is its author's
		r, _, err = f.inv.AddRoot(ctx, class, values)
	}
	if err != nil {
		return 0, err
	}
	return r.ID, nil
}

// fits says why a plugin's class cannot be that of a host's root; empty if it can.
func fits(c *resource.Class, known map[string]resource.Value) string {
	if c.IDScope != resource.Global {
		return "its identifier is no GlobalId"
	}
	own := func(i int) bool {
		a := &c.Attributes[i]
		return (a.Name == "host_id" || a.Name == "fqdn") && a.Check(known[a.Name]) == nil
	}
	if !slices.ContainsFunc(c.IDAttrs(), own) {
		return "neither host_id (an Integer) nor fqdn (a Hostname or String) is part of its identifier"
	}
	for i := range c.Attributes {
		a := &c.Attributes[i]
		if v, ok := known[a.Name]; !a.Optional && a.Default.IsNull() && (!ok || a.Check(v) != nil) {
			return "attribute " + a.Name + " is mandatory, and the server knows host_id, fqdn and plugin only"
		}
	}
	return ""
}
