package scan

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// number reads a whole number; nil if the text is none. What is too large for an
// int64, such as Lustre's "no limit", is none either.
func number(text string) *int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// kilobytes reads a number of KiB as bytes.
func kilobytes(text string) *int64 {
	n := number(text)
	if n == nil || *n < 0 || *n > math.MaxInt64/1024 {
		return nil
	}
	bytes := *n * 1024
	return &bytes
}

// pairs reads lines "key: value". The key is trimmed; of several lines with one key
// the first counts.
func pairs(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if _, twice := m[key]; ok && !twice {
			m[key] = strings.TrimSpace(value)
		}
	}
	return m
}

// parseRecovery reads recovery_status; nil if it has no status.
func parseRecovery(text string) *fact.Recovery {
	m := pairs(text)
	if m["status"] == "" {
		return nil
	}
	r := &fact.Recovery{Status: m["status"]}
	value := func(key string) int64 {
		if n := number(m[key]); n != nil && *n > 0 {
			return *n
		}
		return 0
	}
	// Some are "3/7": so many, of all. Which ones depends on version and status.
	part := func(key string) (n int64) {
		a, b, _ := strings.Cut(m[key], "/")
		if all := number(b); all != nil {
			r.Clients = max(r.Clients, *all)
		}
		if x := number(a); x != nil && *x > 0 {
			n = *x
		}
		return n
	}
	r.Connected, r.Completed = part("connected_clients"), part("completed_clients")
	part("delayed_clients")
	r.Evicted = value("evicted_clients")
	r.Start, r.Duration, r.Remaining = value("recovery_start"), value("recovery_duration"), value("time_remaining")
	if strings.EqualFold(r.Status, "COMPLETE") && r.Evicted == 0 && r.Clients > r.Completed {
		r.Evicted = r.Clients - r.Completed
	}
	r.Waiting = append(r.Waiting, strings.FieldsFunc(m["non-ready MDTs"], func(c rune) bool { return c == ' ' || c == ',' || c == '\t' })...)
	return r
}

// parseHealth reads health_check: a verdict, and above it the devices that are at
// fault.
func parseHealth(text string) (verdict string, devices []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "device "); ok && strings.Contains(rest, "unhealthy") {
			name, _, _ := strings.Cut(rest, " ")
			// The target's own device, or the one below it.
			if name = strings.TrimSuffix(name, "-osd"); !slices.Contains(devices, name) {
				devices = append(devices, name)
			}
			continue
		}
		if line != "" && (verdict == "" || verdict == "healthy") {
			verdict = line
		}
	}
	if verdict == "" && len(devices) > 0 {
		verdict = "NOT HEALTHY"
	}
	return verdict, devices
}

