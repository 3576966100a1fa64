package scan

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// roots are where Lustre has its parameters. Which one it is, or which part of a
// device's parameters is where, is another thing in each version; up to 2.9 all
// are in /proc, later the short ones are in /sys and the long ones in debugfs.
var roots = []string{"/sys/fs/lustre", "/proc/fs/lustre", "/sys/kernel/debug/lustre"}

// params are Lustre's parameters, named by the kind of device, the device and the
// parameter, whose parts have slashes between them. They are read from files, and
// where there are no files they were asked of lctl.
type params struct {
	files source.Files
	said  map[string]map[string]map[string]string // by lctl: kind, device, parameter
	plain map[string]string                       // by lctl: those of no device

	// trouble is what could not be read though it is there, by name.
	trouble map[string]error
}

// read reads a file, and notes if that fails for another reason than that there is
// none.
func (p *params) read(name string) (string, bool) {
	b, err := p.files.Read(name)
	p.note(name, err)
	return string(b), err == nil
}

func (p *params) folder(name string) []string {
	names, err := p.files.List(name)
	p.note(name, err)
	return names
}

func (p *params) note(name string, err error) {
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENODEV):
		return // it is not there, or went while it was read
	case p.trouble == nil:
		p.trouble = map[string]error{}
	}
	p.trouble[name] = err
}

// present reports whether there are any files of Lustre.
func (p *params) present() bool {
	for _, root := range roots {
		if names, err := p.files.List(root); err == nil && len(names) > 0 {
			return true
		}
	}
	return false
}

// kinds are the kinds of devices that begin so.
func (p *params) kinds(prefix string) []string {
	set := map[string]bool{}
	for _, root := range roots {
		for _, n := range p.folder(root) {
			if strings.HasPrefix(n, prefix) {
				set[n] = true
			}
		}
	}
	for kind := range p.said {
		if strings.HasPrefix(kind, prefix) {
			set[kind] = true
		}
	}
	return sorted(set)
}

// devices are the devices of a kind.
func (p *params) devices(kind string) []string {
	set := map[string]bool{}
	for _, root := range roots {
		dir := root + "/" + kind
		for _, n := range p.folder(dir) {
			// A file beside the devices, such as num_refs, is no folder.
			if _, err := p.files.List(dir + "/" + n); err == nil {
				set[n] = true
			}
		}
	}
	for dev := range p.said[kind] {
		set[dev] = true
	}
	return sorted(set)
}

// list are the members of a folder of a device.
func (p *params) list(kind, dev, folder string) []string {
	set := map[string]bool{}
	for _, root := range roots {
		for _, n := range p.folder(root + "/" + kind + "/" + dev + "/" + folder) {
			set[n] = true
		}
	}
	for name := range p.said[kind][dev] {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			n, _, _ := strings.Cut(rest, "/")
			set[n] = true
		}
	}
	return sorted(set)
}

// get is the value of a parameter, and whether there is one.
func (p *params) get(kind, dev, name string) (string, bool) {
	for _, root := range roots {
		if text, ok := p.read(root + "/" + kind + "/" + dev + "/" + name); ok {
			return text, true
		}
	}
	text, ok := p.said[kind][dev][name]
	return text, ok
}

// first is the value of the first parameter of these kinds that there is.
func (p *params) first(kinds []string, dev, name string) (string, bool) {
	for _, kind := range kinds {
		if text, ok := p.get(kind, dev, name); ok {
			return text, true
		}
	}
	return "", false
}

// global is a parameter of no device.
func (p *params) global(name string) (string, bool) {
	for _, root := range roots {
		if text, ok := p.read(root + "/" + name); ok {
			return text, true
		}
	}
	text, ok := p.plain[name]
	return text, ok
}

