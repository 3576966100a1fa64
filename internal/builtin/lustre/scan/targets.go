package scan

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// readTargets reads the targets that are set up on the host.
func (l *look) readTargets() {
	found := map[string]bool{}
	for _, kind := range append([]string{"mgs", "mdt", "obdfilter"}, l.osd...) {
		for _, dev := range l.p.devices(kind) {
			found[dev] = found[dev] || dev == managementName || targetName.MatchString(dev)
		}
	}
	l.blind = l.blind || len(l.p.trouble) > 0
	for typed := range l.states {
		if name := typed[1]; slices.Contains([]string{"mgs", "mdt", "obdfilter"}, typed[0]) && (name == managementName || targetName.MatchString(name)) {
			found[name] = true
		}
	}
	for name, is := range found {
		if is {
			l.report.Targets[fact.Name(name)] = l.target(name)
		}
	}
	// A management target that shares the device of a metadata target has no osd of
	// its own.
	if mgt := l.report.Targets[managementName]; mgt != nil && mgt.Device == "" {
		for name, t := range l.report.Targets {
			if t.Kind == fact.MDT && strings.HasSuffix(string(name), "-MDT0000") && l.sharesDevice(t) {
				mgt.Disk, mgt.Mount = t.Disk, t.Mount
			}
		}
	}
}

// sharesDevice reports whether the mount of a metadata target carries the
// management target, too: then it knows no other one to register with.
func (l *look) sharesDevice(t *fact.Target) bool {
	for _, m := range l.mounts {
		if m.target == t.Mount && m.option("svname") != "" {
			return slices.Contains(m.options, "mgs") || m.option("mgsnode") == ""
		}
	}
	return false
}

// kindsOf are the kinds of devices that have what a target tells, the best first.
func (l *look) kindsOf(kind fact.Kind) []string {
	switch kind {
	case fact.OST:
		return append(slices.Clone(l.osd), "obdfilter")
	case fact.MDT:
		return append(slices.Clone(l.osd), "mdt", "mds")
	}
	return append(slices.Clone(l.osd), "mgs")
}

// obd is the kind of the device that clients talk to.
func obd(kind fact.Kind) string {
	return map[fact.Kind]string{fact.OST: "obdfilter", fact.MDT: "mdt", fact.MGT: "mgs"}[kind]
}

func (l *look) target(name string) *fact.Target {
	t := &fact.Target{Kind: fact.MGT}
	if name != managementName {
		cut := strings.LastIndexByte(name, '-')
		t.FS, t.Kind = name[:cut], fact.OST
		if strings.HasPrefix(name[cut+1:], "MDT") {
			t.Kind = fact.MDT
		}
	}
	t.State = l.states[[2]string{obd(t.Kind), name}]
	for _, kind := range l.kindsOf(t.Kind) {
		if text, ok := l.p.get(kind, name, "mntdev"); ok {
			t.Device = strings.TrimSpace(text)
			t.Backend = strings.TrimPrefix(kind, "osd-")
			break
		}
	}
	if text, ok := l.p.first(l.kindsOf(t.Kind), name, "fstype"); ok {
		t.Backend = strings.TrimPrefix(strings.TrimSpace(text), "osd-")
	}
	if !slices.Contains([]string{"ldiskfs", "zfs", "wbcfs"}, t.Backend) {
		t.Backend = ""
	}
	for _, m := range l.mounts {
		if m.option("svname") == name || m.option("svname") == "" && t.Device != "" && m.source == t.Device {
			t.Mount = m.target
			t.Device = cmp.Or(t.Device, m.source)
		}
	}
	kernel := l.locate(&t.Disk)
	if t.Backend != "zfs" && kernel != "" {
		options := source.Text(l.files, "/proc/fs/ldiskfs/"+kernel+"/options")
		first, _, _ := strings.Cut(options, "\n")
		t.ReadOnly = strings.TrimSpace(first) == "ro"
		if n := number(source.Text(l.files, "/sys/fs/ldiskfs/"+kernel+"/errors_count")); n != nil {
			t.Errors = *n
		}
	}
	if text, ok := l.p.get(obd(t.Kind), name, "degraded"); ok {
		t.Degraded = strings.TrimSpace(text) == "1"
	}
	if text, ok := l.p.get(obd(t.Kind), name, "recovery_status"); ok {
		if t.Recovery = parseRecovery(text); t.Recovery == nil {
			l.gap("targets", name+": recovery_status has no status")
		}
		l.steady(name, t.Recovery)
	}
	if t.Kind == fact.MGT {
		t.Serves = l.serves(name)
	}
	return t
}

