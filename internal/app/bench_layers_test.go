package app

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/internal/volume"
)

// BenchmarkLayers measures what the page asks of a resource with 104,500
// descendants, all of them sick with it: its layers folded, with a page of
// members open, and narrowed to the ways to one class; and what is in danger.
// The time is that of the whole answer, beside the walk alone.
func BenchmarkLayers(b *testing.B) {
	for b.Loop() {
		s := newSiteClasses()
		s.feed.Conditions = feedConditions()
		inv, db := openInventory(b, filepath.Join(b.TempDir(), "faultline.db"), s.classes())
		s.ingestSick(b, inv, 0)
		d := derive(b, inv, db)
		page, err := inv.List(resource.Query{Plugin: "site", Class: s.feed.Name})
		if err != nil {
			b.Fatal(err)
		}
		feed := page.Items[0].ID
		server := api.New(api.Options{Inventory: inv, Alerts: d.alerts, Volumes: d.volumes, Roots: &roots{inv: inv}, Log: slog.New(slog.DiscardHandler)})
		measureAnswers(b, server, feed)
		var walks []time.Duration
		for range 21 {
			start := time.Now()
			inv.Walk(feed, resource.Down, 0, 0)
			walks = append(walks, time.Since(start))
		}
		b.ReportMetric(median(walks), "walk-ms")
		b.ReportMetric(0, "ns/op")
		d.stop()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// derived is what follows from an inventory, as a server has it.
type derived struct {
	alerts  *alert.Stage
	volumes *volume.Stage
	stop    func()
}

// derive has alerts and volumes follow the inventory, and waits for the first
// alert.
func derive(b *testing.B, inv *inventory.Inventory, db *sqlite.DB) derived {
	b.Helper()
	alerts, err := alert.New(alert.Options{Store: db, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Now: time.Now, After: time.After})
	if err != nil {
		b.Fatal(err)
	}
	volumes, err := volume.New(volume.Options{Store: db, Get: inv.Get, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	follow := func(run func(context.Context, iter.Seq[*resource.Resource], uint64, iter.Seq2[*resource.Changes, error]) error) {
		all, seq, changes := inv.Subscribe(ctx)
		go func() { ended <- run(ctx, all, seq, changes) }()
	}
	follow(alerts.Run)
	follow(volumes.Run)
	for _, err := range alerts.Since(ctx, 0) {
		if err != nil {
			b.Fatal(err)
		}
		break
	}
	return derived{alerts, volumes, func() {
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil && ctx.Err() == nil {
				b.Fatal(err)
			}
		}
	}}
}

// feedConditions make a feed, and all below it, sick.
func feedConditions() []resource.Condition {
	return []resource.Condition{{Kind: resource.ValueCondition, Attribute: "status", Message: "Feed failed",
		States: map[resource.Severity][]resource.Value{resource.Error: {resource.StringValue("FAILED")}}}}
}

func measureAnswers(b *testing.B, server http.Handler, feed resource.ID) {
	b.Helper()
	for _, q := range []struct{ name, path string }{
		{"folded", fmt.Sprintf("/resources/%d/layers?direction=down", feed)},
		{"first-page", fmt.Sprintf("/resources/%d/layers?direction=down&open=4:site.Lun", feed)},
		{"last-page", fmt.Sprintf("/resources/%d/layers?direction=down&open=4:site.Lun:19960", feed)},
		{"toward", fmt.Sprintf("/resources/%d/layers?direction=down&toward=LogicalDrive", feed)},
		{"timeline", fmt.Sprintf("/resources/%d/timeline", feed)},
		{"standing", "/standing"},
	} {
		var times []time.Duration
		size := 0
		for range 21 {
			w := httptest.NewRecorder()
			start := time.Now()
			server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/api/v1"+q.path, nil))
			times = append(times, time.Since(start))
			body, err := io.ReadAll(w.Body)
			if err != nil || w.Code != http.StatusOK {
				b.Fatal(q.path, w.Code, string(body), err)
			}
			size = len(body)
		}
		b.ReportMetric(median(times), q.name+"-ms")
		b.ReportMetric(float64(size), q.name+"-B")
	}
}

// median returns the one in the middle, in milliseconds.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}
