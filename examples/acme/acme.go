// Package acme is the plugin for Acme disk arrays, such as examples/acme/sim
// simulates, in Go. The folder acme_python is the same plugin in Python: both
// declare the same classes and report the same resources.
//
// An initial scan reads everything. An update scan asks for what changed since
// the revision that was read last. A plugin whose root has push set also
// follows the array's events and reports what they tell at once.
package acme

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Name is the plugin's name.
const Name = "acme"

// retryPause is how long the listener rests when the events could not be read.
const retryPause = time.Second

// Program returns the declared plugin.
func Program() *plugin.Program {
	return plugin.New(Name, 1,
		plugin.Version("1.0"),
		plugin.Scans(NewAcme),
		plugin.Reports[Controller](),
		plugin.Reports[Enclosure](),
		plugin.Reports[Fan](),
		plugin.Reports[PowerSupply](),
		plugin.Reports[Disk](),
		plugin.Reports[Pool](),
		plugin.Reports[Lun](),
		plugin.Reports[LunPath](),
	)
}

// Main runs the plugin on standard input and output and never returns.
func Main() { Program().Main() }

// Acme talks to one array. Its fields belong to the turns of its session.
type Acme struct {
	client *client
	boot   string // the run of the array that the revisions belong to
	since  uint64 // what changed up to this revision was read by a scan
	seen   uint64 // what changed up to this revision was read by a scan or an event
	known  inventory

	stop     context.CancelFunc // ends the listener
	listener sync.WaitGroup
}

// NewAcme returns a plugin value for one session.
func NewAcme() *Acme { return &Acme{known: newInventory(), stop: func() {}} }

// InitialScan reports everything the array has.
func (a *Acme) InitialScan(ctx context.Context, s *plugin.Session, root *Array) error {
	var err error
	if a.client, err = newClient(root); err != nil {
		return err
	}
	s.Every(time.Duration(root.Period) * time.Second)
	system, err := a.client.system(ctx)
	if err != nil {
		return err
	}
	n, err := a.client.read(ctx, system, 0)
	if err != nil {
		return err
	}
	if err := a.report(s, root, n); err != nil {
		return err
	}
	if root.Push {
		ctx, stop := context.WithCancel(s.Context())
		a.stop = stop
		boot, since := a.boot, a.since
		a.listener.Go(func() { a.listen(ctx, s, root, boot, since) })
	}
	return nil
}

// UpdateScan reports what changed since the last scan. It fails if the array
// cannot tell, because it was restarted for example; Faultline then begins anew
// with an initial scan.
func (a *Acme) UpdateScan(ctx context.Context, s *plugin.Session, root *Array) error {
	system, err := a.client.system(ctx)
	if err != nil {
		return err
	}
	if system.Boot == a.boot && system.Revision == a.since {
		return nil
	}
	if system.Boot != a.boot {
		return errGone
	}
	n, err := a.client.read(ctx, system, a.since)
	if err != nil {
		return err
	}
	return a.report(s, root, n)
}

// Teardown stops the listener.
func (a *Acme) Teardown() error {
	a.stop()
	a.listener.Wait()
	if a.client != nil {
		a.client.http.CloseIdleConnections()
	}
	return nil
}

// report reports what a scan read. What changed while it was read is read
// again by the next scan.
func (a *Acme) report(s *plugin.Session, root *Array, n *news) error {
	root.Name, root.Model = n.system.Name, n.system.Model
	root.SerialNumber, root.Firmware = n.system.Serial, n.system.Firmware
	if err := a.known.apply(s, n); err != nil {
		return err
	}
	a.boot, a.since, a.seen = n.system.Boot, n.system.Revision, n.system.Revision
	return nil
}

// listen follows the array's events until ctx ends or the array no longer
// knows what the plugin has seen. It runs on its own goroutine, so it hands
// every change to the session.
func (a *Acme) listen(ctx context.Context, s *plugin.Session, root *Array, boot string, since uint64) {
	for ctx.Err() == nil {
		e, err := a.client.events(ctx, boot, since)
		if errors.Is(err, errGone) {
			return // the next update scan finds out too, and ends the session
		}
		var n *news
		if err == nil {
			n, err = e.news()
		}
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("the array's events could not be read; trying again", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(retryPause):
			}
			continue
		}
		since = e.Revision
		if e.Overflow { // too much at once: leave it to the update scan
			continue
		}
		// A change of a few objects must not cost a look at all of them.
		plugin.PostTo(root, func(*Array) { a.push(s, e.Revision, n) })
	}
}

// push reports what events told, unless a scan has read it already.
func (a *Acme) push(s *plugin.Session, revision uint64, n *news) {
	if revision <= a.seen {
		return
	}
	a.seen = revision
	if err := a.known.apply(s, n); err != nil {
		s.Log.Warn("an event could not be used; everything is read anew", "error", err)
		a.boot = "" // the next update scan ends the session
	}
}
