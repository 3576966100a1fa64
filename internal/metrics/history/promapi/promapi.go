// Package promapi answers Prometheus' HTTP API from the database of statistics.
// It is apart from the database because Prometheus' handler brings more code than
// all the rest, which whoever changes the database need not wait for.
package promapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/relabel"
	api "github.com/prometheus/prometheus/web/api/v1"

	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/metrics/history"
	"github.com/faultline-storage/faultline/internal/resource"
)

// answered are the paths of Prometheus' HTTP API that make sense here: nothing
// is scraped, no rule is evaluated, nothing is administered.
var answered = []string{
	"/query", "/query_range", "/series", "/labels", "/format_query", "/parse_query", "/status/buildinfo",
}

// maxQuery bounds the time of a query.
const maxQuery = 2 * time.Minute

// speaks is the version of Prometheus whose API this is. Grafana asks for it, to
// know what it may use.
const speaks = "3.16.0"

// noOrigin is which other sites' pages may ask: none.
var noOrigin = relabel.MustNewRegexp("").Regexp

// empty are answers about what there is none of, for those who ask all the same:
// Grafana lists the rules of each of its sources.
var empty = map[string]string{
	"/rules":           `{"status":"success","data":{"groups":[]}}`,
	"/alerts":          `{"status":"success","data":{"alerts":[]}}`,
	"/query_exemplars": `{"status":"success","data":[]}`,
}

// Handler answers Prometheus' HTTP API for queries below /api/v1 (query,
// query_range, series, labels, label/NAME/values, metadata and a few more) with
// Prometheus' own code, so that what speaks to a Prometheus server speaks to it.
// Classes tells what metadata is about. Version is that of Faultline. The handler
// is safe for concurrent use, until the database is closed.
func Handler(db *history.DB, version string, classes func() []*resource.Class) http.Handler {
	q := db.Queries()
	log := q.Log
	prom := api.NewAPI(
		q.Engine, q.Storage, nil, nil, nil,
		func(context.Context) api.TargetRetriever { return nil },
		func(context.Context) api.AlertmanagerRetriever { return nil },
		func() config.Config { return config.DefaultConfig },
		nil, api.GlobalURLOptions{},
		func(h http.HandlerFunc) http.HandlerFunc { return h },
		nil, "", false, false, 0, log,
		func(context.Context) api.RulesRetriever { return nil },
		0, 0, 0, false, noOrigin, nil,
		&api.PrometheusVersion{Version: speaks, Branch: "faultline-" + version},
		nil, nil, nil, nil, nil,
		false, nil, false, false, false, q.Lookback, false, false, nil, nil, api.OpenAPIOptions{}, q.Parser, false, maxQuery,
	)
	router := route.New()
	prom.Register(router)
	mux := http.NewServeMux()
	prometheus := http.StripPrefix("/api/v1", router)
	for _, path := range answered {
		mux.Handle("/api/v1"+path, prometheus)
	}
	mux.Handle("/api/v1/label/{name}/values", prometheus)
	for path, answer := range empty {
		mux.HandleFunc("/api/v1"+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if _, err := io.WriteString(w, answer); err != nil {
				log.Debug("an answer could not be sent", "path", r.URL.Path, "error", err)
			}
		})
	}
	mux.HandleFunc("/api/v1/metadata", func(w http.ResponseWriter, r *http.Request) {
		if err := serveMetadata(w, r, classes()); err != nil {
			log.Debug("an answer could not be sent", "path", r.URL.Path, "error", err)
		}
	})
	return mux
}

// meta is what Prometheus' API says of a metric, in its own words.
type meta struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

// serveMetadata tells what the series are, by the declarations of their classes.
func serveMetadata(w http.ResponseWriter, r *http.Request, classes []*resource.Class) error {
	answer := struct {
		Status string            `json:"status"`
		Data   map[string][]meta `json:"data,omitempty"`
		Type   string            `json:"errorType,omitempty"`
		Error  string            `json:"error,omitempty"`
	}{Status: "success", Data: map[string][]meta{}}
	w.Header().Set("Content-Type", "application/json")
	limit := -1
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			answer.Status, answer.Type, answer.Error, answer.Data = "error", "bad_data", "limit must be a number", nil
			w.WriteHeader(http.StatusBadRequest)
			return json.NewEncoder(w).Encode(answer)
		}
	}
	only := r.FormValue("metric")
	for _, c := range classes {
		for i := range c.Statistics {
			s := &c.Statistics[i]
			name := metrics.SeriesName(c, s)
			if only != "" && name != only {
				continue
			}
			m := meta{Type: string(s.Kind), Unit: s.Unit, Help: s.Label() + " of a " + c.Label() + " (" + c.FullName() + "." + s.Name + ")"}
			if old, has := answer.Data[name]; !has && limit >= 0 && len(answer.Data) >= limit || slices.Contains(old, m) {
				continue
			}
			answer.Data[name] = append(answer.Data[name], m)
		}
	}
	return json.NewEncoder(w).Encode(answer)
}
