package scan

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// readArrays reads MD arrays: from their folders in /sys, and where those have gaps
// from /proc/mdstat, from what udev keeps of mdadm's words, and from mdadm itself.
func (h *host) readArrays() {
	var arrays []*block
	for _, b := range h.blocks {
		if b.fact.Kind == fact.RAID {
			arrays = append(arrays, b)
		}
	}
	if len(arrays) == 0 {
		return
	}
	stat := map[string]kernel.MDArray{}
	if text, err := h.files.Read("/proc/mdstat"); err == nil {
		for _, a := range kernel.MDStat(string(text)) {
			stat[a.Name] = a
		}
	}
	for _, b := range arrays {
		b.fact.Array = &fact.Array{Members: []fact.Member{}}
		h.arrayFromSys(b)
		a := b.fact.Array
		if s, ok := stat[b.name]; ok {
			h.arrayFromStat(b, s)
		}
		h.arrayFromTool(b, tool.MDExport(b.udev.Props))
		if a.UUID == "" || a.Level == "" || len(a.Members) == 0 && a.State != "clear" {
			h.askMDAdm(b)
		}
		h.finishArray(b)
	}
	// A container is known by the name of its array, or its path.
	for _, b := range arrays {
		if b.container != "" {
			if c := h.byName[b.container]; c != nil {
				b.fact.Array.Container = c.key
			} else {
				b.fact.Array.Container = h.key(b.container)
			}
		}
		if c := h.byKey[b.fact.Array.Container]; c != nil && b.fact.Array.Metadata == "" && c.fact.Array != nil {
			b.fact.Array.Metadata = c.fact.Array.Metadata
		}
	}
}

// mdUUID writes an array's UUID as mdadm does: four groups of eight digits.
func mdUUID(u string) string {
	hex := strings.NewReplacer("-", "", ":", "").Replace(strings.ToLower(u))
	if len(hex) != 32 || strings.Trim(hex, "0") == "" {
		return ""
	}
	return hex[:8] + ":" + hex[8:16] + ":" + hex[16:24] + ":" + hex[24:]
}

// sysArray is what /sys has of an array.
type sysArray struct {
	fact.Array
	container string
}

// arrayFromSys takes over what /sys has, if it answers: the attributes of an array
// that is stuck may not.
func (h *host) arrayFromSys(b *block) {
	files, dir := h.files, path.Join(b.dir, "md")
	read, err := source.Guarded(&h.guard, "/sys of "+b.name, readLimit, func() *sysArray { return readArray(files, dir) })
	if err != nil {
		h.gap("devices", string(b.key), err.Error())
		if h.last != nil && h.last.Devices[b.key] != nil && h.last.Devices[b.key].Array != nil {
			b.fact.Array = h.last.Devices[b.key].Array
		}
		return
	}
	if read == nil {
		return
	}
	b.container = read.container
	b.fact.Array = &read.Array
	for i := range read.Members {
		m := &read.Members[i]
		if d := h.byName[strings.ReplaceAll(m.Name, "/", "!")]; d != nil {
			m.Device = d.key
		}
	}
}

// readArray reads an array's folder, nil if it has none.
func readArray(files source.Files, dir string) *sysArray {
	names, err := files.List(dir)
	if err != nil {
		return nil
	}
	attr := func(name string) string { return source.Text(files, path.Join(dir, name)) }
	a := &sysArray{}
	a.Members = []fact.Member{}
	a.UUID, a.Level, a.State = mdUUID(attr("uuid")), attr("level"), attr("array_state")
	a.setMetadata(attr("metadata_version"))
	// "5 (4)" while it grows.
	disks, _, _ := strings.Cut(attr("raid_disks"), " ")
	a.Disks, _ = strconv.Atoi(disks)
	a.Degraded, _ = strconv.Atoi(attr("degraded"))
	setSync(&a.Array, attr("sync_action"), attr("sync_completed"))
	for _, name := range names {
		member, ok := strings.CutPrefix(name, "dev-")
		if !ok {
			continue
		}
		at := path.Join(dir, name)
		m := fact.Member{Name: strings.ReplaceAll(member, "!", "/"), Slot: -1}
		if slot, err := strconv.Atoi(source.Text(files, path.Join(at, "slot"))); err == nil {
			m.Slot = slot
		}
		m.State = memberState(source.Text(files, path.Join(at, "state")), m.Slot)
		a.Members = append(a.Members, m)
	}
	return a
}

