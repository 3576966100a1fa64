package sim

import (
	"cmp"
	"fmt"
	"time"
)

const defaultOverheat = 30

// Apply lets a fault strike now. The error says why it cannot; the array is
// then as it was.
func (a *Array) Apply(f Fault) error {
	f, v, err := f.check()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.settle(now)
	if err := v.apply(a, &f, now); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	a.finish()
	return nil
}

// find returns the position of an object that must exist.
func find[T any](t *table[T], id string) (int, error) {
	pos, ok := t.index[id]
	if !ok {
		return 0, fmt.Errorf("the array has no %s; it has %d of that kind", id, t.live)
	}
	return pos, nil
}

func (a *Array) failDisk(f *Fault, _ time.Time) error { return a.breakDisk(f.Target, statusFailed) }
func (a *Array) warnDisk(f *Fault, _ time.Time) error {
	return a.breakDisk(f.Target, statusNearFailure)
}
func (a *Array) loseDisk(f *Fault, _ time.Time) error { return a.breakDisk(f.Target, statusMissing) }

func (a *Array) breakDisk(id, status string) error {
	pos, err := find(&a.disks, id)
	if err != nil {
		return err
	}
	a.setDisk(pos, status)
	if p := a.disks.at(pos).pool; p >= 0 {
		a.refreshPool(p)
	}
	return nil
}

func (a *Array) setDisk(pos int, status string) {
	if d := a.disks.at(pos); d.Status != status {
		d.Status = status
		mark(a, &a.disks, pos)
	}
}

func (a *Array) removeDisk(f *Fault, _ time.Time) error {
	pos, err := find(&a.disks, f.Target)
	if err != nil {
		return err
	}
	a.pullDisk(pos)
	return nil
}

// pullDisk takes a disk out of its bay and its pool.
func (a *Array) pullDisk(pos int) {
	a.pending = true
	d := a.disks.at(pos)
	e := a.enclosures.at(d.enclosure)
	e.disks = without(e.disks, pos)
	a.disks.remove(pos, a.revision+1)
	a.log.add(change{a.revision + 1, kindDisk, pos, opRemove})
	a.leavePool(pos)
}

// leavePool ends the membership of a disk in its pool, if it has one.
func (a *Array) leavePool(pos int) {
	d := a.disks.at(pos)
	if d.pool < 0 {
		return
	}
	p := d.pool
	a.pools.at(p).members = without(a.pools.at(p).members, pos)
	d.pool, d.Pool = -1, ""
	if !a.disks.rows[pos].gone {
		mark(a, &a.disks, pos)
	}
	a.refreshPool(p)
}

func (a *Array) insertDisk(f *Fault, _ time.Time) error {
	if f.Target != "" {
		pos, err := find(&a.enclosures, f.Target)
		if err != nil {
			return err
		}
		slot := a.emptyBay(pos)
		if slot == 0 {
			return fmt.Errorf("%s has no empty bay", f.Target)
		}
		a.newDisk(pos, slot, -1)
		return nil
	}
	for pos := range a.enclosures.rows {
		if slot := a.emptyBay(pos); slot > 0 {
			a.newDisk(pos, slot, -1)
			return nil
		}
	}
	return fmt.Errorf("no enclosure has an empty bay")
}

// emptyBay returns the first empty slot of an enclosure, 0 if it is full.
func (a *Array) emptyBay(enclosure int) int {
	var used [baysPerEnclosure + 1]bool
	for _, d := range a.enclosures.at(enclosure).disks {
		used[a.disks.at(d).Slot] = true
	}
	for slot := 1; slot <= baysPerEnclosure; slot++ {
		if !used[slot] {
			return slot
		}
	}
	return 0
}

// newDisk puts a new disk into a running array.
func (a *Array) newDisk(enclosure, slot, pool int) int {
	a.pending = true
	pos := a.addDisk(enclosure, slot, pool, a.revision+1)
	a.log.add(change{a.revision + 1, kindDisk, pos, opAdd})
	return pos
}

