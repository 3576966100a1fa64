package redfish

import (
	"strings"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// The functions in this file make one resource each of what a service says
// about it. They ask for nothing more, and take any document.

func bytesOf(n *int64) plugin.Bytes {
	if n == nil {
		return 0
	}
	return plugin.Bytes(*n)
}

func floatOf(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

func chassisOf(o object, path, id string) *Chassis {
	s := statusOf(o)
	return &Chassis{
		Path: path, Name: nameOf(o, "Chassis", id), ChassisType: o.text("ChassisType"),
		Manufacturer: o.text("Manufacturer"), Model: o.text("Model"),
		PartNumber: o.text("PartNumber"), SerialNumber: o.text("SerialNumber"),
		Location: locationOf(o), PowerState: o.text("PowerState"), Indicator: indicatorOf(o),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
}

func controllerOf(o object, path, id string) *Controller {
	s := statusOf(o)
	return &Controller{
		Path: path, Name: nameOf(o, "Storage controller", id),
		Manufacturer: o.text("Manufacturer"), Model: o.text("Model"),
		PartNumber: o.text("PartNumber"), SerialNumber: o.text("SerialNumber"),
		FirmwareVersion: o.text("FirmwareVersion"),
		DeviceProtocols: o.texts("SupportedDeviceProtocols"), RaidTypes: o.texts("SupportedRAIDTypes"),
		Location: locationOf(o),
		State:    s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
}

func driveOf(o object, path, id string) *Drive {
	s := statusOf(o)
	d := &Drive{
		Path: path, Name: nameOf(o, "Drive", id),
		Manufacturer: o.text("Manufacturer"), Model: o.text("Model"),
		PartNumber: o.text("PartNumber"), SerialNumber: o.text("SerialNumber"),
		FirmwareVersion: o.first("Revision", "FirmwareVersion"), DurableName: durableName(o),
		Capacity: bytesOf(o.size("CapacityBytes")), MediaType: o.text("MediaType"), Protocol: o.text("Protocol"),
		Location: locationOf(o), HotspareType: o.text("HotspareType"),
		EncryptionStatus: o.text("EncryptionStatus"), Indicator: indicatorOf(o), StatusIndicator: o.text("StatusIndicator"),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
		FailurePredicted: o.flag("FailurePredicted"),
		celsius:          oemTemperature(o),
	}
	if rpm := o.size("RotationSpeedRPM"); rpm != nil && *rpm > 0 {
		d.RotationSpeed = rpm
	}
	if d.StatusIndicator == "PredictiveFailureAnalysis" {
		yes := true
		d.FailurePredicted = &yes
	}
	if d.MediaType != "HDD" { // a magnetic disk does not wear out, though some services say 0 % is left
		d.lifeLeft = o.number("PredictedMediaLifeLeftPercent")
	}
	if s.state == absent {
		d.FailurePredicted, d.celsius, d.lifeLeft = nil, nil, nil
	}
	return d
}

func poolOf(o object, path, id string) *Pool {
	s := statusOf(o)
	capacity, used := capacityOf(o)
	return &Pool{
		Path: path, Name: nameOf(o, "Pool", id), Description: o.text("Description"),
		RaidTypes: o.texts("SupportedRAIDTypes"), Capacity: capacity,
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
		used: used, remaining: o.number("RemainingCapacityPercent"),
	}
}

func volumeOf(o object, path, id string) *Volume {
	s := statusOf(o)
	capacity, used := capacityOf(o)
	v := &Volume{
		Path: path, Name: nameOf(o, "Volume", id), RaidType: o.first("RAIDType", "VolumeType"),
		DurableName: durableName(o), Encrypted: o.flag("Encrypted"),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
		used: used, remaining: o.number("RemainingCapacityPercent"),
	}
	v.Size = capacity
	return v
}

// capacityOf returns the size of a pool or a volume and how much of it is used.
func capacityOf(o object) (plugin.Bytes, *float64) {
	data := o.at("Capacity", "Data")
	capacity := o.size("CapacityBytes")
	if capacity == nil {
		capacity = data.size("AllocatedBytes")
	}
	if capacity == nil {
		capacity = data.size("ProvisionedBytes")
	}
	return bytesOf(capacity), floatOf(data.size("ConsumedBytes"))
}

func fanOf(o object, path, id string) *Fan {
	s := statusOf(o)
	f := &Fan{
		Path: path, Name: nameOf(o, "Fan", id),
		Manufacturer: o.text("Manufacturer"), Model: o.text("Model"),
		PartNumber: o.text("PartNumber"), SerialNumber: o.text("SerialNumber"),
		Location: locationOf(o), Cools: o.text("PhysicalContext"), Indicator: indicatorOf(o),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
	if !running(s.state) {
		return f
	}
	if speed := o.at("SpeedPercent"); speed != nil {
		f.rpm = speed.number("SpeedRPM")
		// Some services write revolutions where the schema has a percentage.
		if p := speed.number("Reading"); p != nil && *p <= 100 {
			f.percent = p
		}
		return f
	}
	reading := o.firstNumber("Reading", "ReadingRPM", "CurrentReading")
	switch unit := strings.ToLower(o.first("ReadingUnits", "Units")); {
	case reading == nil:
	case unit == "percent" || unit == "%":
		f.percent = reading
	case unit == "rpm" || *reading > 100: // without a unit, a large number can only be revolutions
		f.rpm = reading
	case unit == "":
		f.percent = reading
	}
	return f
}

func powerSupplyOf(o object, path, id string) *PowerSupply {
	s := statusOf(o)
	p := &PowerSupply{
		Path: path, Name: nameOf(o, "Power supply", id),
		Manufacturer: o.text("Manufacturer"), Model: o.text("Model"),
		PartNumber: o.text("PartNumber"), SerialNumber: o.text("SerialNumber"),
		FirmwareVersion: o.text("FirmwareVersion"), SupplyType: o.text("PowerSupplyType"),
		CapacityWatts: o.number("PowerCapacityWatts"), LineInput: o.first("LineInputStatus", "LineInputVoltageType"),
		Location: locationOf(o), Indicator: indicatorOf(o),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
	if running(s.state) {
		p.watts = o.firstNumber("PowerOutputWatts", "LastPowerOutputWatts")
		p.volts = o.number("LineInputVoltage")
	}
	return p
}

// addMetrics fills in what the new form keeps in a document of its own.
func (x *PowerSupply) addMetrics(o object) {
	if x.watts == nil {
		x.watts = o.at("OutputPowerWatts").number("Reading")
	}
	if x.volts == nil {
		x.volts = o.at("InputVoltage").number("Reading")
	}
}

// thermometerOf reads the old form, an element of Thermal's Temperatures.
func thermometerOf(o object, path, id string) *TemperatureSensor {
	s := statusOf(o)
	t := &TemperatureSensor{
		Path: path, Name: nameOf(o, "Temperature sensor", id), Measures: o.text("PhysicalContext"),
		LowCritical: o.number("LowerThresholdCritical"), LowCaution: o.number("LowerThresholdNonCritical"),
		HighCaution: o.number("UpperThresholdNonCritical"), HighCritical: o.firstNumber("UpperThresholdCritical", "UpperThresholdFatal"),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
	if running(s.state) {
		t.celsius = o.number("ReadingCelsius")
	}
	return t
}

// sensorOf reads the new form, a Sensor. It returns nil for a sensor of
// anything else than a temperature.
func sensorOf(o object, path, id string) *TemperatureSensor {
	unit, measured := temperatureUnit(o)
	if !measured {
		return nil
	}
	s := statusOf(o)
	limits := o.at("Thresholds")
	limit := func(keys ...string) *float64 {
		for _, k := range keys {
			if f := limits.at(k).number("Reading"); f != nil {
				return unit(f)
			}
		}
		return nil
	}
	t := &TemperatureSensor{
		Path: path, Name: nameOf(o, "Temperature sensor", id), Measures: o.text("PhysicalContext"),
		LowCritical: limit("LowerCritical", "LowerFatal"), LowCaution: limit("LowerCaution"),
		HighCaution: limit("UpperCaution"), HighCritical: limit("UpperCritical", "UpperFatal"),
		State: s.state, Health: s.health, HealthRollup: s.rollup, Conditions: s.conditions,
	}
	if running(s.state) {
		t.celsius = unit(o.number("Reading"))
	}
	return t
}

// temperatureUnit says whether a Sensor is a thermometer, and how to turn its
// values into degrees Celsius. A service may leave out the type or the unit,
// not both. A sensor that gives its unit as empty and has no range is a yes/no
// "too hot" contact, not a thermometer.
func temperatureUnit(o object) (unit func(*float64) *float64, ok bool) {
	same := func(f *float64) *float64 { return f }
	kind, units := o.text("ReadingType"), o.text("ReadingUnits")
	if kind != "" && kind != "Temperature" {
		return nil, false
	}
	switch strings.Trim(strings.ToLower(units), "[]° ") {
	case "cel", "c", "celsius", "degc", "degrees c", "degreescelsius":
		return same, true
	case "degf", "f", "fahrenheit":
		return func(f *float64) *float64 {
			if f == nil {
				return nil
			}
			c := (*f - 32) * 5 / 9
			return &c
		}, true
	case "":
		_, blank := o["ReadingUnits"].(string)
		contact := blank && o.number("ReadingRangeMax") == nil && o.number("ReadingRangeMin") == nil && o.at("Thresholds") == nil
		return same, kind == "Temperature" && !contact
	}
	return nil, false
}

// judge compares the reading to the limits where the service passes no verdict.
func (x *TemperatureSensor) judge() {
	x.LimitState = ""
	if x.Health != "" || x.celsius == nil || !running(x.State) {
		return
	}
	above := func(l *float64) bool { return l != nil && *x.celsius > *l }
	below := func(l *float64) bool { return l != nil && *x.celsius < *l }
	switch {
	case x.HighCritical == nil && x.HighCaution == nil && x.LowCritical == nil && x.LowCaution == nil:
	case above(x.HighCritical) || below(x.LowCritical):
		x.LimitState = Beyond
	case above(x.HighCaution) || below(x.LowCaution):
		x.LimitState = Caution
	default:
		x.LimitState = Within
	}
}
