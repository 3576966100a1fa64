package api

import (
	"context"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// GetLinkage tells through what two resources are linked.
func (h *handlers) GetLinkage(_ context.Context, req gen.GetLinkageRequestObject) (gen.GetLinkageResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	if req.Other < 1 {
		return nil, resource.FieldErrorf("other", "other must be a positive integer")
	}
	other, err := h.resource(req.Other)
	if err != nil {
		return nil, err
	}
	e, err := h.inventory.Explain(r.ID, other.ID)
	if err != nil {
		return nil, err
	}
	out := gen.GetLinkage200JSONResponse{
		Resource: h.view.Node(r, 0), Other: h.view.Node(other, 0), Linked: len(e.Steps) > 0,
		Steps: make([]gen.LinkStep, len(e.Steps)), Misses: h.view.matches(e.Misses),
	}
	for i, s := range e.Steps {
		out.Steps[i] = gen.LinkStep{
			Parent: h.view.ref(s.Parent), Child: h.view.ref(s.Child), ReportedBy: h.view.refs(s.Roots), Relations: h.view.matches(s.Matches),
		}
	}
	return out, nil
}

func (v *View) matches(list []resource.RelationMatch) []gen.RelationMatch {
	out := make([]gen.RelationMatch, len(list))
	for i, m := range list {
		plugin := m.Relation.Plugin
		if plugin == "" {
			plugin = m.Class.Plugin
		}
		g := gen.RelationMatch{
			Class: m.Class.FullName(), Kind: string(gen.Subscribe), Target: plugin + "." + m.Relation.Class,
			IgnoreCase: m.Relation.IgnoreCase, Provider: v.ref(m.Provider), Subscriber: v.ref(m.Subscriber),
			Attributes: comparisons(m.Provider.Class, m.Attributes), Near: make([]gen.NearMatch, len(m.Near)), Incomplete: m.Cut,
		}
		if m.Relation.Provide {
			g.Kind = string(gen.Provide)
		}
		if len(m.Cycle) > 0 {
			g.Cycle = v.refs(m.Cycle)
		}
		for k, n := range m.Near {
			g.Near[k] = gen.NearMatch{
				Resource: v.ref(n.Resource), InsteadOf: "subscriber", Matches: resource.Matches(n.Attributes),
				Attributes: comparisons(m.Provider.Class, n.Attributes),
			}
			if n.Provides {
				g.Near[k].InsteadOf = "provider"
			}
		}
		out[i] = g
	}
	return out
}

// comparisons renders the attributes of a relation. A password stays hidden.
func comparisons(provider *resource.Class, list []resource.Comparison) []gen.Comparison {
	out := make([]gen.Comparison, len(list))
	for i, c := range list {
		out[i] = gen.Comparison{Name: c.Name, Difference: gen.ComparisonDifference(c.Difference.String())}
		if k := provider.Attr(c.Name); k < 0 || provider.Attributes[k].Kind != resource.Password {
			out[i].Provider, out[i].Subscriber = plain(c.Provider), plain(c.Subscriber)
		}
	}
	return out
}
