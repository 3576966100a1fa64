package redfish

import "github.com/faultline-storage/faultline/sdk/plugin"

// Health is a verdict of the service, Status.Health. Its zero value is "no
// verdict": a third state, which neither alerts nor says that all is well.
type Health string

// The verdicts that Redfish has.
const (
	OK       Health = "OK"
	Warning  Health = "Warning"
	Critical Health = "Critical"
)

// rank orders verdicts by how bad they are.
func (h Health) rank() int {
	switch h {
	case Critical:
		return 3
	case Warning:
		return 2
	case OK:
		return 1
	}
	return 0
}

// Limit says where a temperature stands against the sensor's own limits.
type Limit string

// The states of a Limit.
const (
	Within  Limit = "within"
	Caution Limit = "caution"
	Beyond  Limit = "critical"
)

// Service is one Redfish or Swordfish service: the root that a user adds.
type Service struct {
	plugin.ScannableResource
	// URL is where the service is: https://HOST or https://HOST:PORT.
	URL string `attr:"url,globalid" label:"URL"`
	// User may read all hardware; empty for a service without sign-in.
	User string `attr:",optional"`
	// Password of the user. There is no Encrypt method: the server encrypts
	// stored secrets under its own key, and anything this plugin could undo by
	// itself would hide nothing.
	Password plugin.Secret `attr:",optional"`
	// VerifyTLS is false for a service with a certificate of its own making.
	VerifyTLS *bool `attr:"verify_tls" default:"true" label:"Verify TLS certificate"`

	Product        string `attr:",optional,readonly"`
	Vendor         string `attr:",optional,readonly"`
	RedfishVersion string `attr:",optional,readonly"`
	// Unread counts the documents that are linked but could not be read by the
	// last scan; 0 means that everything was.
	Unread *int64 `attr:",optional,readonly" label:"Unread documents"`
	// UnreadMembers names them with the reason, one a line.
	UnreadMembers string `attr:",optional,readonly,hidden" label:"Unread documents, by name"`
}

// Label names the service by its address.
func (s *Service) Label() string { return s.URL }

// Describe declares the class's label and alert conditions.
func (s *Service) Describe(c *plugin.Class) {
	c.Label("Redfish service")
	c.Alert(plugin.Above(&s.Unread).Info(0), "Part of the hardware could not be read")
}

// Chassis is a chassis, an enclosure, a drawer, a blade.
type Chassis struct {
	plugin.Enclosure
	Path         string `attr:",scopedid,hidden" label:"Redfish path"`
	Name         string
	ChassisType  string `attr:",optional"`
	Manufacturer string `attr:",optional"`
	Model        string `attr:",optional"`
	PartNumber   string `attr:",optional"`
	SerialNumber string `attr:",optional"`
	Location     string `attr:",optional"`
	PowerState   string `attr:",optional"`
	Indicator    string `attr:",optional"`
	State        string `attr:",optional"`
	Health       Health `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup Health `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	Conditions   string `attr:",optional,hidden"`
}

// Label is the name.
func (x *Chassis) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *Chassis) Describe(c *plugin.Class) {
	c.Label("Chassis")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The chassis reports a problem")
}

// Controller is a storage controller: an HBA, a RAID controller, one controller
// of an array, or the one inside an NVMe drive.
type Controller struct {
	plugin.Controller
	Path            string `attr:",scopedid,hidden" label:"Redfish path"`
	Name            string
	Manufacturer    string `attr:",optional"`
	Model           string `attr:",optional"`
	PartNumber      string `attr:",optional"`
	SerialNumber    string `attr:",optional"`
	FirmwareVersion string `attr:",optional"`
	DeviceProtocols string `attr:",optional"`
	RaidTypes       string `attr:",optional" label:"RAID types"`
	Location        string `attr:",optional"`
	State           string `attr:",optional"`
	Health          Health `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup    Health `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	// SubsystemHealth is the verdict on the storage subsystem that the controller
	// belongs to, where that is worse than the verdict on each of its controllers.
	SubsystemHealth Health `attr:",optional" enum:"OK,Warning,Critical"`
	Conditions      string `attr:",optional,hidden"`
}

