package sim

// Kinds of object, as named in events and as the first part of an object's id.
const (
	kindController  = "controller"
	kindEnclosure   = "enclosure"
	kindFan         = "fan"
	kindPowerSupply = "psu"
	kindDisk        = "disk"
	kindPool        = "pool"
	kindLUN         = "lun"
	kindPath        = "path"
)

// States of objects. Which of them a kind uses stands at its status field.
const (
	statusOK          = "OK"
	statusNearFailure = "NEARFAILURE"
	statusFailed      = "FAILED"
	statusRebuilding  = "REBUILDING"
	statusMissing     = "MISSING"
	statusDegraded    = "DEGRADED"
	stateActive       = "ACTIVE"
	stateStandby      = "STANDBY"
	stateFailed       = "FAILED"
)

// Proportions of an array.
const (
	baysPerEnclosure = 84
	fansPerEnclosure = 4
	psusPerEnclosure = 2
	disksPerPool     = 10
	parityDisks      = 2 // RAID 6 survives the loss of two disks of a pool
	portsPerControl  = 2
	nominalFanRPM    = 9000
)

// ioSizeBins are the upper bounds, inclusive, of the bins of a LUN's histogram
// of I/O sizes in bytes. One more bin without an upper bound follows.
var ioSizeBins = []int64{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20}

// The types below are the objects of the array as clients see them. Unexported
// fields are the simulation's own state. Capacities and counters are in bytes,
// temperatures in whole degrees Celsius.

type controller struct {
	ID           string `json:"id"`
	Index        int    `json:"index"`
	Serial       string `json:"serial"`
	Model        string `json:"model"`
	Firmware     string `json:"firmware"`
	Status       string `json:"status"` // OK, FAILED
	TemperatureC int    `json:"temperature_c"`
	Ports        []port `json:"ports"`
}

// A port is a host port of a controller.
type port struct {
	WWPN      string `json:"wwpn"`
	SpeedGbps int    `json:"speed_gbps"`
	Up        bool   `json:"up"`
}

type enclosure struct {
	ID           string `json:"id"`
	Number       int    `json:"number"`
	Serial       string `json:"serial"`
	Model        string `json:"model"`
	Bays         int    `json:"bays"`
	TemperatureC int    `json:"temperature_c"`
	PowerW       int    `json:"power_w"`

	base, drift, heat int
	disks             []int // positions in the disk table, also of disks that are gone
}

type fan struct {
	ID        string `json:"id"`
	Enclosure string `json:"enclosure"`
	Number    int    `json:"number"`
	Status    string `json:"status"` // OK, FAILED
	RPM       int    `json:"rpm"`

	base int
}

type powerSupply struct {
	ID        string `json:"id"`
	Enclosure string `json:"enclosure"`
	Number    int    `json:"number"`
	Serial    string `json:"serial"`
	Status    string `json:"status"` // OK, FAILED
}

type disk struct {
	ID            string `json:"id"`
	Serial        string `json:"serial"`
	Enclosure     string `json:"enclosure"`
	Slot          int    `json:"slot"`
	Pool          string `json:"pool,omitempty"` // absent for a spare
	Vendor        string `json:"vendor"`
	Model         string `json:"model"`
	Media         string `json:"media"` // HDD, SSD
	RPM           int    `json:"rpm,omitempty"`
	Firmware      string `json:"firmware"`
	CapacityBytes int64  `json:"capacity_bytes"`
	Status        string `json:"status"` // OK, NEARFAILURE, FAILED, REBUILDING, MISSING
	TemperatureC  int    `json:"temperature_c"`
	ReadBytes     int64  `json:"read_bytes"`
	WrittenBytes  int64  `json:"written_bytes"`

	base, drift int
	enclosure   int // position of the enclosure
	pool        int // position of the pool, -1 for a spare
}

type pool struct {
	ID             string `json:"id"`
	Number         int    `json:"number"`
	RAIDType       string `json:"raid_type"`
	CapacityBytes  int64  `json:"capacity_bytes"`
	FreeBytes      int64  `json:"free_bytes"`
	Status         string `json:"status"`                    // OK, DEGRADED, REBUILDING, FAILED
	RebuildPercent *int   `json:"rebuild_percent,omitempty"` // only while rebuilding

	width   int   // number of disks it was made of
	members []int // positions of its disks
	luns    []int // positions of its LUNs
	rebuild *rebuild
}

type lun struct {
	ID            string  `json:"id"`
	Number        int     `json:"number"`
	Name          string  `json:"name"`
	Pool          string  `json:"pool"`
	SizeBytes     int64   `json:"size_bytes"`
	WWID          string  `json:"wwid"` // as a host's SCSI layer shows it, but in capitals
	UUID          string  `json:"uuid"`
	Status        string  `json:"status"` // OK, DEGRADED, FAILED
	LatencyUs     int     `json:"latency_us"`
	ReadBytes     int64   `json:"read_bytes"`
	WrittenBytes  int64   `json:"written_bytes"`
	IOSizeBuckets []int64 `json:"io_sizes"` // I/Os a bin, see ioSizeBins

	pool int // position of the pool; its paths are at 2*position and the next
}

type path struct {
	ID         string `json:"id"`
	LUN        string `json:"lun"`
	Controller string `json:"controller"`
	State      string `json:"state"` // ACTIVE, STANDBY, FAILED

	lost bool // by lose-path, so that a controller's recovery does not bring it back
}
