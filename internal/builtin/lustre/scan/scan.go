// Package scan finds out what Lustre is on a host: targets and where they lie,
// their recovery and their use, what the host's targets and clients know of other
// targets, LNet. It is the host's side of builtin:lustre, and fills a fact.Report.
//
// Facts come from files in /proc, /sys and debugfs; lctl is asked where there are
// none, lnetctl for what no file has. Everything only reads, nothing is asked that
// makes Lustre wait for another host (the sizes that a client knows; a statfs of a
// mount), and whatever waits all the same is given up, see limit.go. What could not
// be read is a gap in the report. See docs/decisions/0023-lustre.md.
package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// Options say what a Scanner reads.
type Options struct {
	// Files are the system's files; nil is the running system.
	Files source.Files
	// Commands runs tools; nil has none installed.
	Commands source.Runner
	Log      *slog.Logger // nil discards
	// Host is what the host calls itself; empty is the kernel's word.
	Host string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	// peerPeriod is how often the state of imports is read: there is one for each
	// target of the file system.
	peerPeriod = 30 * time.Second
	// toolPeriod is how often a tool is run for what may be read seldom, idlePeriod how
	// often when it had nothing to tell and there are no files of Lustre either.
	toolPeriod = time.Minute
	idlePeriod = 5 * time.Minute
	// clientMemory is how long it is remembered whose a connection is.
	clientMemory = 15 * time.Minute
)

// Scanner finds out what Lustre is on a host, again and again. Its methods must
// not be called concurrently.
type Scanner struct {
	files    source.Files
	commands source.Runner
	log      *slog.Logger
	host     string
	now      func() time.Time

	// What is read seldom, and when it was.
	peers    map[fact.Name]*fact.Peer
	clients  map[string]*fact.Client
	peersAt  time.Time
	nets     map[string]*fact.Interface
	netsAt   time.Time
	lctlAt   time.Time
	lctl     *params // what lctl said of the state
	exports  map[string]seen
	lastGaps []fact.Gap // of tools that were not run this time
	devices  string     // what lctl listed
	listedAt time.Time
	last     *fact.Report
}

// seen is whose a connection is.
type seen struct {
	clients int64
	at      time.Time
}

