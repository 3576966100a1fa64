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
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

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
}

// Scanner finds out what a host has, again and again. Its methods must not be
// called concurrently.
type Scanner struct {
	files    source.Files
	commands source.Runner
	log      *slog.Logger
	last     *fact.Report // what the last scan found
}

// New returns a Scanner.
func New(o Options) *Scanner {
	s := &Scanner{files: o.Files, commands: o.Commands, log: o.Log}
	if s.files == nil {
		s.files = source.System()
	}
	if s.commands == nil {
		s.commands = source.Replay(nil)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// host is one scan at work.
type host struct {
	*Scanner
	ctx    context.Context
	report *fact.Report
	blocks []*block
	byName map[string]*block   // by the kernel's name
	byKey  map[fact.Key]*block // hidden ones left out
	byPath map[string]*block   // by each path of its node
}

// Scan returns a full report.
func (s *Scanner) Scan(ctx context.Context) *fact.Report {
	h := &host{Scanner: s, ctx: ctx, report: &fact.Report{
		Version: fact.Version, Full: true,
		Devices: map[fact.Key]*fact.Device{}, Groups: map[string]*fact.Group{}, Pools: map[string]*fact.Pool{}, Enclosures: map[string]*fact.Enclosure{},
		Mounts: []fact.Mount{}, Gaps: []fact.Gap{},
	}}
	h.readBlocks()
	h.readMapper()
	h.readArrays()
	h.readBcache()
	h.readPowerPath()
	h.readMounts()
	h.readLVM()
	h.readZFS()
	h.dropShared()
	s.last = h.report
	return h.report
}

// output runs a command and returns what it printed. One that fails but prints
// something, as LVM's tools do for a group that is not whole, has told what it
// could.
func (h *host) output(c source.Command) ([]byte, error) {
	out, err := h.commands.Run(h.ctx, c)
	if err != nil {
		return nil, err
	}
	if out.Code != 0 && len(bytes.TrimSpace(out.Stdout)) == 0 {
		said, _, _ := strings.Cut(strings.TrimSpace(string(out.Stderr)), "\n")
		return nil, fmt.Errorf("%s: exit code %d: %s", c.Name, out.Code, said)
	}
	return out.Stdout, nil
}

// run is output, with a gap in the report for what cannot be had.
func (h *host) run(part string, c source.Command) ([]byte, bool) {
	out, err := h.output(c)
	if err != nil {
		h.gap(part, "", err.Error())
	}
	return out, err == nil
}

// text reads an attribute, empty if it is not there.
func (h *host) text(name string) string { return source.Text(h.files, name) }

func (h *host) gap(part, of, text string) {
	h.report.Gaps = append(h.report.Gaps, fact.Gap{Part: part, Of: of, Text: text})
}

// readBlocks reads all devices, and what each says of itself.
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
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		b := readBlock(h.files, name, dirs[name])
		if b == nil || b.uninteresting(h.files) {
			continue
		}
		b.fact.Kind = b.kind()
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

// complete fills in what depends on the kind.
func (h *host) complete(b *block) {
	d := b.fact
	for _, name := range b.slaves {
		if s := h.byName[name]; s != nil && s.key != "" {
			d.On = append(d.On, s.key)
		}
	}
	switch d.Kind {
	case fact.Disk, fact.PowerPath:
		b.readDisk(h.files)
	case fact.Partition:
		if whole := h.byName[b.whole]; whole != nil {
			d.Whole = whole.key
		}
	case fact.Loop:
		d.File = source.Text(h.files, b.dir+"/loop/backing_file")
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
