package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/resource"
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
		alerts, err := alert.New(alert.Options{Store: db, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Now: time.Now, After: time.After})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		all, seq, changes := inv.Subscribe(ctx)
		ended := make(chan error, 1)
		go func() { ended <- alerts.Run(ctx, all, seq, changes) }()

		root, _, err := inv.AddRoot(ctx, s.array, []resource.Value{resource.StringValue("array.example")})
		if err != nil {
			b.Fatal(err)
		}
		if err := inv.OpenSession(root.ID, "s", nil); err != nil {
			b.Fatal(err)
		}
		batch := s.scan(0)
		batch.Root, batch.Session, batch.Plugin = root.ID, "s", "site"
		batch.Ops[0].Values[1] = resource.StringValue("FAILED")
		if err := inv.Apply(ctx, batch); err != nil {
			b.Fatal(err)
		}
		page, err := inv.List(resource.Query{Plugin: "site", Class: s.feed.Name})
		if err != nil {
			b.Fatal(err)
		}
		feed := page.Items[0].ID
		for _, err := range alerts.Since(ctx, 0) { // the alert of the feed is the first change
			if err != nil {
				b.Fatal(err)
			}
			break
		}

		server := api.New(api.Options{Inventory: inv, Alerts: alerts, Roots: &roots{inv: inv}, Log: slog.New(slog.DiscardHandler)})
		measureAnswers(b, server, feed)
		var walks []time.Duration
		for range 21 {
			start := time.Now()
			inv.Walk(feed, resource.Down, 0, 0)
			walks = append(walks, time.Since(start))
		}
		b.ReportMetric(median(walks), "walk-ms")
		b.ReportMetric(0, "ns/op")
		stop()
		if err := <-ended; err != nil && ctx.Err() == nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
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
