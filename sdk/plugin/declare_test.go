package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Wrong classes, each with what must be said about it.

type (
	NoIdentity struct {
		plugin.Fan
		Name string
	}
	Mixed struct {
		plugin.Fan
		A string `attr:",globalid"`
		B string `attr:",scopedid"`
	}
	BadOption struct {
		plugin.Fan
		A string `attr:",globalid,optinal"`
		B string `attr:"a b"`
	}
	BadType struct {
		plugin.Fan
		A string `attr:",globalid"`
		B []string
		C float32
		D map[string]string `attr:"-"`
	}
	BadTags struct {
		plugin.Fan
		A string         `attr:",globalid" min:"3"`
		B int            `maxlen:"3"`
		C int            `default:"x"`
		D int            `min:"5" max:"1"`
		E string         `enum:"a,a"`
		F int            `enum:"1,two"`
		G plugin.Gauge   `every:"1.5s"`
		H plugin.Counter `enum:"a"`
		I plugin.Histogram
		J plugin.Histogram `bins:"5-1"`
		K string           `attr:",readonly"`
		L plugin.Hostname  `default:"-x-"`
		M int              `min:"1" default:"0"`
		N float64          `min:"nan"`
	}
	ScopedRoot struct {
		plugin.ScannableResource
		A string `attr:",scopedid"`
	}
	AutoField struct {
		plugin.Fan
		A string `attr:",autoid"`
	}
	AutoFan struct {
		plugin.Fan `attr:",autoid"`
	}
	BadLabel struct {
		plugin.Fan
		A string `attr:",globalid"`
	}
	BadDescribe struct {
		plugin.Fan
		A string `attr:",globalid"`
	}
	ValueDescribe struct {
		plugin.Fan
		A string `attr:",globalid"`
	}
	PanicDescribe struct {
		plugin.Fan
		A string `attr:",globalid"`
	}
	Pointers struct {
		plugin.Fan
		A      string `attr:",globalid"`
		Status string `enum:"OK,FAILED"`
		N      int
		G      plugin.Gauge          `unit:"C"`
		G2     plugin.Gauge          `unit:"bytes"`
		G3     plugin.Gauge          `unit:"%"`
		H      plugin.BytesHistogram `bins:"0-1,2-"`
	}
)

func (*BadLabel) Label() int                    { return 1 }
func (*BadDescribe) Describe() string           { return "" }
func (v ValueDescribe) Describe(*plugin.Class)  {}
func (*PanicDescribe) Describe(c *plugin.Class) { panic("oh") }

func (p *Pointers) Describe(c *plugin.Class) {
	var other Pointers
	c.Alert(plugin.When(&other.Status).Warn("OK"), "")
	c.Alert(plugin.When(&p.Status).Warn("BROKEN"), "")
	c.Alert(plugin.When(&p.Status), "")
	c.Alert(plugin.When(&p.N).Error(1), "one")
	c.Alert(plugin.When(&p.N).Error(2), "two")
	c.Alert(plugin.Above(&p.N), "")
	c.Alert(plugin.Above(&p.N).Info(1).InfoClear(2), "", "c1")
	c.Alert(plugin.Below(&p.N).Warn(2).WarnClear(1), "", "c2")
	c.Alert(plugin.Above(&p.N).Error(2).ErrorClear(math.Inf(-1)), "", "c3")
	c.Alert(plugin.Above(&p.N).Error(2).WarnClear(1), "", "c4")
	c.Alert(plugin.Above(&p.N).Error(2).For(-time.Second), "", "c5")
	c.Alert(plugin.When(&p.N).Error(9).For(367*24*time.Hour), "", "c6")
	c.Alert(plugin.Above(&p.N).Error(2).ErrorClear(2).For(366*24*time.Hour), "fine", "c7")
	c.Alert(plugin.When(&p.G).Warn(plugin.Gauge{}), "")
	c.Chart("c1", &p.G, &p.H)
	c.Chart("c2", &p.G, &p.G2, &p.G3)
	c.Chart("c3")
	c.Provide("linux", "ScsiDevice")
	c.Provide("linux", "ScsiDevice", &p.G)
	c.Provide("", "Nothing", &p.A)
	c.Provide("builtin", "Toaster", &p.A)
	plugin.Default(c, &p.N, func(*Shelf) int { return 1 })
}

type rootless struct{}

func (rootless) InitialScan(context.Context, *plugin.Session, *Shelf) error { return nil }

type misfit struct{}

func (*misfit) InitialScan(context.Context, *plugin.Session, *Array) error { return nil }
func (*misfit) UpdateScan(context.Context, *plugin.Session) error          { return nil }
func (*misfit) Teardown()                                                  {}
func (*misfit) AgentSessionStart(int64) error                              { return nil }

