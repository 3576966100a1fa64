package apitest

import "github.com/faultline-storage/faultline/internal/resource"

// Classes returns the classes of the plugin "acme", which between them have
// what a class can have.
func Classes() []*resource.Class {
	top := []string{resource.BaseResource}
	str := resource.StringValue
	classes := []*resource.Class{
		{
			Name: "Couplet", Bases: []string{resource.BaseScannable, resource.BaseResource},
			IDScope: resource.Global, IDNames: []string{"address"},
			Attributes: []resource.Attribute{
				{Name: "address", Kind: resource.Hostname},
				{Name: "user", Kind: resource.String, Default: str("admin")},
				{Name: "password", Kind: resource.Password, Default: str(Password)},
				{Name: "port", Kind: resource.Integer, Optional: true, Min: new(1.0), Max: new(65535.0)},
			},
		},
		{
			Name: "Enclosure", Bases: append([]string{"Enclosure"}, top...), IDScope: resource.Scoped, IDNames: []string{"number"},
			Attributes: []resource.Attribute{{Name: "number", Kind: resource.Integer}},
		},
		{
			Name: "HardDrive", OwnLabel: "Hard drive", Bases: append([]string{"PhysicalDisk"}, top...),
			IDScope: resource.Scoped, IDNames: []string{"slot"},
			Attributes: []resource.Attribute{
				{Name: "slot", Kind: resource.Integer},
				{Name: "status", Kind: resource.Enum, Options: []resource.Value{str("OK"), str("NEARFAILURE"), str("FAILED")}},
				{Name: "capacity", Kind: resource.Bytes, OwnLabel: "Raw size"},
				{Name: "enclosure", Kind: resource.Reference, Optional: true},
				{Name: "firmware", Kind: resource.String, Hidden: true, MaxLength: new(16)},
			},
			Statistics: []resource.Statistic{
				{Name: "temperature", Kind: resource.Gauge, Unit: "C", SamplePeriod: 10},
				{Name: "latency", Kind: resource.Histogram, Unit: "ms", SamplePeriod: 10, Bins: [][]int64{{0, 9}, {10, 99}, {100}}},
			},
			Conditions: []resource.Condition{
				{ID: "failure", Kind: resource.ValueCondition, Attribute: "status", Message: "Drive failure",
					States: map[resource.Severity][]resource.Value{resource.Error: {str("FAILED")}}},
				{Kind: resource.UpperBound, Attribute: "temperature", Message: "Too hot",
					Bounds: map[resource.Severity]float64{resource.Warning: 70, resource.Error: 85}},
			},
		},
		{
			Name: "RaidPool", Bases: append([]string{"StoragePool"}, top...), IDScope: resource.Scoped, IDNames: []string{"local_id"},
			Attributes: []resource.Attribute{{Name: "local_id", Kind: resource.Integer}, {Name: "raid_type", Kind: resource.String}},
		},
		{
			Name: "Lun", Bases: append([]string{"LogicalDrive"}, top...), IDScope: resource.Scoped, IDNames: []string{"local_id"},
			Attributes: []resource.Attribute{
				{Name: "local_id", Kind: resource.Integer}, {Name: "name", Kind: resource.String}, {Name: "mapped", Kind: resource.Boolean},
			},
			Relations: []resource.Relation{{Provide: true, Plugin: "linux", Class: "ScsiDevice", Attributes: []string{"name"}, IgnoreCase: true}},
			Charts:    []resource.Chart{},
		},
	}
	for _, c := range classes {
		c.Plugin = "acme"
		c.Index()
	}
	return classes
}
