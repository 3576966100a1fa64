package scan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/scan"
)

// tree makes a system of files, and of links where the content begins with "->".
func tree(files map[string]string) *source.Tree {
	t := source.NewTree()
	for name, text := range files {
		if to, ok := strings.CutPrefix(text, "->"); ok {
			t.PutLink(name, to)
		} else {
			t.Put(name, []byte(text))
		}
	}
	return t
}

func state(t *testing.T, o scan.Options) *fact.Report {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	}
	o.Host = "oss1"
	r := scan.New(o).State(t.Context())
	if len(r.Gaps) > 0 {
		t.Errorf("gaps: %v", r.Gaps)
	}
	return r
}

// newServer is a server as 2.15 shows it: short parameters in /sys, long ones in
// debugfs.
func newServer() map[string]string {
	return map[string]string{
		"/sys/fs/lustre/version":      "2.15.4\n",
		"/sys/fs/lustre/health_check": "healthy\n",
		"/sys/kernel/debug/lustre/devices": "  0 UP osd-ldiskfs work-OST0003-osd work-OST0003-osd_UUID 5\n" +
			"  1 UP mgc MGC10.1.0.1@tcp 8a2b1cbd-1d7e-4a5c-9d67-0d2f5d7a3f11 4\n  2 UP ost OSS OSS_uuid 2\n  3 UP obdfilter work-OST0003 work-OST0003_UUID 5\n" +
			"  4 UP lwp work-MDT0000-lwp-OST0003 work-MDT0000-lwp-OST0003_UUID 4\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/mntdev":                   "/dev/mapper/ost3\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/fstype":                   "ldiskfs\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/kbytestotal":              "1000\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/kbytesfree":               "400\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/kbytesavail":              "350\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/filestotal":               "900\n",
		"/sys/fs/lustre/osd-ldiskfs/work-OST0003/filesfree":                "899\n",
		"/sys/fs/lustre/obdfilter/work-OST0003/num_exports":                "7\n",
		"/sys/fs/lustre/obdfilter/work-OST0003/degraded":                   "0\n",
		"/sys/fs/lustre/obdfilter/work-OST0003/tot_granted":                "4096\n",
		"/sys/fs/lustre/obdfilter/num_refs":                                "3\n",
		"/sys/kernel/debug/lustre/obdfilter/work-OST0003/stats":            "snapshot_time  1709305846.699318001 secs.nsecs\nwrite_bytes   5 samples [bytes] 4096 1048576 9000 77\nwrite  5 samples [usecs] 1 2 8 16\n",
		"/sys/kernel/debug/lustre/osd-ldiskfs/work-OST0003/brw_stats":      "snapshot_time: 1 secs.nsecs\n\n read | write\ndisk I/O size          ios   % cum % |  ios         % cum %\n4K:		         1  50  50   |    0   0   0\n1M:		         1  50 100   |    3 100 100\n",
		"/proc/fs/lustre/obdfilter/work-OST0003/recovery_status":           "status: RECOVERING\nrecovery_start: 1799999900\ntime_remaining: 250\nconnected_clients: 4/6\nreq_replay_clients: 1\nlock_repay_clients: 0\ncompleted_clients: 3\nevicted_clients: 1\nreplayed_requests: 0\nqueued_requests: 0\nnext_transno: 17\n",
		"/proc/fs/lustre/obdfilter/work-OST0003/exports/10.1.0.1@tcp/uuid": "work-MDT0000-mdtlov_UUID\n",
		"/proc/fs/lustre/obdfilter/work-OST0003/exports/10.1.0.9@tcp/uuid": "0212161f-2187-4f09-9fa2-16f46da653d9\n11111111-2187-4f09-9fa2-16f46da653d9\n",
		"/proc/fs/lustre/obdfilter/work-OST0003/exports/clear":             "Write into this file to clear all nid stats and stale nid entries\n",
		"/proc/self/mounts": "/dev/root / ext4 rw 0 0\n/dev/mapper/ost3 /mnt/ost\\0403 lustre_tgt ro,svname=work-OST0003,mgsnode=10.1.0.1@tcp,osd=osd-ldiskfs 0 0\n" +
			"10.1.0.1@tcp:/work /work lustre rw,flock 0 0\n",
		"/dev/mapper/ost3":                                              "->../dm-7",
		"/dev/disk/by-uuid/6a0e1f9e-1111":                               "->../../dm-7",
		"/dev/disk/by-label/work-OST0003":                               "->../../dm-7",
		"/dev/disk/by-label/work-OST0004":                               "->../../dm-8",
		"/dev/disk/by-label/work:OST0005":                               "->../../dm-9",
		"/dev/disk/by-label/boot":                                       "->../../sda1",
		"/sys/class/block/dm-7/dev":                                     "253:7\n",
		"/sys/class/block/dm-8/dev":                                     "253:8\n",
		"/proc/fs/ldiskfs/dm-7/options":                                 "ro\nbsddf\nerrors=remount-ro\n",
		"/sys/fs/ldiskfs/dm-7/errors_count":                             "3\n",
		"/sys/module/lnet/version":                                      "0.7.0\n",
		"/sys/kernel/debug/lnet/nis":                                    "nid                      status alive refs peer  rtr   max    tx   min\n0@lo                         up     0    2    0     0     0     0     0\n10.1.0.2@tcp               down    -1    1    8     0   256   256   256\n",
		"/sys/fs/lustre/llite/work-ffff9a01/uuid":                       "4f6a\n",
		"/sys/fs/lustre/osc/work-OST0003-osc-ffff9a01/active":           "1\n",
		"/sys/kernel/debug/lustre/osc/work-OST0003-osc-ffff9a01/state":  "current_state: FULL\nstate_history:\n - [ 1, DISCONN ]\n",
		"/sys/fs/lustre/osc/work-OST0004-osc-ffff9a01/active":           "1\n",
		"/sys/kernel/debug/lustre/osc/work-OST0004-osc-ffff9a01/import": "import:\n    name: work-OST0004-osc-ffff9a01\n    state: DISCONN\n    connection:\n       current_connection: 10.1.0.3@tcp\n",
		"/sys/fs/lustre/osc/work-OST0006-osc-ffff9a01/active":           "0\n",
	}
}

