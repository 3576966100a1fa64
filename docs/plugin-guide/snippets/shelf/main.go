// Command shelf is a Faultline plugin for a shelf of drives that describes
// itself in a file.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Shelf is what a user adds.
type Shelf struct {
	plugin.ScannableResource
	Path plugin.Path `attr:",globalid"`
}

// Drive is what the plugin finds there.
type Drive struct {
	plugin.PhysicalDisk
	Serial      string `attr:",scopedid"`
	Slot        int
	Status      string       `enum:"OK,FAILED"`
	Temperature plugin.Gauge `unit:"C"`
}

// Describe declares what the fields cannot.
func (d *Drive) Describe(c *plugin.Class) {
	c.Alert(plugin.When(&d.Status).Error("FAILED"), "Drive failure")
}

// Plugin reads one shelf.
type Plugin struct{}

// NewPlugin returns the plugin for one shelf.
func NewPlugin() *Plugin { return &Plugin{} }

// InitialScan reports all drives, or fails.
func (p *Plugin) InitialScan(ctx context.Context, s *plugin.Session, shelf *Shelf) error {
	return p.UpdateScan(ctx, s, shelf)
}

// UpdateScan reports them as they are now.
func (p *Plugin) UpdateScan(_ context.Context, s *plugin.Session, shelf *Shelf) error {
	text, err := os.ReadFile(string(shelf.Path))
	if err != nil {
		return err
	}
	var found []struct {
		Serial, Status string
		Slot           int
		Temperature    float64
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range found {
		drive := plugin.Report(s, &Drive{Serial: f.Serial, Slot: f.Slot, Status: f.Status}, shelf)
		drive.Temperature.Set(f.Temperature)
		seen[f.Serial] = true
	}
	for drive := range plugin.All[Drive](s) {
		if !seen[drive.Serial] {
			plugin.Remove(drive)
		}
	}
	return nil
}

func main() {
	plugin.Main("shelf", 1, plugin.Scans(NewPlugin), plugin.Reports[Drive]())
}