// setMetadata takes "1.2", "external:imsm" of a container, or "external:/md127/0" of
// an array in one ("-" in place of "/" while it is read-only).
func (a *sysArray) setMetadata(version string) {
	rest, external := strings.CutPrefix(version, "external:")
	switch {
	case !external:
		if version != "none" {
			a.Metadata = version
		}
	case strings.HasPrefix(rest, "/"), strings.HasPrefix(rest, "-"):
		a.container, _, _ = strings.Cut(rest[1:], "/")
	default:
		a.Metadata = rest
		a.Level = or(a.Level, "container")
	}
}

// memberState is one word for what the kernel writes as a list.
func memberState(list string, slot int) string {
	has := func(word string) bool { return slices.Contains(strings.Split(list, ","), word) }
	switch {
	case has("faulty"):
		return "faulty"
	case has("journal"):
		return "journal"
	case has("in_sync") && has("write_mostly"):
		return "write_mostly"
	case has("in_sync"):
		return "in_sync"
	case slot >= 0 || has("replacement"):
		return "rebuilding"
	}
	return "spare"
}

func setSync(a *fact.Array, action, completed string) {
	if action == "" || action == "idle" || action == "frozen" {
		return
	}
	a.Sync = action
	if action == "recovery" {
		a.Sync = "recover"
	}
	done, of, ok := strings.Cut(completed, "/")
	d, n := kernel.Int(done), kernel.Int(of)
	if ok && n > 0 && d >= 0 {
		// To a thousandth: nobody wants to be told of each sector.
		a.Done = math.Round(min(1, float64(d)/float64(n))*1000) / 1000
	}
}

// arrayFromStat fills in what /sys does not show.
func (h *host) arrayFromStat(b *block, s kernel.MDArray) {
	a := b.fact.Array
	fresh := a.State == "" // /sys says nothing of it
	if fresh {
		switch {
		case !s.Active:
			a.State = "inactive"
		case s.ReadOnly && s.Auto:
			a.State = "read-auto"
		case s.ReadOnly:
			a.State = "readonly"
		default:
			a.State = "active"
		}
	}
	a.Level = or(a.Level, s.Level)
	if s.Container != "" && b.container == "" {
		b.container = s.Container
	}
	if s.Metadata != "" && a.Metadata == "" {
		a.Metadata = s.Metadata
		if !strings.ContainsAny(s.Metadata, "0123456789") && a.Level == "" {
			a.Level = "container"
		}
	}
	if fresh {
		a.Disks, a.Degraded = s.Disks, max(0, s.Disks-s.Working)
		if s.Sync != "" {
			setSync(a, s.Sync, "")
			a.Done = s.Done
		}
	}
	if len(a.Members) > 0 {
		return
	}
	for _, m := range s.Members {
		member := fact.Member{Name: m.Name, Slot: m.Number, State: "in_sync"}
		switch {
		case strings.Contains(m.Flags, "F"):
			member.State, member.Slot = "faulty", -1
		case strings.Contains(m.Flags, "S"):
			member.State, member.Slot = "spare", -1
		case strings.Contains(m.Flags, "J"):
			member.State, member.Slot = "journal", -1
		case strings.Contains(m.Flags, "W"):
			member.State = "write_mostly"
		}
		if d := h.byName[strings.ReplaceAll(m.Name, "/", "!")]; d != nil {
			member.Device = d.key
		}
		a.Members = append(a.Members, member)
	}
	if s.Sync == "recovery" {
		rebuilding(a.Members, s.Working)
	}
	// The numbers in the file are no slots; with as many as there are places they are
	// mostly the same, but one that was replaced has a higher one.
	for i := range a.Members {
		if a.Disks > 0 && a.Members[i].Slot >= a.Disks {
			a.Members[i].Slot = -1
		}
	}
}

