//go:build agent

package app

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/resource"
)

// statistics stands for the database, which the program for storage servers does
// not have: what its libraries set up at a start would be memory of every agent.
type statistics struct{ api.Stats }

// openStatistics refuses: there is no server without the database.
func openStatistics(config.Config, func(resource.ID) *resource.Resource, prometheus.Registerer, *slog.Logger) (*statistics, error) {
	return nil, errors.New("this is the program for storage servers, built without the database of statistics (tag agent); run the server with the whole program, faultline")
}

// Close does nothing.
func (*statistics) Close() error { return nil }

// Handler answers that nothing is found.
func (*statistics) Handler(string, func() []*resource.Class) http.Handler {
	return http.NotFoundHandler()
}

func (*statistics) observe(*resource.Changes) {}

func (*statistics) recover([]resource.Sample) {}
