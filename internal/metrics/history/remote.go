package history

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
)

// Remote is a database that takes samples by Prometheus' remote write protocol.
type Remote struct {
	// URL is where it takes them, with http or https.
	URL string
	// Client says who writes, and whom it trusts.
	Client promconfig.HTTPClientConfig
	// Headers are sent with every request.
	Headers map[string]string
}

// flushTime bounds how long a stop waits for samples that are not sent yet.
const flushTime = 5 * time.Second

// remotes sends what comes to the log of the database on to others.
type remotes struct{ storage *remote.WriteStorage }

func newRemotes(o Options, db *tsdb.DB) (*remotes, error) {
	var c config.Config
	for i, r := range o.Remotes {
		rc := config.DefaultRemoteWriteConfig
		u, err := url.Parse(r.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("remote_write[%d].url: %q is not an http or https address", i, r.URL)
		}
		rc.URL = &promconfig.URL{URL: u}
		rc.Headers, rc.HTTPClientConfig = r.Headers, r.Client
		// What takes remote write mostly knows no custom buckets yet.
		rc.SendNativeHistograms, rc.ConvertNHCBToClassic = true, true
		c.RemoteWriteConfigs = append(c.RemoteWriteConfigs, &rc)
	}
	registry := o.Registry
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	w := remote.NewWriteStorage(slog.New(warnings{o.Log.Handler()}), registry, o.Dir, flushTime, nil, false)
	if err := w.ApplyConfig(&c); err != nil {
		return nil, errors.Join(fmt.Errorf("remote_write: %w", err), w.Close())
	}
	db.SetWriteNotified(w)
	return &remotes{storage: w}, nil
}

func (r *remotes) close() error {
	if r == nil {
		return nil
	}
	return r.storage.Close()
}
