package pluginhost

import "strings"

// mount is a line of a mountinfo.
type mount struct {
	point string // where it is
	kind  string // of file system
	// shared mounts tell others of what happens below them; those that follow are told.
	shared, follows bool
}

// unescape undoes what the kernel does to the names of a mountinfo.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// parseMounts reads a mountinfo, in its order.
func parseMounts(mountinfo string) []mount {
	var all []mount
	for line := range strings.Lines(mountinfo) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) < 6 {
			continue
		}
		m := mount{point: unescape.Replace(fields[4])}
		m.kind, _, _ = strings.Cut(after, " ")
		for _, tag := range fields[6:] {
			m.shared = m.shared || strings.HasPrefix(tag, "shared:")
			m.follows = m.follows || strings.HasPrefix(tag, "master:")
		}
		all = append(all, m)
	}
	return all
}
