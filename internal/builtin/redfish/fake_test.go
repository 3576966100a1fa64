package redfish

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// doc is a document of a fake service.
type doc = map[string]any

// fake is a service made for a test. Its documents may change between scans.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	docs   map[string]any                                    // path with query → document, or a string sent as it is
	status map[string]int                                    // path → an answer without a document
	hook   func(w http.ResponseWriter, r *http.Request) bool // answers a request itself, if it returns true
	asked  []string
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{docs: map[string]any{}, status: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.RequestURI()
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	f.asked = append(f.asked, r.Method+" "+path)
	if f.hook != nil && f.hook(w, r) {
		return
	}
	if code := f.status[path]; code != 0 {
		http.Error(w, "no", code)
		return
	}
	body, ok := f.docs[path]
	if !ok {
		http.Error(w, `{"error":{"message":"not found"}}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if s, raw := body.(string); raw {
		_, _ = w.Write([]byte(s))
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}

// set stores a document; its Id is the end of its path unless it has one.
func (f *fake) set(path string, d doc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := d["@odata.id"]; !ok {
		d["@odata.id"] = path
	}
	if _, ok := d["Id"]; !ok {
		d["Id"] = lastOf(path)
	}
	f.docs[path] = d
}

// list stores a collection.
func (f *fake) list(path string, members ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs[path] = doc{"@odata.id": path, "Name": "List", "Members": links(members...), "Members@odata.count": len(members)}
}

func (f *fake) raw(path, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs[path] = body
}

func (f *fake) remove(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.docs, path)
}

func (f *fake) fail(path string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status[path] = code
}

func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func link(path string) doc { return doc{"@odata.id": path} }

func links(paths ...string) []any {
	out := []any{}
	for _, p := range paths {
		out = append(out, link(p))
	}
	return out
}

func healthy() doc { return doc{"State": "Enabled", "Health": "OK"} }

func statusDoc(state, health string) doc { return doc{"State": state, "Health": health} }

// newMachine is a small array: a chassis with two fans, a power supply and a
// thermometer, one controller, three drives, a pool of the first two, a volume
// from the pool and one on the third drive.
func newMachine(t *testing.T) *fake {
	f := newFake(t)
	f.set("/redfish/v1", doc{
		"RedfishVersion": "1.15.0", "Product": "Box", "Vendor": "Maker",
		"Chassis": link("/redfish/v1/Chassis"), "Systems": link("/redfish/v1/Systems"),
		"Links": doc{"Sessions": link("/redfish/v1/SessionService/Sessions")},
	})
	f.list("/redfish/v1/Chassis", "/redfish/v1/Chassis/1")
	f.list("/redfish/v1/Systems", "/redfish/v1/Systems/1")
	f.set("/redfish/v1/Chassis/1", doc{
		"Name": "Box", "ChassisType": "RackMount", "Status": healthy(),
		"Thermal": link("/redfish/v1/Chassis/1/Thermal"), "Power": link("/redfish/v1/Chassis/1/Power"),
		"Links": doc{"Drives": links(drivePath("0"), drivePath("1"), drivePath("2"))},
	})
	f.set("/redfish/v1/Chassis/1/Thermal", doc{
		"Fans": []any{
			doc{"MemberId": "0", "Name": "Fan 1", "Reading": 5000, "ReadingUnits": "RPM", "Status": healthy()},
			doc{"MemberId": "1", "Name": "Fan 2", "Reading": 40, "ReadingUnits": "Percent", "Status": healthy()},
		},
		"Temperatures": []any{
			doc{"MemberId": "0", "Name": "Inlet", "ReadingCelsius": 21.5, "UpperThresholdCritical": 45, "Status": healthy()},
		},
	})
	f.set("/redfish/v1/Chassis/1/Power", doc{"PowerSupplies": []any{
		doc{"MemberId": "0", "Name": "PSU 1", "PowerOutputWatts": 250, "PowerCapacityWatts": 800, "Status": healthy()},
	}})
	f.set("/redfish/v1/Systems/1", doc{
		"Name": "System", "Storage": link("/redfish/v1/Systems/1/Storage"), "Links": doc{"Chassis": links("/redfish/v1/Chassis/1")},
	})
	const storage = "/redfish/v1/Systems/1/Storage/A"
	f.list("/redfish/v1/Systems/1/Storage", storage)
	f.set(storage, doc{
		"Name": "Storage A", "Status": healthy(), "Controllers": link(storage + "/Controllers"),
		"Drives":  links(drivePath("0"), drivePath("1"), drivePath("2")),
		"Volumes": link(storage + "/Volumes"), "StoragePools": link(storage + "/StoragePools"),
	})
	f.list(storage+"/Controllers", storage+"/Controllers/0")
	f.set(storage+"/Controllers/0", doc{"Name": "RAID", "FirmwareVersion": "1.2", "Status": healthy()})
	for i, id := range []string{"0", "1", "2"} {
		f.set(drivePath(id), doc{
			"Name": "Disk " + id, "Model": "M1", "SerialNumber": "S" + id, "CapacityBytes": 4_000_000_000_000 + i,
			"MediaType": "SSD", "PredictedMediaLifeLeftPercent": 99, "FailurePredicted": false, "Status": healthy(),
			"PhysicalLocation": doc{"PartLocation": doc{"ServiceLabel": "Bay " + id}},
		})
	}
	f.list(storage+"/StoragePools", storage+"/StoragePools/P")
	f.set(storage+"/StoragePools/P", doc{
		"Name": "Pool P", "Status": healthy(), "RemainingCapacityPercent": 50,
		"Capacity":         doc{"Data": doc{"AllocatedBytes": 8_000_000_000_000, "ConsumedBytes": 4_000_000_000_000}},
		"CapacitySources":  []any{doc{"ProvidingDrives": link(storage + "/StoragePools/P/Drives")}},
		"AllocatedVolumes": doc{"Members": links(storage + "/Volumes/V")},
	})
	f.list(storage+"/StoragePools/P/Drives", drivePath("0"), drivePath("1"))
	f.list(storage+"/Volumes", storage+"/Volumes/V", storage+"/Volumes/W")
	f.set(storage+"/Volumes/V", doc{"Name": "V", "RAIDType": "RAID1", "CapacityBytes": 1_000_000_000_000, "Status": healthy()})
	f.set(storage+"/Volumes/W", doc{
		"Name": "W", "RAIDType": "RAID0", "CapacityBytes": 2_000_000_000_000, "Status": healthy(),
		"Links": doc{"Drives": links(drivePath("2"))},
	})
	return f
}

func drivePath(id string) string { return "/redfish/v1/Systems/1/Storage/A/Drives/" + id }
