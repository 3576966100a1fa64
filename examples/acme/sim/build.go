package sim

import (
	"encoding/binary"
	"fmt"
)

// Fixed facts of the simulated product line.
const (
	systemModel       = "AX-5000"
	systemFirmware    = "7.4.2"
	controllerModel   = "AX-5000-RC"
	enclosureModel    = "AX-D84"
	diskFirmware      = "C604"
	nextFirmware      = "C605"
	controllerNormalC = 45
	lunShare          = 0.9 // of a pool's capacity is in its LUNs
)

var diskModels = []struct {
	vendor, model, media string
	rpm                  int
	bytes                int64
}{
	{"Acme", "ACM-16T7K", "HDD", 7200, 16_000_900_661_248},
	{"Acme", "ACM-18T7K", "HDD", 7200, 18_000_207_937_536},
	{"Borealis", "BX-7680", "SSD", 0, 7_681_501_126_656},
}

// populate makes every object. The order of making is the order of listing.
func (a *Array) populate() {
	n := a.opts.Disks
	enclosures := (n + baysPerEnclosure - 1) / baysPerEnclosure
	pools := max(n/disksPerPool, 1) // a small array is one pool of all disks
	a.controllers = newTable[controller](kindController, 2)
	a.enclosures = newTable[enclosure](kindEnclosure, enclosures)
	a.fans = newTable[fan](kindFan, enclosures*fansPerEnclosure)
	a.powerSupplies = newTable[powerSupply](kindPowerSupply, enclosures*psusPerEnclosure)
	a.disks = newTable[disk](kindDisk, n)
	a.pools = newTable[pool](kindPool, pools)
	a.luns = newTable[lun](kindLUN, pools+pools/2)
	a.paths = newTable[path](kindPath, 2*(pools+pools/2))

	for i := range 2 {
		a.addController(i)
	}
	for i := range enclosures {
		a.addEnclosure(i)
	}
	for i := range pools {
		a.pools.add(fmt.Sprintf("pool-%02d", i+1), pool{
			ID: fmt.Sprintf("pool-%02d", i+1), Number: i + 1, RAIDType: "raid6", Status: statusOK,
		}, a.revision)
	}
	for i := range n {
		p := i / disksPerPool
		if p >= pools {
			p = -1 // a spare
		}
		a.addDisk(i/baysPerEnclosure, i%baysPerEnclosure+1, p, a.revision)
	}
	for i := range pools {
		a.fillPool(i)
	}
	for _, encode := range []func(){
		a.controllers.encodeAll, a.enclosures.encodeAll, a.fans.encodeAll, a.powerSupplies.encodeAll,
		a.disks.encodeAll, a.pools.encodeAll, a.luns.encodeAll, a.paths.encodeAll,
	} {
		encode()
	}
}

func (a *Array) addController(i int) {
	c := controller{
		ID: fmt.Sprintf("controller-%d", i), Index: i, Serial: serial("AC", a.opts.Seed, 1, i+1), Model: controllerModel,
		Firmware: systemFirmware, Status: statusOK, TemperatureC: controllerNormalC + i,
	}
	for p := range portsPerControl {
		h := mix(a.opts.Seed, 2, uint64(i*portsPerControl+p))
		c.Ports = append(c.Ports, port{WWPN: fmt.Sprintf("5000ace0%08x", uint32(h)), SpeedGbps: 32, Up: true})
	}
	a.controllers.add(c.ID, c, a.revision)
}

func (a *Array) addEnclosure(i int) {
	number := i + 1
	e := enclosure{
		ID: fmt.Sprintf("enclosure-%d", number), Number: number, Serial: serial("AE", a.opts.Seed, 3, number), Model: enclosureModel,
		Bays: baysPerEnclosure, base: 27 + int(mix(a.opts.Seed, 4, uint64(i))%6), PowerW: 900 + int(mix(a.opts.Seed, 5, uint64(i))%200),
	}
	e.TemperatureC = e.base
	a.enclosures.add(e.ID, e, a.revision)
	for k := range fansPerEnclosure {
		f := fan{
			ID: fmt.Sprintf("fan-%d-%d", number, k+1), Enclosure: e.ID, Number: k + 1, Status: statusOK,
			base: nominalFanRPM + 20*int(mix(a.opts.Seed, 6, uint64(i*fansPerEnclosure+k))%20),
		}
		f.RPM = f.base
		a.fans.add(f.ID, f, a.revision)
	}
	for k := range psusPerEnclosure {
		p := powerSupply{
			ID: fmt.Sprintf("psu-%d-%d", number, k+1), Enclosure: e.ID, Number: k + 1,
			Serial: serial("AP", a.opts.Seed, 7, i*psusPerEnclosure+k+1), Status: statusOK,
		}
		a.powerSupplies.add(p.ID, p, a.revision)
	}
}

