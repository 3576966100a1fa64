package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestChaos changes a rack at random, while the plugin and the server are killed
// and stopped at random. In the end the server must know exactly what one
// undisturbed scan of the last state finds.
func TestChaos(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: random kills, with -short")
	}
	seed := uint64(time.Now().UnixNano() % 1e6)
	if text := os.Getenv("FAULTLINE_E2E_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FAULTLINE_E2E_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := newSite(t, randomRack(rnd))
	var did []string
	for range 8 {
		s.state(randomRack(rnd))
		if rnd.IntN(2) == 0 {
			time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
		}
		switch rnd.IntN(5) {
		case 0:
			did = append(did, "kill plugin")
			pid, err := strconv.Atoi(s.get("/plugins", "items[name=rack].pid"))
			if err == nil && pid > 0 { // else it is just being started
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		case 1:
			did = append(did, "kill server")
			s.server.kill()
			s.server = s.restart()
		case 2:
			did = append(did, "stop server")
			if err := s.server.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			s.server = s.restart()
		default:
			did = append(did, "change")
		}
	}
	t.Log(strings.Join(did, ", "))

	want := s.scanned()
	var got string
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) {
		got = picture(t, s.do("GET", "/resources?limit=1000", ""), s.do("GET", "/alerts?active=true&limit=1000", ""))
		if got == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server knows something else than what a scan finds (-scan +server):\n%s", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
}

// randomRack returns a random state of a rack.
func randomRack(rnd *rand.Rand) string {
	var b strings.Builder
	fmt.Fprintln(&b, "period 0.1")
	pick := func(from []string) string {
		var out []string
		for _, n := range from {
			if rnd.IntN(2) == 0 {
				out = append(out, n)
			}
		}
		return strings.Join(out, ",")
	}
	some := func(prefix string, most int, line func(name string)) (names []string) {
		for i := range most {
			if name := prefix + strconv.Itoa(i); rnd.IntN(3) > 0 {
				names = append(names, name)
				line(name)
			}
		}
		return names
	}
	enclosures := some("e", 3, func(n string) { fmt.Fprintln(&b, "enclosure", n) })
	drives := some("D", 6, func(n string) {
		fmt.Fprintf(&b, "drive %s in=%s status=%s temperature=%d size=%d\n", n, pick(enclosures),
			[]string{"OK", "OK", "NEARFAILURE", "FAILED"}[rnd.IntN(4)], []int{30, 71, 90}[rnd.IntN(3)], rnd.IntN(3))
	})
	pools := some("p", 3, func(n string) { fmt.Fprintf(&b, "pool %s on=%s\n", n, pick(drives)) })
	some("l", 3, func(n string) { fmt.Fprintf(&b, "lun %s on=%s size=%d\n", n, pick(pools), rnd.IntN(3)) })
	return b.String()
}

// scanned returns the picture of one scan of the rack in the terminal.
func (s *site) scanned() string {
	s.t.Helper()
	rack, err := filepath.Abs("testdata/plugin/rack.py")
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("faultline", "plugin", "run", rack, "--set", "name=r1", "--set", "state="+filepath.Join(s.dir, "state"), "-o", "json")
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "GORACE="+goRace)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %s", err, &stderr)
	}
	var found struct{ Resources, Alerts json.RawMessage }
	if err := json.Unmarshal(out, &found); err != nil {
		s.t.Fatal(err)
	}
	items := func(list json.RawMessage) []byte { return slices.Concat([]byte(`{"items":`), list, []byte(`}`)) }
	return picture(s.t, items(found.Resources), items(found.Alerts))
}

// picture draws resources and alerts without what differs from run to run.
func picture(t *testing.T, resources, alerts []byte) string {
	t.Helper()
	var list struct {
		Items []struct {
			ID            int64
			Class, Name   string
			Attributes    map[string]struct{ Text string }
			Statistics    map[string]struct{ Value *float64 }
			Parents       []int64
			ChildrenCount int `json:"children_count"`
			Health        string
			Stale         bool
		}
	}
	if err := json.Unmarshal(resources, &list); err != nil {
		t.Fatal(err)
	}
	names := map[int64]string{}
	for _, r := range list.Items {
		names[r.ID] = r.Name
	}
	var out []string
	for _, r := range list.Items {
		var parents []string
		for _, p := range r.Parents {
			parents = append(parents, names[p])
		}
		slices.Sort(parents)
		line := fmt.Sprintf("%s %s below %q, %d children, %s, stale %t", r.Class, r.Name, parents, r.ChildrenCount, r.Health, r.Stale)
		for _, a := range []string{"status", "size", "model"} {
			line += " " + a + "=" + r.Attributes[a].Text
		}
		if v := r.Statistics["temperature"].Value; v != nil {
			line += fmt.Sprintf(" temperature=%v", *v)
		}
		out = append(out, line)
	}
	var raised struct {
		Items []struct {
			Resource       int64
			Severity, Text string
		}
	}
	if err := json.Unmarshal(alerts, &raised); err != nil {
		t.Fatal(err)
	}
	for _, a := range raised.Items {
		out = append(out, fmt.Sprintf("%s: %s", a.Severity, a.Text))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
