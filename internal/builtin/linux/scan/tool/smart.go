package tool

import (
	"strconv"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lazyregexp"
)

// Smart is what a disk says of itself. What it does not say is nil.
type Smart struct {
	Passed      *bool
	Temperature *float64
	PowerOn     *int64 // hours
	Used, Spare *float64
	Reallocated *int64
	Pending     *int64
	Uncorrected *int64
	Media       *int64
	Warnings    []string
	// Asleep says that the disk was left alone in standby.
	Asleep bool
}

func ptr[T any](v T) *T { return &v }

// nvmeWarnings are the bits of an NVMe disk's critical warning.
var nvmeWarnings = []string{
	"the spare blocks are below their threshold", "the temperature is out of its bounds", "the reliability is degraded",
	"the medium is read-only", "the backup of the volatile memory has failed", "the persistent memory is read-only or unreliable",
}

func warnNVMe(bits int64) []string {
	var all []string
	for i, text := range nvmeWarnings {
		if bits&(1<<i) != 0 {
			all = append(all, text)
		}
	}
	return all
}

// SmartJSON reads `smartctl -j`.
func SmartJSON(text []byte) (Smart, error) {
	o, err := decode(text)
	if err != nil {
		return Smart{}, err
	}
	var s Smart
	float := func(keys ...string) *float64 {
		if n, ok := o.number(keys...); ok {
			return &n
		}
		return nil
	}
	count := func(keys ...string) *int64 {
		if n, ok := o.number(keys...); ok && n >= 0 {
			return ptr(clampInt(n))
		}
		return nil
	}
	if passed, ok := o.at("smart_status", "passed").(bool); ok {
		s.Passed = &passed
		if why := o.text("smart_status", "scsi", "ie_string"); !passed && why != "" {
			s.Warnings = append(s.Warnings, why)
		}
	}
	degrees := func(keys ...string) *float64 {
		t := float(keys...)
		if t != nil && (*t <= -60 || *t >= 150) {
			return nil // what disks without a sensor say
		}
		return t
	}
	s.Temperature = degrees("temperature", "current")
	// SCSI disks without one say 0, of the temperature and of what they bear.
	if trip, ok := o.number("temperature", "drive_trip"); ok && trip == 0 && s.Temperature != nil && *s.Temperature == 0 {
		s.Temperature = nil
	}
	if s.Temperature == nil { // newer ones say it there only
		s.Temperature = degrees("scsi_environmental_reports", "temperature_1", "current")
	}
	s.PowerOn = count("power_on_time", "hours")
	s.Used = float("endurance_used", "current_percent")
	if s.Used == nil {
		s.Used = float("scsi_percentage_used_endurance_indicator")
	}
	s.Spare = float("spare_available", "current_percent")
	s.Reallocated = count("scsi_grown_defect_list")
	for _, log := range o.object("scsi_error_counter_log") {
		if log, ok := log.(map[string]any); ok {
			if n, ok := object(log).number("total_uncorrected_errors"); ok && n >= 0 {
				if s.Uncorrected == nil {
					s.Uncorrected = ptr(int64(0))
				}
				*s.Uncorrected += clampInt(n)
			}
		}
	}
	for _, a := range o.objects("ata_smart_attributes", "table") {
		s.attribute(a.int("id"), a.int("raw", "value"))
	}
	for _, page := range o.objects("ata_device_statistics", "pages") {
		for _, row := range page.objects("table") {
			if n, ok := row.number("value"); ok && row.text("name") == "Percentage Used Endurance Indicator" {
				s.Used = &n
			}
		}
	}
	const nvme = "nvme_smart_health_information_log"
	if o.object(nvme) != nil {
		s.Warnings = append(s.Warnings, warnNVMe(o.int(nvme, "critical_warning"))...)
		s.Used, s.Spare, s.Media = float(nvme, "percentage_used"), float(nvme, "available_spare"), count(nvme, "media_errors")
	}
	for _, m := range o.objects("smartctl", "messages") {
		s.Asleep = s.Asleep || asleep(m.text("string"))
	}
	return s, nil
}

