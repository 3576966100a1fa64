package redfish

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
)

func TestSession(t *testing.T) {
	f := newMachine(t)
	h := startHost(t, map[string]any{"url": f.URL, "verify_tls": true})
	h.mustScan(wire.MethodInitialScan)
	if !h.complete || len(h.result.Incomplete) > 0 || h.result.UpdatePeriod != period.Seconds() || !h.result.Updates {
		t.Errorf("complete %v, %+v", h.complete, h.result)
	}
	if d := cmp.Diff(map[string]int{
		"Chassis": 1, "Controller": 1, "Drive": 3, "Fan": 2, "Pool": 1, "PowerSupply": 1, "TemperatureSensor": 1, "Volume": 2,
	}, h.counts()); d != "" {
		t.Error(d)
	}
	const s = "/redfish/v1/Systems/1/Storage/A"
	drive := h.resources["Drive "+drivePath("1")]
	for k, want := range map[string]any{
		"name": "Disk 1", "capacity": 4_000_000_000_001.0, "failure_predicted": false, "health": "OK", "location": "Bay 1", "serial_number": "S1",
	} {
		if got := drive.attributes[k]; got != want {
			t.Errorf("drive: %s = %v, want %v", k, got, want)
		}
	}
	if _, ok := drive.attributes["rotation_speed"]; ok || drive.label != "Disk 1 (Bay 1)" {
		t.Errorf("%+v", drive)
	}
	if !drive.parents[h.resources["Chassis /redfish/v1/Chassis/1"].handle] {
		t.Error("the chassis is no parent of the drive")
	}
	if v := h.resources["Volume "+s+"/Volumes/W"]; v.attributes["size"] != 2e12 || !v.parents[h.resources["Drive "+drivePath("2")].handle] {
		t.Errorf("%+v", v)
	}
	root := h.resources[""].attributes
	if root["unread"] != 0.0 || root["product"] != "Box" || root["vendor"] != "Maker" {
		t.Errorf("root: %v", root)
	}
	if h.samples == 0 || len(h.alerts()) > 0 {
		t.Errorf("%d samples, alerts %v", h.samples, h.alerts())
	}

	h.mustScan(wire.MethodUpdateScan)
	if len(h.ops) > 0 || h.samples == 0 {
		t.Errorf("nothing changed, but %+v", h.ops)
	}

	// One change is one attribute.
	f.mu.Lock()
	f.docs[drivePath("1")].(doc)["Status"] = statusDoc("Enabled", "Critical")
	f.docs[drivePath("1")].(doc)["FailurePredicted"] = true
	f.mu.Unlock()
	h.mustScan(wire.MethodUpdateScan)
	if len(h.ops) != 1 || h.ops[0].Op != wire.OpSet || !jsonEqual(h.ops[0].Attributes, `{"health":"Critical","failure_predicted":true}`) {
		t.Errorf("%+v", h.ops)
	}
	if d := cmp.Diff([]alert{{"Drive", drivePath("1"), "health", "error"}, {"Drive", drivePath("1"), "failure_predicted", "warning"}},
		h.alerts(), cmp.AllowUnexported(alert{})); d != "" {
		t.Error(d)
	}

	// The drive is pulled: its bay is absent, and nothing alerts.
	f.set(drivePath("1"), doc{"Name": "Disk 1", "Status": statusDoc(absent, "Critical")})
	h.mustScan(wire.MethodUpdateScan)
	if a := h.alerts(); len(a) > 0 {
		t.Error(a)
	}

	// The drive moves from the pool to a volume of its own, and the volume W goes.
	f.list(s+"/StoragePools/P/Drives", drivePath("0"))
	f.list(s+"/Volumes", s+"/Volumes/V")
	f.mu.Lock()
	f.docs[s+"/Volumes/V"].(doc)["Links"] = doc{"Drives": links(drivePath("1"))}
	f.mu.Unlock()
	h.mustScan(wire.MethodUpdateScan)
	disk := h.resources["Drive "+drivePath("1")].handle
	if h.resources["Volume "+s+"/Volumes/W"] != nil {
		t.Error("a volume that is gone is still there")
	}
	if h.resources["Pool "+s+"/StoragePools/P"].parents[disk] || !h.resources["Volume "+s+"/Volumes/V"].parents[disk] {
		t.Error("parents do not follow")
	}
}

