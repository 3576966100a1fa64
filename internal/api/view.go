package api

import (
	"math"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxInherited is how many inherited alerts a resource lists. A failed
// enclosure gives every volume behind it as many alerts as it has drives, and
// /causes lists them all.
const maxInherited = 100

// View renders resources, alerts and classes in the shapes of the interface.
// Its methods are safe for concurrent use if those of its sources are.
type View struct {
	// Resources finds resources, for the names of references, and tells which
	// are stale.
	Resources interface {
		Get(resource.ID) *resource.Resource
		Stale(*resource.Resource) bool
	}
	// Alerts tells the health of resources.
	Alerts interface {
		Health(resource.ID) resource.Severity
		Own(resource.ID) []*resource.Alert
		Inherited(resource.ID) []*resource.Alert
		Affected(*resource.Alert) (counts map[string]int, filesystems []resource.ID)
	}
	// Stats tells the newest samples; nil means that there are none.
	Stats Latest
	// Volumes finds volumes by their IDs, for the standing of file systems; nil means
	// that there are none.
	Volumes interface {
		Get(resource.ID) *resource.Volume
	}
}

// Resource renders a resource.
func (v *View) Resource(r *resource.Resource) gen.Resource {
	c := r.Class
	out := gen.Resource{
		ID: int64(r.ID), Plugin: c.Plugin, Class: c.Name, Bases: orEmpty(c.Bases),
		Label: r.Label, Name: r.Name(),
		Identifier: make(map[string]gen.Scalar, len(c.IDAttrs())),
		Scope:      int64(r.Scope), ReportedBy: ids(r.Reporters),
		Attributes: make(map[string]gen.AttributeValue, len(c.Attributes)),
		Statistics: v.statistics(r),
		Health:     gen.SeverityOk,
		OwnAlerts:  []gen.AlertSummary{}, InheritedAlerts: []gen.AlertSummary{},
		Parents: ids(r.Parents), ChildrenCount: len(r.Children),
		Stale: v.Resources.Stale(r), Deletable: deletable(r),
		FirstSeen: r.FirstSeen.UTC(), Updated: r.Updated.UTC(),
		Session: session(r.Root),
	}
	if r.Alias != "" {
		out.Alias = &r.Alias
	}
	if c.Is(resource.ClassFileSystem) {
		state := v.filesystemState(r)
		out.Standing = &state
	}
	for i := range c.Attributes {
		if a := &c.Attributes[i]; a.Kind != resource.Password {
			at := v.attribute(a, r.Values[i])
			if r.WrittenBy != nil {
				at.WrittenBy = int64(r.WrittenBy[i])
			}
			out.Attributes[a.Name] = at
		}
	}
	for _, i := range c.IDAttrs() {
		if a := &c.Attributes[i]; a.Kind != resource.Password {
			out.Identifier[a.Name] = plain(r.Values[i])
		}
	}
	// A resource that is fine has no alerts, own or inherited: most rows of a
	// table cost one look-up.
	if h := v.Alerts.Health(r.ID); h != resource.OK {
		out.Health = gen.Severity(h.String())
		out.OwnAlerts = v.summaries(v.Alerts.Own(r.ID))
		in := v.Alerts.Inherited(r.ID)
		if len(in) > maxInherited {
			out.InheritedAlertsCount = len(in)
			in = in[:maxInherited]
		}
		out.InheritedAlerts = v.summaries(in)
	}
	return out
}

// Node renders a resource as a node of the graph.
func (v *View) Node(r *resource.Resource, depth int) gen.Node {
	return gen.Node{
		ID: int64(r.ID), Plugin: r.Class.Plugin, Class: r.Class.Name, Bases: orEmpty(r.Class.Bases),
		Name: r.Name(), Health: gen.Severity(v.Alerts.Health(r.ID).String()),
		Stale: v.Resources.Stale(r), Depth: depth,
	}
}

// Alert renders an alert.
func (v *View) Alert(a *resource.Alert) gen.Alert {
	out := gen.Alert{
		ID: int64(a.ID), Resource: int64(a.Resource), ResourceName: a.Name, Root: v.root(v.Resources.Get(a.Resource)), Plugin: a.Plugin, Class: a.Class,
		Condition: a.Condition, Attribute: a.Attribute, Severity: gen.AlertSeverity(a.Severity.String()),
		Message: a.Message, Text: a.Text, Active: a.Active(), Since: a.Since.UTC(), Began: a.Began.UTC(),
		Affected: gen.Affected{Counts: gen.Counts{}, Filesystems: []gen.Ref{}}, Acknowledged: acknowledgement(a.Ack),
	}
	if !a.Active() {
		ended := a.Ended.UTC()
		out.Ended = &ended
		return out
	}
	out.Affected = v.affected(a)
	return out
}

func acknowledgement(a resource.Acknowledgement) *gen.Acknowledgement {
	if !a.Given() {
		return nil
	}
	return &gen.Acknowledgement{User: a.User, Comment: a.Comment, Time: a.Time.UTC()}
}

// affected renders what an active alert endangers.
func (v *View) affected(a *resource.Alert) gen.Affected {
	counts, filesystems := v.Alerts.Affected(a)
	if counts == nil {
		counts = map[string]int{}
	}
	return gen.Affected{Counts: counts, Filesystems: v.refs(filesystems)}
}

// Series renders samples of one statistic of a resource.
func (v *View) Series(r *resource.Resource, stat int, samples []resource.Sample) gen.Series {
	s := &r.Class.Statistics[stat]
	out := gen.Series{
		Resource: int64(r.ID), Name: s.Name, Kind: gen.StatisticKind(s.Kind),
		Label: s.Label(), Unit: s.Unit, Points: make([]gen.Point, len(samples)),
	}
	for i, p := range samples {
		out.Points[i] = gen.Point{Time: p.Time.UTC(), Value: sampleValue(s, p), Bins: p.Bins}
	}
	return out
}

// name returns the name of a resource that may be gone.
func (v *View) name(id resource.ID) string {
	if r := v.Resources.Get(id); r != nil {
		return r.Name()
	}
	return resource.RefValue(int64(id)).String()
}

func (v *View) attribute(a *resource.Attribute, val resource.Value) gen.AttributeValue {
	return gen.AttributeValue{
		Kind: gen.Kind(a.Kind.String()), Label: a.Label(), Hidden: a.Hidden,
		Value: plain(val), Text: a.Format(val, v.name),
	}
}

func (v *View) statistics(r *resource.Resource) map[string]gen.StatisticValue {
	c := r.Class
	out := make(map[string]gen.StatisticValue, len(c.Statistics))
	if len(c.Statistics) == 0 {
		return out
	}
	for i := range c.Statistics {
		s := &c.Statistics[i]
		out[s.Name] = gen.StatisticValue{Kind: gen.StatisticKind(s.Kind), Label: s.Label(), Unit: s.Unit}
	}
	if v.Stats == nil {
		return out
	}
	for _, p := range v.Stats.Latest(r.ID) {
		if p.Stat < 0 || p.Stat >= len(c.Statistics) {
			continue // recorded under an older version of the class
		}
		s := &c.Statistics[p.Stat]
		val := out[s.Name]
		t := p.Time.UTC()
		val.Time, val.Value, val.Bins = &t, sampleValue(s, p), p.Bins
		out[s.Name] = val
	}
	return out
}

func (v *View) refs(list []resource.ID) []gen.Ref {
	out := make([]gen.Ref, 0, len(list))
	for _, id := range list {
		if r := v.Resources.Get(id); r != nil {
			out = append(out, v.ref(r))
		}
	}
	return out
}

func (v *View) ref(r *resource.Resource) gen.Ref {
	return gen.Ref{ID: int64(r.ID), Plugin: r.Class.Plugin, Class: r.Class.Name, Name: r.Name(), Root: v.root(r)}
}

// root returns the name of the root that a resource belongs to. It is empty for
// a root, and for a resource that is nil.
func (v *View) root(r *resource.Resource) string {
	if r == nil || r.Scope == r.ID {
		return ""
	}
	root := v.Resources.Get(r.Scope)
	if root == nil {
		return ""
	}
	return root.Name()
}

// deletable reports whether a user added the resource, and so may remove it.
func deletable(r *resource.Resource) bool { return r.Root != nil && r.Class.Scannable() }

func session(s *resource.RootState) *gen.SessionState {
	if s == nil {
		return nil
	}
	out := &gen.SessionState{State: gen.Connecting, Error: s.Error, Waiting: s.Waiting, Incomplete: orEmpty(s.Incomplete)}
	switch {
	case s.Live:
		out.State = gen.Live
	case s.Offline || s.Error != "":
		out.State = gen.Offline
	}
	out.LastContact, out.NextTry = timeOrNil(s.LastContact), timeOrNil(s.NextTry)
	if h := s.Held; h != nil {
		out.Held = &gen.HeldRemoval{Resources: len(h.Resources), Lacking: h.Lacking, Of: h.Of, Since: h.Since.UTC()}
	}
	return out
}

func (v *View) summaries(list []*resource.Alert) []gen.AlertSummary {
	out := make([]gen.AlertSummary, len(list))
	for i, a := range list {
		out[i] = gen.AlertSummary{
			ID: int64(a.ID), Resource: int64(a.Resource), ResourceName: a.Name, Root: v.root(v.Resources.Get(a.Resource)), Severity: gen.AlertSeverity(a.Severity.String()),
			Condition: a.Condition, Message: a.Message, Text: a.Text, Began: a.Began.UTC(), Acknowledged: a.Ack.Given(),
		}
	}
	return out
}

// sampleValue returns nil for a histogram and for what JSON cannot say.
func sampleValue(s *resource.Statistic, p resource.Sample) *float64 {
	if s.Kind == resource.Histogram || math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
		return nil
	}
	return &p.Value
}

// plain returns the value as JSON has it: a reference as the target's id, and
// null for an infinite number, which JSON cannot say.
func plain(v resource.Value) any {
	if f, ok := v.Number(); ok && math.IsInf(f, 0) {
		return nil
	}
	return v.Plain()
}

func ids(list []resource.ID) []int64 {
	out := make([]int64, len(list))
	for i, id := range list {
		out[i] = int64(id)
	}
	return out
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
