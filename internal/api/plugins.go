package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
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
	classes, err := h.classes(p.Plugin, p.Class, p.Base, p.Internal)
	if err != nil {
		return nil, err
	}
	list := gen.ClassList{Items: []gen.Class{}}
	for _, c := range classes {
		if p.Scannable == nil || c.Scannable() == *p.Scannable {
			list.Items = append(list.Items, Class(c, h.inventory.Count(c)))
		}
	}
	return gen.ListClasses200JSONResponse(list), nil
}

// classes are those that pass the filters. Unless one of them is given, what the
// server reports of itself is left out.
func (h *handlers) classes(ofPlugin, named, base *string, internal *bool) ([]*resource.Class, error) {
	plugin, class, err := classFilter(ofPlugin, named)
	if err != nil {
		return nil, err
	}
	hardware := plugin == "" && class == "" && deref(base) == ""
	if internal != nil {
		hardware = !*internal
	}
	var out []*resource.Class
	for _, c := range h.inventory.Classes() {
		if hardware && c.Internal() || plugin != "" && c.Plugin != plugin || class != "" && c.Name != class ||
			base != nil && *base != "" && !c.Is(*base) {
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// GetDashboard returns a dashboard with the charts of classes.
func (h *handlers) GetDashboard(_ context.Context, req gen.GetDashboardRequestObject) (gen.GetDashboardResponseObject, error) {
	p := req.Params
	classes, err := h.classes(p.Plugin, p.Class, p.Base, nil)
	if err != nil {
		return nil, err
	}
	title := "Faultline"
	switch {
	case len(classes) == 1:
		title += ": " + classes[0].FullName()
	case deref(p.Plugin) != "":
		title += ": " + *p.Plugin
	}
	b, err := json.Marshal(h.dashboard(title, classes))
	if err != nil {
		return nil, err
	}
	return document(b), nil
}

// document is a JSON document, sent as it is.
type document []byte

// VisitGetDashboardResponse implements gen.GetDashboardResponseObject.
func (d document) VisitGetDashboardResponse(w http.ResponseWriter) error { return d.send(w) }

// VisitGetOpenAPIResponse implements gen.GetOpenAPIResponseObject.
func (d document) VisitGetOpenAPIResponse(w http.ResponseWriter) error { return d.send(w) }

func (d document) send(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d)
	return err
}