func asleep(text string) bool {
	return strings.Contains(text, "STANDBY") && strings.Contains(text, "mode") || strings.Contains(text, "Device is in SLEEP mode")
}

// attribute takes a SMART attribute of an ATA disk by the number that all makers
// use for the same.
func (s *Smart) attribute(id, raw int64) {
	if raw < 0 {
		return
	}
	switch id {
	case 5:
		s.Reallocated = &raw
	case 197:
		s.Pending = &raw
	case 198:
		s.Uncorrected = &raw
	case 187:
		if s.Uncorrected == nil {
			s.Uncorrected = &raw
		}
	}
}

var (
	smartRow    = lazyregexp.New(`^\s*(\d{1,3}) [A-Za-z]\S* +0x[0-9a-f]{4} +\d+ +\d+ +\S+ +\S+ +\S+ +\S+ +(\d+)`)
	smartDigits = lazyregexp.New(`[\d,.]+`)
)

// SmartText reads what smartctl prints for people.
func SmartText(text string) Smart {
	var s Smart
	for line := range lines(text) {
		if row := smartRow.FindStringSubmatch(line); row != nil {
			id, _ := strconv.ParseInt(row[1], 10, 64)
			raw, err := strconv.ParseInt(row[2], 10, 64)
			if err != nil {
				continue
			}
			s.attribute(id, raw)
			switch {
			case id == 9:
				s.PowerOn = &raw
			case id == 194, id == 190 && s.Temperature == nil:
				if raw < 150 {
					s.Temperature = ptr(float64(raw))
				}
			}
			continue
		}
		s.Asleep = s.Asleep || asleep(line)
		key, value, ok := strings.Cut(line, ":")
		if !ok { // as in "number of hours powered up = 34120.02"
			key, value, ok = strings.Cut(line, " = ")
		}
		if !ok {
			continue
		}
		s.line(strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return s
}

func (s *Smart) line(key, value string) {
	number := func() (float64, bool) {
		n, err := strconv.ParseFloat(strings.ReplaceAll(smartDigits.FindString(value), ",", ""), 64)
		return n, err == nil
	}
	float := func(to **float64) {
		if n, ok := number(); ok {
			*to = &n
		}
	}
	count := func(to **int64) {
		if n, ok := number(); ok {
			*to = ptr(clampInt(n))
		}
	}
	switch key {
	case "SMART overall-health self-assessment test result", "SMART Health Status":
		passed := value == "PASSED" || value == "OK"
		if s.Passed = &passed; !passed && key == "SMART Health Status" {
			s.Warnings = append(s.Warnings, value)
		}
	case "Current Drive Temperature", "Temperature":
		float(&s.Temperature)
	case "Elements in grown defect list":
		count(&s.Reallocated)
	case "Percentage Used", "Percentage used endurance indicator":
		float(&s.Used)
	case "Available Spare":
		float(&s.Spare)
	case "Media and Data Integrity Errors":
		count(&s.Media)
	case "Power On Hours", "Accumulated power on time, hours", "number of hours powered up":
		count(&s.PowerOn)
	case "Drive Trip Temperature":
		// SCSI disks without a sensor say 0 of both.
		if n, ok := number(); ok && n == 0 && s.Temperature != nil && *s.Temperature == 0 {
			s.Temperature = nil
		}
	case "read", "write", "verify":
		// A row of the error counters, of which the last has what could not be corrected.
		if row := strings.Fields(value); len(row) == 7 {
			if n, err := strconv.ParseInt(row[6], 10, 64); err == nil && n >= 0 {
				if s.Uncorrected == nil {
					s.Uncorrected = ptr(int64(0))
				}
				*s.Uncorrected += n
			}
		}
	case "Critical Warning":
		if n, err := strconv.ParseInt(value, 0, 64); err == nil {
			s.Warnings = append(s.Warnings, warnNVMe(n)...)
		}
	}
}
