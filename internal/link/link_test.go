package link_test

import (
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/linktest"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	linktest.Test(t, func(_ *testing.T, h *link.Hub) link.Transport { return h.Local(link.Origin{}) })
}

// TestBad: over a transport that loses, repeats and reorders, a link does the
// same.
func TestBad(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	linktest.Test(t, func(_ *testing.T, h *link.Hub) link.Transport {
		return linktest.NewBad(h.Local(link.Origin{}), 40, seed)
	})
}
