package history

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/faultline-storage/faultline/internal/resource"
)

// known is what Observe remembers of a resource.
type known struct {
	class *resource.Class
	name  string
	// refs are the database's own numbers of its series, by statistic; 0 is none.
	refs []storage.SeriesRef
	// last are the times of the newest samples, by statistic; 0 is not known.
	last []int64
}

// most is how many samples are committed at once.
const most = 20_000

// logEvery is how often an error of the database is logged at most.
const logEvery = time.Minute

// Observe appends the samples of a change. It ends the series of the resources
// that the change deletes or gives another name, and those that a new
// declaration of the class makes others. An error is logged and counted: a
// server that runs is worth more than a sample.
func (d *DB) Observe(c *resource.Changes) {
	a := d.begin(false)
	end := c.Time.UnixMilli() + 1 // after a sample of the same change
	for i := range c.Updated {
		u := &c.Updated[i]
		if !u.Name {
			continue
		}
		if k := d.series[u.Resource.ID]; k != nil {
			if u.Was != nil {
				a.redeclare(k, u.Resource.Class, end)
			}
			if name := u.Resource.Name(); k.name != name {
				a.end(k, end)
				k.name = name
			}
		}
		if u.Resource.Root != nil {
			a.renameScope(u.Resource.ID, end)
		}
	}
	for i := range c.Samples {
		a.add(&c.Samples[i])
	}
	for _, r := range c.Deleted {
		a.end(a.find(r), end)
		delete(d.series, r.ID)
	}
	a.commit()
}

// Recover appends samples that may be in the database already, in the order in
// which they were observed.
func (d *DB) Recover(samples []resource.Sample) {
	a := d.begin(true)
	for i := range samples {
		a.add(&samples[i])
	}
	a.commit()
}

// appender is one or more commits.
type appender struct {
	d  *DB
	to storage.AppenderV2
	n  int
	// again says that the samples may be in the database already: what is older than
	// the newest of its series is.
	again bool
}

func (d *DB) begin(again bool) *appender { return &appender{d: d, again: again} }

func (a *appender) add(s *resource.Sample) {
	d := a.d
	k := d.series[s.Resource]
	if k == nil {
		r := d.get(s.Resource)
		if r == nil { // It went before its last samples were read.
			d.dropped.WithLabelValues("resource gone").Inc()
			return
		}
		k = newKnown(r)
		d.series[s.Resource] = k
	}
	if s.Stat >= len(k.refs) {
		d.dropped.WithLabelValues("statistic gone").Inc()
		return
	}
	var h *histogram.Histogram
	if s.Bins != nil {
		h = d.bucketsOf(k.class)[s.Stat].histogram(s.Bins)
	}
	exact := s.Time.UnixMilli()
	t := even(exact, k.class.Statistics[s.Stat].SamplePeriod)
	if t <= k.last[s.Stat] {
		t = exact
	}
	err := a.put(k, s, t, h)
	if a.again && t != exact && refused(err) != "" {
		t = exact // as it was put then, if it came soon after another one
		err = a.put(k, s, t, h)
	}
	if a.count(err); err == nil {
		k.last[s.Stat] = max(k.last[s.Stat], t)
	}
}

// even is the time of a sample to about a hundredth of its period in seconds: a
// scan ends a little earlier or later than the last one did, and steps that are
// not all alike take two more bytes a sample. Times are in milliseconds.
func even(t int64, period int) int64 {
	for _, grid := range []int64{1000, 500, 200, 100, 50, 20} {
		if grid <= int64(period)*10 {
			return t - (t%grid+grid)%grid
		}
	}
	return t
}

// errGone says that a sample belongs to no resource.
var errGone = errors.New("the resource is gone")

// put appends a sample to its series, which it makes if it is not there.
func (a *appender) put(k *known, s *resource.Sample, t int64, h *histogram.Histogram) error {
	if ref := k.refs[s.Stat]; ref != 0 {
		// Without labels the database takes a number that it still has, and refuses
		// one of a series that it has forgotten since nothing came for long.
		_, err := a.append(ref, labels.EmptyLabels(), t, s.Value, h)
		if err == nil || refused(err) != "" {
			return err
		}
	}
	r := a.d.get(s.Resource)
	if r == nil || r.Class != k.class {
		return errGone
	}
	ref, err := a.append(0, a.d.labelsOf(r, s.Stat), t, s.Value, h)
	if err == nil {
		k.refs[s.Stat] = ref
	}
	return err
}

func newKnown(r *resource.Resource) *known {
	n := len(r.Class.Statistics)
	return &known{class: r.Class, name: r.Name(), refs: make([]storage.SeriesRef, n), last: make([]int64, n)}
}