// steady keeps the start of a recovery as it was told before. Newer versions reckon it from
// two clocks whenever they are asked, so that it is a second off now and then.
func (l *look) steady(name string, r *fact.Recovery) {
	if r == nil || l.last == nil || l.last.Targets[fact.Name(name)] == nil {
		return
	}
	if old := l.last.Targets[fact.Name(name)].Recovery; old != nil && max(r.Start, old.Start)-min(r.Start, old.Start) == 1 {
		r.Start = old.Start
	}
}

// locate finds the block device behind a target's name of it, and returns what
// the kernel calls it; empty if it is none, or none that can be told.
func (l *look) locate(d *fact.Disk) (kernel string) {
	if !strings.HasPrefix(d.Device, "/") {
		return ""
	}
	at := d.Device
	for range 8 {
		to, err := source.Resolve(l.files, at)
		if err != nil {
			break
		}
		at = to
	}
	kernel = path.Base(at)
	d.Number = source.Text(l.files, "/sys/class/block/"+kernel+"/dev")
	d.UUID = l.uuid(at)
	return kernel
}

// uuid is that of the file system on a device, by udev's links.
func (l *look) uuid(device string) string {
	const dir = "/dev/disk/by-uuid"
	names, _ := l.files.List(dir) // a help to people; most captures have none
	for _, n := range names {
		if to, err := source.Resolve(l.files, dir+"/"+n); err == nil && to == device {
			return n
		}
	}
	return ""
}

// serves are the file systems that the management target knows.
func (l *look) serves(name string) []string {
	set := map[string]bool{}
	for _, fs := range l.p.list("mgs", name, "live") {
		set[fs] = true
	}
	if text, ok := l.p.get("mgs", name, "filesystems"); ok {
		for fs := range strings.FieldsSeq(text) {
			set[fs] = true
		}
	}
	delete(set, "params") // settings for all of them
	delete(set, "nodemap")
	if len(set) == 0 { // nothing has asked it yet: what lies beside it, it serves
		for _, dev := range l.p.devices("mdt") {
			if fs, _, ok := strings.Cut(dev, "-MDT"); ok {
				set[fs] = true
			}
		}
	}
	return sorted(set)
}

// readStorage finds devices with targets that are not set up here, by their
// labels, which udev knows and shows as links: nothing opens a device.
func (l *look) readStorage() {
	const dir = "/dev/disk/by-label"
	names, err := l.files.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.gap("storage", "list "+dir+": "+err.Error())
	}
	for _, n := range names {
		s := &fact.Storage{Kind: fact.MGT}
		name := unmangle(n)
		if m := labelName.FindStringSubmatch(name); m != nil {
			s.FS, s.Kind, name = m[1], fact.OST, m[1]+"-"+m[2]
			if strings.HasPrefix(m[2], "MDT") {
				s.Kind = fact.MDT
			}
		} else if name != managementName {
			continue
		}
		if l.report.Targets[fact.Name(name)] != nil {
			continue
		}
		s.Backend = "ldiskfs"
		if s.Device, err = source.Resolve(l.files, dir+"/"+n); err != nil {
			s.Device = dir + "/" + n
		}
		l.locate(&s.Disk)
		l.report.Storage[fact.Name(name)] = s
	}
}
