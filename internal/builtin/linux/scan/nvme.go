package scan

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

var (
	nvmeController = lazyregexp.New(`^nvme\d+$`)
	nvmePath       = lazyregexp.New(`^nvme\d+c\d+n\d+$`)
	nvmeNamespace  = lazyregexp.New(`^nvme\d+n(\d+)$`)
)

// readNVMe reads a namespace: its identifiers, and the controllers that lead to
// it. With native multipath it belongs to a subsystem, and each controller of that
// has a hidden block device for it, which knows the ANA state.
func (b *block) readNVMe(files source.Files) {
	d := b.fact
	attr := func(name string) string { return source.Text(files, path.Join(b.dir, name)) }
	d.NVMe = &fact.NVMe{}
	if m := nvmeNamespace.FindStringSubmatch(b.name); m != nil {
		d.NVMe.Namespace, _ = strconv.Atoi(m[1])
	}
	if n, err := strconv.Atoi(attr("nsid")); err == nil {
		d.NVMe.Namespace = n
	}
	parent := path.Dir(b.dir)
	var controllers []string
	if nvmeController.MatchString(path.Base(parent)) {
		controllers = []string{parent}
	} else {
		controllers = subsystemControllers(files, parent)
	}
	if len(controllers) == 0 && b.device != "" && nvmeController.MatchString(path.Base(b.device)) {
		controllers = []string{b.device}
	}
	b.controllers = controllers
	first := func(name string) string {
		if v := source.Text(files, path.Join(parent, name)); v != "" {
			return v
		}
		for _, c := range controllers {
			if v := source.Text(files, path.Join(c, name)); v != "" {
				return v
			}
		}
		return ""
	}
	d.Model, d.Firmware, d.IDs.Serial = first("model"), first("firmware_rev"), first("serial")
	d.NVMe.NQN = first("subsysnqn")
	live := ""
	for _, dir := range controllers {
		c := fact.Controller{
			Name:      path.Base(dir),
			State:     source.Text(files, path.Join(dir, "state")),
			Transport: source.Text(files, path.Join(dir, "transport")),
			Address:   source.Text(files, path.Join(dir, "address")),
			Access:    b.ana(files, dir),
		}
		if c.Transport == "" && pciAddress(dir) != "" {
			c.Transport = "pcie"
		}
		d.NVMe.Controllers = append(d.NVMe.Controllers, c)
		if live == "" || c.State == "live" {
			live = c.State
		}
		d.Transport = or(d.Transport, c.Transport)
	}
	d.State = live
	if len(d.NVMe.Controllers) == 1 {
		d.Address = d.NVMe.Controllers[0].Address
	}
	if d.Transport == "" && pciAddress(b.dir) != "" {
		d.Transport = "pcie"
	}
	b.nvmeIDs(attr)
}

// ana is the state of the namespace through a controller, if that has one.
func (b *block) ana(files source.Files, controller string) string {
	if at := b.anaFile(files, controller); at != "" {
		return source.Text(files, at)
	}
	return ""
}

// anaFile is the file that has that state, empty without one.
func (b *block) anaFile(files source.Files, controller string) string {
	m := nvmeNamespace.FindStringSubmatch(b.name)
	names, err := files.List(controller)
	if err != nil || m == nil {
		return ""
	}
	for _, name := range names {
		if nvmePath.MatchString(name) && strings.HasSuffix(name, "n"+m[1]) || name == b.name {
			at := path.Join(controller, name, "ana_state")
			if source.Text(files, at) != "" {
				return at
			}
		}
	}
	return ""
}

// subsystemControllers returns the folders of a subsystem's controllers.
func subsystemControllers(files source.Files, dir string) []string {
	names, err := files.List(dir)
	if err != nil {
		return nil
	}
	var all []string
	for _, name := range names {
		if !nvmeController.MatchString(name) {
			continue
		}
		to, err := source.Resolve(files, path.Join(dir, name))
		if err != nil {
			to = path.Join(dir, name)
		}
		all = append(all, to)
	}
	return all
}

// nvmeIDs are the identifiers of a namespace: what the kernel has chosen, and each
// that the namespace has. Without any, the kernel makes one of maker, serial number, model
// and number of the namespace.
func (b *block) nvmeIDs(attr func(string) string) {
	ids := &b.fact.IDs
	add := func(kind, value string) {
		value = strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(value))
		if strings.Trim(value, "0") == "" {
			return
		}
		if id := kind + "." + value; !slices.Contains(ids.Page83, id) {
			ids.Page83 = append(ids.Page83, id)
		}
	}
	// The kernel shows the NGUID in place of a missing UUID.
	nguid, uuid := attr("nguid"), attr("uuid")
	add("eui", nguid)
	add("eui", attr("eui"))
	if uuid != nguid {
		add("uuid", uuid)
	}
	wwid := or(attr("wwid"), b.udev.Props["ID_WWN"])
	switch {
	case strings.HasPrefix(wwid, "eui."), strings.HasPrefix(wwid, "uuid."):
		kind, value, _ := strings.Cut(wwid, ".")
		add(kind, value)
		ids.WWID = wwid
	case strings.HasPrefix(wwid, "nvme."):
		ids.WWID = wwid
	}
	if ids.WWID == "" && len(ids.Page83) > 0 {
		ids.WWID = ids.Page83[0]
	}
}
