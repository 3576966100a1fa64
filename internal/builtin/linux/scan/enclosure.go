package scan

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

const (
	sysEnclosure = "/sys/class/enclosure"
	// noAccess is the status of an element that the other controller has.
	noAccess = "No access allowed"
)

// sysStatus is the kernel's word for a status, in that of SES.
var sysStatus = map[string]string{
	"OK": "OK", "critical": "Critical", "non-critical": "Non-critical", "unrecoverable": "Unrecoverable", "not installed": "Not installed",
	"unknown": "Unknown", "unavailable": "Not available", "unsupported": "Unsupported",
}

// ses is an enclosure as it is put together.
type ses struct {
	id   string
	fact *fact.Enclosure
	sg   string // the node to ask it: "/dev/sg3"
}

// readEnclosures reads SES enclosures: their slots from the kernel, which knows the
// disks in them, and all other elements from sg_ses. An enclosure that is seen by
// several paths is one, by its logical identifier.
func (h *host) readEnclosures() {
	if s := h.Scanner; s.enclosures != nil && !h.news.everything && !h.news.enclosures && s.now().Sub(s.asked[ofEnclosures]) < ofEnclosures.age && !h.diskNews() {
		h.report.Enclosures = s.enclosures
		h.report.Gaps = append(h.report.Gaps, s.enclosureGaps...)
		return
	}
	h.asked[ofEnclosures] = h.now()
	gaps := len(h.report.Gaps)
	for _, dir := range h.sesDevices() {
		files := h.files
		e, err := source.Guarded(&h.guard, "enclosure "+path.Base(dir), 4*readLimit, func() *ses { return readEnclosure(files, dir) })
		if err != nil {
			h.gap("enclosures", "", err.Error())
			continue
		}
		h.addEnclosure(e)
	}
	if h.last != nil && len(h.report.Gaps) > gaps {
		for id, e := range h.last.Enclosures {
			if h.report.Enclosures[id] == nil {
				h.report.Enclosures[id] = e // what does not answer is not gone
			}
		}
	}
	h.Scanner.enclosures, h.enclosureGaps = h.report.Enclosures, slices.Clone(h.report.Gaps[gaps:])
}

// diskNews says that disks came or went, which changes what is in slots.
func (h *host) diskNews() bool {
	for dir := range h.news.dirs {
		if strings.Contains(dir, "/target") {
			return true
		}
	}
	return false
}

