// Package otlp sends the samples of statistics, as they are recorded, to what takes
// OpenTelemetry's protocol over HTTP. Series are called, labelled and divided into
// buckets as in package history.
//
// The server never waits for a receiver: each has a queue with a bound, whose oldest
// samples go when it is full.
package otlp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Options say where samples go. The zero value of Every, Batch, Queue, Again and
// Flush is their default.
type Options struct {
	Receivers []Receiver
	// Get returns a resource as it is now, or nil.
	Get func(resource.ID) *resource.Resource
	// Registry takes the figures of what was sent; nil means nobody.
	Registry prometheus.Registerer
	Log      *slog.Logger
	Now      func() time.Time
	// Every is how long a sample waits for others at most; 5 s.
	Every time.Duration
	// Batch is how many samples a request has at most; 2,000.
	Batch int
	// Queue is how many samples wait for a receiver at most; 100,000.
	Queue int
	// Again is after how long a request is first tried again; 5 s. It grows from
	// there to 30 s.
	Again time.Duration
	// Flush bounds how long Close waits for what is not sent yet; 5 s.
	Flush time.Duration
}

// Receiver is one that takes samples.
type Receiver struct {
	// URL is where it takes them, with http or https and the whole path.
	URL string
	// Client says who sends, and whom it trusts.
	Client promconfig.HTTPClientConfig
	// Headers are sent with every request.
	Headers map[string]string
}

// Exporter sends samples. One goroutine must call Observe, and Close after that.
type Exporter struct {
	get     func(resource.ID) *resource.Resource
	senders []*sender
	flush   time.Duration
	closing chan struct{}
	cancel  context.CancelFunc // ends what is under way
	running sync.WaitGroup
}

// New starts an exporter. The caller closes it.
func New(o Options) (*Exporter, error) {
	o.Every, o.Again, o.Flush = cmp.Or(o.Every, 5*time.Second), cmp.Or(o.Again, 5*time.Second), cmp.Or(o.Flush, 5*time.Second)
	o.Batch, o.Queue = cmp.Or(o.Batch, 2000), cmp.Or(o.Queue, 100_000)
	f, err := newFigures(o.Registry)
	if err != nil {
		return nil, fmt.Errorf("register the figures of OTLP: %w", err)
	}
	e := &Exporter{get: o.Get, flush: o.Flush, closing: make(chan struct{})}
	for i := range o.Receivers {
		s, err := newSender(o, &o.Receivers[i], f)
		if err != nil {
			return nil, fmt.Errorf("otlp[%d]: %w", i, err)
		}
		e.senders = append(e.senders, s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	for _, s := range e.senders {
		e.running.Go(func() { s.run(ctx, o.Every, e.closing) })
	}
	return e, nil
}

// Observe queues the samples of a change. Those of a resource that is gone have no
// name anymore and are left out, as in package history, which counts them.
func (e *Exporter) Observe(c *resource.Changes) {
	if len(e.senders) == 0 || len(c.Samples) == 0 {
		return
	}
	points := make([]point, 0, len(c.Samples))
	for i := range c.Samples {
		s := &c.Samples[i]
		r := e.get(s.Resource)
		if r == nil || s.Stat >= len(r.Class.Statistics) {
			continue
		}
		if isHistogram := r.Class.Statistics[s.Stat].Kind == resource.Histogram; isHistogram != (s.Bins != nil) {
			continue // It is of an earlier declaration.
		}
		points = append(points, point{Sample: *s, of: r, root: e.get(r.Scope)})
	}
	for _, s := range e.senders {
		s.put(points)
	}
}

// Close sends what is queued, for a few seconds at most, and ends the exporter.
func (e *Exporter) Close() {
	close(e.closing)
	timer := time.AfterFunc(e.flush, e.cancel)
	e.running.Wait()
	timer.Stop()
	e.cancel()
}

// figures are what the exporter tells of itself, by receiver.
type figures struct{ sent, dropped, failed *prometheus.CounterVec }

func newFigures(registry prometheus.Registerer) (figures, error) {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"url"})
	}
	f := figures{
		sent:    vec("faultline_otlp_samples_sent_total", "Samples of statistics that a receiver of OTLP has taken."),
		dropped: vec("faultline_otlp_samples_dropped_total", "Samples of statistics that were not sent by OTLP: the receiver was away for too long."),
		failed:  vec("faultline_otlp_samples_failed_total", "Samples of statistics in requests that a receiver of OTLP refused, wholly or in part."),
	}
	if registry == nil {
		return f, nil
	}
	for _, c := range []*prometheus.CounterVec{f.sent, f.dropped, f.failed} {
		if err := registry.Register(c); err != nil {
			return f, err
		}
	}
	return f, nil
}
