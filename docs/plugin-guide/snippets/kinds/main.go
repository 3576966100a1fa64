// Command kinds shows every kind of attribute with every option.
package main

import (
	"context"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// region root

// Box is the root: users give its attributes, apart from the read-only ones.
type Box struct {
	plugin.ScannableResource
	Address  plugin.Hostname `attr:",globalid"`
	Port     int             `default:"443" label:"TCP port" max:"65535" min:"1"`
	User     string          `default:"monitor" maxlen:"64"`
	Password plugin.Secret   `attr:",optional"`
	Name     string          `attr:",hidden"`
	Firmware string          `attr:",optional,readonly"`
}

// Describe gives Name a default that is worked out.
func (b *Box) Describe(c *plugin.Class) {
	plugin.Default(c, &b.Name, func(b *Box) string { return "box at " + string(b.Address) })
}

// Encrypt returns what is stored of a password, and what the plugin then sees.
func (b *Box) Encrypt(password string) (string, error) { return mask(password), nil }

// endregion

// region kinds

// Part has an attribute of each kind.
type Part struct {
	plugin.Resource
	Serial   string          `attr:",scopedid" maxlen:"32"`
	Slot     int             `max:"24" min:"1"`
	Wear     float64         `max:"1" min:"0"`
	Locate   bool            // truth
	Capacity plugin.Bytes    // an exact number of bytes
	Status   string          `enum:"OK,FAILED"`
	Port     int             `enum:"0,1"`
	Manager  plugin.Hostname `attr:",optional"`
	WWN      plugin.UUID     `attr:"wwn,optional" label:"World wide name"`
	Mount    plugin.Path     `attr:",optional"`
	Rebuilt  *int            `attr:",optional" max:"100" min:"0"` // nil is no value, 0 is 0
	Spare    *Part           `attr:",optional"`                   // a reference
}

// endregion

func mask(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] ^= 0x15
	}
	return string(b)
}

// Plugin reports two parts.
type Plugin struct{}

// InitialScan reports two parts.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, box *Box) error {
	box.Firmware = "1.4"
	rebuilt := 0
	first := plugin.Report(s, &Part{Serial: "P1", Slot: 1, Wear: 0.25, Capacity: 4e12, Status: "OK", Port: 0, Rebuilt: &rebuilt})
	plugin.Report(s, &Part{
		Serial: "P2", Slot: 2, Locate: true, Status: "FAILED", Port: 1, Manager: "10.0.0.7", Mount: "/data",
		WWN: "b44f7d8e-a40d-4b96-b241-2ab462b4c1c1", Spare: first,
	})
	return nil
}

func main() {
	plugin.Main("kinds", 1, plugin.Scans(func() *Plugin { return &Plugin{} }), plugin.Reports[Part]())
}
