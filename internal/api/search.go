package api

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// maxSearchText bounds what is searched for, in characters.
	maxSearchText = 1000
	// searchItems and maxSearchItems are how many resources of each class are named.
	searchItems, maxSearchItems = 5, 100
)

// Search finds resources by a text.
func (h *handlers) Search(_ context.Context, req gen.SearchRequestObject) (gen.SearchResponseObject, error) {
	text := strings.TrimSpace(req.Params.Q)
	if text == "" || utf8.RuneCountInString(text) > maxSearchText {
		return nil, resource.FieldErrorf("q", "q must have 1 to %d characters", maxSearchText)
	}
	most, err := limit(req.Params.Limit, searchItems, maxSearchItems)
	if err != nil {
		return nil, err
	}
	out := gen.SearchResult{Groups: []gen.SearchGroup{}}
	for _, m := range h.inventory.Search(text, most) {
		g := gen.SearchGroup{Plugin: m.Class.Plugin, Class: m.Class.Name, Label: m.Class.Label(), Count: m.Count, Items: []gen.SearchItem{}}
		for _, r := range m.Best {
			item := gen.SearchItem{
				ID: int64(r.ID), Name: r.Name(), Root: h.view.root(r.Resource), Health: gen.Severity(h.alerts.Health(r.ID).String()), Stale: h.inventory.Stale(r.Resource),
			}
			if r.Attribute >= 0 {
				a := &r.Class.Attributes[r.Attribute]
				item.Attribute, item.Text = a.Label(), a.Format(r.Values[r.Attribute], h.view.name)
			}
			g.Items = append(g.Items, item)
		}
		out.Total += m.Count
		out.Groups = append(out.Groups, g)
	}
	return gen.Search200JSONResponse(out), nil
}
