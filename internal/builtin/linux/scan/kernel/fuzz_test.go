package kernel_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
)

func FuzzPage83(f *testing.F) {
	f.Add([]byte("\x00\x83\x00\x0c\x01\x03\x00\x08\x50\x00\xc5\x00\x12\x34\x56\x78"))
	f.Add([]byte("\x00\x83\x00\x2d\x02\x00\x00\x09MPSER0001\x01\x03\x00\x08\x50\x00\xc5\x00\xa0\x00\x00\x01\x61\x93\x00\x08\x21\x00\x00\x00\x00\x00\x00\xa0"))
	f.Add([]byte("\x00\x83\xff\xff\x03\x08\x00\xff"))
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, d := range kernel.Page83(page) {
			if d.Value == "" || d.Type == "" || strings.ContainsAny(d.Value, "\x00\n\x1b") {
				t.Errorf("%q is read as %+v", page, d)
			}
			d.WWID("ACME", "DISK")
		}
		if serial := kernel.Page80(page); strings.ContainsAny(serial, "\x00\n\x1b") {
			t.Errorf("%q is read as %q", page, serial)
		}
	})
}

func FuzzTables(f *testing.F) {
	f.Add("mpatha: 0 262144 multipath 1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 65:64 1 1 service-time 0 1 2 65:48 1 1 \n")
	f.Add("mpatha: 0 262144 multipath 2 0 1 0 2 1 A 0 1 2 65:64 A 0 0 1 E 0 1 2 65:48 F 3 0 1 \n")
	f.Add("vg-lv: 0 8 linear 8:0 384\nvg-lv: 8 8 striped 2 128 8:16 0 8:32 0\n")
	f.Add("a: b: 0 1 multipath 99999999 1 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, targets := range kernel.DMLines(text, "") {
			if name == "" {
				t.Error("a device without a name")
			}
			for _, target := range targets {
				for _, d := range target.Deps() {
					if !kernel.IsDevice(d) {
						t.Errorf("%q depends on %q", text, d)
					}
				}
				kernel.MultipathTable(target.Args)
				kernel.MultipathStatus(target.Args)
			}
		}
	})
}

func FuzzProc(f *testing.F) {
	f.Add("36 35 98:0 /mnt1 /mnt2\\040x rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n")
	f.Add("md6 : active raid1 sdb2[2](F) sdc[1](S) sda2[0]\n      195310144 blocks [2/1] [U_]\n      [=>..]  recovery =  8.5% (1/2) finish=17.0min speed=1K/sec\n")
	f.Add("Filename Type\n/dev/dm-5 partition 1 0 -2\n")
	f.Add("S:disk/by-id/x\nE:ID_MODEL_ENC=A\\x20B\nL:50\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range kernel.Mountinfo(text) {
			if m.Type == "" || m.Target == "" {
				t.Errorf("%q is read as %+v", text, m)
			}
		}
		kernel.Mounts(text)
		kernel.Swaps(text)
		for _, a := range kernel.MDStat(text) {
			if a.Name == "" || a.Disks < 0 || a.Working < 0 {
				t.Errorf("%q is read as %+v", text, a)
			}
		}
		u := kernel.ReadUdev(text)
		for _, v := range u.Props {
			kernel.UdevDecode(v)
		}
		kernel.Properties(text)
	})
}

func TestMountinfo(t *testing.T) {
	got := kernel.Mountinfo("36 35 98:0 /sub /mnt\\040a\\134b rw,noatime shared:1 master:2 - ext3 /dev/x\\011y rw,errors=continue\n" +
		"cut off 36 35\n37 35 0:25 / /n rw - nfs4 server:/n\n")
	want := []kernel.Mount{
		{ID: 36, Parent: 35, Device: "98:0", Root: "/sub", Target: `/mnt a\b`, Options: "rw,noatime", Type: "ext3", Source: "/dev/x\ty", Super: "rw,errors=continue"},
		{ID: 37, Parent: 35, Device: "0:25", Root: "/", Target: "/n", Options: "rw", Type: "nfs4", Source: "server:/n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMultipathTarget(t *testing.T) {
	table := kernel.DMLines("my: map: 0 262144 multipath 3 queue_if_no_path pg_init_retries 50 1 alua 2 1 round-robin 0 2 1 8:0 1000 8:16 1000 service-time 0 1 2 65:48 1 1\n", "")["my: map"]
	got, ok := kernel.MultipathTable(table[0].Args)
	want := kernel.DMMultipath{
		Features: []string{"queue_if_no_path", "pg_init_retries", "50"}, Hardware: "alua", Queueing: true,
		Paths: []kernel.DMPath{{Device: "8:0", Group: 1}, {Device: "8:16", Group: 1}, {Device: "65:48", Group: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	status := kernel.DMLines("0 262144 multipath 2 0 1 0 2 1 E 0 1 2 65:64 A 0 0 1 A 0 1 2 65:48 F 3 0 1\n", "m")["m"]
	got, ok = kernel.MultipathStatus(status[0].Args)
	want = kernel.DMMultipath{Active: 2, Paths: []kernel.DMPath{{Device: "65:64", Group: 1, State: "active"}, {Device: "65:48", Group: 2, State: "failed", Fails: 3}}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
}
