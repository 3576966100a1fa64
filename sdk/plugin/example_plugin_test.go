package plugin_test

import (
	"context"
	"strconv"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// The Example Plugin of the guide, as in examples/example. It stands here again
// because the sdk module cannot import the other; TestGolden compares both with
// protocol/golden/example.json.

type (
	Couplet struct {
		plugin.ScannableResource
		Address1 plugin.Hostname `attr:"address_1,globalid"`
		Address2 plugin.Hostname `attr:"address_2,globalid"`
	}
	Controller struct {
		plugin.Controller
		Index int `attr:",scopedid" enum:"0,1"`
	}
	HardDrive struct {
		plugin.PhysicalDisk
		SerialNumber string `attr:",scopedid"`
		Capacity     plugin.Bytes
		Temperature  plugin.Gauge `unit:"C"`
	}
	RaidPool struct {
		plugin.StoragePool
		LocalID  int    `attr:",scopedid"`
		RaidType string `enum:"raid0,raid1,raid5,raid6"`
		Capacity plugin.Bytes
	}
	ExampleLun struct {
		plugin.LogicalDrive
		LocalID int `attr:",scopedid"`
		Name    string
		Serial  string
	}
	ExamplePlugin struct{}
)

func (p *RaidPool) Label() string   { return strconv.Itoa(p.LocalID) }
func (l *ExampleLun) Label() string { return l.Name }
func (l *ExampleLun) Describe(c *plugin.Class) {
	c.Provide("linux", "ScsiDevice", &l.Serial).IgnoreCase()
}

func (*ExamplePlugin) InitialScan(context.Context, *plugin.Session, *Couplet) error { return nil }
func (*ExamplePlugin) UpdateScan(context.Context, *plugin.Session, *Couplet) error  { return nil }
func (*ExamplePlugin) Teardown() error                                              { return nil }

func example(options ...plugin.Option) *plugin.Program {
	return plugin.New("example", 1, append([]plugin.Option{
		plugin.Scans(func() *ExamplePlugin { return &ExamplePlugin{} }),
		plugin.Reports[Controller](),
		plugin.Reports[HardDrive](),
		plugin.Reports[RaidPool](),
		plugin.Reports[ExampleLun](),
	}, options...)...)
}