// startRebuild brings a pool back to its full number of disks. Spares take the
// place of bad disks first; without one, a bad disk is swapped in its bay.
func (a *Array) startRebuild(f *Fault, now time.Time) error {
	pos, err := find(&a.pools, f.Target)
	if err != nil {
		return err
	}
	p := a.pools.at(pos)
	switch p.Status {
	case statusOK:
		return fmt.Errorf("%s has no disk to rebuild", f.Target)
	case statusFailed:
		return fmt.Errorf("%s lost more than %d disks, which RAID 6 does not survive; heal it", f.Target, parityDisks)
	}
	for _, d := range append([]int(nil), p.members...) {
		if s := a.disks.at(d).Status; s != statusFailed && s != statusMissing {
			continue
		}
		if spare, ok := a.findSpare(); ok {
			a.leavePool(d)
			a.joinPool(spare, pos)
		} else {
			bay := *a.disks.at(d)
			a.pullDisk(d)
			a.setDisk(a.newDisk(bay.enclosure, bay.Slot, pos), statusRebuilding)
		}
	}
	a.fillUp(pos, statusRebuilding)
	p.rebuild = &rebuild{start: now, duration: cmp.Or(time.Duration(f.For), defaultRebuild)}
	p.RebuildPercent = new(int)
	a.rebuilding[pos] = true
	mark(a, &a.pools, pos)
	a.refreshPool(pos)
	a.wake() // who waits must look at the clock anew
	return nil
}

// fillUp replaces disks that were pulled out of a pool.
func (a *Array) fillUp(pos int, status string) {
	p := a.pools.at(pos)
	for len(p.members) < p.width {
		if spare, ok := a.findSpare(); ok {
			a.joinPool(spare, pos)
			a.setDisk(spare, status)
			continue
		}
		enclosure, slot := 0, 0
		for slot = a.emptyBay(enclosure); slot == 0; slot = a.emptyBay(enclosure) {
			enclosure++ // there is a bay: the one that was emptied
		}
		a.setDisk(a.newDisk(enclosure, slot, pos), status)
	}
}

func (a *Array) findSpare() (int, bool) {
	for pos := range a.disks.rows {
		if d := a.disks.at(pos); d.pool < 0 && d.Status == statusOK && !a.disks.rows[pos].gone {
			return pos, true
		}
	}
	return 0, false
}

func (a *Array) joinPool(disk, pos int) {
	p, d := a.pools.at(pos), a.disks.at(disk)
	p.members = append(p.members, disk)
	d.pool, d.Pool, d.Status = pos, p.ID, statusRebuilding
	mark(a, &a.disks, disk)
}

// refreshPool works out the state of a pool and of its LUNs from its disks.
func (a *Array) refreshPool(pos int) {
	p := a.pools.at(pos)
	bad := p.width - len(p.members)
	for _, d := range p.members {
		switch a.disks.at(d).Status {
		case statusFailed, statusMissing, statusRebuilding:
			bad++
		}
	}
	status := statusOK
	switch {
	case bad > parityDisks:
		status = statusFailed
	case p.rebuild != nil:
		status = statusRebuilding
	case bad > 0:
		status = statusDegraded
	}
	if p.Status != status {
		p.Status = status
		mark(a, &a.pools, pos)
	}
	for _, l := range p.luns {
		a.refreshLUN(l)
	}
}

// refreshLUN works out the states of a LUN's paths and of the LUN itself. The
// path through the preferred controller is active as long as it works.
func (a *Array) refreshLUN(pos int) {
	l := a.luns.at(pos)
	preferred := l.Number % 2
	states := [2]string{stateFailed, stateFailed}
	works := func(c int) bool {
		return a.controllers.at(c).Status == statusOK && !a.paths.at(2*pos+c).lost
	}
	switch other := 1 - preferred; {
	case works(preferred) && works(other):
		states[preferred], states[other] = stateActive, stateStandby
	case works(preferred):
		states[preferred] = stateActive
	case works(other):
		states[other] = stateActive
	}
	for c, state := range states {
		if p := a.paths.at(2*pos + c); p.State != state {
			p.State = state
			mark(a, &a.paths, 2*pos+c)
		}
	}
	status := statusOK
	switch pool := a.pools.at(l.pool).Status; {
	case pool == statusFailed || !works(0) && !works(1):
		status = statusFailed
	case pool != statusOK || !works(0) || !works(1):
		status = statusDegraded
	}
	if l.Status != status {
		l.Status = status
		mark(a, &a.luns, pos)
	}
}

func without(list []int, v int) []int {
	out := make([]int, 0, len(list))
	for _, x := range list {
		if x != v {
			out = append(out, x)
		}
	}
	return out
}
