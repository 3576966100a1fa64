package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
)

// benchArray and benchDisk are the classes of the plugin "bench", which fails
// one disk after the other and says when it did.
type benchArray struct {
	sdk.ScannableResource
	Name  string `attr:",globalid"`
	Disks int
}

type benchDisk struct {
	sdk.PhysicalDisk
	Serial string `attr:",scopedid"`
	Model  string
	Slot   int
	Status string `enum:"OK,FAILED"`
	// Stamp is when Status was assigned, in microseconds since 1970.
	Stamp *int64 `attr:",optional"`
}

func (d *benchDisk) Describe(c *sdk.Class) {
	c.Alert(sdk.When(&d.Status).Error("FAILED"), "Drive failure")
}

// benchFaults is how many disks fail, benchPause the time between two.
const (
	benchFaults = 200
	benchPause  = 40 * time.Millisecond
)

type bench struct{ disks []*benchDisk }

func (p *bench) InitialScan(_ context.Context, s *sdk.Session, a *benchArray) error {
	p.disks = make([]*benchDisk, a.Disks)
	for i := range p.disks {
		p.disks[i] = sdk.Report(s, &benchDisk{Serial: fmt.Sprintf("S%08d", i), Model: "ACME X1", Slot: i % 84, Status: "OK"})
	}
	return nil
}

// UpdateScan begins with the faults: it is first called when the initial scan
// is committed.
func (p *bench) UpdateScan(context.Context, *sdk.Session, *benchArray) error {
	disks := p.disks
	p.disks = nil
	if disks == nil {
		return nil
	}
	go func() {
		for i := range benchFaults {
			time.Sleep(benchPause)
			sdk.PostTo(disks[i*len(disks)/benchFaults], func(d *benchDisk) {
				now := time.Now().UnixMicro()
				d.Status, d.Stamp = "FAILED", &now
			})
		}
	}()
	return nil
}

func benchMain() {
	sdk.Main("bench", 1, sdk.Scans(func() *bench { return &bench{} }), sdk.Reports[benchDisk]())
}

// BenchmarkAlertLatency measures the way of a fault: from the assignment in a
// plugin that reports 100,000 disks to the event of its alert at a client of
// the API, with the change committed and the alert committed on the way.
func BenchmarkAlertLatency(b *testing.B) {
	for b.Loop() {
		cfg := config.Default()
		cfg.Data, cfg.Listen, cfg.Plugins = b.TempDir(), "127.0.0.1:0", []string{"builtin:bench"}
		s, err := Start(b.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		if err != nil {
			b.Fatal(err)
		}
		resources, alerts := latencies(b, "http://"+s.Addr().String()+"/api/v1")
		if err := s.Stop(); err != nil {
			b.Fatal(err)
		}
		for _, m := range []struct {
			name string
			all  []time.Duration
		}{{"resource", resources}, {"alert", alerts}} {
			slices.Sort(m.all)
			b.ReportMetric(float64(m.all[len(m.all)/2].Microseconds())/1000, m.name+"-p50-ms")
			b.ReportMetric(float64(m.all[len(m.all)*99/100].Microseconds())/1000, m.name+"-p99-ms")
		}
		b.ReportMetric(0, "ns/op")
	}
}

// latencies adds the root and follows the event stream until every fault was
// seen, as a change and as an alert.
func latencies(b *testing.B, api string) (resources, alerts []time.Duration) {
	b.Helper()
	resp, err := http.Get(api + "/events")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	go func() {
		for {
			r, err := http.Post(api+"/resources", "application/json",
				strings.NewReader(fmt.Sprintf(`{"plugin":"bench","class":"benchArray","attributes":{"name":"a","disks":%d}}`, benchDisks)))
			if err != nil {
				return
			}
			r.Body.Close()
			if r.StatusCode < 300 {
				return
			}
			time.Sleep(50 * time.Millisecond) // the plugin is still starting
		}
	}()
	// The two orders, of changes and of alerts, are merged: an alert may come
	// before the change that raised it.
	stamps, raised := map[int64]time.Time{}, map[int64]time.Time{}
	event := ""
	lines := bufio.NewReaderSize(resp.Body, 1<<20)
	for len(raised) < benchFaults || len(stamps) < benchFaults {
		line, err := lines.ReadString('\n')
		now := time.Now()
		if err != nil {
			b.Fatal(err)
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = strings.TrimSpace(name)
			continue
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		switch event {
		case "resources":
			var e struct {
				Updated []struct {
					ID         int64
					Attributes map[string]struct{ Value any }
				}
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				b.Fatal(err)
			}
			for _, u := range e.Updated {
				if v, ok := u.Attributes["stamp"].Value.(float64); ok {
					stamps[u.ID] = time.UnixMicro(int64(v))
					resources = append(resources, now.Sub(stamps[u.ID]))
				}
			}
		case "alerts":
			var e struct {
				Items []struct{ Resource int64 }
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				b.Fatal(err)
			}
			for _, a := range e.Items {
				raised[a.Resource] = now
			}
		}
	}
	for id, at := range raised {
		alerts = append(alerts, at.Sub(stamps[id]))
	}
	return resources, alerts
}
