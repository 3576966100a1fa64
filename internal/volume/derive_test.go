package volume_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
)

// picture draws the volumes: one line each, by name.
func (w *world) picture() string {
	w.t.Helper()
	page, err := w.stage.List(resource.VolumeQuery{Limit: resource.MaxLimit})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, v := range page.Items {
		lines = append(lines, draw(v))
	}
	return strings.Join(lines, "\n")
}

func draw(v *resource.Volume) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", v.Name())
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, " %s:%s", n.Host, n.Path)
		switch n.Role {
		case resource.RolePrimary:
			b.WriteString("(1)")
		case resource.RoleSecondary:
			b.WriteString("(2)")
		}
	}
	fmt.Fprintf(&b, " %s", v.HA())
	if v.Used() {
		b.WriteString(" used")
	}
	if v.Detached {
		b.WriteString(" detached")
	}
	return b.String()
}

func (w *world) want(lines ...string) {
	w.t.Helper()
	if d := cmp.Diff(strings.Join(lines, "\n"), w.picture()); d != "" {
		w.t.Errorf("volumes (-want +got):\n%s", d)
	}
}

// steps are changes, each with the volumes that there are after it.
type steps []struct {
	do   func(*world)
	want string // lines, trimmed
}

// TestWhichVolumesThereAre names the facts of behaviours A18 that it holds the
// stage to.
func TestWhichVolumesThereAre(t *testing.T) {
	t.Parallel()
	drive := func(w *world) { w.add("Drive", "6001", map[string]any{"size": 1 << 40}) }
	hosts := func(w *world) { w.host("a"); w.host("b") }
	for name, tt := range map[string]steps{
		"18.2 a node that another one is built on does not count": {
			{func(w *world) { hosts(w); drive(w); w.node("a", "/dev/sda", "6001") }, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.node("a", "/dev/dm-1", "a:/dev/sda") }, "6001: a:/dev/dm-1(1) no-ha"},
			{func(w *world) { w.remove("a:/dev/dm-1") }, "6001: a:/dev/sda(1) no-ha"},
		},
		"18.2 nor one with something in between": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.add("Crypt", "luks", nil, "a:/dev/sda")
				w.node("a", "/dev/mapper/plain", "luks")
			}, "6001: a:/dev/mapper/plain(1) no-ha"},
		},
		"18.3 a node without a drive waits for one": {
			{func(w *world) { hosts(w); w.node("a", "/dev/sda") }, ""},
			{func(w *world) { drive(w); w.link("6001", "a:/dev/sda") }, "6001: a:/dev/sda(1) no-ha"},
		},
		"18.3 the nearest drive counts, and it is another view of the one above it": {
			{func(w *world) {
				hosts(w)
				w.add("Lun", "lun", nil)
				w.add("Drive", "6001", nil, "lun")
				w.node("a", "/dev/sda", "6001")
			}, "lun: a:/dev/sda(1) no-ha"},
		},
		"18.3 the drive that a node names goes before": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda")
				w.set("a:/dev/sda", "logical_drive", w.ids["6001"])
			}, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.remove("6001") }, ""},
		},
		"18.5 a drive with an occupier below it is no volume": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.add("Mount", "/home", nil, "a:/dev/sda")
			}, ""},
			{func(w *world) { w.remove("/home") }, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.add("Mount", "swap", nil, "6001") }, ""},
		},
		"18.5 what is below another drive does not count": {
			{func(w *world) {
				hosts(w)
				w.add("Lun", "lun", nil)
				w.node("b", "/dev/vda", "lun")
				w.add("Drive", "6001", nil, "lun")
				w.node("a", "/dev/sda", "6001")
				w.add("Mount", "/home", nil, "a:/dev/sda")
			}, "lun: b:/dev/vda(1) no-ha"},
		},
		"18.6 a file system that is only written on it hides nothing": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.set("6001", "filesystem_type", "ext4")
			}, "6001: a:/dev/sda(1) no-ha"},
		},
		"18.7 the one node below /dev/mapper counts alone": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda1", "6001")
				w.node("a", "/dev/sdb1", "6001")
			}, "6001: a:/dev/sda1(1) a:/dev/sdb1 no-ha"},
			{func(w *world) { w.node("a", "/dev/mapper/mpatha1", "6001") }, "6001: a:/dev/mapper/mpatha1(1) no-ha"},
			{func(w *world) { w.remove("a:/dev/mapper/mpatha1") }, "6001: a:/dev/sda1(1) a:/dev/sdb1 no-ha"},
		},
		"18.7 if there are two of them, all count": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/mapper/x", "6001")
				w.node("a", "/dev/mapper/y", "6001")
				w.node("a", "/dev/sda", "6001")
			}, "6001: a:/dev/mapper/x(1) a:/dev/mapper/y a:/dev/sda no-ha"},
		},
		"C2.18 each host's own maps count": {
			{func(w *world) {
				hosts(w)
				drive(w)
				for _, h := range []string{"a", "b"} {
					w.node(h, "/dev/sda", "6001")
					w.node(h, "/dev/mapper/mpatha", "6001")
				}
				w.host("c")
				w.node("c", "/dev/sdx", "6001")
			}, "6001: a:/dev/mapper/mpatha(1) b:/dev/mapper/mpatha c:/dev/sdx no-ha"},
		},
		"18.8 drive, node; node, drive": {
			{func(w *world) { hosts(w); drive(w) }, ""},
			{func(w *world) { w.node("a", "/dev/sda", "6001") }, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.remove("6001") }, ""},
			{func(w *world) { w.remove("a:/dev/sda") }, ""},
		},
		"18.8 node, drive; drive, node": {
			{func(w *world) { hosts(w); w.node("a", "/dev/sda") }, ""},
			{func(w *world) { drive(w); w.link("6001", "a:/dev/sda") }, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.remove("a:/dev/sda") }, ""},
			{func(w *world) { w.remove("6001") }, ""},
		},
		"18.9 and 18.11 the volume goes with its last node": {
			{func(w *world) { hosts(w); drive(w); w.node("a", "/dev/sda", "6001"); w.node("b", "/dev/sdb", "6001") }, "6001: a:/dev/sda(1) b:/dev/sdb no-ha"},
			{func(w *world) { w.remove("a:/dev/sda") }, "6001: b:/dev/sdb(1) no-ha"},
			{func(w *world) { w.remove("b:/dev/sdb") }, ""},
		},
		"18.15 kind and D members of a stack are not offered": {
			{func(w *world) {
				hosts(w)
				for _, d := range []string{"6001", "6002"} {
					w.add("Drive", d, nil)
					w.node("a", "/dev/"+d, d)
				}
			}, "6001: a:/dev/6001(1) no-ha\n6002: a:/dev/6002(1) no-ha"},
			{func(w *world) {
				w.add("Drive", "md0", nil, "a:/dev/6001", "a:/dev/6002")
				w.node("a", "/dev/md0", "md0")
			}, "md0: a:/dev/md0(1) no-ha"},
			// The host that does not run the array does not get its members.
			{func(w *world) { w.node("b", "/dev/sdx", "6001") }, "md0: a:/dev/md0(1) no-ha"},
		},
		"D a pool on a node takes the drive, whatever host uses it": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.node("b", "/dev/sda", "6001")
				w.add("Group", "vg", nil, "a:/dev/sda")
				w.add("Part", "vg-lv", nil, "vg")
				w.node("a", "/dev/mapper/vg-lv", "vg-lv")
			}, "vg-lv: a:/dev/mapper/vg-lv(1) no-ha"},
		},
		"21.10 one partition of a disk that several paths lead to": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.node("a", "/dev/sdb", "6001")
				w.add("Part", "6001-1", nil, "a:/dev/sda", "a:/dev/sdb")
				w.node("a", "/dev/sda1", "6001-1")
				w.node("a", "/dev/sdb1", "6001-1")
			}, "6001-1: a:/dev/sda1(1) a:/dev/sdb1 no-ha"},
			{func(w *world) {
				w.node("a", "/dev/mapper/mpatha", "a:/dev/sda", "a:/dev/sdb")
				w.link("a:/dev/mapper/mpatha", "6001-1")
				w.node("a", "/dev/mapper/mpatha1", "6001-1")
			}, "6001-1: a:/dev/mapper/mpatha1(1) no-ha"},
		},
		"C2.26 a path that leads to another drive moves": {
			{func(w *world) { hosts(w); drive(w); w.add("Drive", "6002", nil); w.node("a", "/dev/sda", "6001") }, "6001: a:/dev/sda(1) no-ha"},
			{func(w *world) { w.unlink("6001", "a:/dev/sda"); w.link("6002", "a:/dev/sda") }, "6002: a:/dev/sda(1) no-ha"},
		},
		"18.10 a volume with a target on it is used, and shown though it is mounted": {
			{func(w *world) {
				hosts(w)
				drive(w)
				w.node("a", "/dev/sda", "6001")
				w.node("b", "/dev/sda", "6001")
				w.add("Mount", "/mnt/ost0", nil, "b:/dev/sda")
				w.add("OST", "ost0", nil, "/mnt/ost0")
			}, "6001: a:/dev/sda b:/dev/sda(1) no-ha used"},
			{func(w *world) { w.remove("ost0"); w.remove("/mnt/ost0") }, "6001: a:/dev/sda b:/dev/sda(1) no-ha"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			for i, step := range tt {
				w.change(func() { step.do(w) })
				if d := cmp.Diff(step.want, w.picture()); d != "" {
					t.Fatalf("after step %d (-want +got):\n%s", i+1, d)
				}
			}
			before := w.picture()
			w.restart()
			if d := cmp.Diff(before, w.picture()); d != "" {
				t.Errorf("after a restart (-before +after):\n%s", d)
			}
		})
	}
}

