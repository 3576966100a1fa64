// Command hosts shows plugins that report hosts, paths, and what agents send.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// region machines

// Box is a controller that runs virtual machines.
type Box struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
}

// Machine is one of them. Its Address is declared by the base class.
type Machine struct {
	plugin.VirtualMachine
	Box    *Box `attr:",globalid"`
	Number int  `attr:",globalid"`
}

// endregion

// region classes

// Lun is a logical drive of the box.
type Lun struct {
	plugin.LogicalDrive
	Serial string `attr:",globalid"`
}

// Path is one way to a LUN; Weight is declared by the base class.
type Path struct {
	plugin.PathWeight
	Device plugin.Path `attr:",scopedid"`
}

// Node is a device node that a host has. HostID, Path and LogicalDrive are
// declared by the base class.
type Node struct {
	plugin.DeviceNode
	Serial string
}

// Describe identifies a node by attributes of its base class.
func (n *Node) Describe(c *plugin.Class) {
	c.ScopedID(&n.HostID, &n.Path)
}

// endregion

// Plugin scans boxes and takes what agents send.
type Plugin struct{}

// InitialScan reports the machines of a box.
func (p *Plugin) InitialScan(_ context.Context, s *plugin.Session, box *Box) error {
	// region scan
	m := plugin.Report(s, &Machine{Box: box, Number: 0})
	m.Address = "192.168.1.11"
	// endregion
	return nil
}

// region agent

// device is what the agent plugin sends of one device.
type device struct {
	Path, Serial string
	Preferred    bool
}

// AgentSessionStart takes the full listing of one host.
func (p *Plugin) AgentSessionStart(_ context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	var devices []device
	if err := json.Unmarshal(data, &devices); err != nil {
		return fmt.Errorf("host %d: %w", hostID, err)
	}
	seen := map[plugin.Path]bool{}
	for _, d := range devices {
		lun := plugin.Report(s, &Lun{Serial: d.Serial})
		path := plugin.Report(s, &Path{Device: plugin.Path(d.Path)}, lun)
		if d.Preferred {
			path.Weight = 10
		}
		node := &Node{Serial: d.Serial}
		node.HostID, node.Path = hostID, plugin.Path(d.Path)
		node = plugin.Report(s, node, path)
		node.LogicalDrive = lun
		seen[node.Path] = true
	}
	for node := range plugin.All[Node](s) {
		if !seen[node.Path] {
			plugin.Remove(node)
		}
	}
	return nil
}

// AgentSessionContinue takes what comes later; this agent plugin always lists all.
func (p *Plugin) AgentSessionContinue(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	return p.AgentSessionStart(ctx, s, hostID, data)
}

// endregion

func declare(more ...plugin.Option) *plugin.Program {
	return plugin.New("hosts", 1, append([]plugin.Option{
		plugin.Scans(func() *Plugin { return &Plugin{} }), plugin.Reports[Machine](), plugin.Reports[Lun](), plugin.Reports[Path](),
		plugin.Reports[Node](), plugin.Reports[Server](),
	}, more...)...)
}

// region hostroot

// Server is the root of what is made from one host's data.
type Server struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

// endregion

func main() { declare().Main() }
