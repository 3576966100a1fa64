package vm

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/agent"
	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// programVar names the program to test. The guest's scripts set it; without it
// this is no guest.
const programVar = "FAULTLINE_VM_PROGRAM"

// program returns the program under test, or skips the test.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv(programVar)
	if path == "" {
		t.Skip("this is no guest with block devices that were built for it; `make test-vm` runs this test in one")
	}
	return path
}

// TestFindsWhatWasBuilt has the program print what it would send.
func TestFindsWhatWasBuilt(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), program(t), "agent", "device-plugin", "--plugin", "linux")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var said map[string][]struct {
		Hook string
		Data *fact.Report
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var known *fact.Report
	for _, m := range said["linux"] {
		if known, err = known.Apply(m.Data); err != nil {
			t.Fatal(err)
		}
	}
	if known == nil || len(known.Devices) == 0 {
		t.Fatalf("it says nothing: %s%s", out, log.String())
	}
	wrong := compare(known, expected(t))
	for _, w := range wrong {
		t.Error(w)
	}
	if len(wrong) > 0 { // the whole report would take the guest's console a minute
		for key, d := range known.Devices {
			t.Logf("%s %s %s %v on %v", key, d.Kind, d.Path, d.IDs, d.On)
		}
	}
}

// A watcher is a session with the device plugin, which asks it only when it says
// that it has news.
type watcher struct {
	process *pluginhost.Process
	news    chan struct{}
	known   *fact.Report
	asked   int // times
	bytes   int // of all that it said since the start
}

func watch(t *testing.T) *watcher {
	t.Helper()
	w := &watcher{news: make(chan struct{}, 1)}
	spec, err := pluginhost.Resolve("builtin:linux", pluginhost.ResolveOptions{Builtins: []string{"linux"}, Devices: true, Program: program(t)})
	if err != nil {
		t.Fatal(err)
	}
	w.process, err = pluginhost.Start(t.Context(), pluginhost.Options{
		Spec: spec, Role: pluginhost.RoleDevice, StartTimeout: time.Minute, CallTimeout: 2 * time.Minute,
		OnChanged: func(string) {
			select {
			case w.news <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.process.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	w.ask(t, wire.MethodDeviceStart)
	w.asked, w.bytes = 0, 0
	return w
}

func (w *watcher) ask(t *testing.T, method string) {
	t.Helper()
	messages, err := agent.Ask(t.Context(), w.process, method, "1")
	if err != nil {
		t.Fatal(err)
	}
	w.asked++
	for _, m := range messages {
		w.bytes += len(m.Data)
		var said *fact.Report
		if err := json.Unmarshal(m.Data, &said); err != nil {
			t.Fatal(err)
		}
		if w.known, err = w.known.Apply(said); err != nil {
			t.Fatal(err)
		}
	}
}

// until follows the plugin's news until all is as it is expected.
func (w *watcher) until(t *testing.T, within time.Duration) {
	t.Helper()
	end := time.After(within)
	for {
		wrong := compare(w.known, expected(t))
		if len(wrong) == 0 {
			return
		}
		select {
		case <-w.news:
			w.ask(t, wire.MethodDeviceUpdate)
		case <-end:
			t.Errorf("after %v, in which the plugin had news %d times:\n%s", within, w.asked, strings.Join(wrong, "\n"))
			w.ask(t, wire.MethodDeviceUpdate)
			if late := compare(w.known, expected(t)); len(late) == 0 {
				t.Error("who asks the plugin gets it right: it did not say that it has news")
			} else {
				t.Errorf("who asks the plugin all the same hears:\n%s", strings.Join(late, "\n"))
			}
			return
		}
	}
}

// change has a script change the guest's devices, and write down what is to be
// found now.
func change(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("/guest/change.sh", args...) // also after the test, whose context is over then
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("change %q: %v\n%s", args, err, out)
	}
}

// TestFollowsChanges breaks and mends devices while the plugin watches. Nobody asks
// it for anything unless it says that there is news.
func TestFollowsChanges(t *testing.T) {
	w := watch(t)
	w.until(t, time.Minute)
	full, err := json.Marshal(w.known)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"path-fails", "path-returns", "member-fails", "member-returns", "volume-comes", "volume-goes", "unmount", "mount", "disk-goes", "disk-comes",
	} {
		t.Run(name, func(t *testing.T) {
			w.asked, w.bytes = 0, 0
			start := time.Now()
			change(t, name)
			changed := time.Since(start)
			w.until(t, 90*time.Second)
			t.Logf("found %v after it was made, which took %v: news %d times, %d bytes of %d", time.Since(start)-changed, changed, w.asked, w.bytes, len(full))
			if w.bytes > len(full)/2 && w.asked < 10 {
				t.Errorf("it said %d bytes, and everything is %d: that is no difference", w.bytes, len(full))
			}
		})
	}
	t.Run("quiet", func(t *testing.T) {
		// What the last change set off may take a while to calm down.
		var heard int
		for range 6 {
			heard = 0
			end := time.After(10 * time.Second)
			for waiting := true; waiting; {
				select {
				case <-w.news:
					heard++
					w.ask(t, wire.MethodDeviceUpdate)
				case <-end:
					waiting = false
				}
			}
			if heard == 0 {
				return
			}
		}
		t.Errorf("nothing changes, and it has news %d times in 10 s", heard)
	})
}