// TestANewServer: parameters that are spread over three places make one picture.
func TestANewServer(t *testing.T) {
	t.Parallel()
	o := scan.Options{Files: tree(newServer()), Commands: source.Replay{{Line: "lnetctl net show -v", Output: source.Output{Stdout: []byte(
		"net:\n    - net type: tcp\n      local NI(s):\n        - nid: 10.1.0.2@tcp\n          status: down\n          interfaces:\n              0: eth2\n          health stats:\n              health value: 800\n",
	)}}}}
	r := state(t, o)
	health := int64(800)
	want := &fact.Report{
		Version: 1, Full: true, Time: 1_800_000_000, Host: "oss1",
		Node: &fact.Node{Version: "2.15.4", Health: "healthy", LNet: "up"},
		Targets: map[fact.Name]*fact.Target{"work-OST0003": {
			Kind: fact.OST, FS: "work", State: "UP", Mount: "/mnt/ost 3", ReadOnly: true, Errors: 3,
			Disk:     fact.Disk{Backend: "ldiskfs", Device: "/dev/mapper/ost3", Number: "253:7", UUID: "6a0e1f9e-1111"},
			Recovery: &fact.Recovery{Status: "RECOVERING", Clients: 6, Connected: 4, Completed: 3, Evicted: 1, Start: 1799999900, Remaining: 250},
		}},
		Storage: map[fact.Name]*fact.Storage{"work-OST0004": {Kind: fact.OST, FS: "work", Disk: fact.Disk{Backend: "ldiskfs", Device: "/dev/dm-8", Number: "253:8"}}},
		Peers: map[fact.Name]*fact.Peer{
			"work-OST0003": {Kind: fact.OST, FS: "work", Link: fact.Connected, By: "client"},
			"work-OST0004": {Kind: fact.OST, FS: "work", Link: fact.Disconnected, By: "client", NID: "10.1.0.3@tcp"},
			"work-OST0006": {Kind: fact.OST, FS: "work", Link: fact.Deactivated, By: "client"},
		},
		Clients: map[string]*fact.Client{"work-ffff9a01": {
			FS: "work", UUID: "4f6a", Mount: "/work", Targets: 3, Disconnected: []fact.Name{"work-OST0004"}, Inactive: []fact.Name{"work-OST0006"},
		}},
		Interfaces: map[string]*fact.Interface{
			"0@lo":         {Net: "lo", Status: "up"},
			"10.1.0.2@tcp": {Net: "tcp", Status: "down", Devices: []string{"eth2"}, Health: &health},
		},
		Gaps: []fact.Gap{},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
}

// TestUsageOfANewServer reads its statistics.
func TestUsageOfANewServer(t *testing.T) {
	t.Parallel()
	s := scan.New(scan.Options{Files: tree(newServer())})
	usage, gaps := s.Usage(t.Context(), s.State(t.Context()))
	n := func(v int64) *int64 { return &v }
	want := map[fact.Name]*fact.Usage{"work-OST0003": {
		Total: n(1000 << 10), Free: n(400 << 10), Available: n(350 << 10), Files: n(900), FilesFree: n(899), Exports: n(7), Clients: n(2), Granted: n(4096),
		Counters:   map[string]fact.Counter{"write_bytes": {Samples: 5, Unit: "bytes", Sum: n(9000)}, "write": {Samples: 5, Unit: "usecs", Sum: n(8)}},
		Histograms: map[string][]fact.Bin{"disk I/O size": {{Value: 4096, Read: 1}, {Value: 1 << 20, Read: 1, Write: 3}}},
	}}
	if diff := cmp.Diff(want, usage); diff != "" || len(gaps) > 0 {
		t.Errorf("gaps %v, usage (-want +got):\n%s", gaps, diff)
	}
}

// TestAnOldServer: all in /proc, and before 2.4 what lies below a target has no
// device of its own.
func TestAnOldServer(t *testing.T) {
	t.Parallel()
	r := state(t, scan.Options{Files: tree(map[string]string{
		"/proc/fs/lustre/version":                                     "lustre: 2.5.3\nkernel: patchless_client\nbuild:  2.5.3\n",
		"/proc/fs/lustre/health_check":                                "device old-OST0001 reported unhealthy\nNOT HEALTHY\n",
		"/proc/fs/lustre/devices":                                     "  0 UP mgs MGS MGS 9\n  4 UP obdfilter old-OST0001 old-OST0001_UUID 5\n  5 ST obdfilter old-OST0002 old-OST0002_UUID 5\n  6 UP mdt old-MDT0000 old-MDT0000_UUID 9\n",
		"/proc/fs/lustre/obdfilter/old-OST0001/mntdev":                "/dev/sdb\n",
		"/proc/fs/lustre/obdfilter/old-OST0001/fstype":                "ldiskfs\n",
		"/proc/fs/lustre/obdfilter/old-OST0001/recovery_status":       "status: COMPLETE\nrecovery_start: 1314632721\nrecovery_duration: 300\ncompleted_clients: 1/4\n",
		"/proc/fs/lustre/osd-ldiskfs/old-MDT0000/mntdev":              "/dev/sda2\n",
		"/proc/fs/lustre/mdt/old-MDT0000/recovery_status":             "status: WAITING\nnon-ready MDTs:  0001 0002\nrecovery_start: 1314632721\ntime_waited: 4\n",
		"/proc/fs/lustre/mgs/MGS/live/old":                            "fsname: old\nflags: 0x20     gen: 8\nold-MDT0000\nold-OST0001\nold-OST0002\n\nSecure RPC Config Rules:\n",
		"/proc/fs/lustre/mgs/MGS/live/params":                         "fsname: params\n",
		"/proc/fs/lustre/lov/old-MDT0000-mdtlov/target_obd":           "0: old-OST0001_UUID ACTIVE\n",
		"/proc/fs/lustre/osc/old-OST0001-osc-MDT0000/ost_server_uuid": "old-OST0001_UUID\tFULL\n",
		"/proc/fs/lustre/osc/old-OST0002-osc-MDT0000/ost_server_uuid": "old-OST0002_UUID\tDISCONN\n",
		"/proc/sys/lnet/nis":                                          "nid status alive refs peer rtr max tx min\n",
		"/proc/mounts":                                                "/dev/sda2 /mnt/mdt lustre rw 0 0\n",
	})})
	same(t, "version", r.Node.Version, "2.5.3")
	same(t, "health", r.Node.Health, "NOT HEALTHY")
	same(t, "unhealthy", strings.Join(r.Node.Unhealthy, " "), "old-OST0001")
	same(t, "LNet", r.Node.LNet, "down")
	same(t, "targets", len(r.Targets), 4)
	same(t, "state", r.Targets["old-OST0002"].State, "ST")
	same(t, "device", r.Targets["old-OST0001"].Device, "/dev/sdb")
	same(t, "evicted", r.Targets["old-OST0001"].Recovery.Evicted, 3)
	same(t, "waits for", strings.Join(r.Targets["old-MDT0000"].Recovery.Waiting, " "), "0001 0002")
	// The metadata target's mount carries the management target.
	same(t, "MGS device", r.Targets["MGS"].Device, "")
	same(t, "mount", r.Targets["old-MDT0000"].Mount, "/mnt/mdt")
	same(t, "serves", strings.Join(r.Targets["MGS"].Serves, " "), "old")
	same(t, "peers", strings.Join(slices.Sorted(maps.Keys(texts(r.Peers))), " "), "old-MDT0000 old-OST0001 old-OST0002")
	same(t, "reached", r.Peers["old-OST0001"].Link, fact.Connected)
	same(t, "not reached", r.Peers["old-OST0002"].Link, fact.Disconnected)
	same(t, "by", r.Peers["old-OST0002"].By, "old-MDT0000")
}

func texts(peers map[fact.Name]*fact.Peer) map[string]bool {
	m := map[string]bool{}
	for n := range peers {
		m[string(n)] = true
	}
	return m
}

// TestASharedDevice: a mount can carry the management and a metadata target.
func TestASharedDevice(t *testing.T) {
	t.Parallel()
	r := state(t, scan.Options{Files: tree(map[string]string{
		"/sys/fs/lustre/osd-zfs/one-MDT0000/mntdev": "tank/mdt0\n",
		"/sys/fs/lustre/mdt/one-MDT0000/instance":   "4\n",
		"/sys/fs/lustre/mgs/MGS/num_exports":        "4\n",
		"/proc/self/mounts":                         "tank/mdt0 /mnt/mdt0 lustre ro,svname=one-MDT0000,mgs,osd=osd-zfs 0 0\n",
	})})
	same(t, "device", r.Targets["MGS"].Device, "tank/mdt0")
	same(t, "backend", r.Targets["MGS"].Backend, "zfs")
	same(t, "mount", r.Targets["MGS"].Mount, "/mnt/mdt0")
	same(t, "serves", strings.Join(r.Targets["MGS"].Serves, " "), "one")
}

// TestLctl: where Lustre has no files that can be read, lctl is asked.
func TestLctl(t *testing.T) {
	t.Parallel()
	text := "version=2.14.0_ddn133\nhealth_check=healthy\n" +
		"mgs.MGS.live.fs=\nfsname: fs\nflags: 0x20     gen: 9\nfs-MDT0000\nfs-OST0000\n\nimperative_recovery_state:\n    state: full\n" +
		"osd-ldiskfs.fs-OST0000.mntdev=/dev/mapper/x=y\nobdfilter.fs-OST0000.recovery_status=status: INACTIVE\n" +
		"mdt.fs-MDT0000.recovery_status=\nstatus: COMPLETE\nrecovery_start: 1715712434\ncompleted_clients: 1/1\nVBR: DISABLED\n" +
		"osp.fs-OST0000-osc-MDT0000.active=1\nosp.fs-OST0000-osc-MDT0000.state=\ncurrent_state: REPLAY_WAIT\nstate_history:\n - [ 1, CONNECTING ]\n" +
		"mgc.MGC10.0.0.1@tcp.import=\nimport:\n    state: FULL\nmdt.fs-MDT0000.exports.10.0.0.9@tcp.uuid=aaaaaaaa-2187-4f09-9fa2-16f46da653d9\nobdfilter.fs-OST0000.num_exports=12\n"
	o := scan.Options{Files: tree(nil), Commands: source.Replay{
		{Line: "lctl get_param version", Output: source.Output{Stdout: []byte(text), Stderr: []byte("error: get_param: param_path 'lod': No such file or directory"), Code: 2}},
		{Line: "lctl dl", Output: source.Output{Stdout: []byte("  3 UP mdt fs-MDT0000 fs-MDT0000_UUID 9\n")}},
	}}
	r := state(t, o)
	same(t, "version", r.Node.Version, "2.14.0_ddn133")
	same(t, "targets", len(r.Targets), 3)
	same(t, "state", r.Targets["fs-MDT0000"].State, "UP")
	same(t, "device", r.Targets["fs-OST0000"].Device, "/dev/mapper/x=y")
	same(t, "status", r.Targets["fs-MDT0000"].Recovery.Status, "COMPLETE")
	same(t, "link", r.Peers["fs-OST0000"].Link, fact.Recovering)
	usage, _ := scan.New(o).Usage(t.Context(), r)
	same(t, "exports", *usage["fs-OST0000"].Exports, 12)
	same(t, "clients", *usage["fs-MDT0000"].Clients, 1)
}

// TestHealthCheck: which targets are at fault, wherever Lustre says it.
func TestHealthCheck(t *testing.T) {
	t.Parallel()
	const sys, debug, proc = "/sys/fs/lustre/health_check", "/sys/kernel/debug/lustre/health_check", "/proc/fs/lustre/health_check"
	for name, of := range map[string]struct {
		files     map[string]string
		lctl      string
		health    string
		unhealthy string
	}{
		"well":               {map[string]string{sys: "healthy\n", debug: ""}, "", "healthy", ""},
		"in two files":       {map[string]string{sys: "NOT HEALTHY\n", debug: "device work-OST0012-osd reported unhealthy\ndevice work-OST0014 reported unhealthy\n"}, "", "NOT HEALTHY", "work-OST0012 work-OST0014"},
		"the verdict only":   {map[string]string{sys: "NOT HEALTHY\n"}, "", "NOT HEALTHY", ""},
		"a crash":            {map[string]string{sys: "LBUG\n", debug: "device work-OST0012 reported unhealthy\n"}, "", "LBUG", "work-OST0012"},
		"in one file":        {map[string]string{proc: "device work-OST0012 reported unhealthy\nNOT HEALTHY\n"}, "", "NOT HEALTHY", "work-OST0012"},
		"by lctl":            {nil, "health_check=NOT HEALTHY\nhealth_check=\ndevice work-OST0012 reported unhealthy\ndevice work-OST0014 reported unhealthy\nmgs.MGS.num_exports=2\n", "NOT HEALTHY", "work-OST0012 work-OST0014"},
		"by lctl, reversed":  {nil, "health_check=device work-OST0012 reported unhealthy\nhealth_check=NOT HEALTHY\n", "NOT HEALTHY", "work-OST0012"},
		"by lctl, well":      {nil, "health_check=healthy\nhealth_check=\nversion=2.15.4\n", "healthy", ""},
		"by lctl, cut short": {nil, "health_check=NOT HEALTHY\nhealth_check=\ndevice work-O", "NOT HEALTHY", ""},
	} {
		o := scan.Options{Files: tree(of.files)}
		if of.lctl != "" {
			o.Commands = source.Replay{{Line: "lctl get_param", Output: source.Output{Stdout: []byte(of.lctl)}}}
		}
		n := state(t, o).Node
		same(t, name+": health", n.Health, of.health)
		same(t, name+": unhealthy", strings.Join(n.Unhealthy, " "), of.unhealthy)
	}
}

// TestImports: how a client stands to a target, and where it found it last.
func TestImports(t *testing.T) {
	t.Parallel()
	const text = "import:\n    name: work-OST0003-osc-ffff9a01\n    target: work-OST0003_UUID\n    state: %s\n    connection:\n       failover_nids: [ %s ]\n       current_connection: %s\n       connection_attempts: 1\n"
	for name, of := range map[string]struct {
		state, nid string
		link       fact.Link
		want       string
	}{
		"plain":    {"FULL", "10.1.0.3@tcp", fact.Connected, "10.1.0.3@tcp"},
		"quoted":   {"DISCONN", `"10.1.0.3@tcp"`, fact.Disconnected, "10.1.0.3@tcp"},
		"IPv6":     {"REPLAY_WAIT", `"fd00:172:16:11::5@tcp"`, fact.Recovering, "fd00:172:16:11::5@tcp"},
		"none":     {"NEW", `"<none>"`, fact.Disconnected, ""},
		"unheard ": {"SOMETHING", "", fact.Registered, ""},
	} {
		p := state(t, scan.Options{Files: tree(map[string]string{
			"/sys/fs/lustre/llite/work-ffff9a01/uuid":                       "4f6a\n",
			"/sys/kernel/debug/lustre/osc/work-OST0003-osc-ffff9a01/import": fmt.Sprintf(text, of.state, of.nid, of.nid),
		})}).Peers["work-OST0003"]
		if p == nil {
			t.Errorf("%s: the target is not known", name)
			continue
		}
		same(t, name+": link", p.Link, of.link)
		same(t, name+": NID", p.NID, of.want)
	}
}

// TestCounters: each counter is what clients asked for, in its unit.
func TestCounters(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	for name, of := range map[string]struct {
		text string
		want map[string]fact.Counter
	}{
		"2.9": {
			"snapshot_time             1497699032.807234441 secs.nsecs\nwrite_bytes               2 samples [bytes] 1234000 1234000 2468000\ncreate                    2 samples [reqs]\nstatfs                    30867 samples [reqs]\nconnect                   2 samples [reqs]\nstatfs                    76985 samples [reqs]\n",
			map[string]fact.Counter{"write_bytes": {Samples: 2, Unit: "bytes", Sum: n(2468000)}, "create": {Samples: 2, Unit: "reqs"}, "statfs": {Samples: 30867, Unit: "reqs"}, "connect": {Samples: 2, Unit: "reqs"}},
		},
		"2.15, cut off": {
			"snapshot_time             1764306594.344170532 secs.nsecs\nstart_time                1764260687.950377600 secs.nsecs\nelapsed_time              45906.393792932 secs.nsecs\nwrite_bytes               25001 samples [bytes] 98304 4194304 104857600000 439803838556274688\nwrite                     25001 samples [usecs] 86 16684 41700926 74443748896\ncreate                    4 samp",
			map[string]fact.Counter{"write_bytes": {Samples: 25001, Unit: "bytes", Sum: n(104857600000)}, "write": {Samples: 25001, Unit: "usecs", Sum: n(41700926)}},
		},
	} {
		s := scan.New(scan.Options{Files: tree(map[string]string{"/proc/fs/lustre/obdfilter/work-OST0003/stats": of.text})})
		usage, _ := s.Usage(t.Context(), s.State(t.Context()))
		if diff := cmp.Diff(of.want, usage["work-OST0003"].Counters); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestNoNews: the start of a recovery that is a second off is no news, another one is.
func TestNoNews(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		then string
		want int64
	}{
		"the same":      {"1759494115", 1759494115},
		"a second off":  {"1759494116", 1759494115},
		"a second less": {"1759494114", 1759494115},
		"another":       {"1759494175", 1759494175},
	} {
		files := tree(nil)
		put := func(start string) {
			files.Put("/proc/fs/lustre/obdfilter/work-OST0003/recovery_status", []byte("status: COMPLETE\nrecovery_start: "+start+"\nrecovery_duration: 14\ncompleted_clients: 8/8\n"))
		}
		put("1759494115")
		s := scan.New(scan.Options{Files: files})
		before := s.State(t.Context())
		put(of.then)
		after := s.State(t.Context())
		same(t, name, after.Targets["work-OST0003"].Recovery.Start, of.want)
		same(t, name+": news", fact.Delta(before, after) != nil, of.want != 1759494115)
	}
}

// TestNothing: a host without Lustre is no gap.
func TestNothing(t *testing.T) {
	t.Parallel()
	r := state(t, scan.Options{Files: tree(map[string]string{"/proc/self/mounts": "/dev/root / ext4 rw 0 0\n"})})
	same(t, "targets", len(r.Targets)+len(r.Peers)+len(r.Clients)+len(r.Interfaces), 0)
	same(t, "version", r.Node.Version, "")
}
