package scan

import (
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
)

const byClient = "client"

// weight orders what is known of a target: who reaches it knows best, and a
// metadata target knows better than a client.
func weight(p *fact.Peer) int {
	w := 2 * slices.Index([]fact.Link{fact.Registered, fact.Disconnected, fact.Deactivated, fact.Recovering, fact.Connected}, p.Link)
	if p.By != byClient {
		w++
	}
	return w
}

// know notes what somebody knows of a target, unless better is known.
func (l *look) know(name fact.Name, link fact.Link, by, nid string) {
	cut := strings.LastIndexByte(string(name), '-')
	p := &fact.Peer{FS: string(name[:cut]), Kind: fact.OST, Link: link, By: by, NID: nid}
	if strings.HasPrefix(string(name[cut+1:]), "MDT") {
		p.Kind = fact.MDT
	}
	old := l.peers[name]
	if old == nil || weight(p) > weight(old) {
		if old != nil && old.By != byClient && p.By == byClient {
			p.By = old.By // the target is still one that the servers here know of
		}
		l.peers[name] = p
	} else if old.By == byClient && by != byClient {
		known := *old
		known.By = by
		l.peers[name] = &known
	}
}

// readRegistered reads which targets the management target knows. It is the first
// to be read: that it knows a target counts more than who reaches it.
func (l *look) readRegistered() {
	for _, dev := range l.p.devices("mgs") {
		for _, fs := range l.p.list("mgs", dev, "live") {
			text, _ := l.p.get("mgs", dev, "live/"+fs) // it may have gone since it was listed
			for _, name := range parseLive(text) {
				l.know(name, fact.Registered, managementName, "")
			}
		}
	}
	for _, dev := range l.p.devices("lod") {
		text, ok := l.p.get("lod", dev, "target_obd")
		if !ok {
			continue
		}
		by := strings.TrimSuffix(dev, "-mdtlov")
		for name := range parseTargets(text) {
			l.know(name, fact.Registered, by, "")
		}
	}
}

// readImports reads how metadata targets and clients stand to the targets that
// they use.
func (l *look) readImports() {
	byInstance := map[string]*fact.Client{}
	for _, dev := range l.p.devices("llite") {
		fs, instance, ok := cutLast(dev, '-')
		if !ok {
			continue
		}
		c := &fact.Client{FS: fs}
		if text, ok := l.p.get("llite", dev, "uuid"); ok {
			c.UUID = strings.TrimSpace(text)
		}
		for _, m := range l.mounts {
			if _, from, ok := strings.Cut(m.source, ":/"); ok && strings.SplitN(from, "/", 2)[0] == fs {
				c.Mount = m.target
			}
		}
		l.clients[dev], byInstance[fs+"-"+instance] = c, c
	}
	for _, kind := range []string{"osp", "osc", "mdc"} {
		for _, dev := range l.p.devices(kind) {
			m := importName.FindStringSubmatch(dev)
			if m == nil {
				continue
			}
			name, user := fact.Name(m[1]), m[2]
			fs, _, _ := cutLast(m[1], '-')
			link, nid := l.link(kind, dev)
			if strings.HasPrefix(user, "MDT") {
				l.know(name, link, fs+"-"+user, nid)
				continue
			}
			l.know(name, link, byClient, nid)
			if c := byInstance[fs+"-"+user]; c != nil {
				c.Targets++
				switch link {
				case fact.Disconnected:
					c.Disconnected = append(c.Disconnected, name)
				case fact.Deactivated:
					c.Inactive = append(c.Inactive, name)
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.clients)) {
		slices.Sort(l.clients[id].Disconnected)
		slices.Sort(l.clients[id].Inactive)
	}
}

// link tells how an import stands to its target. The value of "import" is long and
// is read only where there is no "state".
func (l *look) link(kind, dev string) (link fact.Link, nid string) {
	if text, ok := l.p.get(kind, dev, "active"); ok && strings.TrimSpace(text) == "0" {
		return fact.Deactivated, ""
	}
	for _, name := range []string{"ost_conn_uuid", "mds_conn_uuid"} {
		if text, ok := l.p.get(kind, dev, name); ok && strings.Contains(text, "@") {
			nid = strings.TrimSpace(text)
		}
	}
	if text, ok := l.p.get(kind, dev, "state"); ok {
		link = linkOf(pairs(text)["current_state"])
	} else if text, ok := l.p.get(kind, dev, "import"); ok {
		m := pairs(text)
		link = linkOf(m["state"])
		if text := strings.Trim(m["current_connection"], `"`); strings.Contains(text, "@") {
			nid = text
		}
	} else if text, ok := l.p.first([]string{kind}, dev, "ost_server_uuid"); ok {
		if f := strings.Fields(text); len(f) > 1 {
			link = linkOf(f[1])
		}
	}
	if link == "" {
		return fact.Registered, nid
	}
	return link, nid
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
