// Command renames shows what a new version of a plugin says of the older ones.
package main

import (
	"context"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Array is the root.
type Array struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
	Port    int             `default:"443"` // new: roots that users added before get it
}

// region renamed

// Drive was once known by what was called its number.
type Drive struct {
	plugin.PhysicalDisk
	Serial   string `attr:",scopedid" was:"number"`
	Model    string `default:"unknown"`  // new, and mandatory
	Firmware string `was:"version,code"` // it was renamed twice, the latest first
}

// endregion

// Plugin reports one drive.
type Plugin struct{}

// InitialScan reports one drive.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, _ *Array) error {
	plugin.Report(s, &Drive{Serial: "S1", Firmware: "1.4"})
	return nil
}

func main() {
	plugin.Main("renames", 1, plugin.Version("2.0"), plugin.Scans(func() *Plugin { return &Plugin{} }), plugin.Reports[Drive]())
}