func TestProblems(t *testing.T) {
	good := plugin.Scans(func() *fake { return nil })
	tests := []struct {
		name string
		p    *plugin.Program
		want []string // WHERE: words of the text
	}{
		{"no identity", plugin.New("x", 1, good, plugin.Reports[NoIdentity]()), []string{"NoIdentity: no identity"}},
		{"mixed", plugin.New("x", 1, good, plugin.Reports[Mixed]()), []string{"Mixed.b: mixed"}},
		{"options", plugin.New("x", 1, good, plugin.Reports[BadOption]()), []string{`BadOption.a: unknown option "optinal"`, `BadOption.b: "a b" is no name`}},
		{"types", plugin.New("x", 1, good, plugin.Reports[BadType]()), []string{"BadType.b: []string", "BadType.c: float32"}},
		{"tags", plugin.New("x", 1, good, plugin.Reports[BadTags]()), []string{
			"BadTags.a: tag min", "BadTags.b: tag maxlen", `BadTags.c: default:"x"`, "BadTags.d: min is more than max", "BadTags.e: twice", `BadTags.f: "two"`,
			"BadTags.g: whole number of seconds", "BadTags.h: tag enum", "BadTags.i: bins", `BadTags.j: "5-1"`, "BadTags.k: optional", "BadTags.l: no host name",
			"BadTags.m: less than 1", `BadTags.n: min:"nan"`}},
		{"scoped root", plugin.New("x", 1, good, plugin.Reports[ScopedRoot]()), []string{"ScopedRoot: scoped", "ScopedRoot: InitialScan takes *Array only"}},
		{"autoid", plugin.New("x", 1, good, plugin.Reports[AutoField](), plugin.Reports[AutoFan]()), []string{"AutoField.a: embedded", "AutoField: no identity", "AutoFan: autoid, on ScannableResource", "AutoFan: no identity"}},
		{"hooks", plugin.New("x", 1, good, plugin.Reports[BadLabel](), plugin.Reports[BadDescribe](), plugin.Reports[ValueDescribe](), plugin.Reports[PanicDescribe]()), []string{
			"BadLabel: Label() string", "BadDescribe: Describe(*plugin.Class)", "ValueDescribe: pointer receiver", "PanicDescribe: panics: oh"}},
		{"pointers", plugin.New("x", 1, good, plugin.Reports[Pointers]()), []string{
			"Pointers: does not point to a field", `Pointers.status: "BROKEN"`, "Pointers.status: no values", "Pointers.n: id of its own", "Pointers.n: no bound",
			"Pointers.n: InfoClear(2) is above the bound 1", "Pointers.n: WarnClear(1) is below the bound 2", "Pointers.n: given to ErrorClear is not a finite",
			"Pointers.n: WarnClear without Warn", "Pointers.n: For is -1s", "Pointers.n: For is 8808h0m0s",
			"Pointers.g: Above or Below", `Pointers: "c1" mixes`, `Pointers: "c2" has 3 units`, `Pointers: "c3" has no statistics`, "Pointers: at least one attribute",
			"Pointers.g: statistic", "Pointers.n: must take *Pointers", "Pointers: relation to Nothing", "Pointers: no such base class"}},
		{"twice", plugin.New("x", 1, good, good, plugin.Reports[Shelf](), plugin.Reports[Shelf]()), []string{": two plugin types", ": Shelf is declared twice"}},
		{"version", plugin.New("x", 2, good), []string{": version 2"}},
		{"nothing", plugin.New("x", 1), []string{": no plugin type"}},
		{"root", plugin.New("x", 1, plugin.Scans(func() rootless { return rootless{} })), []string{"Shelf: ScannableResource"}},
		{"methods", plugin.New("x", 1, plugin.Scans(func() *misfit { return nil })), []string{": UpdateScan must", ": Teardown must", ": AgentSessionStart must"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := test.p.Manifest()
			var left []string
			for _, p := range problems {
				line := p.Where + ": " + p.Text + "; " + p.Fix
				found := slices.IndexFunc(test.want, func(w string) bool {
					where, words, _ := strings.Cut(w, ": ")
					return where == p.Where && strings.Contains(line, words)
				})
				if found < 0 {
					left = append(left, line)
					continue
				}
				test.want = slices.Delete(test.want, found, found+1)
				if p.File == "" || p.Line == 0 || p.Code == "" {
					t.Errorf("%s: no file, line or code", line)
				}
			}
			if len(left) > 0 {
				t.Errorf("unexpected:\n%s", strings.Join(left, "\n"))
			}
			if len(test.want) > 0 {
				t.Errorf("missing:\n%s", strings.Join(test.want, "\n"))
			}
		})
	}
}

// Inheritance: attributes, statistics, conditions, charts and relations are
// inherited, the label is not, and a field replaces the inherited one.

type Device struct {
	plugin.PhysicalDisk
	Serial string `attr:",globalid"`
	Vendor string
	State  string
	Temp   plugin.Gauge
	Read   plugin.Counter
}

