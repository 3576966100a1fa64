package lustre

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

// model is what is really so: where the targets run, and what each host has still
// to say about it.
type model struct {
	*site
	file string
	// labels says that a host sees the storage of what it has not mounted, as it does
	// with ldiskfs and not with ZFS.
	labels bool
	at     map[fact.Name]int64
	seen   map[fact.Name]bool // it was heard to run somewhere
	queue  map[int64][]fact.Report
	log    []string
}

const metadataServer = 3

var modelTargets = []fact.Name{ost0, "scratch-OST0001"}

// truth is the full report of a host as it is now.
func (m *model) truth(h int64) fact.Report {
	if h == metadataServer {
		r := with(nil)
		r.Peers = map[fact.Name]*fact.Peer{}
		for _, n := range modelTargets {
			r.Peers[n] = &fact.Peer{Kind: fact.OST, FS: "scratch", Link: fact.Registered, By: managementName}
		}
		return r
	}
	r := with(map[fact.Name]*fact.Target{})
	r.Storage = map[fact.Name]*fact.Storage{}
	for _, n := range modelTargets {
		if m.at[n] == h {
			r.Targets[n] = ost("/dev/mapper/" + string(n))
			m.seen[n] = true
		} else if m.labels {
			r.Storage[n] = storage(n)[n]
		}
	}
	return r
}

// connect begins a session of a host, whatever it had to say before.
func (m *model) connect(h int64) {
	m.queue[h] = nil
	m.full(h, m.truth(h))
}

// say has a host tell, some time, that a target came or went.
func (m *model) say(h int64, n fact.Name, here bool) {
	if h == 0 || !m.open[h] {
		return
	}
	r := fact.Report{Targets: map[fact.Name]*fact.Target{n: nil}, Storage: storage(n)}
	if here {
		r = fact.Report{Targets: map[fact.Name]*fact.Target{n: ost("/dev/mapper/" + string(n))}, Storage: map[fact.Name]*fact.Storage{n: nil}}
	}
	if !m.labels {
		r.Storage = nil
	}
	m.queue[h] = append(m.queue[h], r)
}

// deliver hands over the next thing that a host has to say.
func (m *model) deliver(h int64) {
	if len(m.queue[h]) == 0 {
		return
	}
	r := m.queue[h][0]
	m.queue[h] = m.queue[h][1:]
	for n, t := range r.Targets {
		m.seen[n] = m.seen[n] || t != nil
	}
	m.change(h, r)
}

func (m *model) move(n fact.Name, to int64) {
	m.say(m.at[n], n, false)
	m.at[n] = to
	m.say(to, n, true)
}

// step does one thing.
func (m *model) step(r *rapid.T) {
	h := rapid.Int64Range(1, 2).Draw(r, "host")
	n := rapid.SampledFrom(modelTargets).Draw(r, "target")
	what := rapid.SampledFrom([]string{"move", "move", "unmount", "deliver", "deliver", "deliver", "lose", "connect", "restart"}).Draw(r, "what")
	m.log = append(m.log, fmt.Sprintf("%s %s %d", what, n, h))
	switch what {
	case "move":
		m.move(n, h)
	case "unmount":
		m.move(n, 0)
	case "deliver":
		m.deliver(h)
	case "lose":
		if m.open[h] {
			m.lose(h)
			m.queue[h] = nil
		}
	case "connect":
		m.connect(h)
	case "restart":
		for id, open := range m.open {
			if open {
				m.host(id).Teardown()
			}
		}
		m.restart(m.file)
		for _, id := range []int64{metadataServer, 2, 1} {
			m.connect(id)
		}
	}
	// The file system and its targets never go, whatever hosts say.
	server := m.host(metadataServer)
	server.Want("FileSystem", 1)
	server.Want("ObjectStoreTarget", len(modelTargets))
}

// settled has everybody say what they have to say, and checks that they all say of
// each target what is so.
func (m *model) settled() {
	for h := int64(1); h <= 2; h++ {
		if !m.open[h] {
			m.connect(h)
		}
		for len(m.queue[h]) > 0 {
			m.deliver(h)
		}
	}
	for _, n := range modelTargets {
		want := plugintest.Attrs{"name": string(n), "state": nil}
		switch {
		case m.at[n] != 0:
			want = plugintest.Attrs{"name": string(n), "state": string(Mounted), "host_id": m.at[n], "path": "/dev/mapper/" + string(n)}
		case m.seen[n]:
			want["state"] = string(Offline)
		}
		m.host(metadataServer).Await("ObjectStoreTarget", want)
		for h := int64(1); h <= 2; h++ {
			mount := plugintest.Attrs{"name": string(n), "part": string(Standby)}
			if m.at[n] == h {
				mount["part"] = string(Active)
			}
			if m.labels || m.at[n] == h {
				m.host(h).Await("ObjectStoreTarget", want)
				m.host(h).Want("TargetMount", mount)
			}
		}
	}
}

// TestEverybodySaysTheSame: whatever targets do, and in whichever order hosts are
// heard, lost and found, restarts of the plugin included, all of them come to say the
// same, and that it is so; and no target and no file system ever goes.
func TestEverybodySaysTheSame(t *testing.T) {
	t.Parallel()
	dir, run := t.TempDir(), 0
	rapid.Check(t, func(r *rapid.T) {
		// Each run starts several plugins. A few are enough, unless more were asked for.
		if run++; run > 30 && flag.Lookup("rapid.checks").Value.String() == "100" {
			return
		}
		m := &model{
			site: newSite(t), file: filepath.Join(dir, fmt.Sprint(run)), labels: rapid.Bool().Draw(r, "labels"),
			at: map[fact.Name]int64{}, seen: map[fact.Name]bool{}, queue: map[int64][]fact.Report{},
		}
		m.restart(m.file)
		hosts := []int64{metadataServer}
		if rapid.Bool().Draw(r, "all from the start") {
			hosts = append(hosts, 1, 2)
		}
		for _, h := range hosts {
			m.connect(h)
		}
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			m.step(r)
			if t.Failed() {
				r.Fatalf("after %v", m.log)
			}
		}
		m.settled()
		if t.Failed() {
			r.Fatalf("at the end of %v", m.log)
		}
		for id, open := range m.open {
			if open {
				m.host(id).Teardown()
			}
		}
	})
}
