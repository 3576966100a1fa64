//go:build !agent

package app

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/resource"
)

// statistics is what the server records: the newest samples in memory, which
// every list of resources shows, and all of them in the database of history.
type statistics struct {
	*history.DB
	newest *metrics.Recorder
}

// openStatistics opens the database in the data directory. The caller closes it.
func openStatistics(c config.Config, get func(resource.ID) *resource.Resource, registry prometheus.Registerer, log *slog.Logger) (*statistics, error) {
	o := history.Options{
		Dir: filepath.Join(c.Data, "statistics"), Keep: time.Duration(c.StatisticsKeep), MaxBytes: int64(c.StatisticsSize),
		// A runner that is cut off keeps what it could not tell; see internal/link.
		Late: time.Hour, Get: get, Registry: registry, Log: log, Now: time.Now,
	}
	for _, r := range c.RemoteWrite {
		o.Remotes = append(o.Remotes, history.Remote(r))
	}
	db, err := history.Open(o)
	if err != nil {
		return nil, err
	}
	return &statistics{DB: db, newest: metrics.New(metrics.Options{Depth: 1})}, nil
}

// Latest implements api.Latest.
func (s *statistics) Latest(id resource.ID) []resource.Sample { return s.newest.Latest(id) }

// observe records a change. Readers find in the database what the newest samples
// tell them of.
func (s *statistics) observe(c *resource.Changes) {
	s.DB.Observe(c)
	s.newest.Observe(c)
}

// recover records samples of an earlier time, which may have been recorded
// already.
func (s *statistics) recover(samples []resource.Sample) {
	s.DB.Recover(samples)
	s.newest.Observe(&resource.Changes{Samples: samples})
}
