package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
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
		for i := range siteArrays - 1 {
			s.ingest(b, inv, i)
		}
		s.ingestSick(b, inv, siteArrays-1)
		d := derive(b, inv, db)
		server := httptest.NewServer(api.New(api.Options{
			Inventory: inv, Alerts: d.alerts, Volumes: d.volumes, Roots: &roots{inv: inv}, UI: os.DirFS(filepath.Join(web, "dist")), Log: slog.New(slog.DiscardHandler), Started: time.Now(),
		}))
		look(b, web, server.URL)
		server.Close()
		d.stop()
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
