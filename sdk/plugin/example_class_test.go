package plugin_test

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Volume shows what a Describe method can declare.
type Volume struct {
	plugin.LogicalDrive
	Serial  string `attr:",globalid"`
	Health  string `enum:"OK,DEGRADED,FAILED" label:"State of health"`
	Parity  string `default:"none" enum:"none,single,double"`
	Export  string
	Read    plugin.Counter        `unit:"bytes"`
	Written plugin.Counter        `unit:"bytes"`
	Busy    plugin.Gauge          `unit:"%"`
	Sizes   plugin.BytesHistogram `bins:"0-512,513-1024,1025-4096,4097-"`
}

func (v *Volume) Label() string { return "volume " + v.Serial }

func (v *Volume) Describe(c *plugin.Class) {
	c.Label("Cellar volume")
	c.Alert(plugin.When(&v.Health).Warn("DEGRADED").Error("FAILED"), "Volume is not healthy")
	c.Alert(plugin.Above(&v.Busy).Warn(90), "Volume is busy")
	c.Alert(plugin.Below(&v.Size).Info(1<<30), "Volume is small")
	c.Chart("Bandwidth", &v.Read, &v.Written)
	c.Provide("linux", "ScsiDevice", &v.Serial).IgnoreCase()
	plugin.SubscribeTo[Volume](c, &v.Export)
	plugin.Default(c, &v.Export, func(v *Volume) string { return "/export/" + v.Serial })
}

func describeVolume(show func(m map[string]any)) {
	m, problems := (&Cellars{}).program(plugin.Reports[Volume]())().Manifest()
	for _, p := range problems {
		fmt.Println(p.Where+":", p.Text)
	}
	for _, c := range m.Classes {
		if c.Name == "Volume" {
			show(map[string]any{"class": c.Label, "identifier": c.Identifier, "bases": c.Bases})
			for _, x := range c.Conditions {
				show(map[string]any{"attribute": x.Attribute, "kind": x.Kind, "message": x.Message})
			}
			for _, x := range c.Charts {
				show(map[string]any{"chart": x.Title, "series": x.Series})
			}
			for _, x := range c.Relations {
				show(map[string]any{"relation": x.Kind, "to": x.Plugin + "." + x.Class, "by": x.Attributes, "ignorecase": x.IgnoreCase})
			}
		}
	}
}

// Alert conditions, charts, relations and the label of a class.
func ExampleClass() {
	describeVolume(func(m map[string]any) { fmt.Println(m) })
	// Output:
	// map[bases:[LogicalDrive Resource] class:Cellar volume identifier:{global [serial]}]
	// map[attribute:health kind:value message:Volume is not healthy]
	// map[attribute:busy kind:upper_bound message:Volume is busy]
	// map[attribute:size kind:lower_bound message:Volume is small]
	// map[chart:Bandwidth series:[read written]]
	// map[by:[serial] ignorecase:true relation:provide to:linux.ScsiDevice]
	// map[by:[export] ignorecase:false relation:subscribe to:.Volume]
}

// Labels of resources, constant and computed defaults, and a histogram.
func ExampleDefault() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		v := plugin.Report(s, &Volume{Serial: "V1", Health: "OK"})
		v.Sizes.Set([]int64{7, 0, 3, 1})
		return nil
	}}
	talk(c.program(plugin.Reports[Volume]()), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// {"op":"put","h":1,"class":"Volume","attributes":{"serial":"V1","health":"OK","parity":"none","export":"/export/V1"},"label":"volume V1"}
	// {"h":1,"name":"sizes","t":1000,"v":[7,0,3,1]}
}

// Typo is a class with mistakes.
type Typo struct {
	plugin.Fan
	Speed plugin.Gauge `units:"rpm" every:"1500ms"`
	Name  string       `attr:",scopedid,optinal"`
}

// All mistakes in declarations are told at start, together.
func ExampleProgram_Manifest() {
	_, problems := (&Cellars{}).program(plugin.Reports[Typo]())().Manifest()
	for _, p := range problems {
		fmt.Printf("%s: %s\n", p.Where, p.Text)
	}
	// Output:
	// Typo.speed: tag units: is not known; did you mean unit?
	// Typo.speed: every:"1500ms": give a whole number of seconds, such as 30s
	// Typo.name: attr:",scopedid,optinal": unknown option "optinal"; known are globalid, scopedid, autoid, optional, hidden, readonly
}

// Manuals scans what users added without an address.
type Manuals struct{}

func (*Manuals) InitialScan(ctx context.Context, s *plugin.Session, a *ManualArray) error { return nil }

// ManualArray is told apart from others by a number that Faultline gives it.
type ManualArray struct {
	plugin.ScannableResource `attr:",autoid"`
	Note                     string
}

// PathToLUN says how good a path is: a parent of the device node, with the
// drive behind it as its own parent (guide, "Specifying Homing Information").
type PathToLUN struct {
	plugin.PathWeight
	Name string `attr:",scopedid"`
}

func ExamplePathWeight() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		volume := plugin.Report(s, &Volume{Serial: "V1", Health: "OK"})
		path := plugin.Report(s, &PathToLUN{Name: "controller A"}, volume)
		path.Weight = 10
		node := &BlockDevice{}
		node.HostID, node.Path, node.LogicalDrive = 1, "/dev/sda", volume
		plugin.Report(s, node, path)
		return nil
	}}
	talk(c.program(plugin.Reports[Volume](), plugin.Reports[PathToLUN](), plugin.Reports[BlockDevice]()), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// {"op":"put","h":1,"class":"Volume","attributes":{"serial":"V1","health":"OK","parity":"none","export":"/export/V1"},"label":"volume V1"}
	// {"op":"put","h":2,"class":"PathToLUN","attributes":{"weight":10,"name":"controller A"},"parents":[1]}
	// {"op":"put","h":3,"class":"BlockDevice","attributes":{"host_id":1,"path":"/dev/sda","logical_drive":{"$ref":1}},"parents":[2]}
}

// An embedded ScannableResource tagged autoid.
func ExampleScannableResource() {
	p := plugin.New("manual", 1, plugin.Scans(func() *Manuals { return nil }))
	printClass(p, "ManualArray")
	// Output:
	// {"name":"ManualArray","bases":["ScannableResource","Resource"],"identifier":{"scope":"auto"},"attributes":[{"name":"note","kind":"string"}]}
}
