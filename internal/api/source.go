package api

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Inventory is what the interface asks of the graph of resources. All methods
// are safe for concurrent use.
type Inventory interface {
	// Get returns nil if there is no such resource.
	Get(resource.ID) *resource.Resource
	List(resource.Query) (resource.Page, error)
	// Find returns all that a query selects, in its order, without regard to paging.
	Find(resource.Query) ([]resource.ID, error)
	// Search finds resources by a text, at most so many of each class.
	Search(text string, limit int) []resource.Match
	// Walk goes breadth first from start, which comes first with depth 0, and
	// reaches each resource once. A depth or limit of 0 bounds nothing.
	Walk(start resource.ID, dir resource.Direction, depth, limit int) (steps []resource.Step, truncated bool)
	// Nearest is Walk for the resources of certain classes: it does not go beyond
	// one, limit bounds their number, and it names only them and what is on the way.
	Nearest(start resource.ID, dir resource.Direction, depth, limit int, is func(*resource.Class) bool) (steps []resource.Step, truncated bool)
	// Explain tells how two resources are linked, or why they are not.
	Explain(a, b resource.ID) (*resource.Linkage, error)
	Stale(*resource.Resource) bool
	// History yields how a resource changed, the newest first, from a position on,
	// then what is known of the resources that were deleted and had its identity
	// before. HistorySince is since when all changes are kept; zero if always.
	History(ctx context.Context, from resource.HistoryPosition) iter.Seq2[*resource.Change, error]
	HistorySince(ctx context.Context) (time.Time, error)
	Classes() []*resource.Class
	Count(*resource.Class) int
	// Reported counts what the sessions of a root report, by class, without the root.
	Reported(root resource.ID) map[*resource.Class]int
	// Since yields the changes after seq, then waits for more until ctx ends. It
	// yields an error, once and last, if changes after seq are no longer kept.
	Since(ctx context.Context, seq uint64) iter.Seq2[*resource.Changes, error]
	Seq() uint64
}

// Alerts is what the interface asks of the alerts. All methods are safe for
// concurrent use.
type Alerts interface {
	// Health is the worst severity of Own and Inherited.
	Health(resource.ID) resource.Severity
	// Sick has the health of all resources whose health is not OK. It is never
	// changed.
	Sick() map[resource.ID]resource.Severity
	// Own returns the active alerts of a resource, Inherited those of its
	// ancestors, both worst first.
	Own(resource.ID) []*resource.Alert
	Inherited(resource.ID) []*resource.Alert
	// Get returns nil if there is no such alert.
	Get(resource.AlertID) *resource.Alert
	List(resource.AlertQuery) (resource.AlertPage, error)
	// Affected counts the descendants of the alert's resource by full class name
	// and names the file systems among them.
	Affected(*resource.Alert) (counts map[string]int, filesystems []resource.ID)
	// HealthCounts counts the resources of a class by severity.
	HealthCounts(*resource.Class) [4]int
	// ActiveCounts counts the active alerts by severity.
	ActiveCounts() [4]int
	// Incidents returns the incidents, worst first, then the oldest first, and how
	// many alerts they have, each counted once.
	Incidents() (list []*resource.Incident, alerts int)
	// Incident returns the incident of a resource and the alerts that are its
	// effects; nil if there is none.
	Incident(resource.ID) (*resource.Incident, []*resource.Alert)
	// Acknowledge notes that the user knows of active alerts, and Unacknowledge
	// takes that back, of all or of none. They return the alerts as they are then.
	// Errors are Faults.
	Acknowledge(ctx context.Context, which resource.AlertSelection, user, comment string) ([]*resource.Alert, error)
	Unacknowledge(ctx context.Context, which resource.AlertSelection) ([]*resource.Alert, error)
	// Since is as Inventory.Since, for alerts that began, ended or changed
	// together.
	Since(ctx context.Context, seq uint64) iter.Seq2[[]*resource.Alert, error]
	Seq() uint64
}