func (d *Device) Describe(c *plugin.Class) {
	c.Label("A device")
	c.Alert(plugin.When(&d.State).Error("bad"), "Device is bad")
	c.Alert(plugin.Above(&d.Temp).Warn(60), "Device is hot")
	c.Chart("Temperature", &d.Temp)
	c.Provide("linux", "ScsiDevice", &d.Serial)
	plugin.Default(c, &d.Vendor, func(d *Device) string { return "vendor of " + d.Serial })
}

type SSD struct {
	Device
	Wear  float64
	State int          // replaces the inherited one
	Temp  plugin.Gauge `unit:"K"`
}

type NVMe struct {
	SSD
	Namespace int
}

func (n *NVMe) Describe(c *plugin.Class) {
	n.Device.Describe(c) // by hand as well: no harm
	c.Label("NVMe drive")
	c.GlobalID(&n.Serial, &n.Namespace)
}

func TestInheritance(t *testing.T) {
	m, problems := plugin.New("x", 1, plugin.Scans(func() *fake { return nil }), plugin.Reports[Device](), plugin.Reports[SSD](), plugin.Reports[NVMe]()).Manifest()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	names := func(c wire.Class) (list []string) {
		for _, a := range c.Attributes {
			list = append(list, a.Name+" "+a.Kind)
		}
		for _, s := range c.Statistics {
			list = append(list, s.Name+" "+s.Kind)
		}
		return list
	}
	for i, want := range []string{
		"Device A device [PhysicalDisk Resource] {global [serial]} [serial string vendor string state string temp gauge read counter]",
		"SSD  [Device PhysicalDisk Resource] {global [serial]} [serial string vendor string wear float state integer read counter temp gauge]",
		"NVMe NVMe drive [SSD Device PhysicalDisk Resource] {global [serial namespace]} [serial string vendor string wear float state integer namespace integer read counter temp gauge]",
	} {
		c := m.Classes[i+1]
		if got := fmt.Sprint(c.Name, " ", c.Label, " ", c.Bases, " ", c.Identifier, " ", names(c)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if len(c.Conditions) != 2 || len(c.Charts) != 1 || len(c.Relations) != 1 {
			t.Errorf("%s: conditions %v, relations %v", c.Name, c.Conditions, c.Relations)
		}
	}
}

// Every kind and every option, as it stands in the manifest.

type Level int

type Everything struct {
	plugin.Resource
	ID       uint8 `attr:"id,scopedid"`
	HTTPPort *uint16
	Level    Level                 `enum:"1,2,3" label:"How bad"`
	On       bool                  `default:"true"`
	Ratio    float64               `min:"-0.5" max:"0.5" default:"0.25"`
	Size     plugin.Bytes          `min:"0"`
	UUID     plugin.UUID           `attr:",optional,readonly,hidden"`
	Path     *plugin.Path          `attr:",optional"`
	Secret   plugin.Secret         `maxlen:"8"`
	Peer     *Everything           `attr:",optional"`
	Other    plugin.Any            `attr:"else,optional"`
	Hist     plugin.BytesHistogram `bins:"0-512,513-1024,1025-4096,4097-" label:"Sizes"`
	Times    plugin.BytesHistogram `bins:"0-1,2-" unit:"ms"`
	Counts   plugin.Histogram      `bins:"0-1,2-"`
	private  int
}

func TestEverything(t *testing.T) {
	m, problems := plugin.New("x", 1, plugin.Scans(func() *fake { return nil }), plugin.Reports[Everything]()).Manifest()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := json.Marshal(m.Classes[1])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"Everything","bases":["Resource"],"identifier":{"scope":"scoped","attributes":["id"]},"attributes":[` +
		`{"name":"id","kind":"integer"},{"name":"http_port","kind":"integer"},{"name":"level","kind":"enum","label":"How bad","options":[1,2,3]},` +
		`{"name":"on","kind":"boolean","default":true},{"name":"ratio","kind":"float","default":0.25,"min":-0.5,"max":0.5},{"name":"size","kind":"bytes","min":0},` +
		`{"name":"uuid","kind":"uuid","optional":true,"hidden":true,"user_read_only":true},{"name":"path","kind":"path","optional":true},` +
		`{"name":"secret","kind":"password","max_length":8},{"name":"peer","kind":"reference","optional":true},{"name":"else","kind":"reference","optional":true}],` +
		`"statistics":[{"name":"hist","kind":"histogram","label":"Sizes","unit":"bytes","sample_period":10,"bins":[[0,512],[513,1024],[1025,4096],[4097]]},` +
		`{"name":"times","kind":"histogram","unit":"ms","sample_period":10,"bins":[[0,1],[2]]},` +
		`{"name":"counts","kind":"histogram","sample_period":10,"bins":[[0,1],[2]]}]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_ = Everything{}.private
}
