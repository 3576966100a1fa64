package api

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxSteps bounds the steps of a chart, and shownFor is how much time the charts
// show unless they are asked for more or less.
const (
	maxSteps = 5000
	shownFor = time.Hour
)

// GetCharts returns the charts of a resource for a time.
func (h *handlers) GetCharts(ctx context.Context, req gen.GetChartsRequestObject) (gen.GetChartsResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	to := time.Now()
	if req.Params.To != nil {
		to = *req.Params.To
	}
	from := to.Add(-shownFor)
	if req.Params.From != nil {
		from = *req.Params.From
	}
	if !from.Before(to) {
		return nil, resource.FieldErrorf("from", "from must be before to, which is %s", to.UTC().Format(time.RFC3339))
	}
	points := 300
	if req.Params.Points != nil {
		if points = *req.Params.Points; points < 1 || points > maxSteps {
			return nil, resource.FieldErrorf("points", "points must be from 1 to %d", maxSteps)
		}
	}
	out := gen.ChartList{From: from.UTC(), To: to.UTC(), Charts: []gen.Chart{}}
	for _, declared := range r.Class.DrawnCharts() {
		c, err := h.chart(ctx, r, declared, from, to, points)
		if err != nil {
			return nil, err
		}
		out.Charts = append(out.Charts, c)
	}
	return gen.GetCharts200JSONResponse(out), nil
}

// chart draws a declared chart.
func (h *handlers) chart(ctx context.Context, r *resource.Resource, declared resource.Chart, from, to time.Time, points int) (gen.Chart, error) {
	var stats []int
	period := 1
	for _, name := range declared.Series {
		if i := r.Class.Stat(name); i >= 0 {
			stats = append(stats, i)
			period = max(period, r.Class.Statistics[i].SamplePeriod)
		}
	}
	step := roundStep(max(time.Duration(period)*time.Second, to.Sub(from)/time.Duration(points)))
	lines := make([]resource.Line, len(stats))
	var n int
	for {
		from, n = steps(from, to, step)
		sparse := 1
		for i, stat := range stats {
			var err error
			if lines[i], err = h.stats.Line(ctx, r, stat, from, step, n); err != nil {
				return gen.Chart{}, err
			}
			sparse = max(sparse, pause(lines[i]))
		}
		if sparse == 1 || n == 1 {
			break
		}
		// The samples come less often than declared: longer steps leave no holes.
		step = roundStep(step * time.Duration(sparse))
	}
	out := gen.Chart{
		Title: declared.Title, Kind: gen.ChartKindTimeSeries, From: from.UTC(), Step: int64(step / time.Second), Steps: n,
		Units: []string{}, Lines: make([]gen.ChartLine, len(stats)),
	}
	for i, stat := range stats {
		s := &r.Class.Statistics[stat]
		unit := s.Unit
		switch s.Kind {
		case resource.Histogram:
			out.Kind = gen.ChartKindHistogram
		case resource.Counter:
			unit = cmp.Or(unit, "1") + "/s"
		}
		axis := slices.Index(out.Units, unit)
		if axis < 0 {
			axis = len(out.Units)
			out.Units = append(out.Units, unit)
		}
		out.Lines[i] = gen.ChartLine{
			Statistic: s.Name, Label: s.Label(), Kind: gen.StatisticKind(s.Kind), Unit: unit, Axis: axis,
			Values: orNull(lines[i].Values), Low: orNull(lines[i].Low), High: orNull(lines[i].High), Bins: s.Bins, Counts: counted(lines[i].Counts),
		}
	}
	return out, nil
}

// round are the lengths that a step may have, in seconds.
var round = []int64{1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400}

// roundStep returns the shortest round time that is not shorter than d; beyond a
// day, whole days.
func roundStep(d time.Duration) time.Duration {
	seconds := int64((d + time.Second - 1) / time.Second)
	if i, _ := slices.BinarySearch(round, seconds); i < len(round) {
		return time.Duration(round[i]) * time.Second
	}
	const day = 86400
	return time.Duration((seconds+day-1)/day*day) * time.Second
}

// steps returns where the first of the whole steps begins that end after from and
// not after to, and how many there are: at least one. Steps begin at multiples of
// their length, so that a chart that is asked for again a moment later has the
// same ones.
func steps(from, to time.Time, step time.Duration) (time.Time, int) {
	width := int64(step / time.Second)
	first, last := floor(from.Unix(), width), floor(to.Unix(), width)
	if last <= first {
		first = last - width
	}
	return time.Unix(first, 0), int((last - first) / width)
}

func floor(t, width int64) int64 { return t - (t%width+width)%width }

// pause returns how many steps mostly lie between two that have samples.
func pause(l resource.Line) int {
	var gaps []int
	last := -1
	for i := range max(len(l.Values), len(l.Counts)) {
		if l.Counts != nil && l.Counts[i] == nil || l.Counts == nil && math.IsNaN(l.Values[i]) {
			continue
		}
		if last >= 0 {
			gaps = append(gaps, i-last)
		}
		last = i
	}
	if len(gaps) == 0 {
		return 1
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// orNull renders NaN, which JSON does not have, as null.
func orNull(values []float64) []*float64 {
	if values == nil {
		return nil
	}
	out := make([]*float64, len(values))
	for i := range values {
		if !math.IsNaN(values[i]) && !math.IsInf(values[i], 0) {
			out[i] = &values[i]
		}
	}
	return out
}

// counted renders a step without samples as null.
func counted(counts [][]int64) []*[]int64 {
	if counts == nil {
		return nil
	}
	out := make([]*[]int64, len(counts))
	for i := range counts {
		if counts[i] != nil {
			out[i] = &counts[i]
		}
	}
	return out
}
