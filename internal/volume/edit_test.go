package volume_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faultline-storage/faultline/internal/resource"
)

// edit decides about the volume of a drive.
func (w *world) decide(drive string, e resource.VolumeEdit) error {
	w.t.Helper()
	_, err := w.stage.Edit(context.Background(), w.volume(drive).ID, e)
	return err
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clusters = []resource.Cluster{{Name: "abc", Hosts: []string{"a", "b", "c"}}}
	w.start()
	w.change(func() { w.hosts("a", "b", "c", "d"); w.shared([]string{"v1"}, "a", "b", "c", "d") })
	const chosen = "v1: a:/dev/v1(1) b:/dev/v1(2) c:/dev/v1 d:/dev/v1 ha"
	w.want(chosen)

	for _, step := range []struct {
		name string
		edit resource.VolumeEdit
		want string
		err  string // instead; nothing changes
	}{
		{"a primary", resource.VolumeEdit{Primary: new("b")}, "v1: a:/dev/v1(2) b:/dev/v1(1) c:/dev/v1 d:/dev/v1 ha", ""},
		{"a primary without a cluster is no error", resource.VolumeEdit{Primary: new("D")}, "v1: a:/dev/v1 b:/dev/v1 c:/dev/v1 d:/dev/v1(1) no-ha", ""},
		{"a secondary in another cluster is", resource.VolumeEdit{Secondary: new("a")}, "",
			"volume v1: d (no HA cluster) and a (HA cluster abc) are not in one HA cluster; declare one that both are in, with faultline add cluster NAME d a, or choose none as the secondary"},
		{"both", resource.VolumeEdit{Primary: new("c"), Secondary: new("a")}, "v1: a:/dev/v1(2) b:/dev/v1 c:/dev/v1(1) d:/dev/v1 ha", ""},
		{"the same host twice", resource.VolumeEdit{Primary: new("a")}, "",
			"volume v1: a cannot be both the primary and the secondary; give two hosts, or none as the secondary"},
		{"a host that does not reach it", resource.VolumeEdit{Primary: new("x")}, "", "x is no host that reaches volume v1; a, b, c and d do"},
		{"no secondary", resource.VolumeEdit{Secondary: new(resource.NoHost)}, "v1: a:/dev/v1 b:/dev/v1 c:/dev/v1(1) d:/dev/v1 no-ha", ""},
		{"no primary", resource.VolumeEdit{Primary: new(resource.NoHost)}, "v1: a:/dev/v1 b:/dev/v1 c:/dev/v1 d:/dev/v1 unconfigured", ""},
		{"a secondary without a primary", resource.VolumeEdit{Secondary: new("b")}, "",
			"volume v1: b cannot be the secondary without a primary; give a primary, too"},
		{"the server's choice again", resource.VolumeEdit{Primary: new(""), Secondary: new("")}, chosen, ""},
		{"hosts that are not wanted", resource.VolumeEdit{Unused: &[]string{"a", "b", "a"}}, "v1: a:/dev/v1 b:/dev/v1 c:/dev/v1(1) d:/dev/v1 no-ha", ""},
		{"one of them is wanted", resource.VolumeEdit{Primary: new("a")}, "", "volume v1: a cannot be unused and the primary"},
		{"all are wanted again", resource.VolumeEdit{Unused: &[]string{}}, "v1: a:/dev/v1(2) b:/dev/v1 c:/dev/v1(1) d:/dev/v1 ha", ""},
		{"a secondary alone fixes the primary", resource.VolumeEdit{Secondary: new("b")}, "v1: a:/dev/v1 b:/dev/v1(2) c:/dev/v1(1) d:/dev/v1 ha", ""},
		{"an alias", resource.VolumeEdit{Alias: new("fast")}, "fast: a:/dev/v1 b:/dev/v1(2) c:/dev/v1(1) d:/dev/v1 ha", ""},
	} {
		before := w.picture()
		err := w.decide("v1", step.edit)
		want := step.want
		if step.err != "" {
			want = before
			var f *resource.Fault
			if !errors.As(err, &f) || f.Kind != resource.Invalid || f.Field == "" || f.Error() != step.err {
				t.Errorf("%s: %v", step.name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if d := cmp.Diff(want, w.picture()); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
	}

	// They stay when the server starts anew, when the drive is found again under
	// another ID, and when the primary is away for a while.
	decided := w.picture()
	w.restart()
	w.want(decided)
	w.change(func() {
		for _, h := range []string{"a", "b", "c", "d"} {
			w.remove(h + ":/dev/v1")
		}
		w.remove("v1")
	})
	w.want("fast: ha detached")
	w.restart()
	w.want("fast: ha detached")
	w.change(func() { w.shared([]string{"v1"}, "a", "b", "c", "d") })
	w.want(decided)
	w.change(func() { w.remove("c:/dev/v1") })
	w.want("fast: a:/dev/v1(1) b:/dev/v1(2) d:/dev/v1 ha")
	if d := cmp.Diff("all have the same number of other primaries, 0, and it comes first by name; a user chose c, which does not reach the volume now",
		w.volume("v1").Choice.WhyPrimary); d != "" {
		t.Errorf("why (-want +got):\n%s", d)
	}
	w.change(func() { w.shared([]string{"v1"}, "c") })
	w.want(decided)

	// A target puts an end to that.
	w.change(func() { w.add("OST", "ost0", nil, "c:/dev/v1") })
	err := w.decide("v1", resource.VolumeEdit{Primary: new("a")})
	if resource.KindOf(err) != resource.Conflict || err.Error() != "volume fast is used by ost0 (fs.OST), so its hosts stay as they are; take what lies on it away first" {
		t.Errorf("a used volume: %v", err)
	}
	if err := w.decide("v1", resource.VolumeEdit{Alias: new("")}); err != nil {
		t.Error(err)
	}
	w.want("v1: a:/dev/v1 b:/dev/v1(2) c:/dev/v1(1) d:/dev/v1 ha used")
}

// A volume is listed without its drive while something is about it: a target that
// is known, or a decision.
func TestDetached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.change(func() {
		w.hosts("a", "b")
		w.shared([]string{"v1", "v2", "v3"}, "a", "b")
		w.add("OST", "ost0", nil, "a:/dev/v1")
	})
	if err := w.decide("v2", resource.VolumeEdit{Alias: new("mine")}); err != nil {
		t.Fatal(err)
	}
	gone := w.volume("v2").ID
	w.change(func() {
		for _, v := range []string{"v1", "v2", "v3"} {
			w.remove("a:/dev/" + v)
			w.remove("b:/dev/" + v)
			w.remove(v)
		}
	})
	w.want("mine: no-ha detached", "v1: no-ha used detached")
	v := w.stage.Get(gone)
	if v.Kind != "Unknown" || v.Usable() || v.Label != "v2" { // behaviours 18.15, 18.14, 19.5
		t.Errorf("%+v", v)
	}
	w.restart()
	w.want("mine: no-ha detached", "v1: no-ha used detached")
	w.change(func() { w.remove("ost0") })
	w.want("mine: no-ha detached")
	if _, err := w.stage.Edit(t.Context(), gone, resource.VolumeEdit{Primary: new("a")}); resource.KindOf(err) != resource.Invalid {
		t.Errorf("a host for a detached volume: %v", err)
	}
	if _, err := w.stage.Edit(t.Context(), gone, resource.VolumeEdit{Alias: new("")}); err != nil {
		t.Fatal(err)
	}
	w.want()
	// What was chosen for a drive that nobody decided about is kept for its return.
	w.change(func() { w.shared([]string{"v1", "v2", "v3"}, "a", "b") })
	w.want("v1: a:/dev/v1(1) b:/dev/v1 no-ha", "v2: a:/dev/v2 b:/dev/v2(1) no-ha", "v3: a:/dev/v3(1) b:/dev/v3 no-ha")
}

// What a stage tells of changes leads from one list to the next.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	from := w.stage.Seq()
	w.change(func() { w.hosts("a", "b"); w.shared([]string{"v1", "v2"}, "a") })
	first := w.ids["v1"]
	w.change(func() { w.remove("a:/dev/v1"); w.remove("v1") })
	w.change(func() { w.add("Crypt", "nothing", nil) }) // tells nothing
	if err := w.decide("v2", resource.VolumeEdit{Alias: new("x")}); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for ch, err := range w.stage.Since(ctx, from) {
		if err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range ch.Changed {
			line = append(line, v.Name())
			if v.Seq != ch.Seq {
				t.Errorf("%s has seq %d in change %d", v.Name(), v.Seq, ch.Seq)
			}
		}
		for _, id := range ch.Gone {
			if id == first {
				line = append(line, "-v1")
			}
		}
		got = append(got, line)
		if len(got) == 3 {
			break
		}
	}
	if d := cmp.Diff([][]string{{"v1", "v2"}, {"-v1"}, {"x"}}, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
}
