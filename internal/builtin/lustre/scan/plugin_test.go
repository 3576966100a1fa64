package scan_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/scan"
	"github.com/faultline-storage/faultline/sdk/agent"
)

// changing are files that can be exchanged.
type changing struct {
	mu   sync.Mutex
	tree *source.Tree
}

func (c *changing) now() *source.Tree {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tree
}

func (c *changing) set(files map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tree = tree(files)
}

func (c *changing) Read(name string) ([]byte, error)   { return c.now().Read(name) }
func (c *changing) List(name string) ([]string, error) { return c.now().List(name) }
func (c *changing) Link(name string) (string, error)   { return c.now().Link(name) }

func report(t *testing.T, m agent.Message) fact.Report {
	t.Helper()
	raw, err := json.Marshal(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	var r fact.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestASession: first everything, then what changed, and samples at their own pace.
func TestASession(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	files := &changing{}
	files.set(newServer())
	s := scan.New(scan.Options{Files: files, Host: "oss1", Now: func() time.Time { return now }})
	p := scan.NewPlugin(s, nil)
	call := func(f func(context.Context) ([]agent.Message, error), want int) []agent.Message {
		t.Helper()
		list, err := f(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != want {
			t.Fatalf("%d messages, want %d: %+v", len(list), want, list)
		}
		return list
	}
	first := report(t, call(p.StartSession, 1)[0])
	if !first.Full || len(first.Targets) != 1 || first.Usage["work-OST0003"] == nil {
		t.Errorf("the first message is %+v", first)
	}
	now = now.Add(10 * time.Second)
	call(p.UpdateSession, 0)
	now = now.Add(10 * time.Second)
	sign := report(t, call(p.UpdateSession, 1)[0])
	if diff := cmp.Diff(fact.Report{Version: 1, Time: now.Unix()}, sign); diff != "" {
		t.Errorf("the sign of life (-want +got):\n%s", diff)
	}
	gone := newServer()
	for name := range gone {
		if len(name) > 30 && (contains(name, "obdfilter") || contains(name, "osd-ldiskfs")) || contains(name, "devices") {
			delete(gone, name)
		}
	}
	gone["/sys/fs/lustre/obdfilter/num_refs"] = "1"
	files.set(gone)
	now = now.Add(5 * time.Second)
	d := report(t, call(p.UpdateSession, 1)[0])
	want := fact.Report{
		Version: 1, Time: now.Unix(), Targets: map[fact.Name]*fact.Target{"work-OST0003": nil},
		Storage: map[fact.Name]*fact.Storage{"work-OST0003": {Kind: fact.OST, FS: "work", Disk: fact.Disk{
			Backend: "ldiskfs", Device: "/dev/dm-7", Number: "253:7", UUID: "6a0e1f9e-1111",
		}}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("the change (-want +got):\n%s", diff)
	}
	files.set(newServer())
	now = now.Add(5 * time.Second)
	list := call(p.UpdateSession, 2)
	if u := report(t, list[1]); u.Usage["work-OST0003"] == nil || list[1].Priority != agent.Low || list[0].Priority != agent.High {
		t.Errorf("a sample and a change: %+v", list)
	}
}

func contains(s, part string) bool {
	for i := range len(s) - len(part) + 1 {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

// TestWatch: that a target went is told without waiting for the period.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		files := &changing{}
		files.set(newServer())
		told := make(chan struct{}, 10)
		p := scan.NewPlugin(scan.New(scan.Options{Files: files, Host: "oss1"}), func() { told <- struct{}{} })
		if _, err := p.StartSession(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(told) > 0 {
			t.Fatal("told of a change, though there is none")
		}
		files.set(map[string]string{"/sys/fs/lustre/version": "2.15.4"})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(told) != 1 {
			t.Errorf("told %d times that a target went, want once", len(told))
		}
		cancel()
		synctest.Wait()
	})
}
