package otlp

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
)

const (
	// attemptTime bounds one attempt to send a request.
	attemptTime = 30 * time.Second
	// logEvery is how often the same trouble is logged at most.
	logEvery = time.Minute
)

// sender sends to one receiver: one request after the other, in the order in which
// samples came.
type sender struct {
	exporter              *otlpmetrichttp.Exporter
	batch, most           int
	sent, dropped, failed prometheus.Counter
	log                   *slog.Logger
	now                   func() time.Time
	ready                 chan struct{} // a batch is there

	mu    sync.Mutex
	queue []point
	told  map[string]time.Time // when which trouble was logged
}

func newSender(o Options, r *Receiver, f figures) (*sender, error) {
	s := &sender{
		batch: o.Batch, most: o.Queue, log: o.Log.With("url", r.URL), now: o.Now,
		sent: f.sent.WithLabelValues(r.URL), dropped: f.dropped.WithLabelValues(r.URL), failed: f.failed.WithLabelValues(r.URL),
		ready: make(chan struct{}, 1), told: make(map[string]time.Time),
	}
	client, err := promconfig.NewClientFromConfig(r.Client, "otlp")
	if err != nil {
		return nil, err
	}
	client.Timeout = attemptTime
	client.Transport = patient{client.Transport, s}
	s.exporter, err = otlpmetrichttp.New(context.Background(),
		otlpmetrichttp.WithEndpointURL(r.URL), otlpmetrichttp.WithHeaders(r.Headers), otlpmetrichttp.WithHTTPClient(client),
		otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression),
		// Until it is taken or refused: meanwhile the queue has its bound.
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: o.Again, MaxInterval: max(o.Again, 30*time.Second)}),
	)
	return s, err
}

// put queues samples and drops the oldest ones if they become too many.
func (s *sender) put(points []point) {
	s.mu.Lock()
	s.queue = append(s.queue, points...)
	over := max(0, len(s.queue)-s.most)
	s.queue = s.queue[over:]
	ready := len(s.queue) >= s.batch
	s.mu.Unlock()
	if over > 0 {
		s.dropped.Add(float64(over))
		s.tell("statistics for OTLP wait for too long; the oldest are dropped", "waiting", s.most)
	}
	if ready {
		select {
		case s.ready <- struct{}{}:
		default:
		}
	}
}

// take takes the next samples from the queue.
func (s *sender) take() []point {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), s.batch)
	points := s.queue[:n:n]
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil // The array goes with the request.
	}
	return points
}

// run sends until closing, and then what is left until ctx ends.
func (s *sender) run(ctx context.Context, every time.Duration, closing <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for closed := false; !closed; {
		select {
		case <-tick.C:
		case <-s.ready:
		case <-closing:
			closed = true
		}
		for points := s.take(); len(points) > 0; points = s.take() {
			s.send(ctx, points)
		}
	}
}

func (s *sender) send(ctx context.Context, points []point) {
	err := s.exporter.Export(ctx, request(points))
	n := float64(len(points))
	switch {
	case err == nil:
		s.sent.Add(n)
	case ctx.Err() != nil:
		s.dropped.Add(n)
		s.tell("statistics for OTLP were not sent before the stop", "error", err)
	default:
		s.failed.Add(n)
		s.tell("statistics were refused by a receiver of OTLP; they are not sent again", "error", err)
	}
}

// tell logs a trouble, unless it did so a short while ago.
func (s *sender) tell(trouble string, args ...any) {
	s.mu.Lock()
	now := s.now()
	last, ok := s.told[trouble]
	again := !ok || now.Sub(last) >= logEvery
	if again {
		s.told[trouble] = now
	}
	s.mu.Unlock()
	if again {
		s.log.Warn(trouble, args...)
	}
}

// patient tells of a receiver that is away, and has the library try again then,
// which else does so only after answers such as 503.
type patient struct {
	http.RoundTripper
	s *sender
}

// RoundTrip implements http.RoundTripper.
func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	const trouble = "a receiver of OTLP does not take statistics now; they wait"
	resp, err := p.RoundTripper.RoundTrip(r)
	if err != nil {
		p.s.tell(trouble, "error", err)
		return nil, away{err}
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.s.tell(trouble, "status", resp.Status)
	}
	return resp, nil
}

// away is an error that will pass.
type away struct{ error }

// Temporary is what the library goes by.
func (away) Temporary() bool { return true }

// Unwrap returns the error itself.
func (a away) Unwrap() error { return a.error }
