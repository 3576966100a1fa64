package plugindoc

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/resource"
)

// base is what a built-in base class means.
type base struct{ name, text string }

var bases = map[string]base{
	"Resource":             {"a resource", "A part of the hardware or of its configuration."},
	"ScannableResource":    {"a controller", "Somebody adds it by its address, and the plugin contacts it to find everything else."},
	"HostRoot":             {"a host", "What an agent reports from one host hangs on it."},
	"Host":                 {"a host", "A server that runs the agent."},
	"Controller":           {"a RAID controller", "It manages disks and presents them to hosts."},
	"Enclosure":            {"an enclosure", "A shelf or drawer that holds disks, fans and power supplies."},
	"Fan":                  {"a fan", "It cools an enclosure or a controller."},
	"PhysicalDisk":         {"a physical disk", "A hard disk or a solid state drive."},
	"StoragePool":          {"a storage pool", "Disks that are used together, such as a RAID group."},
	"LogicalDrive":         {"a logical drive", "A drive of a fixed size that hosts can use, such as a LUN."},
	"LogicalDriveSlice":    {"a part of a logical drive", "A partition or a logical volume."},
	"LogicalDriveOccupier": {"a user of a logical drive", "The drive that it stands on is in use, and not free for others."},
	"DeviceNode":           {"a device node", "One host's path to a logical drive."},
	"PathWeight":           {"a preference of a path", "It tells how good a path to a logical drive is."},
	"VirtualMachine":       {"a virtual machine", "A host that runs on the hardware; Faultline adds it as a server."},
}

// meaning returns the meaning of the nearest built-in base class.
func meaning(c *resource.Class) base {
	for _, name := range c.Bases {
		if b, ok := bases[name]; ok {
			return b
		}
	}
	return bases["Resource"]
}

var kinds = map[resource.Kind]string{
	resource.String: "text", resource.Integer: "integer", resource.Float: "number", resource.Boolean: "yes or no",
	resource.Bytes: "size in bytes", resource.Enum: "one of a list", resource.Hostname: "host name or IP address",
	resource.UUID: "UUID", resource.Path: "path of a file", resource.Password: "password", resource.Reference: "another resource",
}

var statKinds = map[resource.StatKind]string{
	resource.Gauge: "goes up and down", resource.Counter: "only grows", resource.Histogram: "histogram",
}

var severities = []resource.Severity{resource.Error, resource.Warning, resource.Info}

// conditions lists the alerts of a class, one row for each severity.
func (w *writer) conditions(c *resource.Class) {
	var rows [][]string
	for i := range c.Conditions {
		k := &c.Conditions[i]
		label, unit := watched(c, k.Attribute)
		for _, s := range severities {
			states, isState := k.States[s]
			limit, isBound := k.Bounds[s]
			if !isState && !isBound {
				continue
			}
			when := label + " is "
			ends := "when it is no longer so"
			if isState {
				list := make([]string, len(states))
				for j, v := range states {
					list[j] = text(v.String())
				}
				when += strings.Join(list, " or ")
			} else {
				beyond, back := "above ", " or less"
				if k.Kind == resource.LowerBound {
					beyond, back = "below ", " or more"
				}
				when += beyond + quantity(limit, unit)
				if threshold, ok := k.Clear[s]; ok {
					ends = "at " + quantity(threshold, unit) + back
				}
			}
			if k.For > 0 {
				when += ", for " + duration(k.For)
			}
			rows = append(rows, []string{s.String(), when, text(k.Message), ends, code(k.Name())})
		}
	}
	if len(rows) > 0 {
		w.line("")
		w.table([]string{"alert", "when", "message", "ends", "condition"}, rows)
	}
}

// watched returns the label and the unit of what a condition watches.
func watched(c *resource.Class, name string) (label, unit string) {
	if i := c.Attr(name); i >= 0 {
		if c.Attributes[i].Kind == resource.Bytes {
			unit = "bytes"
		}
		return text(c.Attributes[i].Label()), unit
	}
	if i := c.Stat(name); i >= 0 {
		return text(c.Statistics[i].Label()), c.Statistics[i].Unit
	}
	return text(name), ""
}

// duration writes 5m0s as 5m.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func quantity(v float64, unit string) string { return text(resource.FormatQuantity(v, unit)) }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// text makes what authors wrote safe in Markdown: it is shown as it is, on one line.
func text(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>#|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '&':
			b.WriteString("&amp;")
		case unicode.IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code writes a name as it is typed.
func code(name string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`, "\n", " ").Replace(name) + "`"
}

// anchor is how Markdown links to a heading of one word.
func anchor(heading string) string { return strings.ToLower(heading) }

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
