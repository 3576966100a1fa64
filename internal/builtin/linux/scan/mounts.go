package scan

import (
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
)

// readMounts reads the mount table and the swap areas. Nothing is asked of the
// mounts themselves: a server that does not answer would make that wait.
func (h *host) readMounts() {
	var all []kernel.Mount
	// Below the root of a container's host, the first process has the host's table.
	if text, err := h.files.Read("/proc/1/mountinfo"); err == nil && h.other {
		all = kernel.Mountinfo(string(text))
	} else if text, err := h.files.Read("/proc/self/mountinfo"); err == nil {
		all = kernel.Mountinfo(string(text))
	} else if text, err := h.files.Read("/proc/mounts"); err == nil {
		all = kernel.Mounts(string(text))
	} else {
		h.gap("mounts", "", "read the mount table: "+err.Error())
		if h.last != nil {
			h.report.Mounts = slices.Clone(h.last.Mounts)
		}
		return
	}
	seen := map[fact.Mount]int{} // the places of mounts, by what is mounted
	var roots []string
	for _, m := range all {
		f, ok := h.mount(m)
		if !ok {
			continue
		}
		// A bind mount, or one of a subvolume, shows the same again. What shows the file
		// system's own root counts, or else the first one in the table.
		of := f
		of.Target, of.Options = "", ""
		at, ok := seen[of]
		if !ok {
			seen[of] = len(h.report.Mounts)
			h.report.Mounts = append(h.report.Mounts, f)
			roots = append(roots, m.Root)
		} else if m.Root == "/" && roots[at] != "/" {
			h.report.Mounts[at], roots[at] = f, m.Root
		}
	}
	for _, m := range h.report.Mounts {
		// udev may be missing, or know nothing of what was made without its knowledge.
		if b := h.byKey[m.Device]; b != nil && b.fact.FS == nil && !strings.HasPrefix(m.Type, "fuse") {
			b.fact.FS = &fact.FS{Type: m.Type, Usage: "filesystem"}
		}
	}
	if text, err := h.files.Read("/proc/swaps"); err == nil {
		for _, name := range kernel.Swaps(string(text)) {
			// A swap file lies on a mount that is listed itself.
			if key := h.key(name); key != "" {
				h.report.Mounts = append(h.report.Mounts, fact.Mount{Device: key, Source: name, Target: "swap", Type: "swap"})
			}
		}
	}
	slices.SortStableFunc(h.report.Mounts, func(a, b fact.Mount) int { return strings.Compare(a.Target, b.Target) })
}

// mount is the mount as a fact, if it is of a kind that counts.
func (h *host) mount(m kernel.Mount) (fact.Mount, bool) {
	f := fact.Mount{Source: m.Source, Target: m.Target, Type: m.Type, Options: m.Options}
	switch m.Type {
	case "zfs":
		f.Dataset = m.Source
		return f, true
	case "lustre", "lustre_tgt":
		// A client's mount, of "NID:/name", lies on no device of this host.
		if strings.Contains(m.Source, ":/") {
			return f, false
		}
		if f.Device = h.key(m.Source); f.Device == "" && !strings.HasPrefix(m.Source, "/") {
			f.Dataset = m.Source
		}
		return f, true
	}
	if b := h.byKey[fact.Key(m.Device)]; b != nil {
		f.Device = b.key
	} else if strings.HasPrefix(m.Source, "/") {
		// btrfs and others give the file system a number of its own.
		f.Device = h.key(m.Source)
	}
	return f, f.Device != ""
}
