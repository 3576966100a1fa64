package history

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Options say where a DB lies and how much it keeps.
type Options struct {
	// Dir is the folder of the database; it is made if it is not there.
	Dir string
	// Keep is how long samples are kept, and MaxBytes how much of the disk they may
	// take at most; 0 of either is no bound.
	Keep     time.Duration
	MaxBytes int64
	// Late is how much older than the newest sample of its series one may be.
	Late time.Duration
	// Get returns a resource as it is now, or nil.
	Get func(resource.ID) *resource.Resource
	// Remotes are other databases that every sample is sent to as well.
	Remotes []Remote
	// Registry takes the figures of the database about itself; nil means nobody.
	Registry prometheus.Registerer
	Log      *slog.Logger
	Now      func() time.Time
}

// DB is the database. All methods but Observe and Recover, which one goroutine
// must call, are safe for concurrent use.
type DB struct {
	db     *tsdb.DB
	engine *promql.Engine
	parse  parser.Parser
	remote *remotes
	get    func(resource.ID) *resource.Resource
	log    *slog.Logger
	now    func() time.Time

	// For Observe.
	series  map[resource.ID]*known
	buckets map[*resource.Class][]buckets
	builder labels.ScratchBuilder
	dropped *prometheus.CounterVec
	nextLog time.Time // before which no error is logged again

	closed sync.Once
}

// lookback is how old a sample may be and still be the value of now, for PromQL,
// where the query says nothing else.
const lookback = 5 * time.Minute

// blockRange is the shortest time that a block of the database has, in
// milliseconds.
const blockRange = int64(2 * time.Hour / time.Millisecond)

// Open opens the database, or makes it. What a crash left half written is
// repaired. The caller closes it.
func Open(o Options) (*DB, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of statistics: %w", err)
	}
	d := &DB{
		get: o.Get, log: o.Log, now: o.Now, parse: parser.NewParser(parser.Options{}),
		series: make(map[resource.ID]*known), buckets: make(map[*resource.Class][]buckets),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "faultline_samples_dropped_total", Help: "Samples of statistics that were not kept, by reason.",
		}, []string{"reason"}),
	}
	if o.Registry != nil {
		if err := o.Registry.Register(d.dropped); err != nil {
			return nil, fmt.Errorf("register the figures of statistics: %w", err)
		}
	}
	d.engine = promql.NewEngine(promql.EngineOpts{
		Logger: o.Log, Reg: o.Registry, MaxSamples: 50_000_000, Timeout: 2 * time.Minute, LookbackDelta: lookback,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: d.parse,
	})
	if o.Registry != nil {
		// A name that Prometheus' own linter refuses; the summary beside it tells the same.
		o.Registry.Unregister(prometheus.NewHistogramVec(prometheus.HistogramOpts{ //nolint:promlinter // a name of the library's, which is taken away
			Name: "prometheus_engine_query_duration_histogram_seconds", Help: "The duration of various parts of PromQL query execution.",
		}, []string{"slice"}))
	}
	keep := o.Keep
	if keep == 0 {
		keep = 100 * 365 * 24 * time.Hour
	}
	options := tsdb.DefaultOptions()
	options.RetentionDuration = keep.Milliseconds()
	options.MaxBytes = o.MaxBytes
	options.MinBlockDuration = blockRange
	options.MaxBlockDuration = min(31*24*time.Hour.Milliseconds(), max(keep.Milliseconds()/10, blockRange))
	options.OutOfOrderTimeWindow = o.Late.Milliseconds()
	options.WALCompression = compression.Snappy
	db, err := tsdb.Open(o.Dir, slog.New(warnings{o.Log.Handler()}), o.Registry, options, nil)
	if err != nil {
		return nil, fmt.Errorf("open the statistics in %s (to start without them, move that folder away): %w", o.Dir, err)
	}
	d.db = db
	if len(o.Remotes) > 0 {
		if d.remote, err = newRemotes(o, db); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return d, nil
}

// Close writes what is not written yet and ends the database.
func (d *DB) Close() (err error) {
	d.closed.Do(func() { err = errors.Join(d.remote.close(), d.engine.Close(), d.db.Close()) })
	return err
}
