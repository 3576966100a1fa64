package scan

import (
	"encoding/xml"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
)

// readCluster reads which high-availability cluster the host is in, from the
// configuration of Pacemaker or of what is below it. The tools of Pacemaker would ask
// the cluster, and wait for it.
func (h *host) readCluster() {
	c := &fact.Cluster{Nodes: []string{}}
	if text, err := h.files.Read("/var/lib/pacemaker/cib/cib.xml"); err == nil {
		readCIB(c, text)
	}
	if text, err := h.files.Read("/etc/corosync/corosync.conf"); err == nil {
		readCorosync(c, string(text))
	} else if text, err := h.files.Read("/etc/cluster/cluster.conf"); err == nil {
		readCMAN(c, text)
	}
	if c.Name == "" && len(c.Nodes) == 0 {
		return
	}
	slices.Sort(c.Nodes)
	c.Nodes = slices.Compact(c.Nodes)
	h.report.Cluster = c
}

// readCIB reads Pacemaker's own configuration: the names that it gives to nodes.
func readCIB(c *fact.Cluster, text []byte) {
	var cib struct {
		Options []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"configuration>crm_config>cluster_property_set>nvpair"`
		Nodes []struct {
			Name string `xml:"uname,attr"`
			Type string `xml:"type,attr"`
		} `xml:"configuration>nodes>node"`
	}
	if xml.Unmarshal(text, &cib) != nil {
		return
	}
	for _, o := range cib.Options {
		if o.Name == "cluster-name" {
			c.Name = o.Value
		}
	}
	for _, n := range cib.Nodes {
		// Remote nodes run resources, but have no vote.
		if n.Name != "" && n.Type != "remote" {
			c.Nodes = append(c.Nodes, n.Name)
		}
	}
}

// readCorosync reads blocks of "key: value" in braces. A node without a name is known
// by its first address.
func readCorosync(c *fact.Cluster, text string) {
	known := len(c.Nodes) > 0
	var sections []string
	name, address := "", ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, "{"):
			sections = append(sections, strings.TrimSpace(strings.TrimSuffix(line, "{")))
			name, address = "", ""
		case line == "}":
			if n := len(sections); n > 0 {
				if sections[n-1] == "node" && !known && or(name, address) != "" {
					c.Nodes = append(c.Nodes, or(name, address))
				}
				sections = sections[:n-1]
			}
		case len(sections) > 0:
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch in := sections[len(sections)-1]; {
			case in == "totem" && key == "cluster_name":
				c.Name = or(c.Name, value)
			case in == "node" && key == "name":
				name = value
			case in == "node" && key == "ring0_addr":
				address = value
			}
		}
	}
}

// readCMAN reads the configuration of clusters before corosync 2.
func readCMAN(c *fact.Cluster, text []byte) {
	var conf struct {
		Name  string `xml:"name,attr"`
		Nodes []struct {
			Name string `xml:"name,attr"`
		} `xml:"clusternodes>clusternode"`
	}
	if xml.Unmarshal(text, &conf) != nil {
		return
	}
	c.Name = or(c.Name, conf.Name)
	if len(c.Nodes) > 0 {
		return
	}
	for _, n := range conf.Nodes {
		c.Nodes = append(c.Nodes, n.Name)
	}
}
