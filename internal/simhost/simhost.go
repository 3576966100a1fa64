// Package simhost stands for the storage servers of a Lustre file system: it says
// what their device plugins linux and lustre would say, about LUNs of an array that
// may be simulated too. The demo, scenarios and benchmarks have hosts from it where
// there are none.
package simhost

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	linux "github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	lustre "github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// LUN is a logical unit that all servers see.
type LUN struct {
	// WWID is as the kernel has it: the type and the identifier, in small letters.
	WWID string
	Size int64 // bytes
}

// paths is how many ways each server has to each LUN.
const paths = 2

// Site is the servers of one file system. The first LUN holds the management target,
// the second a metadata target, and each other one an object store target; the
// servers take turns. Its methods are safe for concurrent use.
type Site struct {
	fs    string
	hosts []string
	luns  []LUN
	now   func() time.Time

	mu     sync.Mutex
	at     []int                   // which host has the target of each LUN
	failed map[string]map[int]bool // paths that failed, by host
}

// New returns the servers of a file system, all well.
func New(fs string, hosts []string, luns []LUN, now func() time.Time) *Site {
	s := &Site{fs: fs, hosts: hosts, luns: luns, now: now, at: make([]int, len(luns)), failed: map[string]map[int]bool{}}
	for i := range luns {
		s.at[i] = i % len(hosts)
	}
	return s
}

// Hosts are the names of the servers.
func (s *Site) Hosts() []string { return slices.Clone(s.hosts) }

// FailPath has one of a server's ways to a LUN fail, or come back.
func (s *Site) FailPath(host string, lun, path int, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[host] == nil {
		s.failed[host] = map[int]bool{}
	}
	s.failed[host][lun*paths+path] = failed
}

// FailOver has the target of a LUN run on another server.
func (s *Site) FailOver(lun int, host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[lun] = slices.Index(s.hosts, host)
}

// target is the name of the target on a LUN, and what it is.
func (s *Site) target(lun int) (lustre.Name, lustre.Kind) {
	switch lun {
	case 0:
		return "MGS", lustre.MGT
	case 1:
		return lustre.Name(s.fs + "-MDT0000"), lustre.MDT
	}
	return lustre.Name(fmt.Sprintf("%s-OST%04x", s.fs, lun-2)), lustre.OST
}

func mapKey(lun int) linux.Key { return linux.Key(fmt.Sprintf("253:%d", lun)) }

func pathKey(lun, path int) linux.Key {
	n := lun*paths + path
	return linux.Key(fmt.Sprintf("%d:%d", 8+n/16, n%16*16))
}

// diskName is the kernel's name of the n-th SCSI disk: sda to sdz, sdaa and on.
func diskName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('a'+(n-1)%26)) + name
	}
	return "sd" + name
}

func mapPath(l LUN) string { return "/dev/mapper/" + l.WWID }

// uuid makes the UUID of what is on a LUN.
func uuid(l LUN) string {
	digits := fmt.Sprintf("%032s", l.WWID)
	digits = strings.ReplaceAll(digits[len(digits)-32:], " ", "0")
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// Linux is the full report of the device plugin linux of a server.
func (s *Site) Linux(host string) *linux.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	here := slices.Index(s.hosts, host)
	r := &linux.Report{
		Version: linux.Version, Full: true, Devices: map[linux.Key]*linux.Device{}, Mounts: []linux.Mount{}, Gaps: []linux.Gap{},
		Cluster: &linux.Cluster{Name: s.fs + "-servers", Nodes: s.hosts},
	}
	for i, l := range s.luns {
		ids := linux.IDs{WWID: l.WWID, Page83: []string{"naa." + strings.TrimPrefix(l.WWID, "3")}}
		fs := &linux.FS{Type: "ext4", Usage: "filesystem", UUID: uuid(l), Label: string(s.label(i))}
		m := &linux.Map{Name: l.WWID, WWID: l.WWID, Active: 1, Queueing: true}
		dm := &linux.Device{
			Kind: linux.Multipath, Name: fmt.Sprintf("dm-%d", i), Path: mapPath(l), Paths: []string{mapPath(l), fmt.Sprintf("/dev/dm-%d", i)},
			Size: l.Size, IDs: linux.IDs{WWID: l.WWID, UUID: "mpath-" + l.WWID}, FS: fs, Map: m,
		}
		for p := range paths {
			key, name := pathKey(i, p), diskName(i*paths+p)
			state, dmState, checker := "running", "active", "ready"
			if s.failed[host][i*paths+p] {
				state, dmState, checker = "offline", "failed", "faulty"
			}
			r.Devices[key] = &linux.Device{
				Kind: linux.Disk, Name: name, Path: "/dev/" + name, Paths: []string{"/dev/" + name},
				Size: l.Size, Vendor: "Acme", Model: "AX-1200 LUN", Transport: "fc", Address: fmt.Sprintf("%d:0:0:%d", p, i),
				State: state, IDs: ids, FS: &linux.FS{Type: "mpath_member"},
			}
			dm.On = append(dm.On, key)
			m.Paths = append(m.Paths, linux.Path{Device: key, Name: name, DM: dmState, Checker: checker, Group: 1, Priority: 50})
		}
		r.Devices[mapKey(i)] = dm
		if s.at[i] == here {
			r.Mounts = append(r.Mounts, linux.Mount{Device: mapKey(i), Source: mapPath(l), Target: s.mount(i), Type: "lustre"})
		}
	}
	return r
}

