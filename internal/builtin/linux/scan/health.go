package scan

import (
	"context"
	"errors"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

const (
	// smartEvery is how often a disk is asked for all that it knows of itself, and
	// smartPause what lies between two disks at least, so that thousands of them cost
	// little.
	smartEvery = 30 * time.Minute
	smartPause = 6 * time.Second
	smartLimit = 15 * time.Second
	// heatEvery is how often temperatures are read that the kernel has a sensor for.
	heatEvery = 5 * time.Minute
)

// health asks disks about themselves, one after another, apart from the scans: a disk
// that is about to fail may take its time. Safe for concurrent use.
type health struct {
	files    source.Files
	commands source.Runner
	now      func() time.Time
	guard    source.Guard
	disks    atomic.Pointer[fact.Report] // the report whose disks are asked

	mu      sync.Mutex
	book    map[string]*checkup
	missing bool // smartctl is not installed
}

// checkup is what is known of one disk.
type checkup struct {
	fact        fact.Health
	smart, heat time.Time // when it was asked last
}

// patient is a disk to ask. Several paths to one disk are one.
type patient struct {
	id, node string
	device   string // its folder in /sys
	nvme     bool
}

// name of a disk in the book: what it calls itself, so that its paths share a page.
func healthID(d *fact.Device) string {
	return or(d.IDs.WWID, d.IDs.Page80, d.IDs.Serial, d.Sys)
}

// patientOf returns the disk as one to ask. Volumes of arrays are none: they have no
// health of their own. Nor are disks behind USB, whose bridges may hang when asked.
func patientOf(d *fact.Device) (patient, bool) {
	p := patient{id: healthID(d), node: "/dev/" + d.Name}
	switch {
	case d.Kind != fact.Disk, d.Transport == "usb", d.Transport == "fc", d.Transport == "iscsi", d.Transport == "mmc":
		return p, false
	case d.NVMe != nil:
		p.nvme = true
		for _, c := range d.NVMe.Controllers {
			if c.State == "live" || c.State == "" {
				if c.Transport != "" && c.Transport != "pcie" {
					return p, false // a fabric's
				}
				p.node = "/dev/" + c.Name
				p.device = path.Join("/sys/class/nvme", c.Name)
				return p, true
			}
		}
		return p, false
	case strings.HasPrefix(d.Name, "sd"):
		p.device = path.Join("/sys", d.Sys, "device")
		return p, d.State == "running" || d.State == ""
	}
	return p, false
}

// of returns what is known of a disk, nil if nothing is.
func (c *health) of(d *fact.Device) *fact.Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.book[healthID(d)]
	if k == nil || reflect.ValueOf(k.fact).IsZero() {
		return nil
	}
	f := k.fact
	return &f
}

// lacks says that smartctl is missing although there are disks to ask.
func (c *health) lacks() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missing
}

// patients lists the disks of the last report, each once.
func (c *health) patients() []patient {
	r := c.disks.Load()
	if r == nil {
		return nil
	}
	seen := map[string]bool{}
	var all []patient
	for _, d := range r.Devices {
		if p, ok := patientOf(d); ok && !seen[p.id] {
			seen[p.id] = true
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b patient) int { return strings.Compare(a.node, b.node) })
	return all
}

// every is how often each of so many disks is asked.
func every(disks int) time.Duration {
	return max(smartEvery, time.Duration(disks)*smartPause)
}

// round asks all disks that are due, until ctx ends. Before a disk that was asked
// already it pauses, if pause is given, and says by it whether anything is new since the
// pause before. It returns whether anything is new since then.
func (c *health) round(ctx context.Context, pause func(changed bool) bool) bool {
	all := c.patients()
	changed := false
	for _, p := range all {
		if ctx.Err() != nil {
			break
		}
		c.mu.Lock()
		if c.book == nil {
			c.book = map[string]*checkup{}
		}
		k := c.book[p.id]
		if k == nil {
			k = &checkup{}
			c.book[p.id] = k
		}
		was, known := *k, !k.smart.IsZero()
		c.mu.Unlock()
		now := c.now()
		next := was
		switch {
		case now.Sub(was.smart) >= every(len(all)):
			if known && pause != nil {
				if !pause(changed) {
					return false
				}
				changed = false
			}
			next.smart, next.heat = now, now
			c.examine(ctx, p, &next.fact)
		case now.Sub(was.heat) >= heatEvery:
			next.heat = now
			c.feel(p, &next.fact)
		default:
			continue
		}
		c.mu.Lock()
		*k = next
		c.mu.Unlock()
		changed = changed || !reflect.DeepEqual(was.fact, next.fact)
	}
	return changed
}

