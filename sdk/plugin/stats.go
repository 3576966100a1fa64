package plugin

// Statistic is a pointer to a Gauge, a Counter or a Histogram.
type Statistic interface {
	statistic() *stat
}

// stat is what all statistics have in common: where their samples go.
type stat struct {
	n   *node // nil until the resource is reported
	idx int   // index in class.stats
}

func (s *stat) statistic() *stat { return s }

// Gauge is a series of numbers that may go up and down.
type Gauge struct{ stat }

// Set adds a sample with the present time. It is no assignment: setting the
// same value twice makes two samples. A NaN or an infinity fails the turn.
// Set may be called from any goroutine.
func (g *Gauge) Set(v float64) {}

// Counter is a series of numbers that only goes up, such as bytes read since
// power-on; a lower value means that the device was reset.
type Counter struct{ stat }

// Set adds a sample with the present time: the counter's standing, not the
// increase. Set may be called from any goroutine.
func (c *Counter) Set(v float64) {}

// Histogram is a fixed number of counts, one for each bin of its tag, such as
// bins:"0-512,513-1024,1025-4096,4097-" (guide, BytesHistogram).
type Histogram struct{ stat }

// BytesHistogram is the guide's name of Histogram.
type BytesHistogram = Histogram

// Set adds a sample with the present time: one count for each bin. A wrong
// number of counts fails the turn. Set may be called from any goroutine and
// keeps no reference to counts.
func (h *Histogram) Set(counts []int64) {}
