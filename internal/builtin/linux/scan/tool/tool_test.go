package tool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

func TestZPoolMissing(t *testing.T) {
	want := []tool.ZPool{{Name: "tank", State: "DEGRADED", Vdevs: []tool.ZVdev{
		{Path: "/dev/sda1", Group: "mirror-0", Role: "data", State: "ONLINE"},
		{Path: "/dev/sdb1", Gone: true, GUID: "3165029626868217390", Group: "mirror-0", Role: "data", State: "UNAVAIL", Errors: [3]int64{0, 2, 0}},
		{Path: "/dev/sdc1", Group: "mirror-0", Role: "data", State: "FAULTED", Errors: [3]int64{6, 98, 0}},
	}}}
	const text = `  pool: tank
 state: DEGRADED
config:

	NAME                     STATE     READ WRITE CKSUM
	tank                     DEGRADED     0     0     0
	  mirror-0               DEGRADED     0     0     0
	    /dev/sda1            ONLINE       0     0     0
	    3165029626868217390  UNAVAIL      0     2     0  was /dev/sdb1
	    /dev/sdc1            FAULTED      6    98     0  too many errors

errors: No known data errors
`
	if diff := cmp.Diff(want, tool.ZPoolStatusText(text)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	const object = `{"pools":{"tank":{"name":"tank","state":"DEGRADED","vdevs":{"tank":{"name":"tank","vdev_type":"root","vdevs":{"mirror-0":{"name":"mirror-0","vdev_type":"mirror","vdevs":{
		"/dev/sda1":{"name":"/dev/sda1","vdev_type":"disk","path":"/dev/sda1","state":"ONLINE"},
		"3165029626868217390":{"name":"3165029626868217390","vdev_type":"disk","guid":3165029626868217390,"path":"/dev/sdb1","state":"UNAVAIL","write_errors":2,"not_present":1,"was":"/dev/sdb1"},
		"/dev/sdc1":{"name":"/dev/sdc1","vdev_type":"disk","path":"/dev/sdc1","state":"FAULTED","read_errors":6,"write_errors":98}}}}}}}}}`
	got, err := tool.ZPoolStatusJSON([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	// Of an object the order is that of its keys.
	want[0].Vdevs[1], want[0].Vdevs[2] = want[0].Vdevs[2], want[0].Vdevs[1]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
