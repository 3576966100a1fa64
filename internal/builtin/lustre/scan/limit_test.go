package scan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// hanging are files of which some hang until they are let go.
type hanging struct {
	source.Files
	hang  func(name string) bool
	let   chan struct{}
	reads chan string
}

func (h *hanging) Read(name string) ([]byte, error) {
	if h.hang(name) {
		h.reads <- name
		<-h.let
	}
	return h.Files.Read(name)
}

func (h *hanging) List(name string) ([]string, error) {
	if h.hang(name) {
		h.reads <- name
		<-h.let
	}
	return h.Files.List(name)
}

func stuckAt(files source.Files, hang func(string) bool) (*hanging, *limited) {
	h := &hanging{Files: files, hang: hang, let: make(chan struct{}), reads: make(chan string, 1000)}
	l := limit(h)
	l.patience = 5 * time.Millisecond
	return h, l
}

// TestAFileThatHangs is given up, is not read again while it hangs, and is read
// again after that.
func TestAFileThatHangs(t *testing.T) {
	t.Parallel()
	files := source.NewTree()
	files.Put("/a", []byte("text"))
	h, l := stuckAt(files, func(string) bool { return true })
	for range 3 {
		if _, err := l.Read("/a"); !errors.Is(err, errStuck) {
			t.Fatalf("read of a file that hangs: %v", err)
		}
	}
	if n := len(h.reads); n != 1 {
		t.Errorf("the file was read %d times while it hung", n)
	}
	for i := range 2 * maxStuck {
		if _, err := l.Read(fmt.Sprintf("/a/%d", i)); !errors.Is(err, errStuck) {
			t.Fatalf("file %d: %v", i, err)
		}
	}
	if n := len(h.reads); n != maxStuck {
		t.Errorf("%d files hang at a time, want %d at most", n, maxStuck)
	}
	close(h.let)
	l.patience = time.Minute
	for {
		text, err := l.Read("/a")
		if err == nil && string(text) == "text" {
			return
		}
		if !errors.Is(err, errStuck) {
			t.Fatalf("read of a file that hangs no more: %q, %v", text, err)
		}
	}
}

// TestAHangingListTakesNothingAway: while the list of targets cannot be read, those
// that were there are there.
func TestAHangingListTakesNothingAway(t *testing.T) {
	t.Parallel()
	files := source.NewTree()
	files.Put("/sys/fs/lustre/obdfilter/a-OST0000/num_exports", []byte("1"))
	files.Put("/sys/fs/lustre/obdfilter/a-OST0001/num_exports", []byte("1"))
	hang := false
	h, l := stuckAt(files, func(name string) bool { return hang && name == "/sys/fs/lustre/obdfilter" })
	s := New(Options{Files: files, Host: "oss"})
	s.files = l
	l.patience = time.Second // a slow machine does not hang
	first := s.State(t.Context())
	hang = true
	next := s.State(t.Context())
	if d := fact.Delta(first, next); d == nil || len(d.Targets) > 0 || len(d.Gaps) != 1 || !strings.Contains(d.Gaps[0].Text, "/sys/fs/lustre/obdfilter") {
		t.Errorf("while the list hangs, the changes are %+v", d)
	}
	close(h.let)
}
