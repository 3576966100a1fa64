package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/faultline-storage/faultline/internal/auth"
)

// agentTLS returns how the connection of an agent is answered.
type agentTLS func(*tls.ClientHelloInfo) (*tls.Config, error)

// inTurn returns how connections are answered by config, each when it is its turn.
func (t *agentTurns) inTurn(config func() (*tls.Config, error)) agentTLS {
	return func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if err := t.wait(h); err != nil {
			return nil, err
		}
		return config()
	}
}

// beside returns the configuration of a TLS listener that answers agents too.
func (a agentTLS) beside(other *tls.Config) *tls.Config {
	other = other.Clone()
	other.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName == auth.ServerName {
			return a(h)
		}
		return nil, nil //nolint:nilnil // as the field asks for: the other configuration
	}
	return other
}

// alone returns the configuration of TLS connections beside plain ones: they are all
// those of agents.
func (a agentTLS) alone() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if h.ServerName != auth.ServerName {
				return nil, errors.New("this server has no certificate; only agents speak TLS to it")
			}
			return a(h)
		},
	}
}

// agentTurns lets a few agents at a time begin their connection, in the order in
// which they came. Thousands come at once when the server has restarted. Were they
// all answered side by side, each would take as long as all of them; on a busy
// machine they would give up before the first is done, and come again. A turn lasts
// from an agent's hello to the server's answer, which is what costs, and nobody has
// one while he waits for the network. Its methods are safe for concurrent use.
type agentTurns struct {
	turns *semaphore.Weighted
	now   func() time.Time

	mu      sync.Mutex
	waiting map[net.Conn]time.Time // since when
}

const (
	// agentTurnsPerCore is how many turns there are: few enough for one to end in time
	// where the server has a hundredth of the machine, and enough to get their share
	// of it beside all else that the server does.
	agentTurnsPerCore = 16
	// agentDelay is how long an agent may wait for its turn before the server is said
	// to be behind.
	agentDelay = time.Second
)

func newAgentTurns(most int, now func() time.Time) *agentTurns {
	return &agentTurns{turns: semaphore.NewWeighted(int64(most)), now: now, waiting: map[net.Conn]time.Time{}}
}

// wait waits for the turn of a connection, which ends with its next Read. The
// time that is allowed for the handshake begins anew.
func (t *agentTurns) wait(h *tls.ClientHelloInfo) error {
	c, ok := h.Conn.(*acceptedConn)
	if !ok {
		return fmt.Errorf("a connection of type %T cannot have a turn", h.Conn)
	}
	t.mu.Lock()
	t.waiting[c] = t.now()
	t.mu.Unlock()
	err := t.turns.Acquire(h.Context(), 1)
	t.mu.Lock()
	delete(t.waiting, c)
	t.mu.Unlock()
	if err != nil {
		return err
	}
	leave := func() { t.turns.Release(1) }
	c.turn.Store(&leave)
	return c.SetDeadline(t.now().Add(firstByte))
}

// behind reports whether agents wait for longer than they should.
func (t *agentTurns) behind() bool {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, since := range t.waiting {
		if now.Sub(since) > agentDelay {
			return true
		}
	}
	return false
}
