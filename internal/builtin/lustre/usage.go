package lustre

import (
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// settle is how long after its start the plugin waits for the hosts, before it
// adds up a file system of which it has not heard all targets.
const settle = 3 * time.Minute

// use is the last sample of a target, with its rates since the one before.
type use struct {
	fact.Usage
	at          time.Time
	read, write float64 // bytes per second
}

// sample notes what a target uses. The caller holds mu.
func (w *world) sample(k key, u *fact.Usage) {
	now := w.now()
	last, had := w.use[k]
	next := use{Usage: *u, at: now}
	if seconds := now.Sub(last.at).Seconds(); had && seconds > 0 {
		rate := func(name string) float64 {
			a, b := last.Counters[name].Sum, u.Counters[name].Sum
			if a == nil || b == nil || *b < *a {
				return 0 // unknown, or counted anew
			}
			return float64(*b-*a) / seconds
		}
		next.read, next.write = rate("read_bytes"), rate("write_bytes")
	}
	w.use[k] = next
	if u.Total == nil || *u.Total <= 0 {
		return
	}
	// The size that ZFS gives moves with every write; as an attribute it is what it
	// was until it has moved by a hundredth.
	if old := w.sizes[k]; old == 0 || max(old, *u.Total)-min(old, *u.Total) > old/100 {
		w.sizes[k] = *u.Total
	}
}

// writer reports whether the session of the host tells the attributes of a file
// system: a host that knows all targets does, by its management target or the
// first metadata target; where there is none, all hosts do.
func (w *world) writer(h *host, fs string) bool {
	if knowsAll(h, fs) {
		return true
	}
	for _, other := range w.hosts {
		if other.plug != nil && w.trust(other) == trusted && knowsAll(other, fs) {
			return false
		}
	}
	for k := range w.mention {
		if k.fs == fs && w.mention[k][h.id] {
			return true
		}
	}
	return false
}

func knowsAll(h *host, fs string) bool {
	for _, p := range h.view.Peers {
		if p.FS == fs && p.By != byClient {
			return true
		}
	}
	return false
}

// writesAny reports whether the session tells the attributes of one of the file
// systems. The caller holds the world's mu.
func (p *Lustre) writesAny(systems map[string]bool) bool {
	for fs := range systems {
		if p.writes[fs] {
			return true
		}
	}
	return false
}

// of are the targets of a file system that are known.
func (w *world) of(fs string) (list []key) {
	for k := range w.mention {
		if k.fs == fs && k.name != managementName {
			list = append(list, k)
		}
	}
	return list
}

// describe fills in what all hosts know of a file system. The caller holds mu.
func (w *world) describe(f *FileSystem) {
	var metadata, objects, missing int64
	size, whole := int64(0), true
	for _, k := range w.of(f.Name) {
		if w.conclude(k).state == Offline {
			missing++
		}
		if kindOf(k.name) == fact.MDT {
			metadata++
			continue
		}
		objects++
		size += w.sizes[k]
		whole = whole && w.sizes[k] > 0
	}
	f.MetadataTargets, f.ObjectTargets, f.Missing = &metadata, &objects, &missing
	if whole && size > 0 {
		f.Size = plugin.Bytes(size)
	}
}

// sample adds the samples of a message to the targets of the host and, if this
// session is the one that does so, to their file systems.
func (p *Lustre) sample(r *fact.Report) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	v := &p.h.view
	systems := map[string]bool{}
	for name, u := range r.Usage {
		at := v.Targets[name]
		if at == nil || u == nil {
			continue
		}
		k := v.key(p.h.id, name)
		if t := p.targets[k]; t != nil {
			t.sample(u)
		}
		systems[k.fs] = true
	}
	for name, at := range v.Targets {
		t := p.targets[v.key(p.h.id, name)]
		if t == nil || at.Recovery == nil || r.Targets[name] == nil {
			continue
		}
		t.base.RecoveryLeft.Set(float64(max(0, at.Recovery.Remaining)))
		t.base.RecoveredClients.Set(float64(max(0, at.Recovery.Completed)))
	}
	for nid, i := range v.Interfaces {
		if x, ok := plugin.Find(p.s, &LNetInterface{NID: nid}); ok && i.Health != nil && (r.Usage != nil || r.Interfaces[nid] != nil) {
			x.HealthValue.Set(float64(*i.Health))
		}
	}
	for fs := range systems {
		if f, ok := plugin.Find(p.s, &FileSystem{Name: fs}); ok && p.w.adder(fs) == p.h {
			p.w.add(f)
		}
	}
}