// rebuilding marks the members beyond those that work: they came last, and have the
// highest numbers.
func rebuilding(members []fact.Member, working int) {
	var in []*fact.Member
	for i := range members {
		if m := &members[i]; m.State == "in_sync" || m.State == "write_mostly" {
			in = append(in, m)
		}
	}
	slices.SortFunc(in, func(a, b *fact.Member) int { return a.Slot - b.Slot })
	for _, m := range in[min(working, len(in)):] {
		m.State = "rebuilding"
	}
}

// arrayFromTool fills in what mdadm knows, by itself or through udev.
func (h *host) arrayFromTool(b *block, m tool.MD) {
	a := b.fact.Array
	a.UUID, a.Name = or(a.UUID, mdUUID(m.UUID)), or(a.Name, m.Name)
	a.Level, a.Metadata = or(a.Level, m.Level), or(a.Metadata, m.Metadata)
	if a.Disks == 0 {
		a.Disks = m.Disks
	}
	if b.container == "" {
		b.container = m.Container
	}
	if a.State == "" && m.State != "" {
		a.State, _, _ = strings.Cut(m.State, ",")
	}
	if a.Sync == "" && m.Sync != "" {
		setSync(a, m.Sync, "")
		a.Done = m.Done
	}
	known := len(a.Members) > 0
	for _, t := range m.Members {
		member := fact.Member{Device: h.key(t.Path), Name: path.Base(t.Path), Slot: t.Slot}
		switch state := t.State; {
		case t.Path == "" || strings.HasPrefix(state, "removed"):
			continue
		case strings.Contains(state, "faulty"):
			member.State = "faulty"
		case strings.Contains(state, "rebuilding"):
			member.State = "rebuilding"
		case strings.Contains(state, "journal"):
			member.State = "journal"
		case strings.Contains(state, "writemostly"):
			member.State = "write_mostly"
		case strings.Contains(state, "spare"):
			member.State = "spare"
		default:
			member.State = "in_sync"
		}
		if !known {
			a.Members = append(a.Members, member)
			continue
		}
		for i := range a.Members {
			if have := &a.Members[i]; have.Device == member.Device && have.Device != "" && have.Slot < 0 && have.State == "in_sync" {
				have.Slot = member.Slot
			}
		}
	}
	if a.Degraded == 0 && (strings.Contains(m.State, "degraded") || strings.Contains(m.State, "FAILED")) {
		in := 0
		for _, member := range a.Members {
			if member.State == "in_sync" || member.State == "write_mostly" {
				in++
			}
		}
		a.Degraded = max(1, a.Disks-in)
	}
}

// askMDAdm asks mdadm, which opens the array and reads its members' superblocks.
func (h *host) askMDAdm(b *block) {
	node := b.fact.Path
	out, err := h.output(ofArrays, source.Command{Name: "mdadm", Args: []string{"--detail", "--export", node}, Topic: []string{"--detail", "--export", node}})
	if err == nil {
		h.arrayFromTool(b, tool.MDExport(kernel.Properties(string(out))))
		return
	}
	out, err = h.output(ofArrays, source.Command{Name: "mdadm", Args: []string{"--detail", node}, Topic: []string{"--detail", node}})
	if err != nil {
		h.gap("devices", string(b.key), "what is known of array "+b.name+" is not all: "+err.Error())
		return
	}
	for _, m := range tool.MDDetail(string(out)) {
		h.arrayFromTool(b, m)
	}
}

// finishArray makes the parts agree.
func (h *host) finishArray(b *block) {
	a := b.fact.Array
	b.fact.IDs.UUID = a.UUID
	for _, m := range a.Members {
		if m.Device != "" {
			b.on(m.Device)
		}
	}
	slices.SortFunc(a.Members, func(x, y fact.Member) int {
		// Slots first, in their order, then those without one.
		sx, sy := uint(x.Slot), uint(y.Slot)
		switch {
		case sx < sy:
			return -1
		case sx > sy:
			return 1
		}
		return strings.Compare(x.Name, y.Name)
	})
}
