package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// topic is what a command is about: it is run again when there are news of that, or
// when its answer is older than the topic's.
type topic struct {
	age  time.Duration // 0 is any
	news func(*news) bool
}

var (
	// Priorities and checkers' states change without an event.
	ofMultipath = &topic{age: time.Minute, news: func(n *news) bool { return n.multipath }}
	ofArrays    = &topic{age: time.Minute, news: func(n *news) bool { return n.arrays || len(n.dirs) > 0 }}
	// LVM's tools read the labels of the disks, which may sleep: only when somebody has
	// just worked with them.
	ofLVM = &topic{news: func(n *news) bool { return n.lvm }}
	// The kernel knows without the disks how volumes are.
	ofVolumes    = &topic{age: time.Minute, news: func(n *news) bool { return n.lvm || n.volumes }}
	ofZFS        = &topic{age: time.Minute, news: func(n *news) bool { return n.zfs || n.tables }}
	ofEnclosures = &topic{age: 5 * time.Minute}
)

// kept is the last answer of a command.
type kept struct {
	of   *topic
	c    source.Command
	scan int // the last that wanted it
	at   time.Time
	out  []byte
	err  error
}

// again is how long an error is kept: what hangs or is locked may be well soon.
const again = time.Minute

// output returns what a command prints, or has printed when there are no news. One that
// fails but prints something, as LVM's tools do for a group that is not whole, has told
// what it could.
func (h *host) output(of *topic, c source.Command) ([]byte, error) {
	line, now := c.String(), h.now()
	if k := h.outputs[line]; k != nil && !h.news.everything && !of.news(h.news) {
		k.scan = h.scans
		limit := of.age
		if k.err != nil && !errors.Is(k.err, source.ErrMissing) {
			limit = again
		}
		if limit == 0 || now.Sub(k.at) < limit {
			return k.out, k.err
		}
	}
	out, err := h.ask(h.ctx, c)
	h.asked[of] = now
	h.outputs[line] = &kept{of: of, c: c, scan: h.scans, at: now, out: out, err: err}
	return out, err
}

// differs asks about a topic whose answers are old, and reports whether one is another
// than before. Mostly none is, and there is nothing to put together anew.
func (s *Scanner) differs(ctx context.Context, of *topic) bool {
	if !s.due(of) {
		return false
	}
	for _, k := range s.outputs {
		if k.of != of || k.scan != s.scans {
			continue
		}
		out, err := s.ask(ctx, k.c)
		if !bytes.Equal(out, k.out) || fmt.Sprint(err) != fmt.Sprint(k.err) {
			return true
		}
		k.at = s.now()
	}
	s.asked[of] = s.now()
	return false
}

func (s *Scanner) ask(ctx context.Context, c source.Command) ([]byte, error) {
	out, err := s.commands.Run(ctx, c)
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
func (h *host) run(part string, of *topic, c source.Command) ([]byte, bool) {
	out, err := h.output(of, c)
	if err != nil {
		h.gap(part, "", err.Error())
	}
	return out, err == nil
}

// readAgain is how often all files are read again, whatever was told.
const readAgain = 30 * time.Minute

// look finds what has changed without being told: devices that came or went, states
// that have no event, and what is due to be asked again. It reads one or two short files
// for each disk.
func (s *Scanner) look(ctx context.Context) *news {
	n := &news{}
	names, err := s.files.List(sysBlock)
	if err != nil {
		// Without that folder a look costs as much as reading all.
		n.reread = true
		return n
	}
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		if s.known[name] == nil {
			if dir, err := source.Resolve(s.files, path.Join(sysBlock, name)); err == nil {
				n.dir(strings.TrimPrefix(dir, "/sys"))
			}
		}
	}
	var disks []*block
	for name, b := range s.known {
		if !there[name] {
			n.dir(strings.TrimPrefix(b.dir, "/sys"))
		} else if len(b.aliveAt) > 0 {
			disks = append(disks, b)
		}
	}
	s.lookAlive(disks, n)
	maps, volumes := false, false
	for _, d := range s.last.Devices {
		n.arrays = n.arrays || d.Array != nil && d.Array.Sync != ""
		maps = maps || d.Map != nil
		volumes = volumes || d.Volume != nil && d.Volume.Layer != ""
	}
	n.multipath = n.multipath || maps && s.differs(ctx, ofMultipath)
	n.volumes = volumes && s.differs(ctx, ofVolumes)
	n.zfs = len(s.last.Pools) > 0 && s.differs(ctx, ofZFS)
	n.enclosures = len(s.last.Enclosures) > 0 && s.due(ofEnclosures)
	n.reread = s.now().Sub(s.read) >= readAgain
	return n
}

// together is how many disks' states are read at once: if one hangs, those read with
// it have no news for as long.
const together = 64

// lookAlive compares the states of disks with what they were.
func (s *Scanner) lookAlive(disks []*block, n *news) {
	slices.SortFunc(disks, func(a, b *block) int { return strings.Compare(a.dir, b.dir) })
	files := s.files
	for some := range slices.Chunk(disks, together) {
		alive, err := source.Guarded(&s.guard, "the state of "+some[0].name+" and of those beside it", readLimit, func() []string {
			texts := make([]string, len(some))
			for i, b := range some {
				texts[i] = b.readAlive(files)
			}
			return texts
		})
		for i, b := range some {
			if err == nil && alive[i] != b.alive {
				n.dir(strings.TrimPrefix(b.dir, "/sys"))
				n.multipath = true
			}
		}
	}
}

// due says that answers about a topic are old.
func (s *Scanner) due(of *topic) bool {
	return of.age > 0 && s.now().Sub(s.asked[of]) >= of.age
}

// update returns a full report like Scan, but reads only what was told to have
// changed, what a look finds, and what is due. The report is the one before if there
// is nothing of that.
func (s *Scanner) update(ctx context.Context, told *news) *fact.Report {
	if s.last == nil {
		return s.Scan(ctx)
	}
	n := s.look(ctx)
	n.add(told)
	if n.empty() {
		return s.last
	}
	if n.onlyHealth() {
		return s.withHealth()
	}
	return s.scan(ctx, n)
}
