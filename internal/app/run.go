package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/conform"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/metrics"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/record"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/internal/store/memory"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// RunOptions say what Tool.Run scans.
type RunOptions struct {
	Path string // of the plugin
	// Class is the scannable class of the root; empty if the plugin has just one.
	Class      string
	Attributes map[string]json.RawMessage // of the root
	Updates    int                        // update scans after the initial scan
	// Record is the file to record the scan in, for Replay; empty for none. What is
	// found is then what the recording gives.
	Record string
}

// Found is what a scan in the terminal found, in the shapes of the API.
type Found struct {
	Resources []gen.Resource `json:"resources"`
	Alerts    []gen.Alert    `json:"alerts"`
	Series    []gen.Series   `json:"series"`
	// Errors are the hooks that failed and what could not be read.
	Errors []HookFailure `json:"errors"`
	// Failed says that a hook failed.
	Failed bool `json:"-"`
}

// HookFailure is a failed hook, or with Hook "incomplete" something that the
// initial scan could not read.
type HookFailure struct {
	Hook    string `json:"hook"`
	Message string `json:"message"`
	// Kind is the type of the failure in the author's language, Detail its stack.
	Kind   string `json:"kind,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Run scans once with a plugin. What it found goes through the same stages as
// in a server, with everything kept in memory. A hook that fails ends the run
// and is listed in Found.Errors; other errors mean that there was no scan.
func (t *Tool) Run(ctx context.Context, o RunOptions) (*Found, error) {
	spec, err := t.resolve(o.Path)
	if err != nil {
		return nil, err
	}
	plugins := newPluginSet(setOptions{})
	po := t.options(spec)
	po.OnBatch = plugins.deliver
	var rec *recorder
	if o.Record != "" {
		if rec, err = newRecorder(o.Record); err != nil {
			return nil, err
		}
		defer rec.drop()
		po.OnLog = rec.log
		po.OnBatch = func(b wire.Batch) { rec.batch(b); plugins.deliver(b) }
	}
	p, err := pluginhost.Start(ctx, po)
	if err != nil {
		return nil, err
	}
	found, err := t.scanProcess(ctx, o, p, plugins, rec)
	stopping, cancel := context.WithoutCancel(ctx), func() {}
	if ctx.Err() != nil { // somebody is waiting for the prompt
		stopping, cancel = context.WithTimeout(stopping, stopSoon)
	}
	defer cancel()
	if serr := p.Stop(stopping); serr != nil && t.Log != nil {
		t.Log.Warn("the plugin did not end in order", "error", serr) // what it found is as good as ever
	}
	if rec == nil || err != nil || ctx.Err() != nil {
		return found, err
	}
	// What a recording is good for shows at once.
	recorded, err := rec.read()
	if err != nil {
		return nil, err
	}
	if found, err = t.replay(ctx, recorded, o.Record, nil); err != nil {
		return nil, fmt.Errorf("the scan was recorded, but the recording cannot be replayed: %w", err)
	}
	return found, rec.keep()
}

// scanProcess scans with a plugin's process, and records that if rec is not nil.
func (t *Tool) scanProcess(ctx context.Context, o RunOptions, p *pluginhost.Process, plugins *pluginSet, rec *recorder) (*Found, error) {
	classes, err := checkedClasses(p.Name(), p.Info().Manifest)
	if err != nil {
		return nil, err
	}
	class, err := rootClass(o.Class, p.Name(), classes)
	if err != nil {
		return nil, err
	}
	var talks session.Plugin = borrowed(p)
	if rec != nil {
		err := rec.begin(talks, record.Header{
			Faultline: t.Version, Plugin: p.Name(), Class: class, Attributes: o.Attributes, Updates: o.Updates,
		}, wire.InitializeParams{
			Protocol: wire.VersionRange{Min: wire.MinVersion, Max: wire.Version}, Host: wire.Peer{Name: "faultline", Version: t.Version},
		}, p.Info())
		if err != nil {
			return nil, err
		}
		talks = rec
	}
	return t.scan(ctx, scanned{
		name: p.Name(), classes: classes, class: class, attributes: o.Attributes, updates: o.Updates,
		plugin: talks, route: plugins.route, now: time.Now, after: time.After,
	})
}

// stopSoon is how long a plugin in the terminal may take for each step of its
// end when the run is interrupted.
const stopSoon = 2 * time.Second

// WrongInput reports whether an error of Run or Test comes from what was asked
// for, such as an attribute that the class does not have.
func WrongInput(err error) bool {
	var question *conform.QuestionError
	return resource.KindOf(err) == resource.Invalid || errors.As(err, &question)
}

// scanned is what is scanned: a root, and a plugin to do it, be it a process or a
// recording.
type scanned struct {
	name       string // of the plugin
	classes    []*resource.Class
	class      string // of the root
	attributes map[string]json.RawMessage
	updates    int
	plugin     session.Plugin
	route      func(session string, to func(wire.Batch)) (stop func())
	now        func() time.Time
	after      func(time.Duration) <-chan time.Time
	// ended, if set, is called when the session is over, before the last look at
	// the alerts.
	ended func()
}

func (t *Tool) scan(ctx context.Context, o scanned) (*Found, error) {
	log := t.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	store := memory.New()
	inv, err := inventory.New(ctx, inventory.Options{Store: store, Classes: o.classes, Log: log, Now: o.now})
	if err != nil {
		return nil, err
	}
	stats := metrics.New(metrics.Options{})
	alerts, err := alert.New(alert.Options{Store: store, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Now: o.now, After: o.after, Log: log})
	if err != nil {
		return nil, err
	}
	var stages lifecycle
	waiting, failed := context.WithCancelCause(ctx) // ends if a stage does
	defer failed(nil)
	// The stages follow from before the first change, so that no sample is missed.
	following, done := context.WithCancel(ctx)
	all, seq, changes := inv.Subscribe(following)
	stages.run("alert", failed, func(ctx context.Context) error {
		return alerts.Run(ctx, all, seq, passing(changes, stats.Observe))
	})
	defer func() {
		done()
		_ = stages.stop(stopTimeout) // it only waits for what runs in memory
	}()

	secrets, err := secret.New(randomKey())
	if err != nil {
		return nil, err
	}
	process := func(context.Context, string) (caller, error) { return o.plugin, nil }
	r := &roots{inv: inv, secrets: secrets, process: process}
	id, err := r.Add(ctx, o.name, o.class, o.attributes)
	if err != nil {
		return nil, err
	}
	incomplete, err := session.New(session.Options{
		ID: id, Plugin: o.name,
		Root:  func() (session.Root, error) { return rootFor(inv, secrets, id) },
		Wait:  func(context.Context) (session.Plugin, error) { return o.plugin, nil },
		Class: func(name string) *resource.Class { return inv.Class(o.name, name) },
		Seal:  func(plain string) string { return secrets.Seal(passwords, plain) },
		Sink:  inv, Route: o.route, Log: log, Now: o.now,
		After: func(d time.Duration) <-chan time.Time { // for the teardown
			if ctx.Err() != nil {
				d = min(d, stopSoon)
			}
			return o.after(d)
		},
	}).Once(ctx, o.updates)
	found := &Found{Resources: []gen.Resource{}, Alerts: []gen.Alert{}, Series: []gen.Series{}, Errors: []HookFailure{}}
	for _, text := range incomplete {
		found.Errors = append(found.Errors, HookFailure{Hook: "incomplete", Message: text})
	}
	if err != nil {
		var hook *session.HookError
		if !errors.As(err, &hook) {
			return nil, err
		}
		found.Errors, found.Failed = append(found.Errors, hookFailure(hook)), true
	}
	if o.ended != nil {
		o.ended()
		// A change has what has held for long enough raised before it is evaluated.
		if err := inv.SetRootState(ctx, id, func(st *resource.RootState) { st.LastContact = o.now() }); err != nil {
			return nil, err
		}
	}
	if err := alerts.WaitSeq(waiting, inv.Seq()); err != nil {
		return nil, context.Cause(waiting)
	}
	return found, found.fill(&api.View{Resources: inv, Alerts: alerts, Stats: stats}, inv, alerts, stats)
}

// passing shows every change to f on its way.
func passing(changes iter.Seq2[*resource.Changes, error], f func(*resource.Changes)) iter.Seq2[*resource.Changes, error] {
	return func(yield func(*resource.Changes, error) bool) {
		for ch, err := range changes {
			if err == nil {
				f(ch)
			}
			if !yield(ch, err) {
				return
			}
		}
	}
}

// randomKey seals what never leaves this process.
func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return key
}

// rootClass finds the class to add if none is named.
func rootClass(name, plugin string, classes []*resource.Class) (string, error) {
	if name != "" {
		return strings.TrimPrefix(name, plugin+"."), nil
	}
	var names []string
	for _, c := range classes {
		if c.Scannable() {
			names = append(names, c.Name)
		}
	}
	if len(names) == 1 {
		return names[0], nil
	}
	return "", resource.FieldErrorf("class", "plugin %s has %d scannable classes; name one with --class: %s", plugin, len(names), strings.Join(names, ", "))
}

func hookFailure(e *session.HookError) HookFailure {
	f := HookFailure{Hook: e.Hook, Message: e.Err.Error()}
	var call *pluginhost.CallError
	if errors.As(e.Err, &call) {
		f.Message, f.Kind, f.Detail = call.Message, call.Data.Kind, call.Data.Detail
	}
	return f
}

// Quantity is a number with its unit as people read it.
func Quantity(v float64, unit string) string { return resource.FormatQuantity(v, unit) }

// fill renders everything there is.
func (f *Found) fill(view *api.View, inv *inventory.Inventory, alerts *alert.Stage, stats *metrics.Recorder) error {
	q := resource.Query{Limit: 10000}
	for {
		page, err := inv.List(q)
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			f.Resources = append(f.Resources, view.Resource(r))
			for _, s := range stats.Latest(r.ID) {
				f.Series = append(f.Series, view.Series(r, s.Stat, stats.Series(r.ID, s.Stat, time.Time{}, time.Time{})))
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	active := true
	aq := resource.AlertQuery{Active: &active, Limit: 1000}
	for {
		page, err := alerts.List(aq)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			f.Alerts = append(f.Alerts, view.Alert(a))
		}
		if aq.Cursor = page.Next; aq.Cursor == "" {
			return nil
		}
	}
}
