package scan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/scantest"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// Whatever happens to a host: a scanner that reads only what it was told of, or what
// a look finds, knows what one knows that reads all. And a server that is told the
// differences knows it, too.
func TestUpdateIsScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := scantest.InMemory{Tree: source.NewTree()}
		files.PutFolder("/run/udev/data")
		files.Put("/proc/self/mountinfo", "")
		const disks = 4
		there := map[int]bool{}
		for n := range disks {
			scantest.PutDisk(files, n, n/2)
			there[n] = true
		}
		clock := time.Unix(1e9, 0)
		s := New(Options{Files: files.Tree, Now: func() time.Time { return clock }})
		server := s.Scan(t.Context())
		for range rapid.IntRange(1, 5).Draw(t, "turns") {
			told := &news{}
			event := func(dir string) {
				told.event(map[string]string{"SUBSYSTEM": "block", "DEVPATH": dir, "ACTION": "change"})
			}
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				n := rapid.IntRange(0, disks-1).Draw(t, "disk")
				device := "/sys" + strings.TrimSuffix(scantest.DiskDir(n), "/block/sd"+scantest.Letters(n))
				switch rapid.SampledFrom([]string{"remove", "add", "resize", "state", "access", "mount", "map", "unmap"}).Draw(t, "change") {
				case "remove": // without an event: a look finds it
					scantest.RemoveDisk(files, n)
					there[n] = false
				case "add":
					if !there[n] {
						scantest.PutDisk(files, n, rapid.IntRange(0, disks).Draw(t, "unit"))
						there[n] = true
						// In the place of one that was there a moment ago it needs an event.
						event(scantest.DiskDir(n))
					}
				case "resize":
					if there[n] {
						files.Put("/sys"+scantest.DiskDir(n)+"/size", rapid.SampledFrom([]string{"8\n", "16\n"}).Draw(t, "size"))
						event(scantest.DiskDir(n))
					}
				case "state": // without an event
					files.Put(device+"/state", rapid.SampledFrom([]string{"running\n", "offline\n"}).Draw(t, "state"))
				case "access":
					files.Put(device+"/access_state", rapid.SampledFrom([]string{"standby\n", "unavailable\n"}).Draw(t, "access"))
				case "mount":
					files.Put("/proc/self/mountinfo", "1 0 "+scantest.DiskKey(n)+" / /mnt rw - ext4 /dev/sda rw\n")
					told.tables = true
				case "map":
					scantest.PutMap(files, n/2, n/2, n/2*2, n/2*2+1)
					event("/devices/virtual/block/dm-" + string(rune('0'+n/2)))
				case "unmap":
					files.Remove("/sys/class/block/dm-" + string(rune('0'+n/2)))
				}
			}
			clock = clock.Add(15 * time.Second)
			now := s.update(t.Context(), told)
			want := New(Options{Files: files.Tree}).Scan(t.Context())
			if diff := cmp.Diff(want, now); diff != "" {
				t.Fatalf("an update differs from a scan (-scan +update):\n%s", diff)
			}
			if d := fact.Delta(server, now); d != nil {
				next, err := server.Apply(d)
				if err != nil {
					t.Fatal(err)
				}
				server = next
			}
			if diff := cmp.Diff(now, server, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the server knows something else (-host +server):\n%s", diff)
			}
		}
	})
}
