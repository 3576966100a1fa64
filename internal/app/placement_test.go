package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// desk is a placement with hosts that note what they are told.
type desk struct {
	t     *testing.T
	place *placement
	r     *remotes
	root  *resource.Resource

	mu    sync.Mutex
	has   bool // the server has the plugin
	at    []string
	notes []string
	slow  chan struct{} // closed when sessions of the server may end
}

// start implements host, for the server.
func (d *desk) start(context.Context, *resource.Resource) { d.enter("server") }

// stop implements host.
func (d *desk) stop(resource.ID) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		<-d.slow
		d.leave("server")
		close(done)
	}()
	return done
}

// enter notes that a session runs somewhere. It must be the only one.
func (d *desk) enter(where string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.at) > 0 {
		d.t.Errorf("a session at %s, and there is one at %q", where, d.at)
	}
	d.at = append(d.at, where)
}

func (d *desk) leave(where string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = slices.DeleteFunc(d.at, func(s string) bool { return s == where })
}

func (d *desk) want(where ...string) {
	d.t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.at, where) {
		d.t.Errorf("the session is at %q, want %q", d.at, where)
	}
}

func newDesk(t *testing.T, withServer bool) *desk {
	t.Helper()
	c := box()
	inv, _ := memoryInventory(t, c)
	d := &desk{t: t, slow: make(chan struct{}), has: withServer}
	close(d.slow)
	root, _, err := inv.AddRoot(t.Context(), c, []resource.Value{resource.StringValue("b"), resource.Null})
	if err != nil {
		t.Fatal(err)
	}
	d.root = root
	log := slog.New(slog.DiscardHandler)
	d.place = newPlacement(inv, log)
	if withServer {
		d.place.local, d.place.has = d, func(string) bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.has
		}
	}
	d.r = &remotes{
		place: d.place, inv: inv, grace: time.Minute, log: log, pluginLog: log, sessionLog: log,
		declare: func(_ context.Context, plugin string, m wire.Manifest, _ asked) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.notes = append(d.notes, fmt.Sprintf("declare %s %d", plugin, m.APIVersion))
			if m.APIVersion == 13 {
				return resource.Errorf(resource.Conflict, "unlucky")
			}
			return nil
		},
	}
	d.place.ctx = t.Context()
	d.place.put(root)
	return d
}

// join has a runner join that runs what it is told to.
func (d *desk) join(hub *link.Hub, name string, version int) (c *link.Client, kill func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	c = link.NewClient(link.ClientOptions{
		Transport: hub.Local(link.Origin{Secret: true}), Now: time.Now, After: time.After, Jitter: func() float64 { return 0 },
		Hello: func() link.Hello {
			return link.Hello{Kind: runnerKind, Name: name, Instance: name, Body: []byte(`{"plugins":["acme"]}`)}
		},
		Open: func(conn *link.Conn, _ link.Welcome) (link.Receiver, func()) {
			s := &shift{conn: conn}
			go func() { _ = s.declare(ctx, "acme", wire.Manifest{APIVersion: version}) }()
			return func(_ context.Context, m link.Message, answer func([]byte, error)) {
				switch m.Kind {
				case kindAssign:
					d.enter(name)
				case kindUnassign:
					d.leave(name)
					go func() { _, _ = s.call(ctx, kindReleased, rootNote{Root: d.root.ID}) }()
				}
				answer(nil, nil)
			}, func() { d.leave(name) }
		},
	})
	wg.Go(func() { _ = c.Run(ctx) })
	return c, func() { cancel(); wg.Wait() }
}

func (d *desk) hub(t *testing.T) (*link.Hub, func()) {
	h := link.NewHub(link.HubOptions{Accept: d.r.accept, Grace: time.Minute, Now: time.Now, After: time.After})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx) })
	return h, func() { cancel(); wg.Wait() }
}

func TestTheFirstRunnerRunsAPluginAndTheNextTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, false)
		hub, stop := d.hub(t)
		defer stop()
		d.want()
		one, endOne := d.join(hub, "one", 1)
		defer endOne()
		time.Sleep(time.Second)
		d.want("one")
		_, endTwo := d.join(hub, "two", 2)
		time.Sleep(time.Second)
		d.want("one")
		d.leave("one") // a runner ends its sessions before it says goodbye
		if err := one.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		d.want("two")
		_, endThree := d.join(hub, "three", 3)
		defer endThree()
		time.Sleep(time.Second)
		endTwo() // it dies
		time.Sleep(50 * time.Second)
		d.want()
		time.Sleep(20 * time.Second)
		d.want("three")
		if want := "declare acme 1, declare acme 2, declare acme 3"; strings.Join(d.notes, ", ") != want {
			t.Errorf("%q, want %q", d.notes, want)
		}
	})
}

func TestTheServerComesBeforeRunners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, true)
		hub, stop := d.hub(t)
		defer stop()
		_, end := d.join(hub, "one", 1)
		defer end()
		time.Sleep(time.Second)
		d.want("server")

		// The plugin is unloaded from the server. Its session takes its time to end.
		d.mu.Lock()
		d.has, d.slow = false, make(chan struct{})
		d.mu.Unlock()
		d.place.again("acme")
		d.want("server")
		close(d.slow)
		time.Sleep(time.Second)
		d.want("one")

		// And loaded again.
		d.mu.Lock()
		d.has = true
		d.mu.Unlock()
		d.place.again("acme")
		time.Sleep(time.Second)
		d.want("server")
	})
}

// TestARunnerWhoseDeclarationsAreRefusedTakesNothingOver, and the root says why.
func TestARunnerWhoseDeclarationsAreRefusedTakesNothingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, false)
		hub, stop := d.hub(t)
		defer stop()
		one, endOne := d.join(hub, "one", 1)
		defer endOne()
		time.Sleep(time.Second)
		_, endTwo := d.join(hub, "two", 13)
		defer endTwo()
		time.Sleep(time.Second)
		d.want("one")
		d.leave("one") // a runner ends its sessions before it says goodbye
		if err := one.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		d.want()
		if st := d.r.inv.Get(d.root.ID).Root; !st.Offline || !strings.Contains(st.Error, "declarations were refused: unlucky") {
			t.Errorf("the root is %+v", st)
		}
		_, endThree := d.join(hub, "three", 1)
		defer endThree()
		time.Sleep(time.Second)
		d.want()
		endTwo() // now the other one is lost, and what it declared with it
		time.Sleep(2 * time.Minute)
		d.want("three")
	})
}
