// Command identity shows what can identify a resource.
package main

import (
	"context"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// region roots

// Couplet is known by the addresses of both controllers.
type Couplet struct {
	plugin.ScannableResource
	Address1 plugin.Hostname `attr:"address_1,globalid"`
	Address2 plugin.Hostname `attr:"address_2,globalid"`
}

// Cupboard has nothing that tells it from another one: the server numbers it.
type Cupboard struct {
	plugin.ScannableResource `attr:",autoid"`
	Note                     string
}

// endregion

// region below

// Drive has a number from its maker, whoever reports it.
type Drive struct {
	plugin.PhysicalDisk
	WWN plugin.UUID `attr:"wwn,globalid"`
}

// Fan is the Nth of its couplet, and nothing elsewhere.
type Fan struct {
	plugin.Fan
	Number int `attr:",scopedid"`
}

// Bay is known by its fan zone and its number: a reference may identify too.
type Bay struct {
	plugin.Enclosure
	Zone *Fan `attr:",scopedid"`
	Slot int  `attr:",scopedid"`
}

// endregion

// Plugin scans roots of two classes.
type Plugin struct{}

// region scan

// InitialScan takes any root, since there are two classes of them.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, root plugin.Any) error {
	if _, ok := root.(*Cupboard); ok {
		return nil // nothing to be found there
	}
	fan := plugin.Report(s, &Fan{Number: 1})
	bay := plugin.Report(s, &Bay{Zone: fan, Slot: 4}, fan)
	plugin.Report(s, &Drive{WWN: "b44f7d8ea40d4b96b2412ab462b4c1c1"}, bay)
	return nil
}

// endregion

func main() {
	plugin.Main("identity", 1,
		plugin.Scans(func() *Plugin { return &Plugin{} }),
		plugin.Reports[Couplet](), plugin.Reports[Cupboard](), plugin.Reports[Drive](), plugin.Reports[Fan](), plugin.Reports[Bay](),
	)
}
