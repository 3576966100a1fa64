package scan_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/scantest"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// system makes a system of files: names and contents, and links after an arrow.
func system(t *testing.T, files map[string]string) *source.Tree {
	t.Helper()
	tree := source.NewTree()
	tree.PutFolder("/run/udev/data")
	tree.Put("/proc/self/mountinfo", nil)
	for name, text := range files {
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			tree.PutLink(name, to)
		} else {
			tree.Put(name, []byte(text))
		}
	}
	return tree
}

func scanned(t *testing.T, files map[string]string, commands source.Replay) *fact.Report {
	t.Helper()
	r := scan.New(scan.Options{Files: system(t, files), Commands: commands}).Scan(t.Context())
	checkSound(t, r)
	return r
}

func TestCluster(t *testing.T) {
	const corosync = `
totem {
	version: 2
	cluster_name: oss # of the two
}
nodelist {
	node {
		ring0_addr: 10.0.0.1
		name: oss1
		nodeid: 1
	}
	node {
		ring0_addr: 10.0.0.2
		nodeid: 2
	}
}`
	const cib = `<cib><configuration><crm_config><cluster_property_set><nvpair name="cluster-name" value="pacemaker's"/></cluster_property_set></crm_config>
		<nodes><node id="1" uname="oss1.example"/><node id="2" uname="oss2.example"/><node uname="guest" type="remote"/></nodes></configuration></cib>`
	for _, of := range []struct {
		files map[string]string
		want  *fact.Cluster
	}{
		{nil, nil},
		{map[string]string{"/etc/corosync/corosync.conf": corosync}, &fact.Cluster{Name: "oss", Nodes: []string{"10.0.0.2", "oss1"}}},
		{map[string]string{"/etc/corosync/corosync.conf": corosync, "/var/lib/pacemaker/cib/cib.xml": cib}, &fact.Cluster{Name: "pacemaker's", Nodes: []string{"oss1.example", "oss2.example"}}},
		{map[string]string{"/etc/cluster/cluster.conf": `<cluster name="old"><clusternodes><clusternode name="b"/><clusternode name="a"/></clusternodes></cluster>`}, &fact.Cluster{Name: "old", Nodes: []string{"a", "b"}}},
		{map[string]string{"/etc/corosync/corosync.conf": "nodelist {\n}}}{", "/var/lib/pacemaker/cib/cib.xml": "<cib"}, nil},
	} {
		if diff := cmp.Diff(of.want, scanned(t, of.files, nil).Cluster); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

const (
	slotDisk = "/sys/devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0"
	shelf    = "/sys/devices/pci0000:00/0000:00:01.0/host1/port-1:1/end_device-1:1/target1:0:1/1:0:1:0"
)

func TestEnclosure(t *testing.T) {
	at := shelf + "/enclosure/1:0:1:0"
	files := map[string]string{
		slotDisk + "/block/sda/dev": "8:0", slotDisk + "/block/sda/size": "2048", slotDisk + "/sas_address": "0x5000c50012345679\n", slotDisk + "/state": "running",
		slotDisk + "/block/sda/device": "-> ../../../1:0:0:0",
		"/sys/class/block/sda":         "-> ../../devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda",
		shelf + "/vendor":              "ACME    ", shelf + "/model": "SHELF           ", shelf + "/rev": "0001", shelf + "/type": "13",
		shelf + "/scsi_generic/sg1/dev": "21:1",
		at + "/id":                      "0x500A098000C0FFEE\n", at + "/components": "2", at + "/device": "-> ../../../1:0:1:0",
		at + "/Slot 01/status": "OK\n", at + "/Slot 01/slot": "1", at + "/Slot 01/fault": "1", at + "/Slot 01/locate": "0", at + "/Slot 01/device": "-> " + slotDisk,
		at + "/Slot 02/status": "not installed\n", at + "/Slot 02/slot": "2", at + "/Slot 02/fault": "0", at + "/Slot 02/locate": "1",
		"/sys/class/enclosure/1:0:1:0": "-> " + at,
	}
	r := scanned(t, files, nil)
	want := map[string]*fact.Enclosure{"500a098000c0ffee": {
		Vendor: "ACME", Model: "SHELF", Firmware: "0001",
		Elements: []fact.Element{
			{Type: "slot", Index: 1, Name: "Slot 01", Status: "OK", Device: "8:0", SAS: "5000c50012345679", Fault: true},
			{Type: "slot", Index: 2, Name: "Slot 02", Status: "Not installed", Ident: true},
		},
	}}
	if diff := cmp.Diff(want, r.Enclosures); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(r.Gaps, func(g fact.Gap) bool { return g.Part == "enclosures" && strings.Contains(g.Text, "sg_ses") }) {
		t.Errorf("no gap says that sg_ses is missing: %v", r.Gaps)
	}

	// With sg_ses, of a shelf that the kernel has no driver for.
	hex, err := os.ReadFile(filepath.Join(captures, "dev/ses/ses_areca_all.hex"))
	if err != nil {
		t.Skipf("no pages of a real enclosure, so those are not tested: %v", err)
	}
	delete(files, "/sys/class/enclosure/1:0:1:0")
	for name := range files {
		if strings.HasPrefix(name, at) {
			delete(files, name)
		}
	}
	files["/sys/bus/scsi/devices/1:0:1:0"] = "-> " + shelf
	files[slotDisk+"/sas_address"] = "0x5000c5003011cb29\n"
	r = scanned(t, files, source.Replay{{Line: "sg_ses --all /dev/sg1", Output: source.Output{Stdout: hex}}})
	e := r.Enclosures["d5b401503fc0ec16"]
	if e == nil {
		t.Fatalf("enclosures %v, gaps %v", r.Enclosures, r.Gaps)
	}
	kinds := map[string]int{}
	for _, el := range e.Elements {
		kinds[el.Type]++
		if el.Name == "SLOT 19" && el.Device != "8:0" {
			t.Errorf("the disk is not in its slot: %+v", el)
		}
	}
	if kinds["slot"] != 24 || kinds["fan"] != 5 || kinds["temperature"] != 2 || e.Status != "CRITICAL" {
		t.Errorf("%s, %v", e.Status, kinds)
	}
}

// TestEnclosureOfOneName: the kernel numbers slots that the enclosure gives one name, and
// those without a name; the disk is in the one that it calls so.
func TestEnclosureOfOneName(t *testing.T) {
	at := shelf + "/enclosure/1:0:1:0"
	for name, of := range map[string]struct {
		kernel []string // the slots by the kernel's name
		named  string   // the page of names
	}{
		"one name": {[]string{"Bay", "Bay-1", "Bay-2"}, "\x00\x00\x00\x00\x00\x00\x00\x03Bay\x00\x00\x00\x03Bay\x00\x00\x00\x03Bay"},
		"blanks":   {[]string{"A   ", "B   ", "C   "}, "\x00\x00\x00\x00\x00\x00\x00\x04A   \x00\x00\x00\x04B   \x00\x00\x00\x04C   "},
		"no names": {[]string{"0", "1", "2"}, ""},
	} {
		files := map[string]string{
			slotDisk + "/block/sda/dev": "8:0", slotDisk + "/block/sda/size": "2048", slotDisk + "/state": "running", slotDisk + "/block/sda/device": "-> ../../../1:0:0:0",
			"/sys/class/block/sda": "-> ../../devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda",
			shelf + "/type":        "13", shelf + "/scsi_generic/sg1/dev": "21:1", at + "/id": "0x500a098000c0ffee\n", at + "/device": "-> ../../../1:0:1:0",
			"/sys/class/enclosure/1:0:1:0": "-> " + at, at + "/" + of.kernel[1] + "/device": "-> " + slotDisk,
		}
		for i, slot := range of.kernel {
			files[at+"/"+slot+"/status"], files[at+"/"+slot+"/slot"] = "OK\n", strconv.Itoa(7*i)
		}
		says := source.Replay{}
		for code, body := range map[byte]string{
			1: "\x00\x00\x01\x24\x50\x0a\x09\x80\x00\xc0\xff\xeeACME    SHELF           0001\x17\x03\x00\x00",
			2: "\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00",
			7: of.named,
		} {
			page := string([]byte{code, 0, 0, byte(4 + len(body)), 0, 0, 0, 1}) + body
			says = append(says, source.Recorded{Line: fmt.Sprintf("sg_ses --page=0x%x -rr /dev/sg1", code), Output: source.Output{Stdout: []byte(page)}})
		}
		e := scanned(t, files, says).Enclosures["500a098000c0ffee"]
		if e == nil || len(e.Elements) != 3 {
			t.Errorf("%s: read as %+v", name, e)
			continue
		}
		if a, b, c := e.Elements[0].Device, e.Elements[1].Device, e.Elements[2].Device; a != "" || b != "8:0" || c != "" {
			t.Errorf("%s: the disk of the second slot is in %q, %q, %q", name, a, b, c)
		}
	}
}

func TestHealth(t *testing.T) {
	files := map[string]string{
		slotDisk + "/block/sda/dev": "8:0", slotDisk + "/block/sda/size": "2048", slotDisk + "/state": "running", slotDisk + "/hwmon/hwmon3/temp1_input": "41000\n",
		slotDisk + "/block/sda/device": "-> ../../../1:0:0:0",
		"/sys/class/block/sda":         "-> ../../devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda",
	}
	says := source.Replay{{Line: "smartctl -a /dev/sda", Output: source.Output{Stdout: []byte(`{"smart_status":{"passed":false,"scsi":{"ie_string":"IMPENDING FAILURE"}},"scsi_grown_defect_list":7}`)}}}
	examined := func(commands source.Runner) *fact.Report {
		s := scan.New(scan.Options{Files: system(t, files), Commands: commands})
		s.Scan(t.Context())
		return s.Examine(t.Context())
	}
	no, heat, grown := false, 41.0, int64(7)
	want := &fact.Health{Passed: &no, Temperature: &heat, Reallocated: &grown, Warnings: []string{"IMPENDING FAILURE"}}
	if diff := cmp.Diff(want, examined(says).Devices["8:0"].Health); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Without smartctl the sensor is left, and a gap.
	r := examined(source.Replay(nil))
	if diff := cmp.Diff(&fact.Health{Temperature: &heat}, r.Devices["8:0"].Health); diff != "" || len(r.Gaps) != 1 || r.Gaps[0].Part != "health" {
		t.Errorf("gaps %v, health (-want +got):\n%s", r.Gaps, diff)
	}
	// A disk that sleeps is not asked: neither one that the kernel put to sleep, nor one
	// that smartctl finds asleep.
	standby := source.Replay{{Line: "smartctl -a /dev/sda", Output: source.Output{Code: 2, Stdout: []byte(`{"smartctl":{"messages":[{"string":"Device is in STANDBY mode, exit(2)"}]}}`)}}}
	if diff := cmp.Diff(&fact.Health{Asleep: true}, examined(standby).Devices["8:0"].Health); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	files[slotDisk+"/power/runtime_status"] = "suspended\n"
	if diff := cmp.Diff(&fact.Health{Asleep: true}, examined(says).Devices["8:0"].Health); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEnclosureWithTwoControllers: each of them has some of the slots, and the host sees both.
func TestEnclosureWithTwoControllers(t *testing.T) {
	const other = "/sys/devices/pci0000:00/0000:00:01.0/host1/port-1:2/end_device-1:2/target1:0:2/1:0:2:0"
	files := map[string]string{}
	for n := range 2 {
		dir, number := scantest.DiskDir(n), fmt.Sprintf("8:%d", 16*n)
		files["/sys"+dir+"/dev"], files["/sys"+dir+"/size"], files["/sys"+dir+"/device"] = number, "2048", "-> ../.."
		files["/sys"+path.Dir(path.Dir(dir))+"/sas_address"] = fmt.Sprintf("0x5000c5000a0a0a3%d\n", n)
		files["/sys/class/block/"+path.Base(dir)] = "-> ../.." + dir
	}
	says := source.Replay{}
	for n, side := range []struct{ dir, status, addresses string }{
		{shelf, "\x01\x00\x00\x00\x08\x00\x00\x00", "0\x00"}, {other, "\x08\x00\x00\x00\x01\x00\x00\x00", "\x001"},
	} {
		files[side.dir+"/type"], files[fmt.Sprintf("%s/scsi_generic/sg%d/dev", side.dir, n+1)] = "13", "21:1"
		files["/sys/bus/scsi/devices/"+path.Base(side.dir)] = "-> " + side.dir
		additional := ""
		for i := range 2 {
			address := strings.Repeat("\x00", 8)
			if side.addresses[i] != 0 {
				address = "\x50\x00\xc5\x00\x0a\x0a\x0a" + side.addresses[i:i+1]
			}
			additional += "\x16\x22\x00" + string(rune(i)) + "\x01\x00\x00" + string(rune(i)) + strings.Repeat("\x00", 12) + address + strings.Repeat("\x00", 8)
		}
		for code, body := range map[byte]string{
			1:    "\x00\x00\x01\x24\x50\x0a\x09\x80\x00\xc0\xff\xeeACME    SHELF           0001\x17\x02\x00\x00",
			2:    "\x00\x00\x00\x00" + side.status,
			0x0a: additional,
		} {
			page := string([]byte{code, 0, 0, byte(4 + len(body)), 0, 0, 0, 1}) + body
			says = append(says, source.Recorded{Line: fmt.Sprintf("sg_ses --page=0x%x -rr /dev/sg%d", code, n+1), Output: source.Output{Stdout: []byte(page)}})
		}
	}
	want := []fact.Element{
		{Type: "slot", Index: 0, Status: "OK", Device: "8:0", SAS: "5000c5000a0a0a30"}, {Type: "slot", Index: 1, Status: "OK", Device: "8:16", SAS: "5000c5000a0a0a31"},
	}
	e := scanned(t, files, says).Enclosures["500a098000c0ffee"]
	if e == nil {
		t.Fatal("the enclosure is not there")
	}
	if diff := cmp.Diff(want, e.Elements); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLeafThatIsGone: the disk that has the path of a leaf by now is not that leaf.
func TestLeafThatIsGone(t *testing.T) {
	files := map[string]string{"/sys/module/zfs/version": "2.3.0"}
	for n, label := range []string{"E:ID_FS_LABEL=tank\nE:ID_FS_UUID=77\nE:ID_FS_UUID_SUB=2\n", "E:ID_FS_LABEL=other\nE:ID_FS_UUID=88\nE:ID_FS_UUID_SUB=9\n", ""} {
		dir, number := scantest.DiskDir(n), fmt.Sprintf("8:%d", 16*n)
		files["/sys"+dir+"/dev"], files["/sys"+dir+"/size"], files["/sys"+dir+"/device"] = number, "2048", "-> ../.."
		files["/sys/class/block/"+path.Base(dir)] = "-> ../.." + dir
		if label != "" {
			label = "E:ID_FS_TYPE=zfs_member\nE:ID_FS_USAGE=raid\n" + label
		}
		files["/run/udev/data/b"+number] = "I:1\nE:ID_BUS=scsi\n" + label
	}
	for name, of := range map[string]struct {
		path, state string
		want        fact.Key
	}{
		"another pool's disk": {"/dev/sdb", "REMOVED", ""},
		"a disk without one":  {"/dev/sdc", "UNAVAIL", "8:32"},
		"in use":              {"/dev/sdb", "ONLINE", "8:16"}, // the label is old
	} {
		status := `{"pools":{"tank":{"name":"tank","state":"DEGRADED","pool_guid":"77","vdevs":{"tank":{"name":"tank","vdev_type":"root","vdevs":{
			"/dev/sda":{"name":"/dev/sda","vdev_type":"disk","guid":"2","path":"/dev/sda","state":"ONLINE"},
			"x":{"name":"x","vdev_type":"disk","guid":"3","path":"` + of.path + `","state":"` + of.state + `"}}}}}}}`
		p := scanned(t, files, source.Replay{{Line: "zpool status -j --json-int -P", Output: source.Output{Stdout: []byte(status)}}}).Pools["77"]
		if p == nil || len(p.Vdevs) != 2 {
			t.Errorf("%s: read as %+v", name, p)
			continue
		}
		if p.Vdevs[0].Device != "8:0" || p.Vdevs[1].Device != of.want {
			t.Errorf("%s: leaves %+v, want the second one to be %q", name, p.Vdevs, of.want)
		}
	}
}

// TestHealthIsKept: a disk that cannot be asked is as it last said.
func TestHealthIsKept(t *testing.T) {
	files := map[string]string{
		slotDisk + "/block/sda/dev": "8:0", slotDisk + "/block/sda/size": "2048", slotDisk + "/state": "running",
		slotDisk + "/block/sda/device": "-> ../../../1:0:0:0",
		"/sys/class/block/sda":         "-> ../../devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda",
	}
	no, grown := false, int64(7)
	failing := &fact.Health{Passed: &no, Reallocated: &grown}
	for name, of := range map[string]struct {
		says string
		want *fact.Health
	}{
		"JSON":        {`{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/sda failed: No such device","severity":"error"}],"exit_status":2}}`, failing},
		"text":        {"smartctl 6.6 2017-11-05 r4594\n\nSmartctl open device: /dev/sda failed: Input/output error\n", failing},
		"nothing":     {"", failing},
		"cut off":     {`{"smartctl":{"version":[7,`, failing},
		"better news": {`{"smart_status":{"passed":false},"scsi_grown_defect_list":0}`, &fact.Health{Passed: &no, Reallocated: new(int64)}},
	} {
		now := time.Unix(1_800_000_000, 0)
		disk := func(text string) source.Replay {
			return source.Replay{{Line: "smartctl -a /dev/sda", Output: source.Output{Stdout: []byte(text), Code: 2}}}
		}
		tools := &switched{Runner: disk(`{"smart_status":{"passed":false},"scsi_grown_defect_list":7}`)}
		s := scan.New(scan.Options{Files: system(t, files), Commands: tools, Now: func() time.Time { return now }})
		s.Scan(t.Context())
		if diff := cmp.Diff(failing, s.Examine(t.Context()).Devices["8:0"].Health); diff != "" {
			t.Errorf("%s: at first (-want +got):\n%s", name, diff)
		}
		now, tools.Runner = now.Add(time.Hour), disk(of.says)
		if diff := cmp.Diff(of.want, s.Examine(t.Context()).Devices["8:0"].Health); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestJunk(t *testing.T) {
	page := func(code byte, body ...string) string {
		b := strings.Join(body, "")
		return string([]byte{0, code, 0, byte(len(b))}) + b
	}
	unit := func(code, kind byte, value string) string {
		return string([]byte{code, kind, 0, byte(len(value))}) + value
	}
	for name, of := range map[string]struct {
		p80, p83, vendor string
		want             fact.IDs
	}{
		"good":  {page(0x80, "  Z1X2Y3  "), page(0x83, unit(1, 3, "\x50\x00\xc5\x00\x12\x34\x56\x78"), unit(1, 0x13, "\x50\x00\xc5\x00\x12\x34\x56\x79")), "SEAGATE", fact.IDs{WWID: "35000c50012345678", Page83: []string{"naa.5000c50012345678"}, Page80: "Z1X2Y3"}},
		"zeros": {page(0x80, "00000000"), page(0x83, unit(1, 3, "\x00\x00\x00\x00\x00\x00\x00\x00")), "ACME", fact.IDs{Junk: []string{"page 83 naa.0000000000000000: it is blank", "page 80 00000000: all its characters are the same"}}},
		"no number": {"", page(0x83, unit(1, 3, "\x50\x01\x48\x00\x00\x00\x00\x00"), unit(2, 1, "ACME    DISK S123")), "ACME",
			fact.IDs{WWID: "1ACME_DISK_S123", Page83: []string{"t10.ACME    DISK S123"}, Junk: []string{"page 83 naa.5001480000000000: it has a maker but no number"}}},
		"QEMU's name": {page(0x80, "drive-scsi0-0-1"), page(0x83, unit(2, 0, "drive-scsi0-0-1")), "QEMU",
			fact.IDs{Junk: []string{"page 83 vendor.drive-scsi0-0-1: QEMU's names of disks are the same in every machine", "page 80 drive-scsi0-0-1: it is the disk's name within QEMU"}}},
		"tgt": {page(0x80, "beaf11"), page(0x83, unit(2, 1, "IET     00010001"), unit(1, 3, "\x30\x00\x00\x01\x00\x00\x00\x01"), unit(1, 3, "\x60\x00\x00\x00\x00\x00\x00\x00\x0e\x00\x00\x00\x00\x01\x00\x01")), "IET",
			fact.IDs{Junk: []string{
				"page 83 naa.60000000000000000e00000000010001: it has no maker", "page 83 naa.3000000100000001: tgt counts it for each target",
				"page 83 t10.IET     00010001: tgt counts it for each target", "page 80 beaf11: tgt counts it for each target",
			}}},
		"a name":          {page(0x80, "disk1"), "", "QEMU", fact.IDs{Junk: []string{"page 80 disk1: it is a name, as virtual machines give their disks"}}},
		"QEMU's old form": {page(0x80, "QEMU    QEMU HARDDISK  MPATH-testdev00"), "", "QEMU", fact.IDs{Page80: "MPATH-testdev00"}},
		"QEMU, too short": {page(0x80, "QEMU    QEMU HARDDISK  12"), "", "QEMU", fact.IDs{Junk: []string{"page 80 QEMU    QEMU HARDDISK  12: it is QEMU's name of the model"}}},
		"cut off":         {"\x00\x80\x00\xffAB12", "\x00\x83\x00\xff\x01\x03\x00\x08\x50\x00", "ACME", fact.IDs{Page80: "AB12"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				slotDisk + "/block/sda/dev": "8:0", slotDisk + "/vpd_pg80": of.p80, slotDisk + "/vpd_pg83": of.p83, slotDisk + "/vendor": of.vendor,
				slotDisk + "/block/sda/device": "-> ../../../1:0:0:0",
				"/sys/class/block/sda":         "-> ../../devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda",
			}
			if diff := cmp.Diff(of.want, scanned(t, files, nil).Devices["8:0"].IDs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Identifiers that only udev has, in the forms of its versions.
func TestUdevIDs(t *testing.T) {
	for name, of := range map[string]struct {
		props string
		want  fact.IDs
	}{
		// A capture of udev's database alone has no serial number of NVMe elsewhere.
		"NVMe": {"E:ID_SERIAL_SHORT=Z1X2Y3\nE:ID_WWN=eui.8ce38e0500000001\n", fact.IDs{WWID: "eui.8ce38e0500000001", Page83: []string{"eui.8ce38e0500000001"}, Serial: "Z1X2Y3"}},
		"old sg3_utils": {"E:ID_BUS=ata\nE:SCSI_IDENT_SERIAL=Z1X2Y3\nE:SCSI_IDENT_LUN_NAA=5000c50012345678\nE:SCSI_IDENT_LUN_T10=ATA_ACME_DISK_Z1X2Y3\nE:ID_SERIAL_SHORT=Z1X2Y3\n",
			fact.IDs{WWID: "35000c50012345678", Page83: []string{"naa.5000c50012345678", "t10.ATA_ACME_DISK_Z1X2Y3"}, Page80: "Z1X2Y3", Serial: "Z1X2Y3"}},
		"new sg3_utils": {"E:ID_BUS=scsi\nE:ID_SERIAL=35000c50012345678\nE:SCSI_IDENT_SERIAL=Z1X2Y3\nE:SCSI_IDENT_LUN_NAA_REG=5000c50012345678\nE:SCSI_IDENT_PORT_NAA_REG=5000c50012345679\n",
			fact.IDs{WWID: "35000c50012345678", Page83: []string{"naa.5000c50012345678"}, Page80: "Z1X2Y3"}},
		"tgt": {"E:ID_BUS=scsi\nE:ID_VENDOR=IET\nE:ID_SERIAL=1IET_00010001\nE:SCSI_IDENT_LUN_T10=IET_00010001\n", fact.IDs{Junk: []string{"page 83 t10.IET_00010001: tgt counts it for each target"}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := "/devices/pci0000:00/0000:00:01.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0/block/sda"
			if name == "NVMe" {
				dir = "/devices/pci0000:00/0000:00:01.0/nvme/nvme0/nvme0n1"
			}
			files := map[string]string{"/sys" + dir + "/dev": "8:0", "/run/udev/data/b8:0": of.props, "/sys/class/block/" + path.Base(dir): "-> ../.." + dir}
			if diff := cmp.Diff(of.want, scanned(t, files, nil).Devices["8:0"].IDs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
