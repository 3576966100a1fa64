package capture_test

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
)

// What cannot be read of a capture costs that part and no other, and is told with its
// file and place.
func TestBrokenParts(t *testing.T) {
	t.Parallel()
	const good = `"uname -r": {"stdout": "6.1.0"}`
	archive := tarOf(t, map[string]string{"sys/block/sda/size": "8", "sys/block/sdb/size": strings.Repeat("8", 2000)})
	for _, c := range []struct {
		name     string
		files    map[string]string
		open     string // a file of the folder, or empty for the folder
		commands []string
		holds    string // a file of the host
		problems []string
		err      []string
	}{
		{
			name: "document", open: "host.json",
			files:    map[string]string{"host.json": `{"commands": {` + good + ",\n" + `"pvs": {"stdout": "x", "exit": "none"}}, "files": {"/sys/block/sda/size": "8", "/sys/block/sdb/size": 8}}`},
			commands: []string{"pvs", "uname -r"}, holds: "/sys/block/sda/size",
			problems: []string{"host.json: line 2, byte 37: ", "exit is string", "int"},
		},
		{
			name: "only that", open: "host.json",
			files: map[string]string{"host.json": `{"commands": ["pvs"]}`},
			err:   []string{"host.json", "commands is array", "holds nothing of a capture"},
		},
		{
			name: "no JSON", open: "host.json",
			files: map[string]string{"host.json": `{"commands": {` + good},
			err:   []string{"host.json", "not a capture in JSON"},
		},
		{
			name:     "recordings of a folder",
			files:    map[string]string{"commands.json": "{", "pvs.txt": "PV VG"},
			commands: []string{"pvs"}, problems: []string{"commands.json", "not a capture in JSON"},
		},
		{
			name:     "one recording of a folder",
			files:    map[string]string{"commands.json": `{"commands": {` + good + `, "lvs": {"stdout": 7}}}`},
			commands: []string{"lvs", "uname -r"}, problems: []string{"commands.json", "stdout is number"},
		},
		{
			name:  "torn archive",
			files: map[string]string{"sysfs.tar": archive[:len(archive)-2500]},
			holds: "/sys/block/sda/size", problems: []string{"sysfs.tar", "unexpected EOF"},
		},
		{
			name:  "no archive",
			files: map[string]string{"sysfs.tar": strings.Repeat("not tar ", 100)},
			err:   []string{"sysfs.tar", "invalid tar header", "holds nothing of a capture"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h, err := capture.Open(filepath.Join(dir, c.open))
			if c.err != nil {
				if err == nil {
					t.Fatal("no error")
				}
				has(t, err.Error(), c.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := map[string]bool{}
			for _, r := range h.Commands {
				lines[r.Line] = true
			}
			for _, line := range c.commands {
				if !lines[line] {
					t.Errorf("the output of %q is lost", line)
				}
			}
			if c.holds != "" {
				if _, err := h.Files.Read(c.holds); err != nil {
					t.Error(err)
				}
			}
			if len(h.Problems) != 1 {
				t.Fatalf("problems: %v", h.Problems)
			}
			has(t, h.Problems[0].Error(), c.problems)
		})
	}
}

func has(t *testing.T, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not name %q", text, part)
		}
	}
}

// tarOf returns an archive of the files in the order of their names.
func tarOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
