package kernel

import (
	"strconv"
	"strings"
)

// Mount is a line of /proc/self/mountinfo.
type Mount struct {
	ID, Parent int
	Device     string // "major:minor" of the file system, which may be no block device
	Root       string // what of the file system is mounted: "/" for all
	Target     string
	Options    string // of this mount
	Type       string
	Source     string
	Super      string // options of the file system
}

// Mountinfo reads /proc/self/mountinfo.
func Mountinfo(text string) []Mount {
	var all []Mount
	for line := range lines(text) {
		f := strings.Fields(line)
		// Before the lone dash stand any number of optional fields.
		dash := -1
		for i := 6; i < len(f); i++ {
			if f[i] == "-" {
				dash = i
				break
			}
		}
		if dash < 0 || len(f) < dash+3 {
			continue
		}
		m := Mount{Device: f[2], Root: Unescape(f[3]), Target: Unescape(f[4]), Options: f[5], Type: f[dash+1], Source: Unescape(f[dash+2])}
		m.ID, _ = strconv.Atoi(f[0])
		m.Parent, _ = strconv.Atoi(f[1])
		if len(f) > dash+3 {
			m.Super = f[dash+3]
		}
		all = append(all, m)
	}
	return all
}

// Mounts reads the older form, /proc/mounts, which has neither device nor root.
func Mounts(text string) []Mount {
	var all []Mount
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		all = append(all, Mount{Root: "/", Source: Unescape(f[0]), Target: Unescape(f[1]), Type: f[2], Options: f[3]})
	}
	return all
}

// Swaps returns the files and devices of /proc/swaps.
func Swaps(text string) []string {
	var all []string
	for line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "Filename" {
			continue
		}
		all = append(all, Unescape(f[0]))
	}
	return all
}

// Unescape undoes the \NNN (octal) that the kernel writes for blanks and
// backslashes in such files.
func Unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
