package alert_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/faultline-storage/faultline/internal/feed"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// history returns every alert of a resource, oldest first.
func (w *world) history(id resource.ID) (out []string) {
	w.tb.Helper()
	page, err := w.stage.List(resource.AlertQuery{Resource: id, Sort: "began", Limit: 100})
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, a := range page.Items {
		out = append(out, fmt.Sprintf("%s active=%t", a.Message, a.Active()))
	}
	return out
}

// TestWhatBeganAndEndedWhileTheStageWasDown sees a drive fail and recover, and a
// temperature, that were committed and not evaluated.
func TestWhatBeganAndEndedWhileTheStageWasDown(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	d := w.create(acme["Drive"], "d1", map[string]resource.Value{"status": str("OK")})
	e := w.create(acme["Drive"], "d2", map[string]resource.Value{"status": str("OK")})
	w.tell()
	w.stop()
	w.set(d, "status", str("FAILED"))
	w.publish()
	w.set(d, "status", str("OK"))
	w.sample(e, "temperature", 90)
	w.publish()
	for range 2 { // the second start finds nothing new
		w.up()
		if got := w.history(d); len(got) != 2 || !slices.Contains(got, "Drive failure active=false") {
			t.Errorf("of the drive that failed for a moment: %q", got)
		}
		if got := w.active(e); len(got) != 2 {
			t.Errorf("of the hot drive: %q", got)
		}
		w.stop()
	}
}

// TestALogThatDoesNotReachBack falls back to the present state.
func TestALogThatDoesNotReachBack(t *testing.T) {
	w := newWorld(t, nil)
	w.up()
	d := w.create(acme["Drive"], "d1", map[string]resource.Value{"status": str("OK")})
	w.tell()
	w.stop()
	w.set(d, "status", str("FAILED"))
	w.publish()
	w.log = feed.New[*resource.Changes](16, w.seq)
	w.up()
	if got := w.active(d); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

// counting counts the commits of nothing but a position.
type counting struct {
	*memory.Store
	positions int
}

func (c *counting) CommitAlerts(ctx context.Context, m *resource.AlertMutation) error {
	if len(m.Put)+len(m.Pend)+len(m.Settle) == 0 {
		c.positions++
	}
	return c.Store.CommitAlerts(ctx, m)
}

// TestThePositionIsWrittenNowAndThen makes changes that raise nothing, one a
// second by the clock of the world.
func TestThePositionIsWrittenNowAndThen(t *testing.T) {
	store := &counting{Store: memory.New()}
	w := newWorld(t, store)
	w.up()
	d := w.create(acme["Drive"], "d1", nil)
	for i := range 60 {
		w.alias(d, fmt.Sprint(i))
		w.tell()
	}
	if n := store.positions; n < 5 || n > 8 {
		t.Errorf("the position was written %d times in 60 s", n)
	}
	w.stop()
	if got, err := store.Position(t.Context(), resource.AlertPosition); err != nil || got != w.seq {
		t.Errorf("after a clean stop the position is %d (%v), want %d", got, err, w.seq)
	}
}
