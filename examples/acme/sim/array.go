package sim

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Limits of Options.Disks.
const (
	MinDisks     = 4
	MaxDisks     = 100_000
	DefaultDisks = 2 * baysPerEnclosure
)

// DefaultUser is the user name that goes with Options.Password.
const DefaultUser = "admin"

// Options says what array to make. The zero value is an array of
// [DefaultDisks] disks that stands still and asks for no password.
type Options struct {
	// Disks is the number of disks, from MinDisks to MaxDisks; 0 means
	// DefaultDisks. All other numbers follow from it: 84 disks an enclosure, 10 a
	// pool, one or two LUNs a pool, two paths a LUN, four fans and two power
	// supplies an enclosure, two controllers.
	Disks int
	// Seed changes serial numbers, sizes and first statistics, not ids.
	Seed uint64
	// Name is the name of the array; empty means "acme-1".
	Name string
	// User and Password are what HTTP basic authentication must show if Password
	// is not empty. An empty User means DefaultUser.
	User, Password string
	// SampleEvery is the pause between two samples of temperatures, counters and
	// histograms. If it is 0, statistics stand still until the fault "sample".
	SampleEvery time.Duration
	// Boot names this run of the array. Clients use it to see that the array was
	// restarted and that the revisions they know are worth nothing. Empty means a
	// random name.
	Boot string
}

// An Array is a simulated disk array. It is an [http.Handler]. All its methods
// may be called by several goroutines at once.
type Array struct {
	opts Options
	mux  *http.ServeMux

	mu       sync.Mutex // guards everything below
	revision uint64
	pending  bool          // something changed since revision; see finish
	changed  chan struct{} // closed and replaced at every change
	log      changeLog
	samples  uint64    // statistics samples taken so far
	sampled  time.Time // when the last of them was due
	trouble  trouble
	nextDisk int // number of the next disk to be added

	controllers   table[controller]
	enclosures    table[enclosure]
	fans          table[fan]
	powerSupplies table[powerSupply]
	disks         table[disk]
	pools         table[pool]
	luns          table[lun]
	paths         table[path]
	rebuilding    map[int]bool // positions of pools with a running rebuild
}

// New makes an array. It fails if the options make no sense.
func New(o Options) (*Array, error) {
	o.Disks = cmp.Or(o.Disks, DefaultDisks)
	o.Name = cmp.Or(o.Name, "acme-1")
	o.User = cmp.Or(o.User, DefaultUser)
	if o.Disks < MinDisks || o.Disks > MaxDisks {
		return nil, fmt.Errorf("%d disks: an array has %d to %d", o.Disks, MinDisks, MaxDisks)
	}
	if o.SampleEvery < 0 {
		return nil, errors.New("the pause between statistics samples is negative")
	}
	if o.Boot == "" {
		var b [8]byte
		rand.Read(b[:])
		o.Boot = hex.EncodeToString(b[:])
	}
	a := &Array{opts: o, revision: 1, changed: make(chan struct{}), rebuilding: map[int]bool{}, sampled: time.Now()}
	a.populate()
	a.mux = a.routes()
	return a, nil
}

// Revision returns the number of the last change.
func (a *Array) Revision() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(time.Now())
	return a.revision
}

// mark says that the object at pos changed for another reason than a sample.
func mark[T any](a *Array, t *table[T], pos int) {
	a.pending = true
	t.touch(pos, a.revision+1)
	a.log.add(change{a.revision + 1, t.kind, pos, opChange})
}

// finish gives the changes made under the lock their common revision and wakes
// who waits for them.
func (a *Array) finish() {
	if a.pending {
		a.pending = false
		a.revision++
		a.wake()
	}
}

// wake tells everybody who waits for something to look again.
func (a *Array) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// lister returns the table of a kind.
func (a *Array) lister(kind string) lister {
	switch kind {
	case kindController:
		return &a.controllers
	case kindEnclosure:
		return &a.enclosures
	case kindFan:
		return &a.fans
	case kindPowerSupply:
		return &a.powerSupplies
	case kindDisk:
		return &a.disks
	case kindPool:
		return &a.pools
	case kindLUN:
		return &a.luns
	case kindPath:
		return &a.paths
	}
	panic("sim: no kind " + kind)
}

// system is the summary of the array.
type system struct {
	Vendor        string         `json:"vendor"`
	Model         string         `json:"model"`
	Name          string         `json:"name"`
	Serial        string         `json:"serial"`
	Firmware      string         `json:"firmware"`
	Status        string         `json:"status"` // OK, DEGRADED, FAILED
	Boot          string         `json:"boot"`
	Revision      uint64         `json:"revision"`
	CapacityBytes int64          `json:"capacity_bytes"`
	IOSizeBins    []int64        `json:"io_size_bins"`
	Counts        map[string]int `json:"counts"`
}

// summary must be called with the lock held.
func (a *Array) summary() system {
	s := system{
		Vendor: "Acme", Model: systemModel, Name: a.opts.Name, Serial: serial("AX", a.opts.Seed, 0, 1), Firmware: systemFirmware,
		Status: statusOK, Boot: a.opts.Boot, Revision: a.revision, IOSizeBins: ioSizeBins, Counts: map[string]int{},
	}
	for pos := range a.pools.rows {
		p := a.pools.at(pos)
		s.CapacityBytes += p.CapacityBytes
		switch {
		case p.Status == statusFailed:
			s.Status = statusFailed
		case p.Status != statusOK && s.Status == statusOK:
			s.Status = statusDegraded
		}
	}
	for _, k := range []string{kindController, kindEnclosure, kindFan, kindPowerSupply, kindDisk, kindPool, kindLUN, kindPath} {
		s.Counts[k] = a.lister(k).count()
	}
	return s
}