// TestWhatCounts follows one piece of storage from a controller without hosts to
// what is built on it: it counts once at each step.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"a controller's LUN, without hosts", func() { w.add("Lun", "lun", nil) }, "Lun lun"},
		{"the disk that a host will see", func() { w.add("Drive", "6001", nil, "lun") }, "Drive lun"},
		{"seen by two hosts", func() { w.host("a"); w.host("b"); w.node("a", "/dev/sda", "6001"); w.node("b", "/dev/sdx", "6001") }, "Drive lun a b"},
		{"partitioned", func() { w.add("Part", "p1", map[string]any{"number": 1}, "a:/dev/sda") }, "Part p1"},
		{"the partition is mounted", func() { w.node("a", "/dev/sda1", "p1"); w.add("Mount", "/mnt", nil, "a:/dev/sda1") }, ""},
		{"a second LUN, in a pool of a host", func() { w.add("Lun", "lun2", nil); w.add("Group", "vg", nil, "lun2") }, ""},
		{"a volume of that pool", func() { w.add("Part", "lv", nil, "vg") }, "Part lv"},
		{"the mount is gone", func() { w.remove("/mnt") }, "Part lv|Part p1 a"},
		{"and the partition", func() { w.remove("a:/dev/sda1"); w.remove("p1") }, "Drive lun a b|Part lv"},
		{"and the hosts", func() { w.remove("a:/dev/sda"); w.remove("b:/dev/sdx"); w.remove("6001") }, "Lun lun|Part lv"},
	} {
		w.change(step.do)
		var got []string
		for _, v := range w.stage.Counted() {
			got = append(got, strings.Join(append([]string{v.Class, v.Label}, v.Hosts()...), " "))
		}
		slices.Sort(got)
		if text := strings.Join(got, "|"); text != step.want {
			t.Errorf("%s: %q, not %q", step.name, text, step.want)
		}
	}
}
