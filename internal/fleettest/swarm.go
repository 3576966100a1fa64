package fleettest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
)

// SwarmOptions configure a Swarm. All but Update, Registering and Log are required.
type SwarmOptions struct {
	// Dir keeps what the hosts got when they registered, in a folder for each. Those
	// that are there are used again.
	Dir    string
	Server string
	Token  string
	Hosts  int
	Plugin string
	// Report is the full report of a host, by its number from 0, and Update what it
	// says in its n-th period, from 1; nil says nothing.
	Report func(host int) json.RawMessage
	Update func(host, n int) json.RawMessage
	Period time.Duration
	// Registering is how many hosts register at once; 8 if 0.
	Registering int
	Log         *slog.Logger
}

// Swarm is a number of simulated hosts in one process, each with a link of its own
// over mutual TLS.
type Swarm struct {
	o     SwarmOptions
	hosts []*auth.Identity

	full    atomic.Int64 // reports that the server has handled
	updates atomic.Int64
	resets  atomic.Int64
	bytes   atomic.Int64

	mu   sync.Mutex
	done map[int]time.Time // when a host's last full report was handled
}

// SwarmStats is what a swarm has done so far.
type SwarmStats struct {
	Hosts   int   // that have a full report handled in a session that lasts
	Full    int64 // full reports
	Updates int64
	Resets  int64     // sessions that ended
	Bytes   int64     // of reports and updates, as JSON
	Last    time.Time // when the last full report was handled
}

// NewSwarm registers the hosts that are not registered yet.
func NewSwarm(ctx context.Context, o SwarmOptions) (*Swarm, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Registering <= 0 {
		o.Registering = 8
	}
	s := &Swarm{o: o, hosts: make([]*auth.Identity, o.Hosts), done: map[int]time.Time{}}
	var wg sync.WaitGroup
	errs := make([]error, o.Hosts)
	slots := make(chan struct{}, o.Registering)
	for i := range o.Hosts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			dir := filepath.Join(o.Dir, fmt.Sprintf("%04d", i))
			if s.hosts[i], errs[i] = auth.OpenIdentity(dir); errs[i] == nil {
				return
			}
			s.hosts[i], errs[i] = auth.Join(ctx, auth.JoinOptions{Dir: dir, Server: o.Server, Token: o.Token, Host: fmt.Sprintf("host%04d.swarm", i)})
		})
	}
	wg.Wait()
	return s, errors.Join(errs...)
}

// Run runs the agents of all hosts until ctx ends.
func (s *Swarm) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range s.hosts {
		wg.Go(func() { s.host(ctx, i) })
	}
	wg.Wait()
}

func (s *Swarm) host(ctx context.Context, i int) {
	id := s.hosts[i]
	boot, booted := rand.Text(), time.Now()
	a := link.NewAgent(link.AgentOptions{
		Transport: &httplink.Transport{Server: id.Server(), Client: &http.Client{Transport: id}, Agent: "swarm"},
		Name:      id.Host(), Version: "swarm", Instance: rand.Text(), Log: s.o.Log.With("host", id.Host()), Now: time.Now, After: time.After,
		Hello: func() link.AgentHello {
			return link.AgentHello{Boot: boot, Machine: id.Host(), Started: time.Minute, Booted: booted, Plugins: []string{s.o.Plugin}}
		},
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			s.o.Log.Error("an agent was refused", "host", id.Host(), "error", err)
		}
	})
	for ctx.Err() == nil {
		ses, err := a.Open(ctx, s.o.Plugin)
		if err != nil {
			return
		}
		s.session(ctx, i, ses)
		s.mu.Lock()
		delete(s.done, i)
		s.mu.Unlock()
		s.resets.Add(1)
	}
}

// session keeps one session to its end.
func (s *Swarm) session(ctx context.Context, i int, ses *link.AgentSession) {
	say := func(data json.RawMessage, count *atomic.Int64) bool {
		if ses.Send(ctx, data, link.Normal) != nil || ses.Flush(ctx) != nil {
			return false
		}
		count.Add(1)
		s.bytes.Add(int64(len(data)))
		return true
	}
	if !say(s.o.Report(i), &s.full) {
		return
	}
	s.mu.Lock()
	s.done[i] = time.Now()
	s.mu.Unlock()
	// Their periods do not begin together.
	wait := time.Duration(mrand.Float64() * float64(s.o.Period))
	for n := 1; ; n++ {
		select {
		case <-time.After(wait):
		case <-ses.Done():
			return
		case <-ctx.Done():
			return
		}
		wait = s.o.Period
		if s.o.Update == nil {
			continue
		}
		if data := s.o.Update(i, n); data != nil && !say(data, &s.updates) {
			return
		}
	}
}

// Stats is what the swarm has done so far.
func (s *Swarm) Stats() SwarmStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SwarmStats{Hosts: len(s.done), Full: s.full.Load(), Updates: s.updates.Load(), Resets: s.resets.Load(), Bytes: s.bytes.Load()}
	for _, at := range s.done {
		if at.After(st.Last) {
			st.Last = at
		}
	}
	return st
}

// All reports whether each host has a full report handled since a moment.
func (s *Swarm) All(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, at := range s.done {
		if at.After(since) {
			n++
		}
	}
	return n == len(s.hosts)
}
