package volume_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
)

// shared adds drives that all the hosts see.
func (w *world) shared(drives []string, hosts ...string) {
	for _, d := range drives {
		if w.ids[d] == 0 {
			w.add("Drive", d, nil)
		}
		for _, h := range hosts {
			w.node(h, "/dev/"+d, d)
		}
	}
}

func (w *world) hosts(names ...string) {
	for _, n := range names {
		w.host(n)
	}
}

// volume returns the volume of a drive.
func (w *world) volume(drive string) *resource.Volume {
	w.t.Helper()
	v := w.stage.Get(w.ids[drive])
	if v == nil {
		w.t.Fatalf("there is no volume %s", drive)
	}
	return v
}

// TestHoming names the facts of behaviours A20 that it holds the stage to.
func TestHoming(t *testing.T) {
	t.Parallel()
	three := []string{"v1", "v2", "v3"}
	pair := []resource.Cluster{{Name: "ab", Hosts: []string{"a", "b"}}}
	port := func(w *world, weight int, drive, host string) {
		name := "port " + drive + host
		w.add("Port", name, map[string]any{"weight": weight})
		w.link(name, host+":/dev/"+drive)
	}
	for name, tt := range map[string]struct {
		clusters []resource.Cluster
		steps    steps
	}{
		"20.5 three hosts, three volumes": {nil, steps{
			{func(w *world) { w.hosts("a", "b", "c"); w.shared(three, "a", "b", "c") },
				"v1: a:/dev/v1(1) b:/dev/v1 c:/dev/v1 no-ha\nv2: a:/dev/v2 b:/dev/v2(1) c:/dev/v2 no-ha\nv3: a:/dev/v3 b:/dev/v3 c:/dev/v3(1) no-ha"},
		}},
		"20.5 though the hosts come one by one": {nil, steps{
			{func(w *world) { w.hosts("a", "b", "c"); w.shared(three, "b") }, "v1: b:/dev/v1(1) no-ha\nv2: b:/dev/v2(1) no-ha\nv3: b:/dev/v3(1) no-ha"},
			{func(w *world) { w.shared(three, "a") },
				"v1: a:/dev/v1(1) b:/dev/v1 no-ha\nv2: a:/dev/v2 b:/dev/v2(1) no-ha\nv3: a:/dev/v3(1) b:/dev/v3 no-ha"},
			{func(w *world) { w.shared(three, "c") },
				"v1: a:/dev/v1 b:/dev/v1 c:/dev/v1(1) no-ha\nv2: a:/dev/v2 b:/dev/v2(1) c:/dev/v2 no-ha\nv3: a:/dev/v3(1) b:/dev/v3 c:/dev/v3 no-ha"},
		}},
		"20.4 volumes of one host do not count": {nil, steps{
			{func(w *world) {
				w.hosts("a", "b")
				w.shared([]string{"l1", "l2"}, "a")
				w.shared([]string{"v1"}, "a", "b")
			}, "l1: a:/dev/l1(1) no-ha\nl2: a:/dev/l2(1) no-ha\nv1: a:/dev/v1(1) b:/dev/v1 no-ha"},
		}},
		"20.6 the secondary is in the primary's cluster": {pair, steps{
			{func(w *world) { w.hosts("a", "b", "c"); w.shared(three, "a", "b", "c") },
				"v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 ha\nv2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha\nv3: a:/dev/v3 b:/dev/v3 c:/dev/v3(1) no-ha"},
		}},
		"20.1 and 20.2 the greatest weight is the primary, the next one the secondary": {[]resource.Cluster{{Name: "abc", Hosts: []string{"a", "b", "c"}}}, steps{
			{func(w *world) {
				w.hosts("a", "b", "c")
				w.shared([]string{"v1"}, "a", "b", "c")
				port(w, 1, "v1", "a")
				port(w, 20, "v1", "b")
			}, "v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 ha"}, // c has none
			{func(w *world) { port(w, 5, "v1", "c") }, "v1: a:/dev/v1 b:/dev/v1(1) c:/dev/v1(2) ha"},
			{func(w *world) { w.set("port v1a", "weight", 30) }, "v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 ha"},
			{func(w *world) { w.remove("port v1c") }, "v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 ha"},
		}},
		"C2.19 two paths of one host are not primary and secondary, and clusters count": {pair, steps{
			{func(w *world) {
				w.hosts("a", "b", "c")
				w.shared([]string{"v1"}, "a", "b", "c")
				w.node("a", "/dev/other", "v1")
				port(w, 9, "v1", "a")
				w.add("Port", "p2", map[string]any{"weight": 10})
				w.link("p2", "a:/dev/other")
				port(w, 8, "v1", "c")
				port(w, 1, "v1", "b")
			}, "v1: a:/dev/other(1) a:/dev/v1 b:/dev/v1(2) c:/dev/v1 ha"},
		}},
		"20.1 what is above another host's node does not count": {pair, steps{
			{func(w *world) {
				w.hosts("a", "b")
				w.shared([]string{"v1"}, "a", "b")
				port(w, 1, "v1", "a")
				port(w, 2, "v1", "b")
				w.add("Part", "v1-1", nil, "a:/dev/v1", "b:/dev/v1")
				w.node("a", "/dev/v11", "v1-1")
				w.node("b", "/dev/v11", "v1-1")
			}, "v1-1: a:/dev/v11(2) b:/dev/v11(1) ha"},
		}},
		"a choice stays while it can": {pair, steps{
			{func(w *world) { w.hosts("a", "b", "c"); w.shared([]string{"v1", "v2"}, "a", "b", "c") },
				"v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 ha\nv2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha"},
			{func(w *world) { w.remove("c:/dev/v1") }, // a host that was not chosen
				"v1: a:/dev/v1(1) b:/dev/v1(2) ha\nv2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha"},
			{func(w *world) { w.remove("v1"); w.remove("a:/dev/v1"); w.remove("b:/dev/v1") }, "v2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha"},
			{func(w *world) { w.shared([]string{"v1"}, "a", "b") }, // found again, under another ID
				"v1: a:/dev/v1(1) b:/dev/v1(2) ha\nv2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha"},
			{func(w *world) { w.remove("a:/dev/v1") }, "v1: b:/dev/v1(1) no-ha\nv2: a:/dev/v2(2) b:/dev/v2(1) c:/dev/v2 ha"},
		}},
		"18.10 a used volume keeps its hosts": {pair, steps{
			{func(w *world) { w.hosts("a", "b"); w.shared([]string{"v1"}, "a", "b") }, "v1: a:/dev/v1(1) b:/dev/v1(2) ha"},
			{func(w *world) { w.add("OST", "ost", nil, "a:/dev/v1") }, "v1: a:/dev/v1(1) b:/dev/v1(2) ha used"},
			{func(w *world) { w.remove("a:/dev/v1"); w.link("v1", "ost") }, "v1: b:/dev/v1(2) ha used"},
		}},
		"18.10 a target that runs elsewhere than was chosen says where": {pair, steps{
			{func(w *world) { w.hosts("a", "b"); w.shared([]string{"v1"}, "a", "b") }, "v1: a:/dev/v1(1) b:/dev/v1(2) ha"},
			{func(w *world) { w.add("OST", "ost", nil, "b:/dev/v1") }, "v1: a:/dev/v1(2) b:/dev/v1(1) ha used"},
			{func(w *world) { w.unlink("b:/dev/v1", "ost"); w.link("a:/dev/v1", "ost") }, "v1: a:/dev/v1(2) b:/dev/v1(1) ha used"}, // a failover
		}},
		"18.10 a used volume that a second host comes to see has a secondary then": {pair, steps{
			{func(w *world) { w.hosts("a", "b"); w.shared([]string{"v1"}, "a") }, "v1: a:/dev/v1(1) no-ha"},
			{func(w *world) { w.add("OST", "ost", nil, "a:/dev/v1") }, "v1: a:/dev/v1(1) no-ha used"},
			{func(w *world) { w.shared([]string{"v1"}, "b") }, "v1: a:/dev/v1(1) b:/dev/v1(2) ha used"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.clusters = tt.clusters
			w.start()
			for i, step := range tt.steps {
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
