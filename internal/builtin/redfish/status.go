package redfish

import (
	"fmt"
	"sort"
	"strings"
	"unicode"
)

// absent is the State of a bay, a slot or a sensor with nothing behind it.
const absent = "Absent"

// status is a resource's Status.
type status struct {
	state, conditions string
	health, rollup    Health
}

// statusOf reads Status. What is absent has no health, whatever the service
// says: an empty bay must not alert.
func statusOf(o object) status {
	st := o.at("Status")
	s := status{
		state:  st.text("State"),
		health: healthOf(st.text("Health")),
		rollup: healthOf(st.text("HealthRollup")),
	}
	var said []string
	for _, c := range st.list("Conditions") {
		if m := c.first("Message", "MessageId"); m != "" {
			said = append(said, m)
		}
	}
	s.conditions = strings.Join(said, "\n")
	if strings.EqualFold(s.state, absent) {
		s.state, s.health, s.rollup = absent, "", ""
	}
	return s
}

func healthOf(s string) Health {
	for _, h := range []Health{OK, Warning, Critical} {
		if strings.EqualFold(s, string(h)) {
			return h
		}
	}
	return ""
}

// running reports whether a sensor in the state can have a reading.
func running(state string) bool {
	switch state {
	case absent, "Disabled", "StandbyOffline", "UnavailableOffline":
		return false
	}
	return true
}

// nameOf returns a name for people: the service's own or, where that is
// missing, what and which the object is.
func nameOf(o object, what, id string) string {
	if s := o.first("Name", "FanName", "DisplayName"); s != "" {
		return s
	}
	if id = cleanFirst(o.text("Id"), o.text("MemberId"), id); id != "" {
		return what + " " + id
	}
	return what
}

func cleanFirst(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// locationOf says where in the machine or the rack an object is: the label that
// stands on the hardware, else the kind and number of the bay or slot, else
// what the service says in its own words.
func locationOf(o object) string {
	var places []object
	for _, key := range []string{"PhysicalLocation", "Location"} {
		for _, l := range o.list(key) {
			if l != nil {
				places = append(places, l)
			}
		}
	}
	for _, l := range places {
		if s := l.at("PartLocation").text("ServiceLabel"); s != "" {
			return s
		}
	}
	for _, l := range places {
		p := l.at("PartLocation")
		if kind, n := p.text("LocationType"), p.text("LocationOrdinalValue"); kind != "" && n != "" {
			return kind + " " + n
		}
	}
	for _, l := range places {
		if s := l.text("Info"); s != "" {
			if f := l.text("InfoFormat"); f != "" {
				return f + " " + s
			}
			return s
		}
	}
	for _, l := range places {
		p := l.at("Placement")
		if rack := p.text("Rack"); rack != "" {
			if u := p.text("RackOffset"); u != "" {
				return fmt.Sprintf("rack %s, unit %s", rack, u)
			}
			return "rack " + rack
		}
	}
	return o.text("Location")
}

func indicatorOf(o object) string {
	if s := o.text("IndicatorLED"); s != "" {
		return s
	}
	if on := o.flag("LocationIndicatorActive"); on != nil {
		if *on {
			return "Lit"
		}
		return "Off"
	}
	return ""
}

// durableName returns the first world-wide name of an object.
func durableName(o object) string {
	for _, i := range o.list("Identifiers") {
		if s := i.text("DurableName"); s != "" {
			return s
		}
	}
	return ""
}

// oemTemperature finds the temperature of a drive where the schema long had no
// place for it: in the vendors' own part of the document.
func oemTemperature(o object) *float64 {
	oem := o.at("Oem")
	vendors := make([]string, 0, len(oem))
	for v := range oem {
		vendors = append(vendors, v)
	}
	sort.Strings(vendors)
	for _, v := range vendors {
		f := oem.at(v).firstNumber("CurrentTemperatureCelsius", "TemperatureCelsius", "Temperature", "DriveTemperature")
		if f != nil && *f != 0 { // 0 is "not measured"
			return f
		}
	}
	return nil
}

// folded is a name reduced to what its spellings have in common: "CPU #1
// Temperature" and "CPU1 Temp" are one sensor, "PSU1" is "Power Supply 1".
func folded(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
	return folds.Replace(s)
}

var folds = strings.NewReplacer("temperature", "temp", "powersupplyunit", "psu", "powersupply", "psu")