// sesDevices are the folders of SCSI devices that are enclosures.
func (h *host) sesDevices() []string {
	var dirs []string
	add := func(dir string, err error) {
		if err == nil && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	names, _ := h.files.List(sysEnclosure)
	for _, name := range names {
		at := path.Join(sysEnclosure, name)
		if to, err := source.Resolve(h.files, at); err == nil {
			at = to
		}
		add(source.Resolve(h.files, path.Join(at, "device")))
	}
	// Without the ses module the kernel does not know them as such.
	const scsiDevices = "/sys/bus/scsi/devices"
	names, _ = h.files.List(scsiDevices)
	for _, name := range names {
		if isSCSIAddress(name) && h.text(path.Join(scsiDevices, name, "type")) == "13" {
			add(source.Resolve(h.files, path.Join(scsiDevices, name)))
		}
	}
	slices.Sort(dirs)
	return dirs
}

// readEnclosure reads what the kernel knows of an enclosure. Each attribute of a slot
// is a question to the enclosure, not to the disk.
func readEnclosure(files source.Files, dir string) *ses {
	attr := func(name string) string { return source.Text(files, path.Join(dir, name)) }
	e := &ses{fact: &fact.Enclosure{Vendor: attr("vendor"), Model: attr("model"), Firmware: attr("rev"), Elements: []fact.Element{}}}
	if names, err := files.List(path.Join(dir, "scsi_generic")); err == nil && len(names) > 0 {
		e.sg = "/dev/" + names[0]
	}
	at := path.Join(dir, "enclosure", path.Base(dir))
	names, err := files.List(at)
	if err != nil {
		return e
	}
	e.id = strings.ToLower(strings.TrimPrefix(source.Text(files, path.Join(at, "id")), "0x"))
	for _, name := range names {
		slot := func(attr string) string { return source.Text(files, path.Join(at, name, attr)) }
		status := slot("status")
		if status == "" {
			continue // a file or a link of the enclosure itself
		}
		el := fact.Element{Type: "slot", Index: len(e.fact.Elements), Name: name, Status: or(sysStatus[status], status), Fault: slot("fault") != "0" && slot("fault") != "", Ident: slot("locate") == "1"}
		if n, err := strconv.Atoi(slot("slot")); err == nil {
			el.Index = n
		}
		// The link leads to the SCSI device of the disk.
		if disk, err := source.Resolve(files, path.Join(at, name, "device")); err == nil {
			if blocks, err := files.List(path.Join(disk, "block")); err == nil && len(blocks) > 0 {
				el.Device = fact.Key(source.Text(files, path.Join(disk, "block", blocks[0], "dev")))
			}
			el.SAS = strings.TrimPrefix(source.Text(files, path.Join(disk, "sas_address")), "0x")
		}
		e.fact.Elements = append(e.fact.Elements, el)
	}
	slices.SortStableFunc(e.fact.Elements, func(a, b fact.Element) int { return cmp.Compare(a.Index, b.Index) })
	return e
}

// addEnclosure completes an enclosure with what it says by itself, and adds it.
func (h *host) addEnclosure(e *ses) {
	if e.sg != "" {
		if err := h.askSES(e); err != nil {
			h.gap("enclosures", e.id, err.Error())
		}
	}
	if e.id == "" {
		return // it says of itself nothing by which another host could know it
	}
	for i := range e.fact.Elements {
		el := &e.fact.Elements[i]
		if h.byKey[el.Device] == nil {
			el.Device = ""
		}
		for _, b := range h.blocks {
			if el.Device == "" && el.SAS != "" && b.fact.IDs.SAS == el.SAS && b.fact.Kind == fact.Disk {
				el.Device = b.key
			}
		}
	}
	// By another path the same may be told with less, or of other slots.
	have := h.report.Enclosures[e.id]
	if have == nil || len(have.Elements) < len(e.fact.Elements) {
		h.report.Enclosures[e.id] = e.fact
		return
	}
	for i, el := range e.fact.Elements {
		known := &have.Elements[i]
		if known.Type == el.Type && known.Index == el.Index && (known.Status == noAccess && el.Status != noAccess || known.Device == "" && el.Device != "") {
			*known = el
		}
	}
}

// askSES asks the enclosure for its pages. What the kernel has told of the disks in
// slots is kept.
func (h *host) askSES(e *ses) error {
	pages := map[byte][]byte{}
	for _, code := range []byte{tool.SESConfiguration, tool.SESStatus, tool.SESNames, tool.SESAdditional} {
		page := "--page=0x" + strconv.FormatUint(uint64(code), 16)
		out, err := h.ask(h.ctx, source.Command{Name: "sg_ses", Args: []string{page, "-rr", e.sg}, Topic: []string{e.sg}})
		if err != nil {
			if code == tool.SESNames || code == tool.SESAdditional {
				continue // small enclosures have none
			}
			return err
		}
		maps.Copy(pages, tool.SESPages(out))
	}
	s, err := tool.ReadSES(pages)
	if err != nil {
		return err
	}
	f := e.fact
	e.id = or(e.id, s.ID)
	f.Vendor, f.Model, f.Firmware, f.Status = or(f.Vendor, s.Vendor), or(f.Model, s.Product), or(f.Firmware, s.Revision), s.Status
	slots := f.Elements
	f.Elements = []fact.Element{}
	taken := map[string]bool{}
	for _, el := range s.Elements {
		next := fact.Element{Type: el.Type, Index: el.Index, Name: el.Name, Status: el.Status, SAS: el.SAS, Value: el.Value, Fault: el.Fault, Predict: el.Predict, Ident: el.Ident}
		if el.Type == "slot" {
			if el.Slot >= 0 {
				next.Index = el.Slot
			}
			name := kernelName(el, taken)
			for _, known := range slots {
				if strings.TrimSpace(known.Name) == name || el.SAS != "" && known.SAS == el.SAS {
					next.Device, next.SAS = known.Device, or(next.SAS, known.SAS)
				}
			}
		}
		f.Elements = append(f.Elements, next)
	}
	return nil
}

// kernelName is how the kernel calls a slot: by its name, or by its place if it has none;
// one more of the same name gets a number behind it. taken are the names so far.
func kernelName(el tool.SESElement, taken map[string]bool) string {
	plain := or(el.Name, strconv.Itoa(el.Index))
	name := plain
	for i := 1; taken[name]; i++ {
		name = plain + "-" + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}
