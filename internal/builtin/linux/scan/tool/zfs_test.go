package tool_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

// TestZPoolStatus: what a leaf is for and where it stands, in both forms.
func TestZPoolStatus(t *testing.T) {
	for name, of := range map[string]struct {
		text string
		want []string // path, GUID, group, role, state, errors
	}{
		"spares at work": {
			"  pool: tank\n state: DEGRADED\nstatus: One or more devices has been removed.\n\tSufficient replicas exist.\n  scan: resilvered 4G in 00:01:02\nexpand: expanded raidz2-0\nconfig:\n\n" +
				"\tNAME              STATE     READ WRITE CKSUM\n\ttank              DEGRADED     0     0     0\n\t  draid1:8d:12c:2s-0  DEGRADED     0     0     0\n" +
				"\t    spare-0       DEGRADED     0     0     0\n\t      /dev/sdn1   UNAVAIL      3  1.2K     0  cannot open\n\t      draid1-0-0  ONLINE       0     0     0\n\t    /dev/sdo1     ONLINE       0     0     0  (resilvering)\n" +
				"\tspecial\t\n\t  mirror-1        DEGRADED     0     0     0\n\t    /dev/nvme0n1p1  ONLINE       0     0     0\n\t    1234567890123   UNAVAIL      0     0     0  was /dev/sdp1\n" +
				"\tspares\n\t  draid1-0-0      INUSE     currently in use\n\t  /dev/sdz1       AVAIL   \n\nerrors: No known data errors\n",
			[]string{
				"/dev/sdn1  draid1:8d:12c:2s-0 data UNAVAIL [3 1228 0]", "draid1-0-0  draid1:8d:12c:2s-0 data ONLINE [0 0 0]", "/dev/sdo1  draid1:8d:12c:2s-0 data ONLINE [0 0 0]",
				"/dev/nvme0n1p1  mirror-1 special ONLINE [0 0 0]", "/dev/sdp1 1234567890123 mirror-1 special UNAVAIL [0 0 0]",
				"draid1-0-0   spare INUSE [0 0 0]", "/dev/sdz1   spare AVAIL [0 0 0]",
			},
		},
		"a pool that is called cache": {
			"  pool: cache\n state: DEGRADED\nconfig:\n\n\tNAME        STATE     READ WRITE CKSUM\n\tcache       DEGRADED     0     0     0\n\t  mirror-0  DEGRADED     0     0     0\n" +
				"\t    sda     ONLINE       0     0     0\n\t    sdb     REMOVED      0     0     0\n\tcache\n\t  sdc       ONLINE       0     0     0\n",
			[]string{"sda  mirror-0 data ONLINE [0 0 0]", "sdb  mirror-0 data REMOVED [0 0 0]", "sdc   cache ONLINE [0 0 0]"},
		},
		"one is gone, in JSON": {
			`{"pools": {"tank": {"name": "tank", "state": "DEGRADED", "pool_guid": "77", "vdevs": {"tank": {"name": "tank", "vdev_type": "root", "guid": "77", "class": "normal", "state": "DEGRADED",
				"vdevs": {"mirror-0": {"name": "mirror-0", "vdev_type": "mirror", "guid": "1", "class": "normal", "state": "DEGRADED", "vdevs": {
					"/dev/sda1": {"name": "/dev/sda1", "vdev_type": "disk", "guid": "2", "path": "/dev/sda1", "class": "normal", "state": "ONLINE", "read_errors": 0, "write_errors": 0, "checksum_errors": 4},
					"3": {"name": "3", "vdev_type": "disk", "guid": "3", "path": "/dev/sdb1", "class": "normal", "state": "UNAVAIL", "not_present": 1, "was": "/dev/sdb1"}}}}}},
				"l2cache": {"/dev/sdc1": {"name": "/dev/sdc1", "vdev_type": "disk", "guid": "4", "path": "/dev/sdc1", "class": "l2cache", "state": "ONLINE"}}}}}`,
			[]string{"/dev/sda1 2 mirror-0 data ONLINE [0 0 4]", "/dev/sdb1 3 mirror-0 data UNAVAIL [0 0 0]", "/dev/sdc1 4  cache ONLINE [0 0 0]"},
		},
	} {
		pools, err := tool.ZPoolStatusJSON([]byte(of.text))
		if err != nil {
			pools = tool.ZPoolStatusText(of.text)
		}
		if len(pools) != 1 || pools[0].State != "DEGRADED" {
			t.Errorf("%s: read as %+v", name, pools)
			continue
		}
		var got []string
		for _, v := range pools[0].Vdevs {
			got = append(got, fmt.Sprint(v.Path, " ", v.GUID, " ", v.Group, " ", v.Role, " ", v.State, " ", v.Errors))
		}
		if diff := cmp.Diff(of.want, got); diff != "" {
			t.Errorf("%s: leaves (-want +got):\n%s", name, diff)
		}
	}
}

func TestZPoolList(t *testing.T) {
	for name, of := range map[string]struct {
		text string
		want []tool.ZPool
	}{
		"with GUIDs": {
			"NAME   GUID                   SIZE         FREE  HEALTH\ntank   8870093921376109345  10737418240  1073741824  ONLINE\nlost   1234567890123456789  -            -           UNAVAIL\n",
			[]tool.ZPool{{Name: "tank", GUID: "8870093921376109345", State: "DEGRADED", Size: 10 << 30, Free: 1 << 30}, {Name: "lost", GUID: "1234567890123456789", State: "UNAVAIL"}},
		},
		"a pool that is called cache": {
			"NAME  SIZE  FREE  HEALTH\ncache  4096  1024  ONLINE\n  sda  4096  1024  ONLINE\ncache  -  -  -\n  sdb  2048  1024  ONLINE\n",
			[]tool.ZPool{{Name: "tank", State: "DEGRADED"}, {Name: "cache", State: "ONLINE", Size: 4096, Free: 1024}},
		},
	} {
		got := tool.ZPoolList(of.text, []tool.ZPool{{Name: "tank", State: "DEGRADED"}})
		if diff := cmp.Diff(of.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
