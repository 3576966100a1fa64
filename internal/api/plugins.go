package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// ListPlugins lists the configured plugins.
func (h *handlers) ListPlugins(context.Context, gen.ListPluginsRequestObject) (gen.ListPluginsResponseObject, error) {
	list := gen.PluginList{Items: []gen.Plugin{}}
	for _, p := range h.plugins() {
		list.Items = append(list.Items, shown(p))
	}
	return gen.ListPlugins200JSONResponse(list), nil
}

// shown fills in the lists that an answer always has.
func shown(p Plugin) gen.Plugin {
	p.Classes = orEmpty(p.Classes)
	if p.Problems == nil {
		p.Problems = []gen.PluginProblem{}
	}
	return p
}

// ListClasses lists the resource classes.
func (h *handlers) ListClasses(_ context.Context, req gen.ListClassesRequestObject) (gen.ListClassesResponseObject, error) {
	p := req.Params
	plugin, class, err := classFilter(p.Plugin, p.Class)
	if err != nil {
		return nil, err
	}
	list := gen.ClassList{Items: []gen.Class{}}
	hardware := plugin == "" && class == "" && deref(p.Base) == ""
	if p.Internal != nil {
		hardware = !*p.Internal
	}
	for _, c := range h.inventory.Classes() {
		if hardware && c.Internal() {
			continue
		}
		if plugin != "" && c.Plugin != plugin || class != "" && c.Name != class ||
			p.Base != nil && *p.Base != "" && !c.Is(*p.Base) || p.Scannable != nil && c.Scannable() != *p.Scannable {
			continue
		}
		list.Items = append(list.Items, Class(c, h.inventory.Count(c)))
	}
	return gen.ListClasses200JSONResponse(list), nil
}
