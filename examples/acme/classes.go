package acme

import (
	"strconv"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Status is the state of a part. Each class names those it can have.
type Status string

// States of parts.
const (
	OK          Status = "OK"
	NearFailure Status = "NEARFAILURE"
	Degraded    Status = "DEGRADED"
	Rebuilding  Status = "REBUILDING"
	Missing     Status = "MISSING"
	Failed      Status = "FAILED"
	Active      Status = "ACTIVE"
	Standby     Status = "STANDBY"
)

// Array is the disk array that a user adds.
type Array struct {
	plugin.ScannableResource
	// URL is where the array's interface is, such as http://127.0.0.1:8080.
	URL      string        `attr:"url,globalid" maxlen:"2048" label:"Address"`
	User     string        `default:"admin"`
	Password plugin.Secret `attr:",optional"`
	// Period is the pause between update scans in seconds.
	Period int `default:"5" min:"1" max:"3600" label:"Update period (s)"`
	// Push makes the plugin follow the array's events between update scans.
	Push         bool   `default:"false" label:"Follow events"`
	Name         string `attr:",optional,readonly"`
	Model        string `attr:",optional,readonly"`
	SerialNumber string `attr:",optional,readonly"`
	Firmware     string `attr:",optional,readonly,hidden"`
}

// Describe declares what the fields cannot.
func (a *Array) Describe(c *plugin.Class) { c.Label("Acme array") }

// Label is the name that the array gives itself.
func (a *Array) Label() string {
	if a.Name == "" {
		return a.URL
	}
	return a.Name
}

// Encrypt obfuscates a password for the store; see Obfuscate.
func (a *Array) Encrypt(password string) (string, error) { return Obfuscate(password), nil }

// Controller is one of the two controllers of the couplet.
type Controller struct {
	plugin.Controller
	Index        int `attr:",scopedid" enum:"0,1"`
	SerialNumber string
	Model        string       `attr:",hidden"`
	Firmware     string       `attr:",hidden"`
	Status       Status       `enum:"OK,FAILED"`
	Temperature  plugin.Gauge `unit:"C"`
}

// Describe declares what the fields cannot.
func (t *Controller) Describe(c *plugin.Class) {
	c.Label("Controller")
	c.Alert(plugin.When(&t.Status).Error(Failed), "Controller failure")
	c.Alert(plugin.Above(&t.Temperature).Warn(70).Error(80), "Controller too hot")
}

// Label names the controller by its index.
func (t *Controller) Label() string { return "Controller " + strconv.Itoa(t.Index) }

// Enclosure is a shelf with bays for disks. Its fans and power supplies affect it.
type Enclosure struct {
	plugin.Enclosure
	SerialNumber string `attr:",scopedid"`
	Number       int
	Model        string
	Bays         int          `attr:",hidden"`
	Temperature  plugin.Gauge `unit:"C"`
	Power        plugin.Gauge `unit:"W"`
}

// Describe declares what the fields cannot.
func (e *Enclosure) Describe(c *plugin.Class) {
	c.Label("Enclosure")
	c.Alert(plugin.Above(&e.Temperature).Warn(45).Error(55), "Enclosure too hot")
}

// Label names the enclosure by its number.
func (e *Enclosure) Label() string { return "Enclosure " + strconv.Itoa(e.Number) }

// Fan is a fan of an enclosure.
type Fan struct {
	plugin.Fan
	Enclosure *Enclosure   `attr:",scopedid"`
	Number    int          `attr:",scopedid"`
	Status    Status       `enum:"OK,FAILED"`
	Speed     plugin.Gauge `unit:"rpm"`
}

// Describe declares what the fields cannot.
func (f *Fan) Describe(c *plugin.Class) {
	c.Label("Fan")
	c.Alert(plugin.When(&f.Status).Error(Failed), "Fan failure")
	c.Alert(plugin.Below(&f.Speed).Warn(4000), "Fan too slow")
}

// Label names the fan by its enclosure and number.
func (f *Fan) Label() string { return "Fan " + place(f.Enclosure, f.Number) }

// PowerSupply is a power supply of an enclosure.
type PowerSupply struct {
	plugin.Resource
	SerialNumber string `attr:",scopedid"`
	Enclosure    *Enclosure
	Number       int
	Status       Status `enum:"OK,FAILED"`
}

// Describe declares what the fields cannot.
func (p *PowerSupply) Describe(c *plugin.Class) {
	c.Label("Power supply")
	c.Alert(plugin.When(&p.Status).Error(Failed), "Power supply failure")
}

// Label names the power supply by its enclosure and number.
func (p *PowerSupply) Label() string { return "Power supply " + place(p.Enclosure, p.Number) }

// Disk is a disk in a bay. Its enclosure affects it.
type Disk struct {
	plugin.PhysicalDisk
	SerialNumber string     `attr:",scopedid"`
	Shelf        *Enclosure `label:"Enclosure"`
	Slot         int        `min:"1"`
	Pool         string     `attr:",optional"` // empty for a spare
	Vendor       string
	Model        string
	Media        string `enum:"HDD,SSD"`
	RPM          int    `attr:",optional,hidden" label:"RPM"` // 0 for what does not turn
	Firmware     string `attr:",hidden"`
	Capacity     plugin.Bytes
	Status       Status         `enum:"OK,NEARFAILURE,FAILED,REBUILDING,MISSING"`
	Temperature  plugin.Gauge   `unit:"C"`
	ReadBytes    plugin.Counter `unit:"bytes" label:"Read"`
	WrittenBytes plugin.Counter `unit:"bytes" label:"Written"`
}

// Describe declares what the fields cannot.
func (d *Disk) Describe(c *plugin.Class) {
	c.Label("Disk")
	c.Alert(plugin.When(&d.Status).Warn(NearFailure), "Disk near failure", "nearfailure")
	c.Alert(plugin.When(&d.Status).Error(Failed, Missing), "Disk failure", "failure")
	c.Alert(plugin.When(&d.Status).Info(Rebuilding), "Disk is being rebuilt", "rebuilding")
	c.Alert(plugin.Above(&d.Temperature).Warn(55).Error(65), "Disk too hot")
	c.Chart("Throughput", &d.ReadBytes, &d.WrittenBytes)
	c.Chart("Temperature", &d.Temperature)
}

// Label names the disk by its enclosure and slot.
func (d *Disk) Label() string { return "Disk " + place(d.Shelf, d.Slot) }

// Pool is a RAID group. Its disks affect it.
type Pool struct {
	plugin.StoragePool
	Number          int    `attr:",scopedid"`
	RAIDType        string `attr:"raid_type" enum:"raid5,raid6,raid10"`
	Capacity        plugin.Bytes
	Free            plugin.Bytes
	Status          Status `enum:"OK,DEGRADED,REBUILDING,FAILED"`
	RebuildProgress *int   `attr:",optional" min:"0" max:"100" label:"Rebuilt (%)"` // nil when not rebuilding
}

// Describe declares what the fields cannot.
func (p *Pool) Describe(c *plugin.Class) {
	c.Label("Pool")
	c.Alert(plugin.When(&p.Status).Warn(Degraded), "Pool degraded", "degraded")
	c.Alert(plugin.When(&p.Status).Info(Rebuilding), "Pool is being rebuilt", "rebuilding")
	c.Alert(plugin.When(&p.Status).Error(Failed), "Pool failure", "failure")
}

// Label names the pool by its number.
func (p *Pool) Label() string { return "Pool " + strconv.Itoa(p.Number) }

// Lun is a logical drive. Its pool and its paths affect it; it is what the
// hosts' SCSI devices with the same serial present.
type Lun struct {
	plugin.LogicalDrive
	Serial       string `attr:",scopedid"`
	Number       int
	Name         string
	UUID         plugin.UUID    `attr:"uuid,hidden" label:"UUID"`
	Status       Status         `enum:"OK,DEGRADED,FAILED"`
	Latency      plugin.Gauge   `unit:"us"`
	ReadBytes    plugin.Counter `unit:"bytes" label:"Read"`
	WrittenBytes plugin.Counter `unit:"bytes" label:"Written"`
	// IOSizes are the bins that the array's interface gives.
	IOSizes plugin.BytesHistogram `attr:"io_sizes" label:"I/O sizes" bins:"0-4096,4097-16384,16385-65536,65537-262144,262145-1048576,1048577-4194304,4194305-"`
}

// Describe declares what the fields cannot.
func (l *Lun) Describe(c *plugin.Class) {
	c.Label("LUN")
	c.Alert(plugin.When(&l.Status).Error(Failed), "LUN offline")
	c.Alert(plugin.Above(&l.Latency).Warn(20_000), "LUN slow")
	c.Chart("Throughput", &l.ReadBytes, &l.WrittenBytes)
	c.Chart("Latency", &l.Latency)
	c.Chart("I/O sizes", &l.IOSizes)
	c.Provide("linux", "ScsiDevice", &l.Serial).IgnoreCase()
}

// Label is the name of the LUN.
func (l *Lun) Label() string { return l.Name }

// LunPath is the way to a LUN through one controller, which affects it.
type LunPath struct {
	plugin.Resource
	Lun        *Lun        `attr:",scopedid" label:"LUN"`
	Controller *Controller `attr:",scopedid"`
	State      Status      `enum:"ACTIVE,STANDBY,FAILED"`
}

// Describe declares what the fields cannot.
func (p *LunPath) Describe(c *plugin.Class) {
	c.Label("Path")
	c.Alert(plugin.When(&p.State).Warn(Failed), "Path lost")
}

// Label names the path by its LUN and controller.
func (p *LunPath) Label() string {
	return p.Lun.Name + " via controller " + strconv.Itoa(p.Controller.Index)
}

// place says where in which enclosure something is.
func place(e *Enclosure, number int) string {
	return strconv.Itoa(e.Number) + "/" + strconv.Itoa(number)
}