// TestIncompleteScan: what can be read is reported, what cannot is named, and
// nothing is deleted for it.
func TestIncompleteScan(t *testing.T) {
	f := newMachine(t)
	f.remove(drivePath("1"))
	h := startHost(t, map[string]any{"url": f.URL})
	h.mustScan(wire.MethodInitialScan)
	if h.complete || len(h.result.Incomplete) != 1 || !strings.Contains(h.result.Incomplete[0], drivePath("1")) {
		t.Errorf("complete %v, %q", h.complete, h.result.Incomplete)
	}
	root := h.resources[""].attributes
	if root["unread"] != 1.0 || !strings.Contains(fmt.Sprint(root["unread_members"]), drivePath("1")+": HTTP 404 Not Found") {
		t.Errorf("root: %v", root)
	}
	if !h.logged(drivePath("1")) {
		t.Error("the gap is not in the log")
	}
	if d := cmp.Diff([]alert{{"Service", "", "unread", "info"}}, h.alerts(), cmp.AllowUnexported(alert{})); d != "" {
		t.Error(d)
	}
	// Another drive becomes unreadable: it stays as it was, with its parents.
	before := h.resources["Drive "+drivePath("2")]
	f.fail(drivePath("2"), 500)
	h.mustScan(wire.MethodUpdateScan)
	if h.resources["Drive "+drivePath("2")] != before || len(before.parents) == 0 {
		t.Error("a drive that cannot be read was lost")
	}
	w := h.resources["Volume /redfish/v1/Systems/1/Storage/A/Volumes/W"]
	if !w.parents[before.handle] {
		t.Error("the volume lost its drive")
	}
	for _, op := range h.ops {
		if op.Op == wire.OpRemove || op.Handle != 0 {
			t.Errorf("%+v", op)
		}
	}
	logged := len(h.logs)
	h.mustScan(wire.MethodUpdateScan)
	if logged == 0 || len(h.logs) > 0 || len(h.ops) > 0 {
		t.Errorf("the same gap is told again: %v %v", h.logs, h.ops)
	}
}

// TestFailedScans: an unreachable service is an error, in an initial scan and
// later; nothing is removed by it.
func TestFailedScans(t *testing.T) {
	bad := startHost(t, map[string]any{"url": "ftp://x"})
	if err := bad.scan(wire.MethodInitialScan); err == nil || !strings.Contains(err.Error(), "use https://") {
		t.Error(err)
	}
	f := newMachine(t)
	h := startHost(t, map[string]any{"url": f.URL, "user": "ann", "password": "s3cr3t"})
	h.mustScan(wire.MethodInitialScan)
	f.fail("/redfish/v1", 502)
	err := h.scan(wire.MethodUpdateScan)
	if err == nil || !strings.Contains(err.Error(), "502") || strings.Contains(err.Error(), "s3cr3t") {
		t.Error(err)
	}
	if len(h.ops) > 0 {
		t.Error(h.ops)
	}
	f.fail("/redfish/v1", 0)
	h.mustScan(wire.MethodUpdateScan)
	if len(h.ops) > 0 {
		t.Error(h.ops)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(newMachine(t))
	defer s.Close()
	s.Config.ErrorLog = quiet
	h := startHost(t, map[string]any{"url": s.URL})
	if err := h.scan(wire.MethodInitialScan); err == nil || !strings.Contains(err.Error(), "verify_tls=false") {
		t.Error(err)
	}
	h = startHost(t, map[string]any{"url": s.URL, "verify_tls": false})
	h.mustScan(wire.MethodInitialScan)
}

// TestLabels looks at what a person sees of each class.
func TestLabels(t *testing.T) {
	f := newMachine(t)
	f.set(drivePath("0"), doc{"Status": healthy()}) // not even a name
	h := startHost(t, map[string]any{"url": f.URL})
	h.mustScan(wire.MethodInitialScan)
	var labels []string
	for key, r := range h.resources {
		if key == "" {
			continue
		}
		labels = append(labels, r.class+": "+r.label)
	}
	slices.Sort(labels)
	want := []string{
		"Chassis: Box", "Controller: RAID", "Drive: Disk 1 (Bay 1)", "Drive: Disk 2 (Bay 2)", "Drive: Drive 0", "Fan: Fan 1", "Fan: Fan 2",
		"Pool: Pool P", "PowerSupply: PSU 1", "TemperatureSensor: Inlet", "Volume: V", "Volume: W",
	}
	if d := cmp.Diff(want, labels); d != "" {
		t.Error(d)
	}
}

func jsonEqual(a []byte, b string) bool {
	x, err1 := decode(a)
	y, err2 := decode([]byte(b))
	return err1 == nil && err2 == nil && cmp.Equal(x, y)
}

// TestCancelledRequest: a scan ends soon after its context does.
func TestCancelledRequest(t *testing.T) {
	f := newMachine(t)
	c, err := newClient(clientOptions{url: f.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextCancelled(t)
	defer cancel()
	if _, err := c.get(ctx, "/redfish/v1/", nil); err == nil {
		t.Error("no error")
	}
}
