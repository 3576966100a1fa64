package kernel

import (
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// MDArray is an array of /proc/mdstat.
type MDArray struct {
	Name     string
	Active   bool
	ReadOnly bool
	// Auto says that the array is read-only until something is written.
	Auto     bool
	Level    string // empty for one that is inactive or a container
	Metadata string // "1.2", "imsm", ...; "0.90" is not written
	// Container is the name of the array that this one lies in.
	Container string
	Members   []MDMember
	// Disks is how many members there should be, Working how many there are; both 0 for
	// levels without redundancy.
	Disks, Working int
	Sync           string // "resync", "recovery", "check", "reshape", "repair"
	// Delayed says that it waits for another array, or to be written to.
	Delayed bool
	Done    float64 // 0 to 1
}

// MDMember is a member of an array.
type MDMember struct {
	Name   string // of the kernel: "sda1", "cciss/c0d0p1"
	Number int
	Flags  string // of F faulty, S spare, W write-mostly, J journal, R replacement
}

var (
	mdHead    = lazyregexp.New(`^(\S+) : (active|inactive)\b(.*)$`)
	mdMember  = lazyregexp.New(`^(\S+)\[(\d+)\]((?:\([A-Z]\))*)$`)
	mdWorking = lazyregexp.New(`\[(\d+)/(\d+)\]`)
	mdSync    = lazyregexp.New(`(resync|recovery|check|reshape|repair)\s*=\s*(?:(PENDING|DELAYED|REMOTE)|([\d.]+)%)`)
	mdSuper   = lazyregexp.New(`super (\S+)`)
)

// MDStat reads /proc/mdstat.
func MDStat(text string) []MDArray {
	var all []MDArray
	for line := range lines(text) {
		if m := mdHead.FindStringSubmatch(line); m != nil {
			all = append(all, mdArray(m[1], m[2] == "active", strings.Fields(m[3])))
			continue
		}
		// What belongs to an array is indented.
		if len(all) == 0 || line == "" || line[0] != ' ' && line[0] != '\t' {
			continue
		}
		a := &all[len(all)-1]
		if m := mdSuper.FindStringSubmatch(line); m != nil && a.Metadata == "" {
			a.Metadata = m[1]
			if rest, ok := strings.CutPrefix(m[1], "external:"); ok {
				a.Metadata = rest
				if name, ok := strings.CutPrefix(rest, "/"); ok {
					a.Metadata = ""
					a.Container, _, _ = strings.Cut(name, "/")
				} else if name, ok := strings.CutPrefix(rest, "-"); ok {
					a.Metadata = ""
					a.Container, _, _ = strings.Cut(name, "/")
				}
			}
		}
		if m := mdSync.FindStringSubmatch(line); m != nil {
			a.Sync, a.Delayed = m[1], m[2] != ""
			if percent, err := strconv.ParseFloat(m[3], 64); err == nil {
				a.Done = percent / 100
			}
		} else if m := mdWorking.FindStringSubmatch(line); m != nil && strings.Contains(line, "blocks") {
			a.Disks, _ = strconv.Atoi(m[1])
			a.Working, _ = strconv.Atoi(m[2])
		}
	}
	return all
}

func mdArray(name string, active bool, words []string) MDArray {
	a := MDArray{Name: name, Active: active}
	for _, word := range words {
		if m := mdMember.FindStringSubmatch(word); m != nil {
			n, _ := strconv.Atoi(m[2])
			a.Members = append(a.Members, MDMember{Name: m[1], Number: n, Flags: strings.NewReplacer("(", "", ")", "").Replace(m[3])})
			continue
		}
		switch word {
		case "(read-only)":
			a.ReadOnly = true
		case "(auto-read-only)":
			a.ReadOnly, a.Auto = true, true
		default:
			if a.Level == "" && !strings.HasPrefix(word, "(") {
				a.Level = word
			}
		}
	}
	return a
}
