package tool

import (
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// LVM is what the LVM tools tell.
type LVM struct {
	PVs []PV
	VGs []VG
	LVs []LV
}

// PV is a physical volume.
type PV struct {
	Name, UUID string // Name is the path of its device, or "[unknown]"
	VG, VGUUID string
	Missing    bool
}

// VG is a volume group.
type VG struct {
	Name, UUID string
	Size, Free int64
	Missing    int
	Exported   bool
	Shared     bool
	SystemID   string
}

// LV is a logical volume.
type LV struct {
	Name, UUID string // Name is without the brackets around one that LVM keeps for itself
	VG, VGUUID string
	Private    bool
	Active     bool
	Size       int64
	Type       string
	Health     string
	Origin     string
	OriginUUID string
	Pool       string
	PoolUUID   string
}

// Read adds what the output of pvs, vgs, lvs or `lvm fullreport` tells, as JSON or as
// columns with headings.
func (l *LVM) Read(text []byte) error {
	o, err := decode(text)
	if err != nil || o["report"] == nil {
		return l.readColumns(string(text))
	}
	found := false
	for _, report := range o.objects("report") {
		var vg object
		for _, row := range report.objects("vg") {
			vg = row
			l.addVG(row)
		}
		for _, row := range report.objects("pv") {
			// A full report has the group's rows together, and names it once.
			l.addPV(inherit(row, vg))
		}
		for _, row := range report.objects("lv") {
			l.addLV(inherit(row, vg))
		}
		// Segments tell the type of a volume whose own row does not.
		for _, row := range report.objects("seg") {
			l.addSegment(row)
		}
		found = found || report["pv"] != nil || report["lv"] != nil || report["vg"] != nil
	}
	if !found {
		return ErrNothing
	}
	return nil
}

func inherit(row, vg object) object {
	if vg == nil {
		return row
	}
	for _, key := range []string{"vg_name", "vg_uuid"} {
		if row[key] == nil {
			row[key] = vg[key]
		}
	}
	return row
}

func (l *LVM) addPV(r object) {
	pv := PV{Name: r.text("pv_name"), UUID: r.text("pv_uuid"), VG: r.text("vg_name"), VGUUID: r.text("vg_uuid")}
	if pv.UUID == "" && pv.VG == "" {
		return // with --all every device that might be one has a row
	}
	pv.Missing = said(r, "pv_missing") || attr(r, "pv_attr", 2) == "m" || strings.HasPrefix(pv.Name, "[") || strings.HasPrefix(pv.Name, "unknown")
	if !slices.Contains(l.PVs, pv) {
		l.PVs = append(l.PVs, pv)
	}
}

func (l *LVM) addVG(r object) {
	vg := VG{
		Name: r.text("vg_name"), UUID: r.text("vg_uuid"), Size: Size(r.text("vg_size")), Free: Size(r.text("vg_free")),
		Missing: int(r.int("vg_missing_pv_count")), SystemID: or(r.text("vg_systemid"), r.text("vg_sysid")),
	}
	if vg.Name == "" {
		return // devices without a group have a row of their own in a full report
	}
	if extent := Size(r.text("vg_extent_size")); vg.Size == 0 && extent > 0 {
		vg.Size, vg.Free = extent*r.int("vg_extent_count"), extent*r.int("vg_free_count")
	}
	if vg.Missing == 0 && attr(r, "vg_attr", 3) == "p" {
		vg.Missing = 1 // at least: the group is partial
	}
	vg.Exported = said(r, "vg_exported") || attr(r, "vg_attr", 2) == "x"
	locked := attr(r, "vg_attr", 5)
	vg.Shared = said(r, "vg_shared") || said(r, "vg_clustered") || locked == "c" || locked == "s"
	for _, have := range l.VGs {
		if have.Name == vg.Name && have.UUID == vg.UUID {
			return
		}
	}
	l.VGs = append(l.VGs, vg)
}

// What a letter of the attributes says is wrong, in the words of lv_health_status.
var lvHealth = map[string]string{
	"p": "partial", "r": "refresh needed", "m": "mismatches exist", "w": "writemostly",
	"F": "failed", "D": "out of data space", "M": "metadata read only",
}

var lvTypes = map[string]string{
	"V": "thin", "t": "thin-pool", "r": "raid", "R": "raid", "m": "mirror", "M": "mirror", "s": "snapshot", "S": "snapshot", "C": "cache",
}

func (l *LVM) addLV(r object) {
	lv := LV{
		Name: r.text("lv_name"), UUID: r.text("lv_uuid"), VG: r.text("vg_name"), VGUUID: r.text("vg_uuid"), Size: Size(r.text("lv_size")),
		Type: r.text("segtype"), Health: or(r.text("lv_health_status"), lvHealth[attr(r, "lv_attr", 8)]),
		Origin: strip(r.text("origin")), OriginUUID: r.text("origin_uuid"), Pool: strip(r.text("pool_lv")), PoolUUID: r.text("pool_lv_uuid"),
	}
	if lv.Health == "unknown" {
		lv.Health = "" // what it says of all RAIDs where it may not ask the kernel
	}
	if lv.VG == "" {
		lv.VG, _, _ = strings.Cut(r.text("lv_full_name"), "/")
	}
	if lv.Name == "" || lv.VG == "" {
		return
	}
	lv.Private = strings.HasPrefix(lv.Name, "[")
	lv.Name = strip(lv.Name)
	lv.Active = attr(r, "lv_attr", 4) == "a" || r.text("lv_active") == "active"
	kind := lvTypes[attr(r, "lv_attr", 0)]
	if lv.Type == "" || kind == "snapshot" {
		lv.Type = or(kind, lv.Type) // the segments of a snapshot are linear: those of its changes
	}
	for i := range l.LVs {
		// A volume of several segments has a row for each.
		if have := &l.LVs[i]; have.UUID == lv.UUID && have.Name == lv.Name && have.VG == lv.VG {
			have.Type = or(have.Type, lv.Type)
			return
		}
	}
	l.LVs = append(l.LVs, lv)
}

func (l *LVM) addSegment(r object) {
	uuid, kind := r.text("lv_uuid"), r.text("segtype")
	if uuid == "" || kind == "" {
		return
	}
	for i := range l.LVs {
		if l.LVs[i].UUID == uuid && l.LVs[i].Type != "snapshot" {
			l.LVs[i].Type = kind
		}
	}
}

// said is a truth: the field's own word, or 1 where LVM is set to write numbers; else it
// is empty, 0 or, if not known, -1.
func said(r object, key string) bool {
	v := r.text(key)
	return v != "" && v != "0" && v != "-1" && v != "unknown"
}

func strip(name string) string { return strings.Trim(name, "[]") }

// attr is a character of an attribute string, empty if there is none, or a dash.
func attr(r object, key string, i int) string {
	if a := r.text(key); i < len(a) && a[i] != '-' {
		return a[i : i+1]
	}
	return ""
}

// columns are the headings of the tools' tables, and what JSON calls the same.
var columns = map[string]string{
	"PV": "pv_name", "VG": "vg_name", "LV": "lv_name", "PV UUID": "pv_uuid", "VG UUID": "vg_uuid", "LV UUID": "lv_uuid",
	"PSize": "pv_size", "VSize": "vg_size", "VFree": "vg_free", "LSize": "lv_size", "Ext": "vg_extent_size", "#Ext": "vg_extent_count", "Free": "vg_free_count",
	"Type": "segtype", "Origin": "origin", "Pool": "pool_lv", "Health": "lv_health_status", "Active": "lv_active", "Role": "lv_role",
	"System ID": "vg_systemid", "SYS ID": "vg_systemid", "#PV Missing": "vg_missing_pv_count", "Missing": "pv_missing", "Attr": "attr",
}

// headings of several words, so that they are not taken for several columns.
var headings = []string{"PV UUID", "VG UUID", "LV UUID", "System ID", "SYS ID", "#PV Missing", "VG Tags", "LV Tags", "PV Tags", "1st PE", "Log UUID", "Pool UUID", "Origin UUID"}

// column is a column of a table, and where its heading stands.
type column struct {
	key        string
	start, end int
}

// readColumns reads a table by its headings. The log before and after it is left
// out.
func (l *LVM) readColumns(text string) error {
	var cols []column
	what := ""
	found := false
	for line := range lines(text) {
		if l.readNamed(line) {
			found = true
			continue
		}
		if c, w := lvmHeadings(line); c != nil {
			cols, what = c, w
			continue
		}
		row := cells(line, cols)
		switch what {
		case "PV":
			row["pv_attr"] = row["attr"]
			l.addPV(row)
		case "VG":
			row["vg_attr"] = row["attr"]
			if len(row.text("vg_attr")) != 6 {
				continue
			}
			l.addVG(row)
		case "LV":
			row["lv_attr"] = row["attr"]
			if len(row.text("lv_attr")) < 6 {
				continue
			}
			l.addLV(row)
		default:
			continue
		}
		found = true
	}
	if !found {
		return ErrNothing
	}
	return nil
}

var lvmNamed = lazyregexp.New(`LVM2_(\w+)='([^']*)'`)

// readNamed reads a line of --nameprefixes: LVM2_LV_NAME='root' and so on.
func (l *LVM) readNamed(line string) bool {
	row := object{}
	for _, m := range lvmNamed.FindAllStringSubmatch(line, -1) {
		row[strings.ToLower(m[1])] = m[2]
	}
	switch {
	case row["lv_name"] != nil:
		l.addLV(row)
	case row["pv_name"] != nil:
		l.addPV(row)
	case row["vg_name"] != nil:
		l.addVG(row)
	default:
		return false
	}
	return true
}

func lvmHeadings(line string) ([]column, string) {
	what, _, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok || what != "PV" && what != "VG" && what != "LV" || !strings.Contains(line, "Attr") {
		return nil, ""
	}
	var cols []column
	for i := 0; i < len(line); {
		if line[i] == ' ' {
			i++
			continue
		}
		word, _, _ := strings.Cut(line[i:], " ")
		for _, h := range headings {
			if strings.HasPrefix(line[i:], h) {
				word = h
			}
		}
		cols = append(cols, column{key: columns[word], start: i, end: i + len(word)})
		i += len(word)
	}
	return cols, what
}

// cells gives each word of a line to the column that it stands under: texts begin
// with their heading, numbers end with it, and either may be longer.
func cells(line string, cols []column) object {
	row := object{}
	for i := 0; i < len(line); {
		if line[i] == ' ' {
			i++
			continue
		}
		j := i
		for j < len(line) && line[j] != ' ' {
			j++
		}
		best, overlap := "", 0
		for _, c := range cols {
			if o := min(j, c.end) - max(i, c.start); o > overlap {
				best, overlap = c.key, o
			}
		}
		if best != "" && row[best] == nil {
			row[best] = line[i:j]
		}
		i = j
	}
	return row
}