// health is health_check. Of newer versions /sys has the verdict, and debugfs the devices
// that are at fault.
func (p *params) health() (string, bool) {
	var all strings.Builder
	found := false
	for _, root := range roots {
		if text, ok := p.read(root + "/health_check"); ok {
			all.WriteString(strings.TrimSpace(text) + "\n")
			found = true
		}
	}
	if found {
		return all.String(), true
	}
	text, ok := p.plain["health_check"]
	return text, ok
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for n := range set {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// lctlLimit is how long lctl may take. It reads files, like the scan.
const lctlLimit = 10 * time.Second

// stateParams and usageParams are what lctl is asked for. Nothing of them makes
// Lustre ask another host: not the sizes that a client has of a file system.
var (
	stateParams = []string{
		"version", "health_check",
		"mgs.*.live.*", "mgs.*.num_exports",
		"osd-*.*.mntdev", "osd-*.*.fstype",
		"obdfilter.*.recovery_status", "obdfilter.*.degraded", "obdfilter.*.uuid",
		"mdt.*.recovery_status", "mdt.*.uuid",
		"osp.*.active", "osp.*.state", "lod.*.target_obd",
		"osc.*.active", "osc.*.state", "mdc.*.active", "mdc.*.state", "llite.*.uuid",
	}
	usageParams = []string{
		"osd-*.*.kbytestotal", "osd-*.*.kbytesfree", "osd-*.*.kbytesavail", "osd-*.*.filestotal", "osd-*.*.filesfree", "osd-*.*.brw_stats",
		"obdfilter.*.stats", "obdfilter.*.num_exports", "obdfilter.*.tot_granted", "obdfilter.*.tot_dirty", "obdfilter.*.exports.*.uuid",
		"mdt.*.md_stats", "mdt.*.num_exports", "mdt.*.exports.*.uuid", "mgs.*.num_exports",
	}
)

// deviceKinds are the kinds of devices that lctl names parameters of.
var deviceKinds = []string{
	"mgs", "mgc", "mds", "mdt", "mdd", "ost", "obdfilter", "osp", "osc", "mdc", "lod", "lov", "lmv", "lwp", "llite", "qmt", "ldlm", "nodemap",
	"osd-ldiskfs", "osd-zfs", "osd-wbcfs", "seq", "fld", "sptlrpc",
}

var (
	assignment = lazyregexp.New(`^([a-z][a-z0-9_-]*)((?:\.[^=\s]+)?)=(.*)$`)
	plainName  = lazyregexp.New(`^[a-z][a-z0-9_]*$`)
)

// takeLctl takes in what "lctl get_param" printed: lines NAME=VALUE, where a long
// value begins on the next line.
func (p *params) takeLctl(text string) {
	var put func(string)
	var value []string
	flush := func() {
		if put != nil {
			put(strings.Join(value, "\n"))
		}
		put, value = nil, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		m := assignment.FindStringSubmatch(line)
		if m == nil || m[2] == "" && !p.isPlain(m[1], put != nil, value) || m[2] != "" && !slices.Contains(deviceKinds, m[1]) {
			value = append(value, line)
			continue
		}
		flush()
		if m[2] == "" {
			put = func(v string) {
				if m[1] == "health_check" { // which has two parts
					v = strings.TrimSpace(p.plain[m[1]] + "\n" + v)
				}
				p.plain[m[1]] = v
			}
		} else if dev, name, ok := splitName(m[1], m[2][1:]); ok {
			put = func(v string) { p.say(m[1], dev, name, v) }
		}
		if m[3] != "" {
			value = append(value, m[3])
		}
	}
	flush()
}

// isPlain reports whether a line that looks like the value of a parameter of no
// device is one, and not a part of another's long value.
func (p *params) isPlain(name string, within bool, value []string) bool {
	known := []string{"version", "health_check", "memused", "memused_max", "lnet_memused", "devices", "timeout", "jobid_var", "nis", "pinger"}
	return slices.Contains(known, name) || plainName.MatchString(name) && !within && len(value) == 0
}

// splitName tells the device from the parameter, in a name with dots. NIDs and
// the names that are made of them have dots of their own.
func splitName(kind, rest string) (dev, name string, ok bool) {
	if kind == "mgc" {
		i := strings.LastIndexByte(rest, '.')
		if i < 0 {
			return "", "", false
		}
		return rest[:i], rest[i+1:], true
	}
	dev, name, ok = strings.Cut(rest, ".")
	if nid, found := strings.CutPrefix(name, "exports."); found {
		if i := strings.LastIndexByte(nid, '.'); i > 0 {
			return dev, "exports/" + nid[:i] + "/" + nid[i+1:], ok
		}
		return dev, "exports/" + nid, ok
	}
	return dev, strings.ReplaceAll(name, ".", "/"), ok
}

func (p *params) say(kind, dev, name, value string) {
	if p.said[kind] == nil {
		p.said[kind] = map[string]map[string]string{}
	}
	if p.said[kind][dev] == nil {
		p.said[kind][dev] = map[string]string{}
	}
	p.said[kind][dev][name] = value
}