// adder is the host whose session adds up a file system: of those that have
// targets of it and are not silent, the one with the lowest number.
func (w *world) adder(fs string) (first *host) {
	for _, h := range w.hosts {
		if h.plug == nil || w.trust(h) != trusted || first != nil && first.id < h.id {
			continue
		}
		for _, t := range h.view.Targets {
			if t.FS == fs && t.Kind != fact.MGT {
				first = h
				break
			}
		}
	}
	return first
}

// add samples a file system: its object store targets' space, its metadata
// targets' inodes. A target that is not heard of keeps its size, but does nothing.
func (w *world) add(f *FileSystem) {
	var total, free, available, files, filesFree int64
	var clients, read, write float64
	var objects, metadata, counted bool
	for _, k := range w.of(f.Name) {
		u, ok := w.use[k]
		if !ok {
			if w.now().Sub(w.started) < settle {
				return // its host has not been heard yet
			}
			continue
		}
		heard := w.now().Sub(u.at) < silence
		if heard && u.Clients != nil {
			clients, counted = max(clients, float64(*u.Clients)), true
		}
		switch kindOf(k.name) {
		case fact.MDT:
			if u.Files != nil && u.FilesFree != nil {
				files, filesFree, metadata = files+*u.Files, filesFree+*u.FilesFree, true
			}
		case fact.OST:
			if u.Total != nil && u.Free != nil {
				total, free, objects = total+*u.Total, free+*u.Free, true
				available += *orElse(u.Available, u.Free)
			}
			if heard {
				read, write = read+u.read, write+u.write
			}
		}
	}
	if objects {
		f.Capacity.Set(float64(total))
		f.Used.Set(float64(total - free))
		f.Available.Set(float64(available))
		percent(&f.UsedPercent, total-free, available)
		f.ReadBandwidth.Set(read)
		f.WriteBandwidth.Set(write)
	}
	if metadata {
		f.Inodes.Set(float64(files))
		f.InodesFree.Set(float64(filesFree))
		percent(&f.InodesPercent, files-filesFree, filesFree)
	}
	if counted {
		f.Clients.Set(clients)
	}
}

func orElse(a, b *int64) *int64 {
	if a != nil {
		return a
	}
	return b
}

// percent samples how much is used of what is used or can be had, as df tells it:
// what only root may use is none of either.
func percent(g *plugin.Gauge, used, available int64) {
	if used >= 0 && available >= 0 && used+available > 0 {
		g.Set(100 * float64(used) / float64(used+available))
	}
}

