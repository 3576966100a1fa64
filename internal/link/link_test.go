package link_test

import (
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
)

func local(_ *testing.T, h *link.Hub) link.Transport { return h.Local(link.Origin{}) }

// bad loses, repeats and reorders what it carries.
func bad(t *testing.T, h *link.Hub) link.Transport {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return linktest.NewBad(h.Local(link.Origin{}), 40, seed)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	t.Run("local", func(t *testing.T) { t.Parallel(); linktest.Test(t, local) })
	t.Run("bad", func(t *testing.T) { t.Parallel(); linktest.Test(t, bad) })
}

func TestSessions(t *testing.T) {
	t.Parallel()
	over := func(connect func(*testing.T, *link.Hub) link.Transport) func(*testing.T, *linktest.Inventory, *resource.Class) linktest.Sink {
		return func(t *testing.T, v *linktest.Inventory, c *resource.Class) linktest.Sink {
			sink, _ := linktest.Over(t, v, func(_, name string) *resource.Class { return map[string]*resource.Class{c.Name: c}[name] }, connect)
			return sink
		}
	}
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		linktest.TestSessions(t, func(_ *testing.T, v *linktest.Inventory, _ *resource.Class) linktest.Sink { return v })
	})
	t.Run("local", func(t *testing.T) { t.Parallel(); linktest.TestSessions(t, over(local)) })
	t.Run("bad", func(t *testing.T) { t.Parallel(); linktest.TestSessions(t, over(bad)) })
}
