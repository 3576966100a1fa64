package app

import (
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// scansKept is of how many scans of a kind the percentiles are.
const scansKept = 256

// scanTimes is how long the scans of one plugin took. Its methods are safe for
// concurrent use.
type scanTimes struct {
	mu     sync.Mutex
	byHook map[string]*hookTimes
}

type hookTimes struct {
	count, failed int
	last          time.Duration
	kept          []time.Duration // the last ones, in a ring
}

// note implements session.Options.Scanned.
func (s *scanTimes) note(method string, took time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHook == nil {
		s.byHook = map[string]*hookTimes{}
	}
	h := s.byHook[method]
	if h == nil {
		h = &hookTimes{}
		s.byHook[method] = h
	}
	if len(h.kept) < scansKept {
		h.kept = append(h.kept, took)
	} else {
		h.kept[h.count%scansKept] = took
	}
	h.count++
	h.last = took
	if failed {
		h.failed++
	}
}

// state is the times in the shape of the API; nil if there was no scan.
func (s *scanTimes) state() *gen.PluginScans {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byHook) == 0 {
		return nil
	}
	return &gen.PluginScans{Initial: s.byHook[wire.MethodInitialScan].state(), Update: s.byHook[wire.MethodUpdateScan].state()}
}

func (h *hookTimes) state() *gen.ScanTimes {
	if h == nil {
		return nil
	}
	sorted := slices.Sorted(slices.Values(h.kept))
	at := func(percent int) float64 { return sorted[(len(sorted)*percent+99)/100-1].Seconds() }
	return &gen.ScanTimes{Count: h.count, Failed: h.failed, Last: h.last.Seconds(), P50: at(50), P95: at(95)}
}
