package tool

import (
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// MD is an array as mdadm tells it.
type MD struct {
	Path      string // the argument that mdadm was given
	UUID      string
	Name      string
	Level     string
	Metadata  string
	Container string // the path of the container it lies in
	State     string // mdadm's words: "clean, degraded, recovering"
	Disks     int
	Members   []MDMember
	Sync      string // "resync", "recovery", "reshape" or "check" while it runs
	Done      float64
}

// MDMember is a member of an array as mdadm tells it.
type MDMember struct {
	Path  string // empty for a place that nothing is in
	Slot  int    // -1 for a spare
	State string // mdadm's words: "active sync", "spare rebuilding", "faulty", "removed"; empty in a container
}

// MDExport reads the lines of `mdadm --detail --export`, which udev keeps of an array,
// too.
func MDExport(props map[string]string) MD {
	m := MD{
		UUID: props["MD_UUID"], Name: or(props["MD_NAME"], props["MD_DEVNAME"]), Level: props["MD_LEVEL"],
		Metadata: props["MD_METADATA"], Container: props["MD_CONTAINER"],
	}
	m.Disks, _ = strconv.Atoi(props["MD_DEVICES"])
	for key, path := range props {
		name, ok := strings.CutPrefix(key, "MD_DEVICE_")
		if !ok {
			continue
		}
		if name, ok = strings.CutSuffix(name, "_DEV"); !ok {
			continue
		}
		role := props["MD_DEVICE_"+name+"_ROLE"]
		member := MDMember{Path: path, Slot: -1, State: role}
		if slot, err := strconv.Atoi(role); err == nil {
			member.Slot, member.State = slot, "active sync"
		}
		m.Members = append(m.Members, member)
	}
	return m
}

var (
	mdDetail  = lazyregexp.New(`^(/dev/\S+):\s*$`)
	mdRow     = lazyregexp.New(`^\s+(?:\d+|-)\s+\d+\s+\d+\s+(\d+|-)(?:\s+([^/\s][^/]*?))?(?:\s+(/dev/\S+))?\s*$`)
	mdPercent = lazyregexp.New(`^(Rebuild|Resync|Reshape|Check) Status$`)
)

// MDDetail reads `mdadm --detail` of one or more arrays, as text for people.
func MDDetail(text string) []MD {
	var all []MD
	var m *MD
	for line := range lines(text) {
		if head := mdDetail.FindStringSubmatch(line); head != nil {
			all = append(all, MD{Path: head[1]})
			m = &all[len(all)-1]
			continue
		}
		if m == nil {
			continue
		}
		if key, value, ok := strings.Cut(line, " : "); ok {
			m.line(strings.TrimSpace(key), strings.TrimSpace(value))
		} else if row := mdRow.FindStringSubmatch(line); row != nil {
			member := MDMember{Path: row[3], Slot: -1, State: row[2]}
			if slot, err := strconv.Atoi(row[1]); err == nil {
				member.Slot = slot
			}
			m.Members = append(m.Members, member)
		}
	}
	return all
}

func (m *MD) line(key, value string) {
	switch key {
	case "Version":
		m.Metadata = value
	case "Raid Level":
		m.Level = value
	case "Raid Devices":
		m.Disks, _ = strconv.Atoi(value)
	case "State":
		m.State = value
	case "Name":
		m.Name, _, _ = strings.Cut(value, " ")
	case "UUID":
		m.UUID = value
	case "Container":
		m.Container, _, _ = strings.Cut(value, ",")
	}
	if s := mdPercent.FindStringSubmatch(key); s != nil {
		m.Sync = strings.ToLower(s[1])
		if m.Sync == "rebuild" {
			m.Sync = "recovery"
		}
		percent, _, _ := strings.Cut(value, "%")
		if n, err := strconv.ParseFloat(percent, 64); err == nil {
			m.Done = n / 100
		}
	}
}
