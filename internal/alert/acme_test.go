package alert_test

import (
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// acme are the classes that scenarios load.
var acme = func() map[string]*resource.Class {
	m := make(map[string]*resource.Class)
	for _, c := range []*resource.Class{
		{Plugin: "acme", Name: "Array", Bases: []string{resource.BaseScannable, resource.BaseResource}, OwnLabel: "Disk array",
			Attributes: []resource.Attribute{{Name: "address", Kind: resource.Hostname}}},
		{Plugin: "acme", Name: "Fan", Bases: []string{"Fan", resource.BaseResource},
			Attributes: []resource.Attribute{{Name: "speed", Kind: resource.Integer, Optional: true}},
			Conditions: []resource.Condition{{Kind: resource.LowerBound, Attribute: "speed", Message: "Fan too slow",
				Bounds: map[resource.Severity]float64{resource.Warning: 1000, resource.Error: 100}}}},
		{Plugin: "acme", Name: "Drive", Bases: []string{"PhysicalDisk", resource.BaseResource}, OwnLabel: "Hard drive",
			Attributes: []resource.Attribute{{Name: "status", Kind: resource.String, Optional: true}},
			Statistics: []resource.Statistic{{Name: "temperature", Kind: resource.Gauge, Unit: "C"}, {Name: "io_errors", Kind: resource.Counter}},
			Conditions: []resource.Condition{
				{ID: "near", Kind: resource.ValueCondition, Attribute: "status", Message: "Drive near failure",
					States: states(resource.Warning, "NEAR")},
				{ID: "failed", Kind: resource.ValueCondition, Attribute: "status", Message: "Drive failure",
					States: states(resource.Error, "FAILED")},
				{ID: "either", Kind: resource.ValueCondition, Attribute: "status", Message: "Drive needs care",
					States: states(resource.Info, "NEAR", "FAILED")},
				{Kind: resource.UpperBound, Attribute: "temperature", Message: "Too hot",
					Bounds: map[resource.Severity]float64{resource.Warning: 70, resource.Error: 85}},
				{Kind: resource.UpperBound, Attribute: "io_errors", Bounds: map[resource.Severity]float64{resource.Warning: 0}},
			}},
		{Plugin: "acme", Name: "Sensor", Bases: []string{resource.BaseResource},
			Attributes: []resource.Attribute{{Name: "degrees", Kind: resource.Integer, Optional: true}, {Name: "state", Kind: resource.String, Optional: true},
				{Name: "volts", Kind: resource.Float, Optional: true}},
			Statistics: []resource.Statistic{{Name: "load", Kind: resource.Gauge, Unit: "%"}},
			Conditions: []resource.Condition{
				{Kind: resource.UpperBound, Attribute: "degrees", Message: "Too warm", For: time.Minute,
					Bounds: map[resource.Severity]float64{resource.Warning: 40, resource.Error: 60},
					Clear:  map[resource.Severity]float64{resource.Warning: 35}},
				{Kind: resource.ValueCondition, Attribute: "state", For: 30 * time.Second, States: states(resource.Error, "BAD", "WORSE")},
				{Kind: resource.LowerBound, Attribute: "volts", Bounds: map[resource.Severity]float64{resource.Error: 3}, Clear: map[resource.Severity]float64{resource.Error: 3.3}},
				{Kind: resource.UpperBound, Attribute: "load", For: 10 * time.Second, Bounds: map[resource.Severity]float64{resource.Info: 90},
					Clear: map[resource.Severity]float64{resource.Info: 80}},
			}},
		{Plugin: "acme", Name: "Pool", Bases: []string{"StoragePool", resource.BaseResource}},
		{Plugin: "acme", Name: "Lun", Bases: []string{"LogicalDrive", resource.BaseResource}},
		{Plugin: "lustre", Name: "Scratch", Bases: []string{"FileSystem", resource.BaseResource}},
	} {
		c.Index()
		m[c.Name] = c
	}
	return m
}()

func states(s resource.Severity, texts ...string) map[resource.Severity][]resource.Value {
	var vs []resource.Value
	for _, t := range texts {
		vs = append(vs, resource.StringValue(t))
	}
	return map[resource.Severity][]resource.Value{s: vs}
}
