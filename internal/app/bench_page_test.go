package app

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/volume"
)

// BenchmarkPage has a browser look at a site of a million resources, of which
// 104,500 are sick of one power feed: web/e2e/million.mjs opens the pages, checks
// what they show and measures how long they take. The page has to be built
// (make build).
func BenchmarkPage(b *testing.B) {
	const web = "../../web"
	if _, err := os.Stat(filepath.Join(web, "dist", "index.html")); err != nil {
		b.Fatal("the page is not built; run `make build` first: ", err)
	}
	for b.Loop() {
		s := newSiteClasses()
		s.feed.Conditions = feedConditions()
		inv, db := openInventory(b, filepath.Join(b.TempDir(), "faultline.db"), s.classes())
		alerts, err := alert.New(alert.Options{Store: db, Get: inv.Get, Walk: inv.Walk, Class: inv.Class, Count: inv.Count, Seq: inv.Seq, Now: time.Now, After: time.After})
		if err != nil {
			b.Fatal(err)
		}
		for i := range siteArrays - 1 {
			s.ingest(b, inv, i)
		}
		root, _, err := inv.AddRoot(b.Context(), s.array, []resource.Value{resource.StringValue("sick.example")})
		if err != nil {
			b.Fatal(err)
		}
		if err := inv.OpenSession(root.ID, "s", nil); err != nil {
			b.Fatal(err)
		}
		sick := s.scan(siteArrays - 1)
		sick.Root, sick.Session, sick.Plugin = root.ID, "s", "site"
		sick.Ops[0].Values[1] = resource.StringValue("FAILED")
		if err := inv.Apply(b.Context(), sick); err != nil {
			b.Fatal(err)
		}
		volumes, err := volume.New(volume.Options{Store: db, Get: inv.Get, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 2)
		follow := func(run func(context.Context, iter.Seq[*resource.Resource], uint64, iter.Seq2[*resource.Changes, error]) error) {
			all, seq, changes := inv.Subscribe(ctx)
			go func() { ended <- run(ctx, all, seq, changes) }()
		}
		follow(alerts.Run)
		follow(volumes.Run)
		for _, err := range alerts.Since(ctx, 0) { // the alert of the feed
			if err != nil {
				b.Fatal(err)
			}
			break
		}
		server := httptest.NewServer(api.New(api.Options{
			Inventory: inv, Alerts: alerts, Volumes: volumes, Roots: &roots{inv: inv}, UI: os.DirFS(filepath.Join(web, "dist")), Log: slog.New(slog.DiscardHandler), Started: time.Now(),
		}))
		look(b, web, server.URL)
		server.Close()
		stop()
		for range cap(ended) {
			if err := <-ended; err != nil && ctx.Err() == nil {
				b.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(0, "ns/op")
	}
}

// look runs the browser, and reports what it measured.
func look(b *testing.B, web, url string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "e2e/million.mjs", url)
	node.Dir, node.Stderr = web, os.Stderr
	out, err := node.Output()
	if err != nil {
		b.Fatal("the browser: ", err)
	}
	var figures map[string]float64
	if err := json.Unmarshal(out, &figures); err != nil {
		b.Fatal(err, string(out))
	}
	for name, value := range figures {
		b.ReportMetric(value, name)
	}
}