// New returns a Scanner.
func New(o Options) *Scanner {
	s := &Scanner{files: o.Files, commands: o.Commands, log: o.Log, host: o.Host, now: o.Now, exports: map[string]seen{}}
	if s.files == nil {
		s.files = source.System()
	}
	s.files = limit(s.files)
	if s.commands == nil {
		s.commands = source.Replay(nil)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.host == "" {
		s.host = source.Text(s.files, "/proc/sys/kernel/hostname")
	}
	if s.host == "" && o.Files == nil {
		s.host, _ = os.Hostname() // empty: the server names the host by its number
	}
	return s
}

// look is one scan at work.
type look struct {
	*Scanner
	ctx    context.Context
	p      *params
	report *fact.Report
	mounts []mount
	// states are those of devices, by type and name.
	states map[[2]string]string
	osd    []string // the kinds osd-*
	blind  bool     // which targets there are could not be read
}

var (
	targetName = lazyregexp.New(`^\S+-(?:MDT|OST)[0-9a-fA-F]{4}$`)
	// importName is the device of somebody who uses a target: the target, what kind of
	// use, and who: a metadata target or a client's instance.
	importName = lazyregexp.New(`^(\S+-(?:MDT|OST)[0-9a-fA-F]{4})-(?:osc|osp|mdc)-(MDT[0-9a-fA-F]{4}|[0-9a-fA-F]+)$`)
	labelName  = lazyregexp.New(`^(\S+)[-=]((?:MDT|OST)[0-9a-fA-F]{4})$`)
)

const managementName = "MGS"

// State returns a full report, without usage.
func (s *Scanner) State(ctx context.Context) *fact.Report {
	l := s.look(ctx)
	l.readNode()
	l.readTargets()
	l.readStorage()
	l.readNets()
	if now := s.now(); s.peersAt.IsZero() || now.Sub(s.peersAt) >= peerPeriod {
		s.peers, s.clients, s.peersAt = map[fact.Name]*fact.Peer{}, map[string]*fact.Client{}, now
		l.readRegistered()
		l.readImports()
	}
	l.report.Peers, l.report.Clients = maps.Clone(s.peers), maps.Clone(s.clients)
	l.troubles("targets")
	l.keep()
	s.last = l.report
	return l.report
}

// keep keeps the targets that were there before, while it cannot be told whether
// they still are: what a gap hides is not gone.
func (l *look) keep() {
	if l.last == nil || !l.blind {
		return
	}
	for name, t := range l.last.Targets {
		if l.report.Targets[name] == nil {
			l.report.Targets[name] = t
			delete(l.report.Storage, name)
		}
	}
}

// maxGaps bounds the gaps of one kind that are told one by one.
const maxGaps = 20

// troubles makes gaps of what could not be read.
func (l *look) troubles(part string) {
	names := slices.Sorted(maps.Keys(l.p.trouble))
	for i, name := range names {
		if i == maxGaps {
			l.gap(part, fmt.Sprintf("and %d further files", len(names)-i))
			break
		}
		err := l.p.trouble[name]
		var in *fs.PathError
		if errors.As(err, &in) {
			err = in.Err
		}
		l.gap(part, "read "+name+": "+err.Error())
	}
}

func (s *Scanner) look(ctx context.Context) *look {
	l := &look{Scanner: s, ctx: ctx, report: &fact.Report{
		Version: fact.Version, Full: true, Time: s.now().Unix(), Host: s.host,
		Targets: map[fact.Name]*fact.Target{}, Storage: map[fact.Name]*fact.Storage{}, Interfaces: map[string]*fact.Interface{}, Gaps: []fact.Gap{},
	}}
	l.p = &params{files: s.files}
	if !l.p.present() {
		l.askLctl()
		l.p.said, l.p.plain = s.lctl.said, s.lctl.plain
	}
	text, ok := l.p.global("devices")
	if !ok && l.p.present() {
		if now := s.now(); s.listedAt.IsZero() || now.Sub(s.listedAt) >= toolPeriod {
			s.devices, s.listedAt = l.run("node", listDevices), now
		}
		text = s.devices
	}
	l.states = parseDevices(text)
	l.osd = l.p.kinds("osd-")
	if table, err := s.files.Read("/proc/self/mounts"); err == nil {
		l.mounts = parseMounts(string(table))
	} else if table, err := s.files.Read("/proc/mounts"); err == nil {
		l.mounts = parseMounts(string(table))
	}
	return l
}

var listDevices = source.Command{Name: "lctl", Args: []string{"dl"}, Topic: []string{"dl"}, Limit: lctlLimit}

// askLctl asks lctl for everything, where Lustre has no files that the scan can
// read. Where it is not even loaded, that costs a process now and then, and only if
// the tool is installed.
func (l *look) askLctl() {
	period := peerPeriod
	if l.lctl != nil && len(l.lctl.said)+len(l.lctl.plain) == 0 {
		period = idlePeriod // files will tell when there is something
	}
	if l.lctl != nil && l.now().Sub(l.lctlAt) < period {
		l.report.Gaps = append(l.report.Gaps, l.lastGaps...)
		return
	}
	l.lctlAt = l.now()
	l.lctl = &params{said: map[string]map[string]map[string]string{}, plain: map[string]string{}}
	before := len(l.report.Gaps)
	l.lctl.takeLctl(l.run("targets", source.Command{Name: "lctl", Args: append([]string{"get_param"}, stateParams...), Topic: []string{"get_param"}, Limit: lctlLimit}))
	if list := l.run("targets", listDevices); list != "" {
		l.lctl.plain["devices"] = list
	}
	l.lastGaps = slices.Clone(l.report.Gaps[before:])
}

// run runs a tool and returns what it printed. That a tool is not installed, or
// finds nothing, is no gap: most hosts have no Lustre.
func (l *look) run(part string, c source.Command) string {
	out, err := l.commands.Run(l.ctx, c)
	if err != nil {
		if !errors.Is(err, source.ErrMissing) {
			l.gap(part, "run "+c.Name+" "+c.Args[0]+": "+err.Error())
			l.blind = l.blind || part == "targets"
		}
		return ""
	}
	return string(out.Stdout)
}

func (l *look) gap(part, text string) {
	l.report.Gaps = append(l.report.Gaps, fact.Gap{Part: part, Text: text})
}

// readNode reads what is so of the host as a whole.
func (l *look) readNode() {
	n := &fact.Node{}
	if text, ok := l.p.global("version"); ok {
		n.Version = parseVersion(text)
	}
	if n.Version == "" {
		n.Version = source.Text(l.files, "/sys/module/lustre/version")
	}
	if text, ok := l.p.health(); ok {
		n.Health, n.Unhealthy = parseHealth(text)
	}
	l.report.Node = n
}