// addDisk puts a new disk with the next free number into a bay and returns its
// position. The pool is -1 for a spare.
func (a *Array) addDisk(enclosure, slot, pool int, revision uint64) int {
	a.nextDisk++
	number := a.nextDisk
	h := mix(a.opts.Seed, 8, uint64(number))
	// The disks of one pool are alike.
	m := diskModels[mix(a.opts.Seed, 9, uint64(max(pool, 0)))%uint64(len(diskModels))]
	e := a.enclosures.at(enclosure)
	d := disk{
		ID: fmt.Sprintf("disk-%04d", number), Serial: serial("AD", a.opts.Seed, 10, number), Enclosure: e.ID, Slot: slot,
		Vendor: m.vendor, Model: m.model, Media: m.media, RPM: m.rpm, Firmware: diskFirmware, CapacityBytes: m.bytes, Status: statusOK,
		ReadBytes: int64(h % (1 << 44)), WrittenBytes: int64(h >> 20 % (1 << 43)),
		base: 30 + int(h>>56%8), enclosure: enclosure, pool: pool,
	}
	d.TemperatureC = d.base + e.heat
	if pool >= 0 {
		d.Pool = a.pools.at(pool).ID
	}
	pos := a.disks.add(d.ID, d, revision)
	e.disks = append(e.disks, pos)
	if pool >= 0 {
		p := a.pools.at(pool)
		p.members = append(p.members, pos)
	}
	return pos
}

// fillPool gives a pool its capacity and cuts its LUNs: one, or two from every
// second pool. Paths of LUN i stand at positions 2i (controller 0) and 2i+1.
func (a *Array) fillPool(pos int) {
	p := a.pools.at(pos)
	p.width = len(p.members)
	for _, d := range p.members[parityDisks:] {
		p.CapacityBytes += a.disks.at(d).CapacityBytes
	}
	count := 1 + pos%2
	size := int64(float64(p.CapacityBytes)*lunShare) / int64(count) >> 20 << 20 // whole MiB
	p.FreeBytes = p.CapacityBytes - size*int64(count)
	for range count {
		number := len(a.luns.rows) + 1
		h1, h2 := mix(a.opts.Seed, 11, uint64(number)), mix(a.opts.Seed, 12, uint64(number))
		l := lun{
			ID: fmt.Sprintf("lun-%d", number), Number: number, Name: fmt.Sprintf("%s-v%d", a.opts.Name, number), Pool: p.ID,
			SizeBytes: size, WWID: fmt.Sprintf("3600ACE00%016X%08X", h1, uint32(number)), UUID: uuid(h1, h2), Status: statusOK,
			LatencyUs: 300 + int(h1%400), ReadBytes: int64(h1 % (1 << 45)), WrittenBytes: int64(h2 % (1 << 44)),
			IOSizeBuckets: make([]int64, len(ioSizeBins)+1), pool: pos,
		}
		for bin := range l.IOSizeBuckets {
			l.IOSizeBuckets[bin] = int64(mix(h1, h2, uint64(bin)) % 100_000)
		}
		p.luns = append(p.luns, a.luns.add(l.ID, l, a.revision))
		for c := range 2 {
			state := stateStandby
			if number%2 == c {
				state = stateActive
			}
			ctrl := a.controllers.at(c).ID
			a.paths.add(l.ID+"/"+ctrl, path{ID: l.ID + "/" + ctrl, LUN: l.ID, Controller: ctrl, State: state}, a.revision)
		}
	}
}

// mix is a hash of three numbers (the finalizer of SplitMix64, chained).
func mix(seed, stream, n uint64) uint64 {
	h := seed
	for _, v := range [...]uint64{stream, n} {
		h += 0x9e3779b97f4a7c15 * (v + 1)
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// serial makes a serial number: a prefix for the kind, four letters from the
// seed and the object's number.
func serial(prefix string, seed, stream uint64, number int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	h := mix(seed, stream, 0)
	var b [4]byte
	for i := range b {
		b[i] = letters[h>>(5*i)%32]
	}
	return fmt.Sprintf("%s%s%06d", prefix, b, number)
}

// uuid makes a version 4 UUID of two hashes.
func uuid(h1, h2 uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h1)
	binary.BigEndian.PutUint64(b[8:], h2)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
