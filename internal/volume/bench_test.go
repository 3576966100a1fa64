package volume_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// bigSite is an array's LUNs, the disks that hosts see of them, and two nodes of
// each, on pairs of hosts in HA clusters.
func bigSite(b *testing.B, luns int) *world {
	w := newWorld(b)
	const pairs = 50
	for i := range pairs {
		w.clusters = append(w.clusters, resource.Cluster{Name: fmt.Sprint("c", i), Hosts: []string{fmt.Sprintf("h%d", 2*i), fmt.Sprintf("h%d", 2*i+1)}})
	}
	w.change(func() {
		for i := range 2 * pairs {
			w.host(fmt.Sprint("h", i))
		}
		w.add("Pool", "pool", nil)
		for i := range luns {
			lun, disk := fmt.Sprint("lun", i), fmt.Sprint("disk", i)
			w.add("Lun", lun, map[string]any{"size": 1 << 40})
			w.link("pool", lun)
			w.add("Drive", disk, nil, lun)
			for _, h := range []int{0, 1} {
				w.node(fmt.Sprintf("h%d", i%pairs*2+h), "/dev/"+disk, disk)
			}
		}
	})
	return w
}

// BenchmarkChange tells how much of working all out a change costs that touches
// one volume of 100,000, with 200,000 nodes.
func BenchmarkChange(b *testing.B) {
	const luns = 100_000
	w := bigSite(b, luns)
	begun := time.Now()
	w.start()
	whole := time.Since(begun)
	if n := len(w.all()); n != min(luns, resource.MaxLimit) {
		b.Fatalf("%d volumes on a page", n)
	}
	for _, change := range []struct {
		name string
		make func(i int)
	}{
		{"node-moves", func(i int) {
			w.set(fmt.Sprintf("h%d:/dev/disk%d", i%50*2, i), "path", fmt.Sprintf("/dev/again%d", i))
		}},
		{"lun-renamed", func(i int) { w.edit(w.ids[fmt.Sprint("lun", i)]).Label = fmt.Sprint("new", i, b.N) }},
		{"lun-joins-pool", func(i int) {
			lun := fmt.Sprint("more", i, b.N)
			w.add("Lun", lun, nil)
			w.link("pool", lun) // which has 100,000 others
		}},
		{"target-comes", func(i int) {
			w.add("OST", fmt.Sprint("ost", i, b.N), nil)
			w.link(fmt.Sprintf("h%d:/dev/disk%d", i%50*2, i), fmt.Sprint("ost", i, b.N))
		}},
	} {
		b.Run(change.name, func(b *testing.B) {
			i := 0
			var stage time.Duration
			for b.Loop() {
				b.StopTimer()
				w.prepare(func() { change.make(i % luns) })
				i++
				b.StartTimer()
				at := time.Now()
				w.publish()
				stage += time.Since(at)
			}
			one := stage / time.Duration(i)
			b.ReportMetric(float64(whole)/float64(one), "whole/change")
		})
	}
	b.Logf("all of %d volumes: %v", luns, whole)
}
