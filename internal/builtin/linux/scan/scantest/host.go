// Package scantest makes the files of hosts that are not there, for tests and
// measurements of what reads them.
package scantest

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// Putter makes files of a host that is made up: in memory or in a folder.
type Putter interface {
	Put(name, text string)
	Link(name, to string)
	Remove(name string)
}

// InMemory makes files of a tree.
type InMemory struct{ *source.Tree }

// Put implements Putter.
func (m InMemory) Put(name, text string) { m.Tree.Put(name, []byte(text)) }

// Link implements Putter.
func (m InMemory) Link(name, to string) { m.PutLink(name, to) }

// Remove implements Putter.
func (m InMemory) Remove(name string) { m.Tree.Remove(name) }

// InFolder makes files below a folder.
type InFolder struct {
	TB  testing.TB
	Dir string
}

// Put implements Putter.
func (f InFolder) Put(name, text string) {
	name = filepath.Join(f.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.TB.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		f.TB.Fatal(err)
	}
}

// Link implements Putter.
func (f InFolder) Link(name, to string) {
	name = filepath.Join(f.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.TB.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil && !os.IsExist(err) {
		f.TB.Fatal(err)
	}
}

// Remove implements Putter.
func (f InFolder) Remove(name string) {
	if err := os.RemoveAll(filepath.Join(f.Dir, name)); err != nil {
		f.TB.Fatal(err)
	}
}

// DiskDir is the folder of the n-th disk that is made up, without "/sys".
func DiskDir(n int) string {
	return fmt.Sprintf("/devices/pci0000:00/0000:00:03.0/host%d/rport-%d:0-0/target%d:0:%d/%d:0:%d:0/block/sd%s", n%8, n%8, n%8, n, n%8, n, Letters(n))
}

// Letters is how the kernel counts SCSI disks: a to z, aa and so on.
func Letters(n int) string {
	text := ""
	for n++; n > 0; n = (n - 1) / 26 {
		text = string(rune('a'+(n-1)%26)) + text
	}
	return text
}

// DiskKey is the number of the n-th disk, as in "8:16".
func DiskKey(n int) string { return fmt.Sprintf("%d:%d", 8+n/16, n%16*16) }

// PutDisk makes the n-th disk: one path to the logical unit, with pages, state and
// what udev knows.
func PutDisk(p Putter, n, unit int) {
	dir := DiskDir(n)
	device := filepath.Dir(filepath.Dir("/sys" + dir))
	name := "sd" + Letters(n)
	naa := fmt.Sprintf("600508b4%024x", unit)
	raw, err := hex.DecodeString(naa)
	if err != nil {
		panic(err)
	}
	p.Put("/sys"+dir+"/dev", DiskKey(n)+"\n")
	p.Put("/sys"+dir+"/size", "209715200\n")
	p.Put("/sys"+dir+"/ro", "0\n")
	p.Put("/sys"+dir+"/removable", "0\n")
	p.Put("/sys"+dir+"/hidden", "0\n")
	p.Put("/sys"+dir+"/uevent", "MAJOR=8\nMINOR=0\nDEVTYPE=disk\n")
	p.Put("/sys"+dir+"/queue/rotational", "1\n")
	p.Put(device+"/vendor", "ACME    \n")
	p.Put(device+"/model", "LUN             \n")
	p.Put(device+"/rev", "1.0 \n")
	p.Put(device+"/state", "running\n")
	p.Put(device+"/access_state", "active/optimized\n")
	p.Put(device+"/vpd_pg80", string(append([]byte{0, 0x80, 0, 8}, fmt.Sprintf("%08d", unit)...)))
	p.Put(device+"/vpd_pg83", string(append([]byte{0, 0x83, 0, 20, 1, 3, 0, 16}, raw...)))
	p.Link("/sys"+dir+"/device", "../../../"+filepath.Base(device))
	p.Link("/sys/class/block/"+name, "../.."+dir)
	p.Put("/run/udev/data/b"+DiskKey(n), fmt.Sprintf("S:disk/by-id/scsi-3%s\nS:disk/by-path/pci-%d\nE:ID_BUS=scsi\nE:ID_SERIAL=3%s\nE:ID_FS_TYPE=mpath_member\n", naa, n, naa))
}

// RemoveDisk takes the n-th disk away.
func RemoveDisk(p Putter, n int) {
	p.Remove("/sys/class/block/sd" + Letters(n))
	p.Remove("/sys" + DiskDir(n))
	p.Remove("/run/udev/data/b" + DiskKey(n))
}

// PutMap makes a multipath map of paths.
func PutMap(p Putter, n, unit int, paths ...int) {
	dir := fmt.Sprintf("/devices/virtual/block/dm-%d", n)
	p.Put("/sys"+dir+"/dev", fmt.Sprintf("253:%d\n", n))
	p.Put("/sys"+dir+"/size", "209715200\n")
	p.Put("/sys"+dir+"/ro", "0\n")
	p.Put("/sys"+dir+"/dm/name", fmt.Sprintf("mpath%d\n", n))
	p.Put("/sys"+dir+"/dm/uuid", fmt.Sprintf("mpath-3600508b4%024x\n", unit))
	for _, path := range paths {
		p.Link("/sys"+dir+"/slaves/sd"+Letters(path), "../../../../.."+DiskDir(path))
	}
	p.Link(fmt.Sprintf("/sys/class/block/dm-%d", n), "../.."+dir)
	p.Put(fmt.Sprintf("/run/udev/data/b253:%d", n), fmt.Sprintf("S:mapper/mpath%d\nL:50\nE:DM_NAME=mpath%d\nE:ID_FS_TYPE=ext4\n", n, n))
}

// Of the host that costs are measured on: disks with two paths each, and maps.
const (
	ManyPaths = 1500
	ManyMaps  = 500
)

// BigHost makes a host with ManyPaths and ManyMaps, 2,000 block devices, in a folder that
// is in memory if there is one, and returns the folder.
func BigHost(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "faultline-scan-") //nolint:usetesting // the kernel answers from memory, and so should this
	if err != nil {
		dir = tb.TempDir()
	} else {
		tb.Cleanup(func() { os.RemoveAll(dir) })
	}
	f := InFolder{tb, dir}
	f.Put("/proc/self/mountinfo", "")
	for n := range ManyPaths {
		PutDisk(f, n, n/2)
	}
	for n := range ManyMaps {
		PutMap(f, n, n, 2*n, 2*n+1)
	}
	return dir
}
