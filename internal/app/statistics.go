//go:build !agent

package app

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/metrics/history/promapi"
	"github.com/faultline-storage/faultline/internal/metrics/otlp"
	"github.com/faultline-storage/faultline/internal/resource"
)

// statistics is what the server records: the newest samples in memory, which
// every list of resources shows, and all of them in the database of history. It
// sends them on as well, to databases and to what takes OTLP.
type statistics struct {
	*history.DB
	newest *metrics.Recorder
	otlp   *otlp.Exporter
}

// openStatistics opens the database in the data directory. The caller closes it.
func openStatistics(c config.Config, get func(resource.ID) *resource.Resource, registry prometheus.Registerer, log *slog.Logger) (*statistics, error) {
	o := history.Options{
		Dir: filepath.Join(c.Data, "statistics"), Keep: time.Duration(c.StatisticsKeep), MaxBytes: int64(c.StatisticsSize),
		// A runner that is cut off keeps what it could not tell; see internal/link.
		Late: time.Hour, Get: get, Registry: registry, Log: log, Now: time.Now,
	}
	for _, r := range c.RemoteWrite {
		o.Remotes = append(o.Remotes, history.Remote{URL: r.URL, Headers: r.Headers, Client: clientOf(r)})
	}
	to := otlp.Options{Get: get, Registry: registry, Log: log, Now: time.Now}
	for _, r := range c.OTLP {
		to.Receivers = append(to.Receivers, otlp.Receiver{URL: r.URL, Headers: r.Headers, Client: clientOf(r)})
	}
	db, err := history.Open(o)
	if err != nil {
		return nil, err
	}
	exporter, err := otlp.New(to)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &statistics{DB: db, newest: metrics.New(metrics.Options{Depth: 1}), otlp: exporter}, nil
}

// Handler answers Prometheus' API.
func (s *statistics) Handler(version string, classes func() []*resource.Class) http.Handler {
	return promapi.Handler(s.DB, version, classes)
}

// clientOf is how samples are sent to a place of the configuration.
func clientOf(r config.Remote) promconfig.HTTPClientConfig {
	c := promconfig.HTTPClientConfig{FollowRedirects: true, TLSConfig: promconfig.TLSConfig{CAFile: r.CAFile}}
	if r.Username != "" {
		c.BasicAuth = &promconfig.BasicAuth{Username: r.Username, PasswordFile: r.PasswordFile}
	}
	if r.TokenFile != "" {
		c.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: r.TokenFile}
	}
	return c
}

// Close sends and writes what is left, for a few seconds at most.
func (s *statistics) Close() error {
	s.otlp.Close()
	return s.DB.Close()
}

// Latest implements api.Latest.
func (s *statistics) Latest(id resource.ID) []resource.Sample { return s.newest.Latest(id) }

// observe records a change. Readers find in the database what the newest samples
// tell them of.
func (s *statistics) observe(c *resource.Changes) {
	s.DB.Observe(c)
	s.newest.Observe(c)
	s.otlp.Observe(c)
}

// recover records samples of an earlier time, which may have been recorded
// already, and sent.
func (s *statistics) recover(samples []resource.Sample) {
	s.DB.Recover(samples)
	s.newest.Observe(&resource.Changes{Samples: samples})
}