func (s *Site) label(lun int) lustre.Name {
	name, _ := s.target(lun)
	return name
}

func (s *Site) mount(lun int) string {
	return "/lustre/" + s.fs + "/" + strings.ToLower(strings.TrimPrefix(string(s.label(lun)), s.fs+"-"))
}

// Lustre is the full report of the device plugin lustre of a server.
func (s *Site) Lustre(host string) *lustre.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	here := slices.Index(s.hosts, host)
	nid := fmt.Sprintf("192.0.2.%d@tcp", here+1)
	r := &lustre.Report{
		Version: lustre.Version, Full: true, Time: s.now().Unix(), Host: host,
		Node:       &lustre.Node{Version: "2.15.4", Health: "healthy", LNet: "up"},
		Targets:    map[lustre.Name]*lustre.Target{},
		Storage:    map[lustre.Name]*lustre.Storage{},
		Peers:      map[lustre.Name]*lustre.Peer{},
		Interfaces: map[string]*lustre.Interface{nid: {Net: "tcp", Status: "up", Devices: []string{"eth0"}}},
		Usage:      map[lustre.Name]*lustre.Usage{},
		Gaps:       []lustre.Gap{},
	}
	for i, l := range s.luns {
		name, kind := s.target(i)
		disk := lustre.Disk{Backend: "ldiskfs", Device: mapPath(l), Number: string(mapKey(i)), UUID: uuid(l)}
		fs := s.fs
		if kind == lustre.MGT {
			fs = ""
		}
		switch {
		case s.at[i] != here:
			r.Storage[name] = &lustre.Storage{Kind: kind, FS: fs, Disk: disk}
		default:
			t := &lustre.Target{Kind: kind, FS: fs, State: "UP", Disk: disk, Mount: s.mount(i), Recovery: &lustre.Recovery{Status: "COMPLETE"}}
			if kind == lustre.MGT {
				t.Serves, t.Recovery = []string{s.fs}, nil
			}
			r.Targets[name] = t
			if kind != lustre.MGT {
				r.Usage[name] = s.usage(i, l)
			}
		}
		if s.at[min(1, len(s.luns)-1)] == here && kind == lustre.OST { // the metadata target's view
			r.Peers[name] = &lustre.Peer{Kind: kind, FS: s.fs, Link: lustre.Connected, By: string(s.label(1)), NID: fmt.Sprintf("192.0.2.%d@tcp", s.at[i]+1)}
		}
	}
	return r
}

// usage is a sample that changes slowly and is the same at the same time.
func (s *Site) usage(lun int, l LUN) *lustre.Usage {
	second := s.now().Unix()
	total := l.Size / 100 * 95
	free := total / 100 * int64(55-3*lun%20)
	files, filesFree := total>>20, total>>20/100*70
	clients := int64(120)
	read, written := second*int64(40+lun)<<20, second*int64(25+lun)<<20
	return &lustre.Usage{
		Total: &total, Free: &free, Available: &free, Files: &files, FilesFree: &filesFree, Clients: &clients,
		Counters: map[string]lustre.Counter{
			"read_bytes":  {Samples: read >> 20, Unit: "bytes", Sum: &read},
			"write_bytes": {Samples: written >> 20, Unit: "bytes", Sum: &written},
		},
	}
}