func (d *DB) bucketsOf(c *resource.Class) []buckets {
	all := d.buckets[c]
	if all == nil {
		all = make([]buckets, len(c.Statistics))
		for i := range all {
			all[i] = bucketsOf(c.Statistics[i].Bins)
		}
		d.buckets[c] = all
	}
	return all
}

func (a *appender) append(ref storage.SeriesRef, l labels.Labels, t int64, v float64, h *histogram.Histogram) (storage.SeriesRef, error) {
	if a.to == nil {
		a.to = a.d.db.AppenderV2(context.Background())
	}
	ref, err := a.to.Append(ref, l, 0, t, v, h, nil, storage.AppendV2Options{RejectOutOfOrder: a.again})
	if a.n++; a.n >= most {
		a.commit()
	}
	return ref, err
}

func (a *appender) commit() {
	if a.to == nil {
		return
	}
	err := a.to.Commit()
	n := a.n
	a.to, a.n = nil, 0
	if err != nil {
		a.d.dropped.WithLabelValues("not written").Add(float64(n))
		a.d.complain(err)
		// The numbers of series that were new in it mean nothing.
		for _, k := range a.d.series {
			clear(k.refs)
		}
	}
}

// refusals are the errors that say that a sample has no place in its series.
var refusals = map[error]string{
	storage.ErrOutOfOrderSample:            "out of order",
	storage.ErrTooOldSample:                "too old",
	storage.ErrOutOfBounds:                 "too old",
	storage.ErrDuplicateSampleForTimestamp: "time taken",
	errGone:                                "resource gone",
}

func refused(err error) (reason string) {
	if err == nil {
		return ""
	}
	for e, reason := range refusals {
		if errors.Is(err, e) {
			return reason
		}
	}
	return ""
}

// count counts a sample that was not appended.
func (a *appender) count(err error) {
	if err == nil {
		return
	}
	reason := refused(err)
	switch {
	case reason == "":
		a.d.complain(err)
		reason = "not written"
	case a.again: // It is there already.
		return
	}
	a.d.dropped.WithLabelValues(reason).Inc()
}

func (d *DB) complain(err error) {
	if now := d.now(); !now.Before(d.nextLog) {
		d.log.Error("samples of statistics cannot be kept; charts will have a gap", "error", err)
		d.nextLog = now.Add(logEvery)
	}
}

// find returns what is known of a resource that goes. After a restart that is
// what the database has.
func (a *appender) find(r *resource.Resource) *known {
	if k := a.d.series[r.ID]; k != nil || len(r.Class.Statistics) == 0 {
		return k
	}
	k := newKnown(r)
	head := a.d.db.AppenderV2(context.Background())
	defer func() { _ = head.Rollback() }()
	if refs, ok := head.(storage.GetRef); ok {
		for stat := range k.refs {
			l := a.d.labelsOf(r, stat)
			k.refs[stat], _ = refs.GetRef(l, l.Hash())
		}
	}
	return k
}

// end ends all series of a resource; the next samples begin new ones.
func (a *appender) end(k *known, t int64) {
	if k == nil {
		return
	}
	for stat := range k.refs {
		a.endOne(k, stat, t)
	}
}

func (a *appender) endOne(k *known, stat int, t int64) {
	ref := k.refs[stat]
	if ref == 0 {
		return
	}
	k.refs[stat], k.last[stat] = 0, 0
	var h *histogram.Histogram
	if k.class.Statistics[stat].Kind == resource.Histogram {
		h = ended()
	}
	if _, err := a.append(ref, labels.EmptyLabels(), t, math.Float64frombits(value.StaleNaN), h); err != nil && refused(err) == "" {
		// The database has forgotten it: it has ended long ago.
		a.d.log.Debug("a series was not marked as ended", "error", err)
	}
}

// redeclare goes over to another declaration of the class: statistics that are
// the same in it keep their series, wherever they stand now.
func (a *appender) redeclare(k *known, now *resource.Class, t int64) {
	refs, last := make([]storage.SeriesRef, len(now.Statistics)), make([]int64, len(now.Statistics))
	for i := range now.Statistics {
		st := &now.Statistics[i]
		j := k.class.Stat(st.Name)
		if j < 0 || j >= len(k.refs) {
			continue
		}
		w := &k.class.Statistics[j]
		if w.Kind == st.Kind && w.Unit == st.Unit && slices.EqualFunc(w.Bins, st.Bins, slices.Equal) {
			refs[i], k.refs[j] = k.refs[j], 0
			last[i] = k.last[j]
		}
	}
	a.end(k, t)
	delete(a.d.buckets, k.class)
	k.class, k.refs, k.last = now, refs, last
}

// renameScope ends the series that have the name of a root as their scope.
func (a *appender) renameScope(root resource.ID, t int64) {
	for id, k := range a.d.series {
		if r := a.d.get(id); r != nil && r.Scope == root {
			a.end(k, t)
		}
	}
}