// Label is the name and where the controller is.
func (x *Controller) Label() string { return placed(x.Name, x.Location) }

// Describe declares the class's label and alert conditions.
func (x *Controller) Describe(c *plugin.Class) {
	c.Label("Storage controller")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The storage controller reports a problem")
	c.Alert(plugin.When(&x.SubsystemHealth).Warn(Warning).Error(Critical), "The storage subsystem reports a problem")
}

// Drive is a disk or another physical medium.
type Drive struct {
	plugin.PhysicalDisk
	Path             string `attr:",scopedid,hidden" label:"Redfish path"`
	Name             string
	Manufacturer     string       `attr:",optional"`
	Model            string       `attr:",optional"`
	PartNumber       string       `attr:",optional"`
	SerialNumber     string       `attr:",optional"`
	FirmwareVersion  string       `attr:",optional"`
	DurableName      string       `attr:",optional" label:"WWN"`
	Capacity         plugin.Bytes `attr:",optional"`
	MediaType        string       `attr:",optional"`
	Protocol         string       `attr:",optional"`
	RotationSpeed    *int64       `attr:",optional" label:"Rotation speed (RPM)"`
	Location         string       `attr:",optional"`
	HotspareType     string       `attr:",optional"`
	EncryptionStatus string       `attr:",optional"`
	Indicator        string       `attr:",optional"`
	StatusIndicator  string       `attr:",optional"`
	State            string       `attr:",optional"`
	Health           Health       `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup     Health       `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	FailurePredicted *bool        `attr:",optional"`
	Conditions       string       `attr:",optional,hidden"`
	Temperature      plugin.Gauge `unit:"C" every:"60s"`
	MediaLifeLeft    plugin.Gauge `unit:"%" every:"60s"`

	celsius, lifeLeft *float64
}

// Label is the name and where the drive is.
func (x *Drive) Label() string { return placed(x.Name, x.Location) }

// Describe declares the class's label and alert conditions.
func (x *Drive) Describe(c *plugin.Class) {
	predicted := true
	c.Label("Drive")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The drive reports a problem")
	c.Alert(plugin.When(&x.FailurePredicted).Warn(&predicted), "The drive predicts its failure")
	c.Alert(plugin.Below(&x.MediaLifeLeft).Info(10), "The drive is nearly worn out")
}

// Pool is a storage pool: an aggregation of drives or of other pools.
type Pool struct {
	plugin.StoragePool
	Path         string `attr:",scopedid,hidden" label:"Redfish path"`
	Name         string
	Description  string       `attr:",optional"`
	RaidTypes    string       `attr:",optional" label:"RAID types"`
	Capacity     plugin.Bytes `attr:",optional"`
	State        string       `attr:",optional"`
	Health       Health       `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup Health       `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	Conditions   string       `attr:",optional,hidden"`
	Used         plugin.Gauge `unit:"bytes" every:"60s"`
	Remaining    plugin.Gauge `unit:"%" every:"60s"`

	used, remaining *float64
}

// Label is the name.
func (x *Pool) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *Pool) Describe(c *plugin.Class) {
	c.Label("Storage pool")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The storage pool reports a problem")
}

// Volume is a logical drive that a storage subsystem offers. Its capacity is the
// inherited attribute size.
type Volume struct {
	plugin.LogicalDrive
	Path         string `attr:",scopedid,hidden" label:"Redfish path"`
	Name         string
	RaidType     string       `attr:",optional" label:"RAID type"`
	DurableName  string       `attr:",optional" label:"Durable name"`
	Encrypted    *bool        `attr:",optional"`
	State        string       `attr:",optional"`
	Health       Health       `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup Health       `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	Conditions   string       `attr:",optional,hidden"`
	Used         plugin.Gauge `unit:"bytes" every:"60s"`
	Remaining    plugin.Gauge `unit:"%" every:"60s"`

	used, remaining *float64
}

// Label is the name.
func (x *Volume) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *Volume) Describe(c *plugin.Class) {
	c.Label("Volume")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The volume reports a problem")
}

