package acme

import (
	"fmt"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// inventory is the reported resources by the ids that the array gives its objects.
type inventory struct {
	controllers   table[*Controller]
	enclosures    table[*Enclosure]
	fans          table[*Fan]
	powerSupplies table[*PowerSupply]
	disks         table[*Disk]
	pools         table[*Pool]
	luns          table[*Lun]
	paths         table[*LunPath]
}

func newInventory() inventory {
	return inventory{
		controllers: table[*Controller]{}, enclosures: table[*Enclosure]{}, fans: table[*Fan]{}, powerSupplies: table[*PowerSupply]{},
		disks: table[*Disk]{}, pools: table[*Pool]{}, luns: table[*Lun]{}, paths: table[*LunPath]{},
	}
}

// table holds the resources of one class.
type table[R plugin.Any] map[string]R

// need returns the resource with an id, or an error that says who needs it.
func (t table[R]) need(id, by string) (R, error) {
	r, ok := t[id]
	if !ok {
		return r, fmt.Errorf("%s names %s, which the array does not list", by, id)
	}
	return r, nil
}

// remove removes the resource with an id, if there is one.
func (t table[R]) remove(id string) {
	if r, ok := t[id]; ok {
		plugin.Remove(r)
		delete(t, id)
	}
}

// apply reports what was read, affectors first: fans and power supplies affect
// their enclosure, an enclosure its disks, disks their pool, a pool its LUNs; a
// controller affects the paths through it, and those the LUN.
func (v *inventory) apply(s *plugin.Session, n *news) error {
	for _, id := range n.removed {
		v.paths.remove(id)
		v.luns.remove(id)
		v.pools.remove(id)
		v.disks.remove(id)
		v.powerSupplies.remove(id)
		v.fans.remove(id)
		v.enclosures.remove(id)
		v.controllers.remove(id)
	}
	for i := range n.controllers {
		v.controller(s, &n.controllers[i])
	}
	if err := v.shelves(s, n); err != nil {
		return err
	}
	if err := v.storage(s, n); err != nil {
		return err
	}
	for i := range n.luns {
		if err := v.lun(s, &n.luns[i]); err != nil {
			return err
		}
	}
	for i := range n.paths {
		if err := v.path(s, &n.paths[i]); err != nil {
			return err
		}
	}
	return nil
}

func (v *inventory) controller(s *plugin.Session, o *controllerJSON) {
	r := plugin.Report(s, &Controller{Index: o.Index, SerialNumber: o.Serial, Model: o.Model, Firmware: o.Firmware, Status: o.Status})
	r.Temperature.Set(o.TemperatureC)
	v.controllers[o.ID] = r
}

// shelves reports enclosures and what keeps them cool and powered.
func (v *inventory) shelves(s *plugin.Session, n *news) error {
	for i := range n.enclosures {
		o := &n.enclosures[i]
		r := plugin.Report(s, &Enclosure{SerialNumber: o.Serial, Number: o.Number, Model: o.Model, Bays: o.Bays})
		r.Temperature.Set(o.TemperatureC)
		r.Power.Set(o.PowerW)
		v.enclosures[o.ID] = r
	}
	for i := range n.fans {
		o := &n.fans[i]
		e, err := v.enclosures.need(o.Enclosure, o.ID)
		if err != nil {
			return err
		}
		r := plugin.Report(s, &Fan{Enclosure: e, Number: o.Number, Status: o.Status})
		r.Speed.Set(o.RPM)
		e.AddParent(r)
		v.fans[o.ID] = r
	}
	for i := range n.powerSupplies {
		o := &n.powerSupplies[i]
		e, err := v.enclosures.need(o.Enclosure, o.ID)
		if err != nil {
			return err
		}
		r := plugin.Report(s, &PowerSupply{SerialNumber: o.Serial, Enclosure: e, Number: o.Number, Status: o.Status})
		e.AddParent(r)
		v.powerSupplies[o.ID] = r
	}
	return nil
}

// storage reports disks and pools, and which disks joined and left which pools.
func (v *inventory) storage(s *plugin.Session, n *news) error {
	joined := map[string][]plugin.Any{}
	for i := range n.disks {
		o := &n.disks[i]
		e, err := v.enclosures.need(o.Enclosure, o.ID)
		if err != nil {
			return err
		}
		before := "" // the pool that the disk was in
		if known, ok := v.disks[o.ID]; ok {
			before = known.Pool
		}
		r := v.disk(s, o, e)
		if before == o.Pool {
			continue
		}
		if p, ok := v.pools[before]; ok {
			p.RemoveParent(r)
		}
		if o.Pool != "" {
			joined[o.Pool] = append(joined[o.Pool], r)
		}
	}
	for i := range n.pools {
		o := &n.pools[i]
		r := plugin.Report(s, &Pool{
			Number: o.Number, RAIDType: o.RAIDType, Capacity: plugin.Bytes(o.CapacityBytes), Free: plugin.Bytes(o.FreeBytes),
			Status: o.Status, RebuildProgress: o.RebuildPercent,
		}, joined[o.ID]...)
		v.pools[o.ID] = r
		delete(joined, o.ID)
	}
	for id, disks := range joined { // pools of which nothing else changed
		p, err := v.pools.need(id, "a disk")
		if err != nil {
			return err
		}
		for _, d := range disks {
			p.AddParent(d)
		}
	}
	return nil
}

func (v *inventory) disk(s *plugin.Session, o *diskJSON, e *Enclosure) *Disk {
	r := plugin.Report(s, &Disk{
		SerialNumber: o.Serial, Shelf: e, Slot: o.Slot, Pool: o.Pool, Vendor: o.Vendor, Model: o.Model, Media: o.Media,
		RPM: o.RPM, Firmware: o.Firmware, Capacity: plugin.Bytes(o.CapacityBytes), Status: o.Status,
	}, e)
	r.Temperature.Set(o.TemperatureC)
	r.ReadBytes.Set(o.ReadBytes)
	r.WrittenBytes.Set(o.WrittenBytes)
	v.disks[o.ID] = r
	return r
}

func (v *inventory) lun(s *plugin.Session, o *lunJSON) error {
	p, err := v.pools.need(o.Pool, o.ID)
	if err != nil {
		return err
	}
	r := plugin.Report(s, &Lun{
		LogicalDrive: plugin.LogicalDrive{Size: plugin.Bytes(o.SizeBytes)},
		Serial:       o.WWID, Number: o.Number, Name: o.Name, UUID: plugin.UUID(o.UUID), Status: o.Status,
	}, p)
	r.Latency.Set(o.LatencyUs)
	r.ReadBytes.Set(o.ReadBytes)
	r.WrittenBytes.Set(o.WrittenBytes)
	r.IOSizes.Set(o.IOSizes)
	v.luns[o.ID] = r
	return nil
}

func (v *inventory) path(s *plugin.Session, o *pathJSON) error {
	l, err := v.luns.need(o.LUN, o.ID)
	if err != nil {
		return err
	}
	c, err := v.controllers.need(o.Controller, o.ID)
	if err != nil {
		return err
	}
	r := plugin.Report(s, &LunPath{Lun: l, Controller: c, State: o.State}, c)
	l.AddParent(r)
	v.paths[o.ID] = r
	return nil
}
