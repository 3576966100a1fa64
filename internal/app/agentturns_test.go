package app

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/fleettest"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// TestAgentsConnectInTurns: one that waits for its turn has not used up the time for
// its handshake, and one that has had it and says no more holds nobody up.
func TestAgentsConnectInTurns(t *testing.T) {
	t.Parallel()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	authority := auth.NewAuthority(auth.AuthorityOptions{})
	if err := authority.Load(t.Context(), memory.New(), box); err != nil {
		t.Fatal(err)
	}
	if _, _, err := authority.CreateJoin(t.Context(), resource.AgentToken{Name: "all", Uses: 1}, time.Hour); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		turns := newAgentTurns(1, time.Now)
		agents := turns.inTurn(authority.TLS)
		// connect begins a connection of which the server's side has to end in time, as
		// the HTTP server wants it.
		connect := func() (client net.Conn, server chan error) {
			client, conn := net.Pipe()
			server = make(chan error, 1)
			go func() {
				defer conn.Close() //nolint:errcheck // it is a pipe
				_ = conn.SetDeadline(time.Now().Add(firstByte))
				server <- tls.Server(&acceptedConn{Conn: conn}, agents.alone()).HandshakeContext(t.Context())
			}()
			return client, server
		}
		hello := func(c net.Conn) error {
			return tls.Client(c, &tls.Config{ServerName: auth.ServerName, InsecureSkipVerify: true}).HandshakeContext(t.Context()) //nolint:gosec // who answers is not asked here
		}
		if err := turns.turns.Acquire(t.Context(), 1); err != nil { // a slow server: one turn lasts
			t.Fatal(err)
		}
		var servers []chan error
		var done atomic.Int32
		for range 5 {
			c, server := connect()
			servers = append(servers, server)
			go func() {
				if err := hello(c); err != nil {
					t.Error(err)
				}
				done.Add(1)
			}()
		}
		synctest.Wait()
		if turns.behind() {
			t.Error("the server is behind at once")
		}
		time.Sleep(10 * firstByte)
		if !turns.behind() || done.Load() != 0 {
			t.Errorf("after a while the server is behind: %v; %d agents were answered", turns.behind(), done.Load())
		}
		halting, server := connect()
		go func() { _ = hello(&mute{Conn: halting}) }()
		synctest.Wait()
		turns.turns.Release(1)
		for i, s := range servers {
			if err := <-s; err != nil {
				t.Errorf("agent %d: %v", i, err)
			}
		}
		last, s := connect()
		go func() { _ = hello(last) }()
		if err := <-s; err != nil {
			t.Errorf("after one that says no more: %v", err)
		}
		if turns.behind() {
			t.Error("the server is still behind")
		}
		if err := <-server; err == nil || !strings.Contains(err.Error(), "timeout") {
			t.Errorf("one that says no more: %v", err)
		}
		_ = halting.Close()
	})
}

// mute says the first thing it has to say, and nothing more.
type mute struct {
	net.Conn
	said bool
}

func (m *mute) Write(p []byte) (int, error) {
	if m.said {
		return len(p), nil
	}
	m.said = true
	return m.Conn.Write(p)
}

// TestAServerThatIsBehind takes no host for lost that waits to be heard.
func TestAServerThatIsBehind(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) { c.AgentGrace = config.Duration(3 * time.Second) })
	dir := t.TempDir()
	h := fleettest.Register(t, dir, "https://"+m.srv.Addr().String(), m.token, "oss1")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1})); err != nil {
		t.Fatal(err)
	}
	turns := m.srv.turns.turns
	all := int64(0)
	for turns.TryAcquire(1) { // a server that gets to nobody
		all++
	}
	h.Kill()
	id, err := auth.OpenIdentity(dir) // with connections of its own
	if err != nil {
		t.Fatal(err)
	}
	h = fleettest.NewHost(id)
	h.Start(quiet())
	heard := m.srv.hosts.list()[0].LastContact
	until(t, "the host is silent for longer than the grace", func() bool { return time.Since(heard) > 8*time.Second })
	if _, state := m.state("oss1"); state != hostConnected || strings.Contains(m.log.String(), "contact lost") {
		t.Errorf("a host that waits to be heard is %s", state)
	}
	turns.Release(all)
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 2})); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.log.String(), "contact lost") {
		t.Error("the host was missed")
	}
	h.Kill()
	m.is(t, "oss1", hostLost)
}

func TestHostsStartInTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{starts: map[string]*semaphore.Weighted{}}
		leaves := make(chan func(), hostStarts+2)
		enter := func(ctx context.Context, plugin string) {
			if leave, err := f.admit(ctx, plugin); err == nil {
				leaves <- leave
			}
		}
		for range hostStarts + 1 {
			go enter(t.Context(), "linux")
		}
		gone, cancel := context.WithCancel(t.Context())
		go enter(gone, "linux")
		cancel()
		synctest.Wait()
		if n := len(leaves); n != hostStarts {
			t.Fatalf("%d hosts start at a time", n)
		}
		go enter(t.Context(), "lustre")
		synctest.Wait()
		if n := len(leaves); n != hostStarts+1 {
			t.Error("a host waits for those of another plugin")
		}
		leave := <-leaves
		leave()
		leave() // has no effect
		synctest.Wait()
		if n := len(leaves); n != hostStarts+1 {
			t.Errorf("when one host was done, %d of one that waits and one that has gone started", n-hostStarts)
		}
	})
}