// parseVersion reads version: a number, or lines of which one has it.
func parseVersion(text string) string {
	if v := pairs(text)["lustre"]; v != "" {
		return v
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// parseDevices reads the list of devices and returns their states by type and
// name: "  2 UP obdfilter scratch-OST0000 scratch-OST0000_UUID 7".
func parseDevices(text string) map[[2]string]string {
	m := map[[2]string]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || number(f[0]) == nil {
			continue
		}
		m[[2]string{f[2], f[3]}] = f[1]
	}
	return m
}

var counterLine = lazyregexp.New(`^(\S+)\s+(\d+)\s+samples\s+\[(\S+?)\](?:\s+(-?\d+)\s+(-?\d+)\s+(-?\d+))?`)

// parseCounters reads stats or md_stats. Up to 2.9 stats has some twice: first what clients
// asked for, then how often Lustre's own layers called each other.
func parseCounters(text string) map[string]fact.Counter {
	m := map[string]fact.Counter{}
	for line := range strings.Lines(text) {
		f := counterLine.FindStringSubmatch(line)
		if f == nil {
			continue
		}
		n := number(f[2])
		if n == nil {
			continue
		}
		c := fact.Counter{Samples: *n, Unit: f[3]}
		if f[6] != "" {
			c.Sum = number(f[6])
		}
		name := strings.TrimSuffix(f[1], ":")
		if _, twice := m[name]; !twice {
			m[name] = c
		}
	}
	return m
}

var (
	histogramTitle = lazyregexp.New(`^\s*(\S.*?)\s+(?:rpcs|ios|maps|pages|blocks)\s+%\s+cum\s+%\s*\|`)
	histogramLine  = lazyregexp.New(`^\s*(\d+)([KMGT]?):\s+(\d+)\s+\d+\s+\d+\s*\|\s*(\d+)`)
	parenthesis    = lazyregexp.New(`\s*\([^)]*\)`)
)

// parseHistograms reads brw_stats: tables of reads and writes, by title.
func parseHistograms(text string) map[string][]fact.Bin {
	m := map[string][]fact.Bin{}
	title := ""
	for line := range strings.Lines(text) {
		if f := histogramTitle.FindStringSubmatch(line); f != nil {
			title = parenthesis.ReplaceAllString(f[1], "")
			if m[title] == nil {
				m[title] = []fact.Bin{}
			}
			continue
		}
		f := histogramLine.FindStringSubmatch(line)
		if f == nil || title == "" {
			continue
		}
		value, read, write := number(f[1]), number(f[3]), number(f[4])
		shift := 10 * (strings.Index("KMGT", f[2]) + 1)
		if f[2] == "" {
			shift = 0
		}
		if value == nil || read == nil || write == nil || *value > math.MaxInt64>>shift {
			continue
		}
		m[title] = append(m[title], fact.Bin{Value: *value << shift, Read: *read, Write: *write})
	}
	return m
}

var registered = lazyregexp.New(`^\s*(\S+-(?:MDT|OST)[0-9a-fA-F]{4})(?:\s|$)`)

// parseLive reads what the management target has of a file system, and returns
// the targets.
func parseLive(text string) (names []fact.Name) {
	for line := range strings.Lines(text) {
		if f := registered.FindStringSubmatch(line); f != nil {
			names = append(names, fact.Name(f[1]))
		}
	}
	return names
}

// parseTargets reads target_obd, "0: scratch-OST0000_UUID ACTIVE", and says which
// are active.
func parseTargets(text string) map[fact.Name]bool {
	m := map[fact.Name]bool{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.HasSuffix(f[0], ":") {
			continue
		}
		if name := strings.TrimSuffix(f[1], "_UUID"); targetName.MatchString(name) {
			m[fact.Name(name)] = f[2] == "ACTIVE"
		}
	}
	return m
}

// linkOf is the meaning of an import's state; empty if the word is not known.
func linkOf(state string) fact.Link {
	switch s := strings.ToUpper(strings.TrimSpace(state)); {
	case s == "FULL" || s == "IDLE":
		return fact.Connected
	case strings.HasPrefix(s, "REPLAY") || s == "RECOVER" || s == "EVICTED":
		return fact.Recovering
	case s == "DISCONN" || s == "CONNECTING" || s == "NEW" || s == "CLOSED":
		return fact.Disconnected
	}
	return ""
}

// parseNIs reads LNet's list of interfaces, nis: a line of titles, and one for
// each interface.
func parseNIs(text string) map[string]*fact.Interface {
	m := map[string]*fact.Interface{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.Contains(f[0], "@") {
			continue
		}
		m[f[0]] = &fact.Interface{Net: netOf(f[0]), Status: strings.ToLower(f[1])}
	}
	return m
}

// netOf is the network in a NID.
func netOf(nid string) string {
	return nid[strings.LastIndexByte(nid, '@')+1:]
}

// parseNets reads what "lnetctl net show -v" prints, which is YAML of a fixed
// form: nets, their interfaces, and numbers below those.
func parseNets(text string) map[string]*fact.Interface {
	m := map[string]*fact.Interface{}
	var at *fact.Interface
	net, devices := "", -1 // the indent of the list of devices, or -1
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		body = strings.TrimSpace(strings.TrimPrefix(body, "- "))
		key, value, _ := strings.Cut(body, ":")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if devices >= 0 && indent > devices {
			if at != nil && value != "" {
				at.Devices = append(at.Devices, value)
			}
			continue
		}
		devices = -1
		switch key {
		case "net type":
			net, at = value, nil
		case "nid":
			nid := strings.TrimSpace(strings.TrimPrefix(body, "nid:"))
			nid = strings.Trim(nid, `"`)
			at = &fact.Interface{Net: net}
			if net == "" {
				at.Net = netOf(nid)
			}
			m[nid] = at
		case "status":
			if at != nil {
				at.Status = strings.ToLower(value)
			}
		case "interfaces":
			devices = indent
		case "health value":
			if at != nil {
				at.Health = number(value)
			}
		}
	}
	return m
}

// unmangle undoes the octal escapes of a mount table and udev's of names in
// /dev/disk.
func unmangle(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			digits, base := s[i+1:i+4], 8
			if s[i+1] == 'x' {
				digits, base = s[i+2:i+4], 16
			}
			if n, err := strconv.ParseUint(digits, base, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mount is a mounted target or client.
type mount struct {
	source, target, kind string
	options              []string
}

// option is the value of an option of the mount.
func (m *mount) option(name string) string {
	for _, o := range m.options {
		if v, ok := strings.CutPrefix(o, name+"="); ok {
			return v
		}
	}
	return ""
}

// parseMounts reads the mounts of Lustre in a mount table.
func parseMounts(text string) (list []mount) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || !slices.Contains([]string{"lustre", "lustre_tgt"}, f[2]) {
			continue
		}
		list = append(list, mount{unmangle(f[0]), unmangle(f[1]), f[2], strings.Split(f[3], ",")})
	}
	return list
}
