package scan

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// putter makes files of a host that is made up: in memory or in a folder.
type putter interface {
	put(name, text string)
	link(name, to string)
	remove(name string)
}

type inMemory struct{ *source.Tree }

func (m inMemory) put(name, text string) { m.Put(name, []byte(text)) }
func (m inMemory) link(name, to string)  { m.PutLink(name, to) }
func (m inMemory) remove(name string)    { m.Remove(name) }

type inFolder struct {
	t   testing.TB
	dir string
}

func (f inFolder) put(name, text string) {
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f inFolder) link(name, to string) {
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil && !os.IsExist(err) {
		f.t.Fatal(err)
	}
}

func (f inFolder) remove(name string) {
	if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// diskDir is the folder of the n-th disk that is made up, without "/sys".
func diskDir(n int) string {
	return fmt.Sprintf("/devices/pci0000:00/0000:00:03.0/host%d/rport-%d:0-0/target%d:0:%d/%d:0:%d:0/block/sd%s", n%8, n%8, n%8, n, n%8, n, letters(n))
}

func letters(n int) string {
	text := ""
	for n++; n > 0; n = (n - 1) / 26 {
		text = string(rune('a'+(n-1)%26)) + text
	}
	return text
}

func diskKey(n int) string { return fmt.Sprintf("%d:%d", 8+n/16, n%16*16) }

// putDisk makes the n-th disk: one path to the logical unit, with pages, state and
// what udev knows.
func putDisk(p putter, n, unit int) {
	dir := diskDir(n)
	device := filepath.Dir(filepath.Dir("/sys" + dir))
	name := "sd" + letters(n)
	naa := fmt.Sprintf("600508b4%024x", unit)
	raw, err := hex.DecodeString(naa)
	if err != nil {
		panic(err)
	}
	p.put("/sys"+dir+"/dev", diskKey(n)+"\n")
	p.put("/sys"+dir+"/size", "209715200\n")
	p.put("/sys"+dir+"/ro", "0\n")
	p.put("/sys"+dir+"/removable", "0\n")
	p.put("/sys"+dir+"/hidden", "0\n")
	p.put("/sys"+dir+"/uevent", "MAJOR=8\nMINOR=0\nDEVTYPE=disk\n")
	p.put("/sys"+dir+"/queue/rotational", "1\n")
	p.put(device+"/vendor", "ACME    \n")
	p.put(device+"/model", "LUN             \n")
	p.put(device+"/rev", "1.0 \n")
	p.put(device+"/state", "running\n")
	p.put(device+"/access_state", "active/optimized\n")
	p.put(device+"/vpd_pg80", string(append([]byte{0, 0x80, 0, 8}, fmt.Sprintf("%08d", unit)...)))
	p.put(device+"/vpd_pg83", string(append([]byte{0, 0x83, 0, 20, 1, 3, 0, 16}, raw...)))
	p.link("/sys"+dir+"/device", "../../../"+filepath.Base(device))
	p.link("/sys/class/block/"+name, "../.."+dir)
	p.put("/run/udev/data/b"+diskKey(n), fmt.Sprintf("S:disk/by-id/scsi-3%s\nS:disk/by-path/pci-%d\nE:ID_BUS=scsi\nE:ID_SERIAL=3%s\nE:ID_FS_TYPE=mpath_member\n", naa, n, naa))
}

func removeDisk(p putter, n int) {
	p.remove("/sys/class/block/sd" + letters(n))
	p.remove("/sys" + diskDir(n))
	p.remove("/run/udev/data/b" + diskKey(n))
}

// putMap makes a multipath map of paths.
func putMap(p putter, n, unit int, paths ...int) {
	dir := fmt.Sprintf("/devices/virtual/block/dm-%d", n)
	p.put("/sys"+dir+"/dev", fmt.Sprintf("253:%d\n", n))
	p.put("/sys"+dir+"/size", "209715200\n")
	p.put("/sys"+dir+"/ro", "0\n")
	p.put("/sys"+dir+"/dm/name", fmt.Sprintf("mpath%d\n", n))
	p.put("/sys"+dir+"/dm/uuid", fmt.Sprintf("mpath-3600508b4%024x\n", unit))
	for _, path := range paths {
		p.link("/sys"+dir+"/slaves/sd"+letters(path), "../../../../.."+diskDir(path))
	}
	p.link(fmt.Sprintf("/sys/class/block/dm-%d", n), "../.."+dir)
	p.put(fmt.Sprintf("/run/udev/data/b253:%d", n), fmt.Sprintf("S:mapper/mpath%d\nL:50\nE:DM_NAME=mpath%d\nE:ID_FS_TYPE=ext4\n", n, n))
}