// sleeps says that the kernel has put the disk to sleep.
func (c *health) sleeps(p patient) bool {
	return !p.nvme && source.Text(c.files, path.Join(p.device, "power/runtime_status")) == "suspended"
}

// examine asks the disk for all. One that sleeps is left alone, and keeps what it
// last said.
func (c *health) examine(ctx context.Context, p patient, f *fact.Health) {
	if f.Asleep = c.sleeps(p); f.Asleep {
		return
	}
	out, err := c.commands.Run(ctx, source.Command{
		Name: "smartctl", Args: []string{"-j", "-n", "standby", "-i", "-H", "-A", "-l", "error", p.node},
		Topic: []string{p.node}, Limit: smartLimit,
	})
	c.mu.Lock()
	c.missing = errors.Is(err, source.ErrMissing)
	c.mu.Unlock()
	if err == nil {
		s, err := tool.SmartJSON(out.Stdout)
		if err != nil {
			s = tool.SmartText(string(out.Stdout)) // before version 7
		}
		if s.Asleep {
			f.Asleep = true
			return
		}
		if !reflect.ValueOf(s).IsZero() { // else it could not be asked, and keeps what it last said
			*f = fact.Health{
				Passed: s.Passed, Temperature: s.Temperature, PowerOn: s.PowerOn, Used: s.Used, Spare: s.Spare,
				Reallocated: s.Reallocated, Pending: s.Pending, Uncorrected: s.Uncorrected, Media: s.Media, Warnings: s.Warnings,
			}
		}
	}
	c.feel(p, f)
}

// feel reads the temperature from the kernel's sensor, if it has one.
func (c *health) feel(p patient, f *fact.Health) {
	if c.sleeps(p) || f.Asleep && !p.nvme {
		return
	}
	files := c.files
	t, err := source.Guarded(&c.guard, "the temperature of "+p.node, readLimit, func() *float64 { return sensor(files, p.device) })
	if err == nil && t != nil {
		f.Temperature = t
	}
}

// sensor finds the hwmon folder below a disk or a controller.
func sensor(files source.Files, device string) *float64 {
	for _, dir := range []string{device, path.Join(device, "hwmon")} {
		names, err := files.List(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if !isNumbered(name, "hwmon") {
				continue
			}
			if text := source.Text(files, path.Join(dir, name, "temp1_input")); text != "" {
				t := float64(kernel.Int(text) / 1000)
				return &t
			}
		}
	}
	return nil
}

// run asks disks for as long as ctx lives, and tells when something is new.
func (c *health) run(ctx context.Context, tell func()) {
	wait := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		}
	}
	// What a disk says is no emergency: it is told once a minute, of all that spoke.
	var told time.Time
	news := false
	say := func(changed bool) {
		if news = news || changed; news && c.now().Sub(told) >= time.Minute {
			told, news = c.now(), false
			tell()
		}
	}
	for wait(smartPause) {
		say(c.round(ctx, func(changed bool) bool {
			say(changed)
			return wait(smartPause)
		}))
	}
}

// withHealth returns the last report with what disks have said since.
func (s *Scanner) withHealth() *fact.Report {
	r := *s.last
	r.Devices = maps.Clone(r.Devices)
	for key, d := range r.Devices {
		if _, ok := patientOf(d); !ok {
			continue
		}
		if now := s.health.of(d); !reflect.DeepEqual(now, d.Health) {
			next := *d
			next.Health = now
			r.Devices[key] = &next
		}
	}
	if gap := smartGap; s.health.lacks() && !slices.Contains(r.Gaps, gap) {
		r.Gaps = append(slices.Clone(r.Gaps), gap)
	}
	s.last = &r
	return s.last
}

var smartGap = fact.Gap{Part: "health", Text: "smartctl: not installed; only what the kernel has a sensor for is known of disks"}

// readHealth reports what is known of disks by now.
func (h *host) readHealth() {
	for _, b := range h.blocks {
		if _, ok := patientOf(b.fact); ok {
			b.fact.Health = h.health.of(b.fact)
		}
	}
	if h.health.lacks() {
		h.report.Gaps = append(h.report.Gaps, smartGap)
	}
}