// Volumes is what the interface asks of the volumes. All methods are safe for
// concurrent use. What they return must not be modified; errors about a request
// are Faults.
type Volumes interface {
	// Get returns nil if there is no such volume.
	Get(resource.ID) *resource.Volume
	List(resource.VolumeQuery) (resource.VolumePage, error)
	// Counted returns all volumes, and one without nodes for each drive that no host
	// reaches and on which nothing lies; in no order.
	Counted() []*resource.Volume
	// Candidates returns the hosts that reach a volume.
	Candidates(resource.ID) []resource.Candidate
	// Edit changes what a user decided about a volume.
	Edit(context.Context, resource.ID, resource.VolumeEdit) (*resource.Volume, error)
	// Clusters returns the HA clusters, by name.
	Clusters() []resource.KnownCluster
	Declare(ctx context.Context, name string, hosts []string) (resource.KnownCluster, error)
	Undeclare(ctx context.Context, name string) error
	// Since is as Inventory.Since, for volumes that changed together. Changes of
	// before the server started are never kept.
	Since(ctx context.Context, seq uint64) iter.Seq2[*resource.VolumeChanges, error]
	Seq() uint64
}

// Roots changes what users may change. Errors are of type *resource.Fault; the
// Field of one is the attribute or body field at fault.
type Roots interface {
	// Add adds a resource of a scannable class and starts to scan it.
	Add(ctx context.Context, plugin, class string, attributes map[string]json.RawMessage) (resource.ID, error)
	// Test does the initial scan of a resource as Add would add it, or if id is not
	// 0 as Edit would change that one, and keeps nothing of it.
	Test(ctx context.Context, id resource.ID, plugin, class string, attributes map[string]json.RawMessage) (Trial, error)
	// Edit changes the alias of a resource, if alias is not nil (empty means back
	// to the label), and the named attributes, which only a resource that a user
	// added has open to change.
	Edit(ctx context.Context, id resource.ID, alias *string, attributes map[string]json.RawMessage) error
	// Approve removes what the last scan of a root lacked and is held, and returns
	// how many resources went. Resources is how many the user expects to wait for
	// it; 0 is any number.
	Approve(ctx context.Context, id resource.ID, resources int) (removed int, err error)
	// Remove removes a resource that a user added, and what only it reports.
	Remove(ctx context.Context, id resource.ID) error
}

// Trial is what came of a scan of which nothing was kept, in the shape of the
// interface.
type Trial = gen.ResourceTested

// Stats is what the interface asks of the recorded statistics. All methods are
// safe for concurrent use.
type Stats interface {
	Latest
	// Series returns the samples of one statistic, by its index in the class,
	// from and to both inclusive, by time. A zero time bounds nothing.
	Series(ctx context.Context, r *resource.Resource, stat int, from, to time.Time) ([]resource.Sample, error)
	// Line returns one statistic in n steps, of which the first begins after from.
	Line(ctx context.Context, r *resource.Resource, stat int, from time.Time, step time.Duration, n int) (resource.Line, error)
}

// Latest is what the interface asks of the newest samples. It is safe for
// concurrent use.
type Latest interface {
	// Latest returns the newest sample of each statistic that has one.
	Latest(resource.ID) []resource.Sample
}

// Plugin is the state of a configured plugin, in the shape of the interface.
type Plugin = gen.Plugin

// noVolumes stands in where nothing derives volumes.
type noVolumes struct{}

func (noVolumes) Get(resource.ID) *resource.Volume                           { return nil }
func (noVolumes) List(resource.VolumeQuery) (p resource.VolumePage, _ error) { return p, nil }
func (noVolumes) Counted() []*resource.Volume                                { return nil }
func (noVolumes) Candidates(resource.ID) []resource.Candidate                { return nil }
func (noVolumes) Clusters() []resource.KnownCluster                          { return nil }
func (noVolumes) Seq() uint64                                                { return 0 }

func (noVolumes) Edit(context.Context, resource.ID, resource.VolumeEdit) (*resource.Volume, error) {
	return nil, notFound("there are no volumes here")
}

func (noVolumes) Declare(context.Context, string, []string) (k resource.KnownCluster, _ error) {
	return k, notFound("there are no HA clusters here")
}

func (noVolumes) Undeclare(context.Context, string) error {
	return notFound("there are no HA clusters here")
}

func (noVolumes) Since(ctx context.Context, _ uint64) iter.Seq2[*resource.VolumeChanges, error] {
	return func(func(*resource.VolumeChanges, error) bool) { <-ctx.Done() }
}

// noStats stands in where nothing records statistics.
type noStats struct{}

func (noStats) Latest(resource.ID) []resource.Sample { return nil }

func (noStats) Series(context.Context, *resource.Resource, int, time.Time, time.Time) ([]resource.Sample, error) {
	return nil, nil
}

func (noStats) Line(context.Context, *resource.Resource, int, time.Time, time.Duration, int) (l resource.Line, _ error) {
	return l, nil
}
