package scan_test

import (
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// torn is a system of which some files cannot be read, the same ones each time.
type torn struct {
	source.Files
	seed, oneIn int
}

func gone(name string, seed, oneIn int) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + strconv.Itoa(seed)))
	return int(h.Sum32()%1000)*oneIn < 1000
}

func (f torn) Read(name string) ([]byte, error) {
	if gone(name, f.seed, f.oneIn) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrPermission}
	}
	return f.Files.Read(name)
}

func (f torn) List(name string) ([]string, error) {
	if gone(name, f.seed, f.oneIn) {
		return nil, &fs.PathError{Op: "list", Path: name, Err: fs.ErrPermission}
	}
	return f.Files.List(name)
}

// Whatever of a host cannot be read, what is reported fits together.
func TestTornCaptures(t *testing.T) {
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: that what is left of a torn capture fits together is not tested", captures)
	}
	names := []string{"vmstack/qemu", "vmstack/uml-lean"}
	for _, dir := range []string{"command_captures", "probert", "sysfs_trees"} {
		files, err := filepath.Glob(filepath.Join(captures, "dev/linux", dir, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if filepath.Base(f) != "EXPECTED.json" {
				names = append(names, filepath.Join("dev/linux", dir, filepath.Base(f)))
			}
		}
	}
	for _, name := range names {
		h, err := capture.Open(filepath.Join(captures, name))
		if err != nil {
			t.Fatal(err)
		}
		for seed, oneIn := range []int{2, 4, 10, 50} {
			commands := slices.DeleteFunc(slices.Clone(h.Commands), func(c source.Recorded) bool { return gone(c.Line, seed, oneIn) })
			s := scan.New(scan.Options{Files: torn{h.Files, seed, oneIn}, Commands: commands})
			s.Scan(t.Context())
			checkSound(t, s.Examine(t.Context()))
			if t.Failed() {
				t.Fatalf("%s with one file in %d gone, seed %d", name, oneIn, seed)
			}
		}
	}
}

// A server that knew all keeps what a host cannot tell for a while: groups and pools
// outlive tools that fail, with a gap that says so.
func TestGapsKeep(t *testing.T) {
	if _, err := os.Stat(captures); err != nil {
		t.Skipf("no captures of real hosts at %s: that what was known outlives tools that fail is not tested", captures)
	}
	h, err := capture.Open(filepath.Join(captures, "vmstack/qemu"))
	if err != nil {
		t.Fatal(err)
	}
	tools := &switched{Runner: h.Commands}
	s := scan.New(scan.Options{Files: h.Files, Commands: tools})
	before := s.Scan(t.Context())
	tools.Runner = source.Replay(nil)
	after := s.Scan(t.Context())
	for id, g := range before.Groups {
		if got := after.Groups[id]; got == nil || got.Size != g.Size {
			t.Errorf("group %s is %+v when the tools fail", g.Name, got)
		}
	}
	for id, p := range before.Pools {
		if got := after.Pools[id]; got == nil || got.State != p.State || len(got.Vdevs) != len(p.Vdevs) {
			t.Errorf("pool %s is %+v when zpool fails", p.Name, got)
		}
	}
	if len(after.Gaps) == 0 {
		t.Error("no gap says that the tools fail")
	}
}

type switched struct{ source.Runner }
