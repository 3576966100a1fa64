package linux

import (
	"fmt"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// bigHost is a host with that many LUNs by four paths each, with a map, a partition
// and a mount over them.
func bigHost(luns int) *fact.Report {
	r := full(devices{})
	for i := range luns {
		var paths []fact.Key
		for p := range 4 {
			k := fact.Key(fmt.Sprintf("%d:%d", 65+p, i))
			d := disk(fmt.Sprintf("sd%d-%d", i, p), i)
			d.Address = fmt.Sprintf("%d:0:0:%d", p, i)
			r.Devices[k] = d
			paths = append(paths, k)
		}
		m := multipath(2*i, fmt.Sprintf("lun%d", i), paths...)
		r.Devices[fact.Key(fmt.Sprintf("253:%d", 2*i))] = m
		part := fact.Key(fmt.Sprintf("253:%d", 2*i+1))
		r.Devices[part] = partition(fmt.Sprintf("mapper/lun%dp1", i), fact.Key(fmt.Sprintf("253:%d", 2*i)), 1)
		r.Mounts = append(r.Mounts, fact.Mount{Device: part, Source: string(part), Target: fmt.Sprintf("/ost%d", i), Type: "ext4"})
	}
	return r
}

// BenchmarkStart is the first report of a host with 1,000 LUNs and 6,000 devices.
func BenchmarkStart(b *testing.B) {
	r := bigHost(1000)
	for b.Loop() {
		h := started(b, r)
		b.StopTimer()
		h.Teardown()
		b.StartTimer()
	}
}

// BenchmarkContinue is one path of it that fails and comes back.
func BenchmarkContinue(b *testing.B) {
	h := started(b, bigHost(1000))
	state := map[bool]string{true: "offline", false: "running"}
	for i := 0; b.Loop(); i++ {
		d := disk("sd7-0", 7)
		d.Address, d.State = "0:0:0:7", state[i%2 == 0]
		next(b, h, changed(devices{"65:7": d}))
	}
}
