// Command graph shows parents, references and relations.
package main

import (
	"context"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Array is the root.
type Array struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
}

// Fan cools an enclosure.
type Fan struct {
	plugin.Fan
	Number int `attr:",scopedid"`
}

// region references

// Enclosure holds drives.
type Enclosure struct {
	plugin.Enclosure
	Number int `attr:",scopedid"`
}

// Drive goes with its enclosure: the reference is mandatory.
type Drive struct {
	plugin.PhysicalDisk
	Enclosure *Enclosure `attr:",scopedid"`
	Slot      int        `attr:",scopedid"`
}

// Pool loses its spare when that goes, and stays: the reference is optional.
type Pool struct {
	plugin.StoragePool
	Number int    `attr:",scopedid"`
	Spare  *Drive `attr:",optional"`
}

// endregion

// region relations

// Lun is what hosts see as a SCSI device of the same serial number.
type Lun struct {
	plugin.LogicalDrive
	Serial string `attr:",scopedid"`
}

// Describe relates a LUN to what another plugin reports.
func (l *Lun) Describe(c *plugin.Class) {
	c.Provide("linux", "ScsiDevice", &l.Serial).IgnoreCase()
}

// Copy is a copy of a LUN, which may be on another array.
type Copy struct {
	plugin.LogicalDrive
	Number int `attr:",scopedid"`
	Serial string
}

// Describe makes the LUN with the same serial number a parent of the copy.
func (l *Copy) Describe(c *plugin.Class) {
	plugin.SubscribeTo[Lun](c, &l.Serial)
}

// endregion

// Plugin reports a small array.
type Plugin struct{}

// InitialScan reports a small array.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, _ *Array) error {
	// region parents
	fan := plugin.Report(s, &Fan{Number: 1})
	enclosure := plugin.Report(s, &Enclosure{Number: 1}, fan) // a fan that fails is a problem of the enclosure
	d0 := plugin.Report(s, &Drive{Enclosure: enclosure, Slot: 0}, enclosure)
	d1 := plugin.Report(s, &Drive{Enclosure: enclosure, Slot: 1}, enclosure)
	pool := plugin.Report(s, &Pool{Number: 1, Spare: d1}, d0)
	plugin.Report(s, &Lun{Serial: "600A0B80"}, pool)
	plugin.Report(s, &Copy{Number: 1, Serial: "600A0B80"}) // its parent, the LUN, is found by the relation

	pool.AddParent(d1) // d1 takes part now
	pool.RemoveParent(d0)
	// endregion
	return nil
}

func main() {
	plugin.Main("graph", 1, plugin.Scans(func() *Plugin { return &Plugin{} }),
		plugin.Reports[Fan](), plugin.Reports[Enclosure](), plugin.Reports[Drive](), plugin.Reports[Pool](),
		plugin.Reports[Lun](), plugin.Reports[Copy]())
}