// sample adds the samples of one target.
func (t *target) sample(u *fact.Usage) {
	b := t.base
	gauge := func(g *plugin.Gauge, v *int64) {
		if v != nil && *v >= 0 {
			g.Set(float64(*v))
		}
	}
	gauge(&b.Total, u.Total)
	gauge(&b.Available, orElse(u.Available, u.Free))
	if u.Total != nil && u.Free != nil {
		b.Used.Set(float64(*u.Total - *u.Free))
		percent(&b.UsedPercent, *u.Total-*u.Free, *orElse(u.Available, u.Free))
	}
	gauge(&b.Inodes, u.Files)
	gauge(&b.InodesFree, u.FilesFree)
	if u.Files != nil && u.FilesFree != nil {
		percent(&b.InodesPercent, *u.Files-*u.FilesFree, *u.FilesFree)
	}
	gauge(&b.Exports, u.Exports)
	gauge(&b.Clients, u.Clients)
	sum := func(c *plugin.Counter, name string) {
		if x, ok := u.Counters[name]; ok && x.Sum != nil && *x.Sum >= 0 {
			c.Set(float64(*x.Sum))
		}
	}
	count := func(c *plugin.Counter, name string) {
		if x, ok := u.Counters[name]; ok && x.Samples >= 0 {
			c.Set(float64(x.Samples))
		}
	}
	switch {
	case t.ost != nil:
		o := t.ost
		sum(&o.ReadBytes, "read_bytes")
		sum(&o.WriteBytes, "write_bytes")
		count(&o.Reads, "read_bytes")
		count(&o.Writes, "write_bytes")
		count(&o.Creates, "create")
		count(&o.Destroys, "destroy")
		count(&o.Punches, "punch")
		count(&o.Syncs, "sync")
		gauge(&o.Granted, u.Granted)
		gauge(&o.Dirty, u.Dirty)
		o.histograms(u)
	case t.mdt != nil:
		m := t.mdt
		for name, c := range map[string]*plugin.Counter{
			"open": &m.Opens, "close": &m.Closes, "mknod": &m.Creates, "link": &m.Links, "unlink": &m.Unlinks, "mkdir": &m.Mkdirs,
			"rmdir": &m.Rmdirs, "rename": &m.Renames, "getattr": &m.Getattrs, "setattr": &m.Setattrs, "getxattr": &m.Getxattrs,
			"setxattr": &m.Setxattrs, "statfs": &m.Statfs, "sync": &m.Syncs,
		} {
			count(c, name)
		}
		m.histograms(u)
	}
}

// The upper ends of the bins, all but the open last one, as BlockIO declares them.
var (
	sizeBins  = powers(4096, 16<<20)
	timeBins  = powers(1, 8192)
	fewBins   = powers(1, 256)
	pageBins  = powers(1, 4096)
	breakBins = []int64{0, 1, 2, 4, 8, 16, 30}
	pieceBins = []int64{1, 2, 4, 8, 16, 30}
)

// powers are the powers of two from first to last.
func powers(first, last int64) (list []int64) {
	for v := first; v <= last; v *= 2 {
		list = append(list, v)
	}
	return list
}

// histograms adds the samples of brw_stats.
func (b *BlockIO) histograms(u *fact.Usage) {
	for title, h := range map[string]struct {
		ends        []int64
		read, write *plugin.Histogram
	}{
		"disk I/O size":        {sizeBins, &b.IOSizeRead, &b.IOSizeWrite},
		"I/O time":             {timeBins, &b.IOTimeRead, &b.IOTimeWrite},
		"disk I/Os in flight":  {fewBins, &b.InFlightRead, &b.InFlightWrite},
		"pages per bulk r/w":   {pageBins, &b.BulkPagesRead, &b.BulkPagesWrite},
		"discontiguous pages":  {breakBins, &b.PageBreaksRead, &b.PageBreaksWrite},
		"discontiguous blocks": {breakBins, &b.BlockBreaksRead, &b.BlockBreaksWrite},
		"disk fragmented I/Os": {pieceBins, &b.FragmentsRead, &b.FragmentsWrite},
	} {
		bins, ok := u.Histograms[title]
		if !ok {
			continue
		}
		reads, writes := make([]int64, len(h.ends)+1), make([]int64, len(h.ends)+1)
		for _, bin := range bins {
			i := 0
			for i < len(h.ends) && bin.Value > h.ends[i] {
				i++
			}
			reads[i] += max(0, bin.Read)
			writes[i] += max(0, bin.Write)
		}
		h.read.Set(reads)
		h.write.Set(writes)
	}
}
