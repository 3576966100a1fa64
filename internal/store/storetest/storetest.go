// Package storetest holds what every store must do, as tests that each engine
// runs. A rule about storage is stated here and nowhere else: an engine's own
// tests are only about the engine.
package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Store is everything that the stages together ask of a store.
type Store interface {
	Load(ctx context.Context, res func(resource.StoredResource) error, edge func(resource.StoredEdge) error) (seq uint64, next resource.ID, err error)
	Commit(ctx context.Context, m *resource.Mutation) error
	Log(ctx context.Context, after uint64, limit int) ([]resource.LogEntry, error)
	LogBack(ctx context.Context, from uint64, limit int) ([]resource.LogEntry, error)
	History(ctx context.Context, id resource.ID, from uint64, limit int) ([]resource.StoredChange, error)
	Former(ctx context.Context, key string, before resource.ID) (resource.ID, error)
	LogSize(ctx context.Context, most int64) (uint64, error)
	Trim(ctx context.Context, upTo uint64) error
	TrimSamples(ctx context.Context, upTo uint64) error
	Position(ctx context.Context, name string) (uint64, error)
	LoadAlerts(ctx context.Context, alert func(*resource.Alert) error, pending func(*resource.PendingAlert) error) (next resource.AlertID, seq uint64, err error)
	CommitAlerts(ctx context.Context, m *resource.AlertMutation) error
	AlertsSince(ctx context.Context, seq uint64, limit int) ([]*resource.Alert, error)
	Alert(ctx context.Context, id resource.AlertID) (*resource.Alert, error)
	Alerts(ctx context.Context, q resource.AlertQuery) (resource.AlertPage, error)
	SaveManifest(ctx context.Context, plugin string, manifest []byte) error
	Manifests(ctx context.Context) (map[string][]byte, error)
	SaveSetting(ctx context.Context, name, value string) error
	Setting(ctx context.Context, name string) (string, error)
	LoadVolumes(ctx context.Context, volume func(*resource.StoredVolume) error, cluster func(*resource.Cluster) error) error
	CommitVolumes(ctx context.Context, m *resource.VolumeMutation) error
	LoadAgents(ctx context.Context, host func(resource.AgentHost) error, token func(resource.AgentToken) error) error
	CommitAgents(ctx context.Context, m *resource.AgentMutation) error
	Close() error
}

// Run runs the rules against a store. open returns an empty store, which it
// closes when t ends.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, rule := range slices.Concat(inventoryRules, logRules, historyRules, alertRules, alertQueryRules, manifestRules, settingRules, volumeRules, agentRules) {
		t.Run(rule.name, func(t *testing.T) { rule.test(t, open(t)) })
	}
}

type rule struct {
	name string
	test func(*testing.T, Store)
}
