// Package capture reads what was captured of other hosts, so that a scan can go
// over it as over a running system: the folder of files, archives and outputs that
// a dump script leaves, and the JSON documents of other projects' captures.
package capture

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// Host is what was captured of a host.
type Host struct {
	Files    *source.Tree
	Commands source.Replay
	// Problems say what of the capture could not be read, and is left out.
	Problems []error
}

// Open reads a capture: a folder that Folder understands, or a file that Document
// does.
func Open(name string) (*Host, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return Folder(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	h, err := Document(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, problem := range h.Problems {
		h.Problems[i] = fmt.Errorf("%s: %w", name, problem)
	}
	return h, nil
}

// archives are where a dump has its archive of /sys.
var archives = []string{"sysfs.tar", "d/sysfs.tar"}

// commandsFile is a document with recordings beside the folders of a capture.
const commandsFile = "commands.json"

// Is says whether the name is that of a capture, rather than of a folder that is
// the root of a system.
func Is(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return false
	}
	if !info.IsDir() {
		return true
	}
	for _, file := range append([]string{commandsFile}, archives...) {
		if _, err := os.Stat(filepath.Join(name, file)); err == nil {
			return true
		}
	}
	return false
}

// outputs are the names that a dump gives to the output of commands, and the lines
// that give it. The first of a pair of names that is there counts.
var outputs = []struct{ file, line string }{
	{"multipathd-maps.json", "multipathd show maps json"},
	{"multipath-ll.txt", "multipath -ll"},
	{"dmsetup-table.txt", "dmsetup table"},
	{"dmsetup-status.txt", "dmsetup status"},
	{"fullreport.json", "lvm fullreport"},
	{"pvs.json", "pvs"},
	{"vgs.json", "vgs"},
	{"lvs.json", "lvs"},
	{"pvs.txt", "pvs"},
	{"vgs.txt", "vgs"},
	{"lvs.txt", "lvs"},
	{"zpool-status.json", "zpool status -j"},
	{"zpool-status.txt", "zpool status"},
	{"zpool-list.json", "zpool list -j"},
	{"zpool-list-Hp.txt", "zpool list -Hpv"},
	{"zfs-list.json", "zfs list -j"},
	{"zfs-list-Hp.txt", "zfs list -Hp"},
}

// procFiles are dumps of files.
var procFiles = map[string]string{
	"mountinfo.txt": "/proc/self/mountinfo",
	"mounts.txt":    "/proc/mounts",
	"swaps.txt":     "/proc/swaps",
	"mdstat.txt":    "/proc/mdstat",
	"uname.txt":     "/proc/version",
}

// Folder reads a folder: archives (*.tar) with files by their absolute names,
// run-udev/data as /run/udev/data, /proc files and outputs of commands by the names of
// this package's lists, recordings in commands.json, as Document reads them; folders sys,
// proc, run, dev and etc as they are. What it does not know it leaves out; of an archive
// that is torn it has what comes before.
func Folder(dir string) (*Host, error) {
	if _, err := os.Stat(filepath.Join(dir, "d", "sysfs.tar")); err == nil {
		dir = filepath.Join(dir, "d")
	}
	h := &Host{Files: source.NewTree()}
	tars, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return nil, err
	}
	found := false
	for _, name := range tars {
		n, err := h.archive(name)
		if err != nil {
			h.Problems = append(h.Problems, fmt.Errorf("%s: %w", name, err))
		}
		found = found || n > 0
	}
	for _, part := range []string{"sys", "proc", "run", "dev", "etc"} {
		if n, err := h.below(filepath.Join(dir, part), "/"+part); err != nil {
			return nil, err
		} else if n > 0 && part != "etc" {
			found = true
		}
	}
	if _, err := h.below(filepath.Join(dir, "run-udev", "data"), "/run/udev/data"); err != nil {
		return nil, err
	}
	for name, to := range procFiles {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			h.Files.Put(to, text)
			found = true
		}
	}
	switch more, err := Open(filepath.Join(dir, commandsFile)); {
	case err == nil:
		h.Commands = append(h.Commands, more.Commands...)
		h.Problems = append(h.Problems, more.Problems...)
		found = true
	case !errors.Is(err, os.ErrNotExist):
		h.Problems = append(h.Problems, err)
	}
	disks, err := filepath.Glob(filepath.Join(dir, "smartctl-*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range disks {
		if disk := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "smartctl-"), ".json"); disk != "scan" {
			if text, err := os.ReadFile(name); err == nil && len(text) > 0 {
				h.Commands = append(h.Commands, source.Recorded{Line: "smartctl -j -a /dev/" + disk, Output: source.Output{Stdout: text}})
			}
		}
	}
	for _, o := range outputs {
		// What a tool wrote to a file that stayed empty, it could not say.
		if text, err := os.ReadFile(filepath.Join(dir, o.file)); err == nil && len(text) > 0 {
			h.Commands = append(h.Commands, source.Recorded{Line: o.line, Output: source.Output{Stdout: text}})
			found = true
		}
	}
	if !found {
		none := fmt.Errorf("%s holds nothing of a capture: neither an archive of /sys nor a folder sys nor outputs of commands", dir)
		return nil, errors.Join(append(h.Problems, none)...)
	}
	return h, nil
}

// below takes over the files below a folder.
func (h *Host) below(dir, to string) (int, error) {
	n := 0
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, os.ErrNotExist) && name == dir {
				return filepath.SkipAll
			}
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		at := path.Join(to, filepath.ToSlash(rel))
		n++
		switch {
		case entry.IsDir():
			h.Files.PutFolder(at)
		case entry.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			h.Files.PutLink(at, link)
		case entry.Type().IsRegular():
			text, err := os.ReadFile(name) //nolint:gosec // a capture is of the one who reads it
			if err != nil {
				return err
			}
			h.Files.Put(at, text)
		}
		return nil
	})
	return n, err
}

// archive takes over the files of a tar archive, up to where it is torn.
func (h *Host) archive(name string) (n int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	r := tar.NewReader(file)
	for ; ; n++ {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		at := "/" + strings.TrimPrefix(path.Clean(header.Name), "/")
		switch header.Typeflag {
		case tar.TypeDir:
			h.Files.PutFolder(at)
		case tar.TypeSymlink:
			h.Files.PutLink(at, header.Linkname)
		case tar.TypeReg:
			text, err := io.ReadAll(io.LimitReader(r, source.MaxFile))
			if err != nil {
				return n, err
			}
			h.Files.Put(at, text)
		}
	}
}
