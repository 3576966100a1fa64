package kernel

import (
	"strconv"
	"strings"
)

// Target is one segment of a device-mapper device.
type Target struct {
	Type string
	// Args are the words after the type.
	Args []string
}

// DMLines reads the output of `dmsetup table` or `dmsetup status` of all devices:
// the targets of each by its name, in order. With one device, dmsetup leaves the
// name out; name is what it is then.
func DMLines(text, name string) map[string][]Target {
	all := map[string][]Target{}
	for line := range lines(text) {
		of, rest := name, line
		// A name may hold anything but a slash. The first ": " with two numbers behind it
		// ends it.
		for at := 0; ; {
			i := strings.Index(line[at:], ": ")
			if i < 0 {
				break
			}
			at += i + 2
			if f := strings.Fields(line[at:]); len(f) >= 3 && isNumber(f[0]) && isNumber(f[1]) {
				of, rest = line[:at-2], line[at:]
				break
			}
		}
		f := strings.Fields(rest)
		if len(f) < 3 || of == "" || !isNumber(f[0]) || !isNumber(f[1]) {
			continue
		}
		all[of] = append(all[of], Target{Type: f[2], Args: f[3:]})
	}
	return all
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// Deps are the devices that a target is made of, as "major:minor", each once and
// in the order of the table.
func (t Target) Deps() []string {
	var deps []string
	seen := map[string]bool{}
	for _, arg := range t.Args {
		if IsDevice(arg) && !seen[arg] {
			seen[arg] = true
			deps = append(deps, arg)
		}
	}
	return deps
}

// Health is what the status of a target tells of the volume that it is, in the words
// that LVM has for the same; empty if nothing is wrong.
func (t Target) Health() string {
	w := words{args: t.Args}
	first := w.next()
	switch {
	case t.Type == "snapshot" && (first == "Invalid" || first == "Overflow"):
		return "invalid"
	case first == "Fail", first == "Error":
		return "failed"
	}
	switch t.Type {
	case "raid":
		// A letter for each device: A is in sync, a not yet, D dead. Then how much is in
		// sync, what is done, and how often the parts were found to differ.
		disks, letters := w.count(), w.next()
		w.skip(2)
		dead := strings.Count(letters, "D")
		switch {
		case dead > 0 && dead > raidBears(first, disks):
			return "failed"
		case dead > 0:
			return "refresh needed"
		case w.count() > 0:
			return "mismatches exist"
		}
	case "thin-pool":
		// Transaction, blocks of metadata and of data, root that is held, mode.
		w.skip(3)
		switch w.next() {
		case "out_of_data_space":
			return "out_of_data"
		case "ro":
			return "metadata_read_only"
		}
	}
	return ""
}

// raidBears is how many devices a RAID can lose, at most.
func raidBears(level string, disks int) int {
	switch {
	case level == "raid1":
		return disks - 1
	case strings.HasPrefix(level, "raid10"):
		return disks / 2
	case strings.HasPrefix(level, "raid4"), strings.HasPrefix(level, "raid5"):
		return 1
	case strings.HasPrefix(level, "raid6"):
		return 2
	}
	return 0
}

// IsDevice says whether a word is "major:minor".
func IsDevice(word string) bool {
	major, minor, ok := strings.Cut(word, ":")
	return ok && isNumber(major) && isNumber(minor)
}

// DMPath is a path of a multipath target.
type DMPath struct {
	Device string // "major:minor"
	Group  int    // from 1
	State  string // "active" or "failed"; empty in a table, which does not know
	Fails  int    // how often it has failed
}

// DMMultipath is a multipath target.
type DMMultipath struct {
	Features []string
	Hardware string // the hardware handler: "alua", "rdac", ...
	Paths    []DMPath
	Active   int  // the group in use, 0 if none; from a status only
	Queueing bool // from a table only
}

// MultipathTable reads the arguments of a multipath target in a table:
// features, hardware handler, number of groups, the group to try first, and for each group
// its selector with the selector's own arguments, number of paths, number of a
// path's arguments, and the paths with those.
func MultipathTable(args []string) (DMMultipath, bool) {
	w := words{args: args}
	var m DMMultipath
	m.Features = w.list()
	for _, f := range m.Features {
		m.Queueing = m.Queueing || f == "queue_if_no_path"
	}
	if hw := w.list(); len(hw) > 0 {
		m.Hardware = hw[0]
	}
	groups := w.count()
	w.count() // the group to try first
	for g := 1; g <= groups && !w.bad; g++ {
		w.next() // the selector's name
		w.list()
		paths, extra := w.count(), w.count()
		for range paths {
			p := DMPath{Device: w.next(), Group: g}
			w.skip(extra)
			if w.bad {
				break
			}
			m.Paths = append(m.Paths, p)
		}
	}
	return m, !w.bad
}

// MultipathStatus reads the arguments of a multipath target in a status: of the
// features only two numbers, then as in a table, but that each group has a state (A,
// E or D for active, enabled, disabled) with its selector's status, and each path a
// state (A or F), its failures and the selector's words on it.
func MultipathStatus(args []string) (DMMultipath, bool) {
	w := words{args: args}
	var m DMMultipath
	w.list() // of no interest
	if hw := w.list(); len(hw) > 0 {
		m.Hardware = hw[0]
	}
	groups := w.count()
	w.count() // the group to try next
	for g := 1; g <= groups && !w.bad; g++ {
		if w.next() == "A" {
			m.Active = g
		}
		w.list()
		paths, extra := w.count(), w.count()
		for range paths {
			p := DMPath{Device: w.next(), Group: g, State: "active"}
			if w.next() == "F" {
				p.State = "failed"
			}
			p.Fails = w.count()
			w.skip(extra)
			if w.bad {
				break
			}
			m.Paths = append(m.Paths, p)
		}
	}
	return m, !w.bad
}

// words takes one argument after the other, and notes if there are too few.
type words struct {
	args []string
	bad  bool
}

func (w *words) next() string {
	if len(w.args) == 0 {
		w.bad = true
		return ""
	}
	word := w.args[0]
	w.args = w.args[1:]
	return word
}

func (w *words) count() int {
	n, err := strconv.Atoi(w.next())
	if err != nil || n < 0 || n > 1<<16 {
		w.bad = true
		return 0
	}
	return n
}

func (w *words) skip(n int) {
	for range n {
		if w.bad {
			return
		}
		w.next()
	}
}

// list takes a number and as many words.
func (w *words) list() []string {
	n := w.count()
	if n > len(w.args) {
		w.bad = true
		return nil
	}
	list := w.args[:n]
	w.args = w.args[n:]
	return list
}
