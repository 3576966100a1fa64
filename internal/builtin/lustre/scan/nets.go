package scan

import (
	"errors"
	"io/fs"
	"maps"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// nisFiles are where LNet lists its interfaces.
var nisFiles = []string{"/sys/kernel/debug/lnet/nis", "/proc/sys/lnet/nis"}

// readNets reads LNet's interfaces: from its list, which is cheap, and now and
// then from lnetctl, which knows network devices and health.
func (l *look) readNets() {
	var list map[string]*fact.Interface
	for _, name := range nisFiles {
		if text, err := l.files.Read(name); err == nil {
			list = parseNIs(string(text))
			break
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			l.gap("interfaces", "read "+name+": "+err.Error())
		}
	}
	period := toolPeriod
	switch {
	case list == nil && len(l.nets) == 0 && !source.Exists(l.files, "/sys/module/lnet"):
		period = idlePeriod
	case list == nil:
		period = peerPeriod // it alone tells the state
	}
	if now := l.now(); l.netsAt.IsZero() || now.Sub(l.netsAt) >= period {
		l.netsAt = now
		l.nets = parseNets(l.run("interfaces", source.Command{
			Name: "lnetctl", Args: []string{"net", "show", "-v", "4"}, Topic: []string{"net", "show"}, Limit: lctlLimit,
		}))
	}
	if list == nil {
		// Where the list cannot be read, no interface means nothing.
		if len(l.nets) > 0 {
			l.report.Interfaces, l.report.Node.LNet = maps.Clone(l.nets), "up"
		}
		return
	}
	for nid, n := range list {
		if more := l.nets[nid]; more != nil {
			n.Devices, n.Health = more.Devices, more.Health
		}
	}
	l.report.Interfaces, l.report.Node.LNet = list, "down"
	if len(list) > 0 {
		l.report.Node.LNet = "up"
	}
}
