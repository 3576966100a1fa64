// Command example is the Example Plugin of the storage plugin guide, in Go.
package main

import (
	"context"
	"strconv"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Couplet is a pair of controllers, which a user adds by their addresses.
type Couplet struct {
	plugin.ScannableResource
	Address1 plugin.Hostname `attr:"address_1,globalid"`
	Address2 plugin.Hostname `attr:"address_2,globalid"`
}

// Controller is one controller of a couplet.
type Controller struct {
	plugin.Controller
	Index int `attr:",scopedid" enum:"0,1"`
}

// HardDrive is a drive of a couplet.
type HardDrive struct {
	plugin.PhysicalDisk
	SerialNumber string `attr:",scopedid"`
	Capacity     plugin.Bytes
	Temperature  plugin.Gauge `unit:"C"`
}

// RaidPool is a RAID group of drives.
type RaidPool struct {
	plugin.StoragePool
	LocalID  int    `attr:",scopedid"`
	RaidType string `enum:"raid0,raid1,raid5,raid6"`
	Capacity plugin.Bytes
}

// Label names the pool by its number.
func (p *RaidPool) Label() string { return strconv.Itoa(p.LocalID) }

// Lun is a part of a pool that hosts see as a disk.
type Lun struct {
	plugin.LogicalDrive
	LocalID int `attr:",scopedid"`
	Name    string
	Serial  string
}

// Label names the LUN as its administrator did.
func (l *Lun) Label() string { return l.Name }

// Describe links the LUN to the SCSI devices that hosts make of it.
func (l *Lun) Describe(c *plugin.Class) {
	c.Provide("linux", "ScsiDevice", &l.Serial).IgnoreCase()
}

// Example talks to one couplet; the SDK makes one value per couplet.
type Example struct{}

// NewExample returns a plugin value for one session.
func NewExample() *Example { return &Example{} }

// InitialScan is where the plugin detects all the resources of the couplet, or
// returns an error if that cannot be done.
func (e *Example) InitialScan(ctx context.Context, s *plugin.Session, couplet *Couplet) error {
	return nil
}

// UpdateScan is where it updates any changed, added or removed resources and
// any statistics.
func (e *Example) UpdateScan(ctx context.Context, s *plugin.Session, couplet *Couplet) error {
	return nil
}

// Teardown frees what InitialScan acquired.
func (e *Example) Teardown() error { return nil }

func main() {
	plugin.Main("example", 1,
		plugin.Scans(NewExample), // the root class, *Couplet, is inferred from the method
		plugin.Reports[Controller](),
		plugin.Reports[HardDrive](),
		plugin.Reports[RaidPool](),
		plugin.Reports[Lun](),
	)
}
