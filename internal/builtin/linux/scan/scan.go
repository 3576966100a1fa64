// Package scan finds out what a host has: block devices with their identifiers,
// what is stacked on them, and what is mounted. It is the agent's side of the
// linux plugin, and fills a fact.Report.
//
// Facts come from /sys, /proc and the udev database; tools are asked only for what
// those do not know, and only for such reading as leaves a sleeping disk asleep.
// Nothing opens a block device. What could not be read is a gap in the report, and
// what it hides is reported as it was known last. See docs/decisions/0021-scan.md.
package scan

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// Options say what a Scanner reads.
type Options struct {
	// Files are the system's files; nil is the running system.
	Files source.Files
	// Commands runs tools; nil has none installed.
	Commands source.Runner
	Log      *slog.Logger // nil discards
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Scanner finds out what a host has, again and again. Its methods must not be
// called concurrently.
type Scanner struct {
	files    source.Files
	commands source.Runner
	log      *slog.Logger
	now      func() time.Time
	other    bool // it is not the running system that is read

	guard   source.Guard
	known   map[string]*block // devices as they were read, by name
	outputs map[string]*kept  // of commands, by their line
	asked   map[*topic]time.Time
	scans   int          // that there were
	read    time.Time    // when all was read anew
	last    *fact.Report // what the last scan found
	health  *health

	enclosures    map[string]*fact.Enclosure // as they were read
	enclosureGaps []fact.Gap
}

// New returns a Scanner.
func New(o Options) *Scanner {
	s := &Scanner{files: o.Files, commands: o.Commands, log: o.Log, now: o.Now, known: map[string]*block{}, outputs: map[string]*kept{}, asked: map[*topic]time.Time{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.other = s.files != nil; !s.other {
		s.files = source.System()
	}
	if s.commands == nil {
		s.commands = source.Replay(nil)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.health = &health{files: s.files, commands: s.commands, now: s.now}
	return s
}

// host is one scan at work.
type host struct {
	*Scanner
	ctx    context.Context
	news   *news
	report *fact.Report
	blocks []*block
	byName map[string]*block   // by the kernel's name
	byKey  map[fact.Key]*block // hidden ones left out
	byPath map[string]*block   // by each path of its node
}

// readLimit is how long reading the files of one device may take.
const readLimit = 5 * time.Second

// Scan returns a full report, for which all is read anew.
func (s *Scanner) Scan(ctx context.Context) *fact.Report {
	return s.scan(ctx, &news{everything: true})
}

// scan returns a full report, for which is read anew what the news are about.
func (s *Scanner) scan(ctx context.Context, n *news) *fact.Report {
	h := &host{Scanner: s, ctx: ctx, news: n, report: &fact.Report{
		Version: fact.Version, Full: true,
		Devices: map[fact.Key]*fact.Device{}, Groups: map[string]*fact.Group{}, Pools: map[string]*fact.Pool{}, Enclosures: map[string]*fact.Enclosure{},
		Mounts: []fact.Mount{}, Gaps: []fact.Gap{},
	}}
	s.scans++
	if n.everything || n.reread {
		s.read = s.now()
	}
	h.readBlocks()
	h.readMapper()
	h.readArrays()
	h.readBcache()
	h.readPowerPath()
	h.readMounts()
	h.readBtrfs()
	h.readLVM()
	h.readZFS()
	h.dropShared()
	h.readEnclosures()
	h.readCluster()
	h.readHealth()
	s.last = share(s.last, h.report)
	s.health.disks.Store(s.last)
	return s.last
}

// Examine asks the disks of the last report about their health until all have
// answered or ctx ends, and returns the report with that. A sleeping disk is not asked.
func (s *Scanner) Examine(ctx context.Context) *fact.Report {
	if s.health.round(ctx, nil) || s.health.lacks() {
		return s.withHealth()
	}
	return s.last
}

// share has a report point at what was in the one before and has not changed: it
// takes no memory twice, and comparing the two is quick.
func share(last, now *fact.Report) *fact.Report {
	if last == nil {
		return now
	}
	for key, d := range now.Devices {
		if was := last.Devices[key]; was != nil && reflect.DeepEqual(was, d) {
			now.Devices[key] = was
		}
	}
	return now
}

// text reads an attribute, empty if it is not there.
func (h *host) text(name string) string { return source.Text(h.files, name) }

func (h *host) gap(part, of, text string) {
	h.report.Gaps = append(h.report.Gaps, fact.Gap{Part: part, Of: of, Text: text})
}

// readBlocks reads the devices that the news are about, takes the others as they
// were read before, and gives each its name and place.
func (h *host) readBlocks() {
	h.byName, h.byKey, h.byPath = map[string]*block{}, map[fact.Key]*block{}, map[string]*block{}
	dirs, err := blockDirs(h.files)
	if err != nil {
		h.gap("devices", "", "list the block devices: "+err.Error())
		return
	}
	if _, err := h.files.List(udevData); err != nil {
		h.gap("devices", "", "read the udev database: "+err.Error()+"; names and contents of devices that only udev knows are missing")
	}
	for name := range h.known {
		if dirs[name] == "" {
			delete(h.known, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		b := h.block(name, dirs[name])
		if b == nil || b.skip {
			continue
		}
		b = b.fresh()
		h.byName[name] = b
		if b.hidden {
			continue
		}
		h.blocks = append(h.blocks, b)
		h.byKey[b.key] = b
		h.report.Devices[b.key] = b.fact
	}
	nameNodes(h.blocks)
	for _, b := range h.blocks {
		for _, p := range b.fact.Paths {
			h.byPath[p] = b
		}
	}
	for _, b := range h.blocks {
		h.complete(b)
	}
}

// block returns a device as it was read, now or before. One whose files do not
// answer is as it was; if it never answered, it is left out and named as a gap.
func (h *host) block(name, dir string) *block {
	was := h.known[name]
	if was != nil && was.dir == dir && !h.news.covers(dir) {
		return was
	}
	files := h.files
	b, err := source.Guarded(&h.guard, "/sys of "+name, readLimit, func() *block { return readWhole(files, name, dir) })
	if err != nil {
		of := ""
		if was != nil {
			of = string(was.key)
		}
		h.gap("devices", of, err.Error())
		return was
	}
	if b == nil {
		// It has gone since the list was made, or does not show its number.
		h.gap("devices", "", name+": its number cannot be read")
		delete(h.known, name)
	} else {
		h.known[name] = b
	}
	return b
}

// complete tells which devices this one is made of.
func (h *host) complete(b *block) {
	for _, name := range b.slaves {
		if s := h.byName[name]; s != nil && s.key != "" {
			b.on(s.key)
		}
	}
	if whole := h.byName[b.whole]; whole != nil {
		b.fact.Whole = whole.key
	}
}

// key returns the device that a path or name stands for, empty if it is none that
// is known.
func (h *host) key(p string) fact.Key {
	if b := h.byPath[p]; b != nil {
		return b.key
	}
	if b := h.byPath["/dev/"+p]; b != nil {
		return b.key
	}
	// A link that udev does not know of, such as those that LVM makes.
	for range 4 {
		to, err := source.Resolve(h.files, p)
		if err != nil {
			return ""
		}
		if b := h.byPath[to]; b != nil {
			return b.key
		}
		p = to
	}
	return ""
}
