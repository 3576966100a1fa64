package sim

import (
	"cmp"
	"strings"
	"time"
)

// The faults of parts other than disks and pools, and of the array as a whole.

func (a *Array) overheat(f *Fault, _ time.Time) error {
	pos, err := find(&a.enclosures, f.Target)
	if err != nil {
		return err
	}
	a.setHeat(pos, cmp.Or(f.Celsius, defaultOverheat))
	return nil
}

// setHeat makes an enclosure and what is in it hotter than usual.
func (a *Array) setHeat(pos, degrees int) {
	e := a.enclosures.at(pos)
	if e.heat == degrees {
		return
	}
	e.heat = degrees
	e.TemperatureC = e.base + e.drift + e.heat
	mark(a, &a.enclosures, pos)
	for _, i := range e.disks {
		d := a.disks.at(i)
		d.TemperatureC = d.base + d.drift + e.heat
		mark(a, &a.disks, i)
	}
}

func (a *Array) failFan(f *Fault, _ time.Time) error {
	pos, err := find(&a.fans, f.Target)
	if err != nil {
		return err
	}
	a.setFan(pos, statusFailed)
	return nil
}

func (a *Array) setFan(pos int, status string) {
	f := a.fans.at(pos)
	if f.Status == status {
		return
	}
	f.Status, f.RPM = status, 0
	if status == statusOK {
		f.RPM = f.base
	}
	mark(a, &a.fans, pos)
}

func (a *Array) failPowerSupply(f *Fault, _ time.Time) error {
	pos, err := find(&a.powerSupplies, f.Target)
	if err != nil {
		return err
	}
	a.setPowerSupply(pos, statusFailed)
	return nil
}

func (a *Array) setPowerSupply(pos int, status string) {
	if p := a.powerSupplies.at(pos); p.Status != status {
		p.Status = status
		mark(a, &a.powerSupplies, pos)
	}
}

func (a *Array) failController(f *Fault, _ time.Time) error {
	pos, err := find(&a.controllers, f.Target)
	if err != nil {
		return err
	}
	a.setController(pos, statusFailed)
	return nil
}

func (a *Array) setController(pos int, status string) {
	c := a.controllers.at(pos)
	if c.Status == status {
		return
	}
	c.Status = status
	for i := range c.Ports {
		c.Ports[i].Up = status == statusOK
	}
	mark(a, &a.controllers, pos)
	for l := range a.luns.rows {
		a.refreshLUN(l)
	}
}

func (a *Array) losePath(f *Fault, _ time.Time) error {
	if _, err := find(&a.luns, f.Target); err != nil {
		return err
	}
	pos, err := find(&a.paths, f.Target+"/"+f.Controller)
	if err != nil {
		return err
	}
	a.paths.at(pos).lost = true
	a.refreshLUN(pos / 2)
	return nil
}

func (a *Array) upgradeFirmware(f *Fault, _ time.Time) error {
	// Walking by an accumulated share reaches the same disks every time and
	// spreads them over the enclosures.
	share := 0.0
	for pos := range a.disks.rows {
		share += f.Percent / 100
		if share < 1-1e-9 {
			continue
		}
		share--
		if a.disks.rows[pos].gone {
			continue
		}
		d := a.disks.at(pos)
		if d.Firmware == nextFirmware {
			d.Firmware = diskFirmware
		} else {
			d.Firmware = nextFirmware
		}
		mark(a, &a.disks, pos)
	}
	return nil
}

func (a *Array) sampleNow(*Fault, time.Time) error {
	a.takeSamples(1)
	return nil
}

// trouble is how the array answers badly. A zero time means not at all.
type trouble struct {
	silentUntil, slowUntil, garbageUntil time.Time
	mode                                 string
	delay                                time.Duration
	garbled                              int // nonsense answers given so far
}

// until returns when something that lasts for d ends; for 0, that is never.
func until(now time.Time, d Duration) time.Time {
	if d == 0 {
		return now.AddDate(100, 0, 0)
	}
	return now.Add(time.Duration(d))
}

func (a *Array) goSilent(f *Fault, now time.Time) error {
	a.trouble.silentUntil, a.trouble.mode = until(now, f.For), cmp.Or(f.Mode, ModeHang)
	a.wake() // event streams fall silent too
	return nil
}

func (a *Array) goSlow(f *Fault, now time.Time) error {
	a.trouble.slowUntil, a.trouble.delay = until(now, f.For), time.Duration(f.Delay)
	return nil
}

func (a *Array) goGarbage(f *Fault, now time.Time) error {
	a.trouble.garbageUntil = until(now, f.For)
	return nil
}

// heal makes one object, or the whole array, well again. What was pulled out
// stays out, but pools get their full number of disks.
func (a *Array) heal(f *Fault, _ time.Time) error {
	if f.Target == "" {
		a.healAll()
		return nil
	}
	kind, _, _ := strings.Cut(f.Target, "-")
	if strings.Contains(f.Target, "/") {
		kind = kindPath
	}
	pos, err := a.position(kind, f.Target)
	if err != nil {
		return err
	}
	switch kind {
	case kindController:
		a.setController(pos, statusOK)
	case kindEnclosure:
		a.setHeat(pos, 0)
	case kindFan:
		a.setFan(pos, statusOK)
	case kindPowerSupply:
		a.setPowerSupply(pos, statusOK)
	case kindDisk:
		a.healDisk(pos)
	case kindPool:
		a.healPool(pos)
	case kindLUN:
		a.healPath(2 * pos)
		a.healPath(2*pos + 1)
	case kindPath:
		a.healPath(pos)
	}
	return nil
}

// position returns where the object of a kind is.
func (a *Array) position(kind, id string) (int, error) {
	switch kind {
	case kindController:
		return find(&a.controllers, id)
	case kindEnclosure:
		return find(&a.enclosures, id)
	case kindFan:
		return find(&a.fans, id)
	case kindPowerSupply:
		return find(&a.powerSupplies, id)
	case kindDisk:
		return find(&a.disks, id)
	case kindPool:
		return find(&a.pools, id)
	case kindLUN:
		return find(&a.luns, id)
	default:
		return find(&a.paths, id)
	}
}

func (a *Array) healAll() {
	a.trouble = trouble{}
	for pos := range a.controllers.rows {
		a.setController(pos, statusOK)
	}
	for pos := range a.enclosures.rows {
		a.setHeat(pos, 0)
	}
	for pos := range a.fans.rows {
		a.setFan(pos, statusOK)
	}
	for pos := range a.powerSupplies.rows {
		a.setPowerSupply(pos, statusOK)
	}
	for pos := range a.paths.rows {
		a.healPath(pos)
	}
	for pos := range a.pools.rows {
		a.healPool(pos)
	}
	for pos := range a.disks.rows {
		if !a.disks.rows[pos].gone {
			a.setDisk(pos, statusOK)
		}
	}
	a.wake() // requests that hang go on
}

func (a *Array) healDisk(pos int) {
	a.setDisk(pos, statusOK)
	if p := a.disks.at(pos).pool; p >= 0 {
		a.refreshPool(p)
	}
}

func (a *Array) healPool(pos int) {
	a.dropRebuild(pos)
	a.fillUp(pos, statusOK)
	for _, d := range a.pools.at(pos).members {
		a.setDisk(d, statusOK)
	}
	a.refreshPool(pos)
}

func (a *Array) healPath(pos int) {
	a.paths.at(pos).lost = false
	a.refreshLUN(pos / 2)
}
