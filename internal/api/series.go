package api

import (
	"context"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// GetSeries returns the samples of a resource's statistics.
func (h *handlers) GetSeries(ctx context.Context, req gen.GetSeriesRequestObject) (gen.GetSeriesResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	p := req.Params
	for _, name := range p.Statistic {
		if r.Class.Stat(name) < 0 {
			return nil, resource.FieldErrorf("statistic", "class %s has no statistic %q; it has %s",
				r.Class.FullName(), name, statNames(r.Class))
		}
	}
	from, to := deref(p.From), deref(p.To)
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return nil, resource.FieldErrorf("to", "to is before from")
	}
	most := 1000
	if p.MaxPoints != nil {
		if most = *p.MaxPoints; most < 1 || most > maxItems {
			return nil, resource.FieldErrorf("max_points", "max_points must be from 1 to %d", maxItems)
		}
	}
	out := gen.SeriesList{Items: []gen.Series{}}
	for i := range r.Class.Statistics {
		if len(p.Statistic) > 0 && !slices.Contains(p.Statistic, r.Class.Statistics[i].Name) {
			continue
		}
		samples, err := h.stats.Series(ctx, r, i, from, to)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, h.view.Series(r, i, thin(samples, most)))
	}
	return gen.GetSeries200JSONResponse(out), nil
}

// thin keeps evenly spaced samples, at most n, the newest among them.
func thin(s []resource.Sample, n int) []resource.Sample {
	if len(s) <= n {
		return s
	}
	out := make([]resource.Sample, n)
	for i := range out {
		out[i] = s[(i+1)*len(s)/n-1]
	}
	return out
}

func statNames(c *resource.Class) string {
	if len(c.Statistics) == 0 {
		return "none"
	}
	names := make([]string, len(c.Statistics))
	for i := range c.Statistics {
		names[i] = c.Statistics[i].Name
	}
	return strings.Join(names, ", ")
}
