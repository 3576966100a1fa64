package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// generation is a state of the rack that tells which one it is: every drive has
// its number as size, one drive has failed, another one is hot. The next one has
// all of that otherwise, so that each raises three alerts and ends three.
type generation int

const genDrives = 6

func (g generation) size() int                 { return 1e12 + int(g) }
func (g generation) failed(drive int) bool     { return int(g)%genDrives == drive }
func (g generation) hot(drive int) bool        { return (int(g)+3)%genDrives == drive }
func (g generation) pick(b bool, t, f int) int { return map[bool]int{true: t, false: f}[b] }

func (g generation) state() string {
	var b strings.Builder
	fmt.Fprintln(&b, "period 0.01\nenclosure e1")
	for d := range genDrives {
		status := "OK"
		if g.failed(d) {
			status = "FAILED"
		}
		fmt.Fprintf(&b, "drive D%d in=e1 status=%s temperature=%d size=%d\n", d, status, g.pick(g.hot(d), 90, 30), g.size())
	}
	return b.String()
}

// picture is what the server must know after all generations up to this one:
// the drives as they are now, and every alert that there ever was.
func (g generation) picture() (lines []string) {
	for d := range genDrives {
		line := fmt.Sprintf("D%d size=%d status=OK temperature=%d", d, g.size(), g.pick(g.hot(d), 90, 30))
		if g.failed(d) {
			line = strings.Replace(line, "OK", "FAILED", 1)
		}
		lines = append(lines, line)
		failures, heats := 0, 0
		for past := generation(1); past <= g; past++ {
			failures += g.pick(past.failed(d), 1, 0)
			heats += g.pick(past.hot(d), 1, 0)
		}
		for what, n := range map[string]int{
			"error Drive failure": failures, "warning Drive too hot": heats, "error Drive too hot": heats,
		} {
			active := g.pick(strings.HasSuffix(what, "hot"), g.pick(g.hot(d), 1, 0), g.pick(g.failed(d), 1, 0))
			if n > active {
				lines = append(lines, fmt.Sprintf("D%d %s ended %d times", d, what, n-active))
			}
			if active > 0 {
				lines = append(lines, fmt.Sprintf("D%d %s active", d, what))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// known draws the same picture of what the server says.
func (s *site) known() (lines []string, size int) {
	s.t.Helper()
	var drives struct {
		Items []struct {
			ID         int64
			Label      string
			Attributes map[string]struct{ Value any }
			Statistics map[string]struct{ Value *float64 }
		}
	}
	if err := json.Unmarshal(s.do("GET", "/resources?class=Drive", ""), &drives); err != nil {
		s.t.Fatal(err)
	}
	names := map[int64]string{}
	for _, d := range drives.Items {
		names[d.ID] = strings.TrimPrefix(d.Label, "Drive ")
		n, _ := d.Attributes["size"].Value.(float64)
		size = int(n)
		temperature := -1.0
		if v := d.Statistics["temperature"].Value; v != nil {
			temperature = *v
		}
		lines = append(lines, fmt.Sprintf("%s size=%d status=%v temperature=%v", names[d.ID], size, d.Attributes["status"].Value, temperature))
	}
	ended := map[string]int{}
	for next := "/alerts?limit=1000"; next != ""; {
		var page struct {
			Items []struct {
				Resource          int64
				Severity, Message string
				Active            bool
			}
			Next string
		}
		if err := json.Unmarshal(s.do("GET", next, ""), &page); err != nil {
			s.t.Fatal(err)
		}
		for _, a := range page.Items {
			what := fmt.Sprintf("%s %s %s", names[a.Resource], a.Severity, a.Message)
			if !a.Active {
				ended[what]++
			} else {
				lines = append(lines, what+" active")
			}
		}
		if next = ""; page.Next != "" {
			next = "/alerts?limit=1000&cursor=" + url.QueryEscape(page.Next)
		}
	}
	for what, n := range ended {
		lines = append(lines, fmt.Sprintf("%s ended %d times", what, n))
	}
	slices.Sort(lines)
	return lines, size
}

// TestKilledAtAnyPoint kills the server with SIGKILL, again and again, while the
// rack goes from one generation to the next as fast as the server tells of it.
// Each time a server without plugins must know a whole generation, not before
// the last one that was told of, with its statistics and with every alert of
// every generation exactly once.
//
// FAULTLINE_E2E_KILLS is how often; see also `make crash`.
func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	kills := 5
	if text := os.Getenv("FAULTLINE_E2E_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("skipped: kills at random points, with -short")
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)

	told, written := generation(1), generation(1) // the last ones
	s := newSite(t, told.state())
	last := s.follow("").last
	var between, evaluated, early int
	for kill := range kills {
		if kill > 0 {
			s.server = s.restart()
		}
		// Some are killed while they start, most in the middle of changes.
		wait := time.Duration(rnd.IntN(500)) * time.Millisecond
		if kill%4 > 0 {
			wait = 2 * patience
		}
		timer := time.AfterFunc(wait, s.server.kill)
		before := told
		st := s.resume(last)
		for alive := st != nil; alive; {
			if written == told {
				written++
				s.state(written.state())
			}
			alive = st.sees(fmt.Sprintf(`"value":%d`, written.size()))
			if alive && told == before {
				timer.Reset(time.Duration(rnd.IntN(80_000)) * time.Microsecond)
			}
			if alive {
				told = written
			}
			last = st.last
		}
		if st != nil && st.reset {
			t.Errorf("kill %d: the client was not taken on where it was", kill)
		}
		timer.Stop()
		s.server.kill()
		if told == before {
			early++
		}

		args := s.server.cmd.Args[2:]
		check, err := startServer(s.dir, s.server.cmd.Env, append(slices.Clone(args), "--no-runner")...)
		if err != nil {
			t.Fatal(err)
		}
		runs := s.server
		s.server = check
		got, size := s.known()
		at := generation(size - 1e12)
		if at < told || at > written {
			t.Errorf("kill %d: generation %d was told of, %d was written, and the server knows %d:\n%s", kill, told, written, at, strings.Join(got, "\n"))
		}
		if at > told {
			between++
		}
		want := at.picture()
		for deadline := time.Now().Add(patience); !slices.Equal(want, got) && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
			got, _ = s.known()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("kill %d: after generation %d (-want +got):\n%s\n%s", kill, at, d, check.log)
		}
		if strings.Contains(check.log.String(), "evaluated changes that were committed") {
			evaluated++
		}
		check.kill()
		told, s.server = at, runs
	}
	t.Logf("%d kills over %d generations: %d before the first change of that life, %d with a change that nobody was told of, %d with changes evaluated at the start",
		kills, told, early, between, evaluated)
}

// hopeful is a stream that may end at any time.
type hopeful struct {
	*stream
	reset bool
}

// resume follows the events from a position, or returns nil if the server is
// gone.
func (s *site) resume(last string) *hopeful {
	st, err := s.stream(last)
	if err != nil {
		return nil
	}
	return &hopeful{stream: st}
}

// sees waits for an event with the text; it reports false at the end of the
// stream.
func (h *hopeful) sees(text string) bool {
	for {
		e, err := h.read()
		if err != nil {
			return false
		}
		h.reset = h.reset || e.name == "reset"
		if strings.Contains(e.data, text) {
			return true
		}
	}
}
