package fact_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// drawReport is any full report: few keys, so that two of them meet.
func drawReport(t *rapid.T) *fact.Report {
	key := rapid.SampledFrom([]string{"8:0", "8:16", "253:0", "9:127"})
	size := rapid.Int64Range(0, 3)
	r := &fact.Report{Version: fact.Version, Full: true, Mounts: []fact.Mount{}, Gaps: []fact.Gap{}}
	r.Devices = rapid.MapOf(rapid.Custom(func(t *rapid.T) fact.Key { return fact.Key(key.Draw(t, "key")) }), rapid.Custom(func(t *rapid.T) *fact.Device {
		return &fact.Device{Kind: fact.Disk, Name: "sda", Size: size.Draw(t, "size")}
	})).Draw(t, "devices")
	r.Groups = rapid.MapOf(key, rapid.Custom(func(t *rapid.T) *fact.Group {
		return &fact.Group{Name: "vg", Free: size.Draw(t, "free"), On: []fact.Key{"8:0"}}
	})).Draw(t, "groups")
	r.Pools = rapid.MapOf(key, rapid.Custom(func(t *rapid.T) *fact.Pool {
		return &fact.Pool{Name: "tank", State: rapid.SampledFrom([]string{"ONLINE", "DEGRADED"}).Draw(t, "state")}
	})).Draw(t, "pools")
	r.Enclosures = rapid.MapOf(key, rapid.Custom(func(t *rapid.T) *fact.Enclosure {
		return &fact.Enclosure{Status: rapid.SampledFrom([]string{"OK", "CRITICAL"}).Draw(t, "status")}
	})).Draw(t, "enclosures")
	r.Mounts = append(r.Mounts, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fact.Mount {
		return fact.Mount{Target: rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "target")}
	}), 0, 2).Draw(t, "mounts")...)
	r.Gaps = append(r.Gaps, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fact.Gap {
		return fact.Gap{Part: "pools", Text: rapid.SampledFrom([]string{"no zpool", "it hangs"}).Draw(t, "text")}
	}), 0, 2).Draw(t, "gaps")...)
	if rapid.Bool().Draw(t, "clustered") {
		r.Cluster = &fact.Cluster{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), Nodes: []string{"n1"}}
	}
	return r
}

// What a reader knows after a delta is what it would know from a full report,
// also after the way through JSON.
func TestDeltaApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := drawReport(t), drawReport(t)
		d := fact.Delta(from, to)
		if same := cmp.Equal(from, to, cmpopts.EquateEmpty()); same != (d == nil) {
			t.Fatalf("Delta = %v for reports that are the same: %v", d, same)
		}
		if d == nil {
			return
		}
		line, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var told fact.Report
		if err := json.Unmarshal(line, &told); err != nil {
			t.Fatal(err)
		}
		known, err := from.Apply(&told)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(to, known, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s told to one who knows\n(-there is +known) %s", line, diff)
		}
	})
}

func TestApplyRefuses(t *testing.T) {
	var nothing *fact.Report
	if _, err := nothing.Apply(&fact.Report{Version: fact.Version}); err == nil {
		t.Error("a delta was applied to nothing")
	}
	if _, err := nothing.Apply(&fact.Report{Version: fact.Version + 1, Full: true}); err == nil {
		t.Error("a report of a later version was taken")
	}
}
