package linux

import (
	"strconv"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// ElementStatus is what SES says of an element. Its zero value is "no verdict":
// the element is not there, or nobody knows.
type ElementStatus string

// The states of an element. Covered is a critical element beside which others of
// its kind work, such as one of two power supplies: a warning.
const (
	ElementOK       ElementStatus = "OK"
	NonCritical     ElementStatus = "non-critical"
	Covered         ElementStatus = "covered"
	ElementCritical ElementStatus = "critical"
)

// Enclosure is a SES enclosure, one for all hosts that see it.
type Enclosure struct {
	plugin.Enclosure
	// Identifier is the logical identifier of SES.
	Identifier string `attr:",globalid"`
	Vendor     string `attr:",optional"`
	Model      string `attr:",optional"`
	Firmware   string `attr:",optional"`
	Serial     string `attr:",optional"`
	// Status is of the enclosure as a whole. "critical" there means that some
	// element is, which says so itself: a warning. "unrecoverable" is an error.
	Status  string        `attr:",optional"`
	Verdict ElementStatus `attr:",optional,hidden" enum:"OK,non-critical,critical"`
}

// Describe declares the class's label and alert conditions.
func (x *Enclosure) Describe(c *plugin.Class) {
	c.Label("Enclosure")
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical).Error(ElementCritical), "The enclosure reports a problem")
}

// Label is what it is and its identifier.
func (x *Enclosure) Label() string {
	if x.Model == "" {
		return x.Identifier
	}
	return x.Model + " (" + first(x.Serial, x.Identifier) + ")"
}

// element is what all elements of enclosures have.
type element struct {
	In    *Enclosure `attr:"enclosure,globalid"`
	Index int64      `attr:",globalid"`
	Name  string     `attr:",optional"`
	// Status is SES's own word for it.
	Status  string        `attr:",optional"`
	Verdict ElementStatus `attr:",optional,hidden" enum:"OK,non-critical,covered,critical"`
}

func (x *element) label(kind string) string {
	if x.Name != "" {
		return x.Name
	}
	return kind + " " + strconv.FormatInt(x.Index, 10)
}

// EnclosureSlot is a place for a disk. It is a parent of the disk in it.
type EnclosureSlot struct {
	plugin.Resource
	element
	// Fault and Predicted are the slot's lights: somebody, the enclosure or an
	// operator, calls the disk in it bad, or says that it will be.
	Fault     bool
	Predicted bool   `label:"Failure predicted"`
	Ident     bool   `label:"Locate light"`
	SAS       string `attr:"sas_address,optional" label:"SAS address"`
}

// Describe declares the class's label and alert conditions. All are warnings: a
// slot is one disk, and what is built on it says what its loss means.
func (x *EnclosureSlot) Describe(c *plugin.Class) {
	c.Label("Enclosure slot")
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical, Covered, ElementCritical), "The slot reports a problem")
	c.Alert(plugin.When(&x.Fault).Warn(true), "The slot's fault light is on")
	c.Alert(plugin.When(&x.Predicted).Warn(true), "The slot predicts a failure")
}

// Label is the name or number.
func (x *EnclosureSlot) Label() string { return x.label("Slot") }

// EnclosureFan is a fan of an enclosure.
type EnclosureFan struct {
	plugin.Fan
	element
	Speed plugin.Gauge `unit:"RPM" every:"60s"`
}

// Describe declares the class's label and alert conditions.
func (x *EnclosureFan) Describe(c *plugin.Class) {
	c.Label("Fan")
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical, Covered).Error(ElementCritical), "The fan reports a problem")
}

// Label is the name or number.
func (x *EnclosureFan) Label() string { return x.label("Fan") }

// PowerSupply is a power supply of an enclosure.
type PowerSupply struct {
	plugin.Resource
	element
}

// Describe declares the class's label and alert conditions.
func (x *PowerSupply) Describe(c *plugin.Class) {
	c.Label("Power supply")
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical, Covered).Error(ElementCritical), "The power supply reports a problem")
}

// Label is the name or number.
func (x *PowerSupply) Label() string { return x.label("Power supply") }

// TemperatureSensor is a thermometer of an enclosure. Its limits are the
// enclosure's own, which are in its verdict.
type TemperatureSensor struct {
	plugin.Resource
	element
	Temperature plugin.Gauge `unit:"C" every:"60s"`
}

// Describe declares the class's label and alert conditions.
func (x *TemperatureSensor) Describe(c *plugin.Class) {
	c.Label("Temperature sensor")
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical).Error(Covered, ElementCritical), "The temperature is beyond the sensor's limits")
}

// Label is the name or number.
func (x *TemperatureSensor) Label() string { return x.label("Temperature sensor") }

// EnclosureElement is any other element: an expander, a controller, a connector, a
// sensor of voltage or current.
type EnclosureElement struct {
	plugin.Resource
	element
	Type    string
	Reading plugin.Gauge `every:"60s"`
}

// Describe declares the class's label and alert conditions.
func (x *EnclosureElement) Describe(c *plugin.Class) {
	c.Label("Enclosure element")
	c.GlobalID(&x.In, &x.Type, &x.Index)
	c.Alert(plugin.When(&x.Verdict).Warn(NonCritical, Covered).Error(ElementCritical), "The element reports a problem")
}

// Label is the name, or the type and the number.
func (x *EnclosureElement) Label() string { return x.label(x.Type) }
