package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/apitest"
	"github.com/faultline-storage/faultline/internal/resource"
)

// BenchmarkTablePage is one page of 100 rows, without the work of the
// inventory.
func BenchmarkTablePage(b *testing.B) {
	w := apitest.New()
	for i := range 100 {
		w.Create("HardDrive", apitest.Couplet, fmt.Sprint("Drive ", i), nil, resource.IntValue(int64(i)),
			resource.StringValue("OK"), resource.IntValue(4_000_787_030_016), resource.RefValue(2), resource.StringValue("fw"))
	}
	page, err := w.List(resource.Query{Class: "HardDrive", Limit: 100})
	if err != nil {
		b.Fatal(err)
	}
	o := w.Options()
	v := api.View{Resources: w, Alerts: o.Alerts, Stats: w}
	for b.Loop() {
		for _, r := range page.Items {
			v.Resource(r)
		}
	}
}

// BenchmarkEvent is the time from a change in the log to the event at a client
// over TCP; p99 is reported beside the mean.
func BenchmarkEvent(b *testing.B) {
	w := apitest.New()
	srv, _ := serve(b, w.Options())
	f := follow(b, srv.URL, "", "")
	f.next()
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		w.Set(apitest.Drive1, "status", resource.StringValue("A"))
		f.next()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