// Fan is a cooling fan.
type Fan struct {
	plugin.Fan
	Path         string `attr:",scopedid,hidden" label:"Redfish path"`
	Name         string
	Manufacturer string       `attr:",optional"`
	Model        string       `attr:",optional"`
	PartNumber   string       `attr:",optional"`
	SerialNumber string       `attr:",optional"`
	Location     string       `attr:",optional"`
	Cools        string       `attr:",optional"`
	Indicator    string       `attr:",optional"`
	State        string       `attr:",optional"`
	Health       Health       `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup Health       `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	Conditions   string       `attr:",optional,hidden"`
	SpeedRPM     plugin.Gauge `attr:"speed_rpm" label:"Speed" unit:"RPM" every:"60s"`
	SpeedPercent plugin.Gauge `label:"Speed, of the highest" unit:"%" every:"60s"`

	rpm, percent *float64
}

// Label is the name.
func (x *Fan) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *Fan) Describe(c *plugin.Class) {
	c.Label("Fan")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The fan reports a problem")
}

// TemperatureSensor is one thermometer.
type TemperatureSensor struct {
	plugin.Resource
	Path         string `attr:",scopedid,hidden" label:"Redfish path"`
	Name         string
	Measures     string   `attr:",optional"`
	LowCritical  *float64 `attr:",optional,hidden" label:"Low critical limit (C)"`
	LowCaution   *float64 `attr:",optional,hidden" label:"Low caution limit (C)"`
	HighCaution  *float64 `attr:",optional" label:"High caution limit (C)"`
	HighCritical *float64 `attr:",optional" label:"High critical limit (C)"`
	State        string   `attr:",optional"`
	Health       Health   `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup Health   `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	// LimitState compares the reading to the sensor's own limits, for a sensor on
	// which the service passes no verdict of its own.
	LimitState  Limit        `attr:",optional" enum:"within,caution,critical"`
	Conditions  string       `attr:",optional,hidden"`
	Temperature plugin.Gauge `unit:"C" every:"60s"`

	celsius *float64
}

// Label is the name.
func (x *TemperatureSensor) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *TemperatureSensor) Describe(c *plugin.Class) {
	c.Label("Temperature sensor")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The temperature sensor reports a problem")
	c.Alert(plugin.When(&x.LimitState).Warn(Caution).Error(Beyond), "The temperature is beyond the sensor's limits")
}

// PowerSupply is a power supply unit.
type PowerSupply struct {
	plugin.Resource
	Path            string `attr:",scopedid,hidden" label:"Redfish path"`
	Name            string
	Manufacturer    string       `attr:",optional"`
	Model           string       `attr:",optional"`
	PartNumber      string       `attr:",optional"`
	SerialNumber    string       `attr:",optional"`
	FirmwareVersion string       `attr:",optional"`
	SupplyType      string       `attr:",optional"`
	CapacityWatts   *float64     `attr:",optional" label:"Capacity (W)"`
	LineInput       string       `attr:",optional"`
	Location        string       `attr:",optional"`
	Indicator       string       `attr:",optional"`
	State           string       `attr:",optional"`
	Health          Health       `attr:",optional" enum:"OK,Warning,Critical"`
	HealthRollup    Health       `attr:",optional,hidden" enum:"OK,Warning,Critical"`
	Conditions      string       `attr:",optional,hidden"`
	OutputPower     plugin.Gauge `unit:"W" every:"60s"`
	InputVoltage    plugin.Gauge `unit:"V" every:"60s"`

	watts, volts *float64
}

// Label is the name.
func (x *PowerSupply) Label() string { return x.Name }

// Describe declares the class's label and alert conditions.
func (x *PowerSupply) Describe(c *plugin.Class) {
	c.Label("Power supply")
	c.Alert(plugin.When(&x.Health).Warn(Warning).Error(Critical), "The power supply reports a problem")
}

// placed is a name with the place that tells it from its equals.
func placed(name, location string) string {
	if location == "" || location == name {
		return name
	}
	return name + " (" + location + ")"
}
