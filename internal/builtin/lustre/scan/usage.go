package scan

import (
	"context"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

// Usage returns samples of the targets in a report of State.
func (s *Scanner) Usage(ctx context.Context, of *fact.Report) (map[fact.Name]*fact.Usage, []fact.Gap) {
	l := &look{Scanner: s, ctx: ctx, report: &fact.Report{}, p: &params{files: s.files}}
	if !l.p.present() {
		l.p.said, l.p.plain = map[string]map[string]map[string]string{}, map[string]string{}
		if len(of.Targets) > 0 {
			l.p.takeLctl(l.run("usage", source.Command{
				Name: "lctl", Args: append([]string{"get_param"}, usageParams...), Topic: []string{"get_param"}, Limit: lctlLimit,
			}))
		}
	}
	l.osd = l.p.kinds("osd-")
	all := map[fact.Name]*fact.Usage{}
	for name, t := range of.Targets {
		all[name] = l.usage(string(name), t)
	}
	for key, x := range s.exports { // of targets and connections that are gone
		if s.now().Sub(x.at) > 2*clientMemory {
			delete(s.exports, key)
		}
	}
	l.troubles("usage")
	return all, l.report.Gaps
}

func (l *look) usage(name string, t *fact.Target) *fact.Usage {
	kinds, obd := l.kindsOf(t.Kind), obd(t.Kind)
	read := func(kinds []string, param string, parse func(string) *int64) *int64 {
		text, ok := l.p.first(kinds, name, param)
		if !ok {
			return nil
		}
		return parse(text)
	}
	u := &fact.Usage{
		Total: read(kinds, "kbytestotal", kilobytes), Free: read(kinds, "kbytesfree", kilobytes), Available: read(kinds, "kbytesavail", kilobytes),
		Files: read(kinds, "filestotal", number), FilesFree: read(kinds, "filesfree", number),
		Exports: read([]string{obd}, "num_exports", number),
		Granted: read([]string{obd}, "tot_granted", number), Dirty: read([]string{obd}, "tot_dirty", number),
	}
	stats := map[fact.Kind][]string{fact.OST: {"stats"}, fact.MDT: {"md_stats", "stats"}}[t.Kind]
	for _, param := range stats {
		if text, ok := l.p.get(obd, name, param); ok {
			u.Counters = parseCounters(text)
			break
		}
	}
	if t.Kind != fact.MGT {
		if text, ok := l.p.first(kinds, name, "brw_stats"); ok {
			u.Histograms = parseHistograms(text)
		}
		u.Clients = l.clientsOf(obd, name)
	}
	return u
}

// clientsOf counts the clients among a target's connections; nil if that cannot be
// told. Other targets are clients, too, with names for UUIDs.
func (l *look) clientsOf(obd, name string) *int64 {
	total, told := int64(0), false
	for _, nid := range l.p.list(obd, name, "exports") {
		if !strings.Contains(nid, "@") {
			continue
		}
		key := name + " " + nid
		x, ok := l.exports[key]
		if now := l.now(); !ok || now.Sub(x.at) >= clientMemory {
			text, readable := l.p.get(obd, name, "exports/"+nid+"/uuid")
			if !readable {
				continue
			}
			uuids := slices.DeleteFunc(strings.Fields(text), func(u string) bool { return strings.HasSuffix(u, "_UUID") })
			x = seen{int64(len(uuids)), now}
			l.exports[key] = x
		}
		told = true
		total += x.clients
	}
	if !told {
		return nil
	}
	return &total
}
