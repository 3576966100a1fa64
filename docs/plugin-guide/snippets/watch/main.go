// Command watch shows statistics, charts and alert conditions.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Array is the root.
type Array struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
}

// region statistics

// Volume has statistics of all three kinds.
type Volume struct {
	plugin.LogicalDrive
	Name    string                `attr:",scopedid"`
	Status  string                `enum:"OK,DEGRADED,FAILED" label:"State of health"`
	Serial  string                `attr:",hidden"`
	Latency plugin.Gauge          `every:"30s" unit:"ms"`
	Read    plugin.Counter        `label:"Data read" unit:"bytes"`
	Written plugin.Counter        `label:"Data written" unit:"bytes"`
	Sizes   plugin.BytesHistogram `bins:"0-512,513-1024,1025-4096,4097-" label:"I/O sizes"`
}

// endregion

// region label

// Label names a volume; the default is the class label and the identifier.
func (v *Volume) Label() string { return fmt.Sprintf("volume %q", v.Name) }

// endregion

// region conditions

// Describe declares conditions, charts and the name of the class.
func (v *Volume) Describe(c *plugin.Class) {
	c.Label("Virtual volume")

	c.Alert(plugin.When(&v.Status).Warn("DEGRADED").For(time.Minute), "Volume degraded", "degraded")
	c.Alert(plugin.When(&v.Status).Error("FAILED"), "Volume failed", "failed")
	c.Alert(plugin.Above(&v.Latency).Warn(20).WarnClear(15).Error(100).For(5*time.Minute), "Volume slow")
	c.Alert(plugin.Below(&v.Size).Info(1<<30), "Volume is small")

	c.Chart("Throughput", &v.Read, &v.Written)
	c.Chart("Latency", &v.Latency)
	c.Chart("I/O sizes", &v.Sizes)
}

// endregion

// Plugin reports one volume.
type Plugin struct{}

// InitialScan reports one volume.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, _ *Array) error {
	// region samples
	v := plugin.Report(s, &Volume{Name: "home", Status: "FAILED", Serial: "600A0B80"})
	v.Size = 8e12 // an attribute of the base class
	v.Latency.Set(3.5)
	v.Read.Set(52218880)
	v.Written.Set(1048576)
	v.Sizes.Set([]int64{7, 0, 3, 1})
	// endregion
	return nil
}

func main() {
	plugin.Main("watch", 1, plugin.Scans(func() *Plugin { return &Plugin{} }), plugin.Reports[Volume]())
}
