package sim

import "time"

const (
	defaultRebuild = 10 * time.Second
	rebuildSteps   = 20 // a running rebuild is visible in steps of 5 %
	maxDriftC      = 3  // temperatures wander so far from their usual value
)

// A rebuild of a pool.
type rebuild struct {
	start    time.Time
	duration time.Duration
}

// stepAt returns how many steps are done at a time.
func (r *rebuild) stepAt(now time.Time) int {
	return min(int(now.Sub(r.start)*rebuildSteps/r.duration), rebuildSteps)
}

// settle brings the array up to now. It must be called, with the lock held,
// before anything is read or changed.
func (a *Array) settle(now time.Time) {
	if every := a.opts.SampleEvery; every > 0 {
		if n := now.Sub(a.sampled) / every; n > 0 {
			a.sampled = a.sampled.Add(n * every)
			a.takeSamples(uint64(n))
		}
	}
	for pos := range a.rebuilding {
		p := a.pools.at(pos)
		step := p.rebuild.stepAt(now)
		if step == rebuildSteps {
			a.endRebuild(pos)
		} else if done := step * 100 / rebuildSteps; done != *p.RebuildPercent {
			p.RebuildPercent = &done
			mark(a, &a.pools, pos)
		}
	}
	a.finish()
}

// nextDue returns when settle will next have something to do; false if never.
func (a *Array) nextDue(now time.Time) (due time.Time, ok bool) {
	if every := a.opts.SampleEvery; every > 0 {
		due, ok = a.sampled.Add(every), true
	}
	for pos := range a.rebuilding {
		r := a.pools.at(pos).rebuild
		// A step is due when the division in stepAt first yields it.
		t := r.start.Add((r.duration*time.Duration(r.stepAt(now)+1) + rebuildSteps - 1) / rebuildSteps)
		if !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	return due, ok
}

// endRebuild makes the rebuilding disks of a pool good members.
func (a *Array) endRebuild(pos int) {
	p := a.pools.at(pos)
	for _, d := range p.members {
		if a.disks.at(d).Status == statusRebuilding {
			a.setDisk(d, statusOK)
		}
	}
	a.dropRebuild(pos)
	a.refreshPool(pos)
}

func (a *Array) dropRebuild(pos int) {
	p := a.pools.at(pos)
	if p.rebuild != nil {
		p.rebuild, p.RebuildPercent = nil, nil
		delete(a.rebuilding, pos)
		mark(a, &a.pools, pos)
	}
}

// takeSamples moves the statistics of all objects by n samples and shows the
// last of them. What they move to depends only on the seed and on how many
// samples there were.
func (a *Array) takeSamples(n uint64) {
	a.samples += n
	a.pending = true
	next := a.revision + 1
	random := func(stream uint64, pos int) uint64 { return mix(a.opts.Seed^a.samples<<20, stream, uint64(pos)) }
	wander := func(drift int, h uint64) int { return min(max(drift+int(h%3)-1, -maxDriftC), maxDriftC) }

	for pos := range a.enclosures.rows {
		e, h := a.enclosures.at(pos), random(30, pos)
		e.drift = wander(e.drift, h)
		e.TemperatureC = e.base + e.drift + e.heat
		e.PowerW = min(max(e.PowerW+int(h>>8%11)-5, 700), 1300)
		a.enclosures.sample(pos, next)
	}
	for pos := range a.fans.rows {
		if f := a.fans.at(pos); f.Status == statusOK {
			f.RPM = f.base + int(random(31, pos)%5)*20
			a.fans.sample(pos, next)
		}
	}
	for pos := range a.disks.rows {
		d, h := a.disks.at(pos), random(32, pos)
		if a.disks.rows[pos].gone || d.Status == statusFailed || d.Status == statusMissing {
			continue
		}
		d.drift = wander(d.drift, h)
		d.TemperatureC = d.base + d.drift + a.enclosures.at(d.enclosure).heat
		d.ReadBytes += int64(n * (h >> 8 % 1_500_000_000))
		d.WrittenBytes += int64(n * (h >> 24 % 700_000_000))
		a.disks.sample(pos, next)
	}
	for pos := range a.luns.rows {
		l, h := a.luns.at(pos), random(33, pos)
		if l.Status == statusFailed {
			continue
		}
		l.LatencyUs = 300 + int(h%400)
		l.ReadBytes += int64(n * (h >> 8 % 9_000_000_000))
		l.WrittenBytes += int64(n * (h >> 24 % 4_000_000_000))
		for bin := range l.IOSizeBuckets {
			l.IOSizeBuckets[bin] += int64(n * (mix(h, 0, uint64(bin)) % 5_000))
		}
		a.luns.sample(pos, next)
	}
}
