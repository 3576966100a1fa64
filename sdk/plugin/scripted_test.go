package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// The scripted plugin of protocol/transcripts/README.md.

type Array struct {
	plugin.ScannableResource
	Address  plugin.Hostname `attr:",globalid"`
	Password plugin.Secret   `attr:",optional"`
	Port     int             `min:"1" max:"65535" default:"8080" label:"TCP port"`
	Nickname string          `attr:",hidden"`
	Scenario string          `attr:",optional" maxlen:"32"`
}

func (a *Array) Describe(c *plugin.Class) {
	plugin.Default(c, &a.Nickname, func(a *Array) string { return "array at " + string(a.Address) })
}

func (a *Array) Encrypt(password string) (string, error) {
	if password == "refuse" {
		return "", errors.New("not this one")
	}
	r := []rune(password)
	slices.Reverse(r)
	return string(r), nil
}

type Manual struct {
	plugin.ScannableResource `attr:",autoid"`
	Note                     string
}

type Server struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

type Shelf struct {
	plugin.Enclosure
	Number int `attr:",scopedid"`
}

type Status string

const (
	OK          Status = "OK"
	NearFailure Status = "NEARFAILURE"
	Failed      Status = "FAILED"
)

type Drive struct {
	plugin.PhysicalDisk
	Shelf       *Shelf                `attr:",scopedid"`
	Slot        int                   `attr:",scopedid" min:"0"`
	Status      Status                `enum:"OK,NEARFAILURE,FAILED"`
	Capacity    plugin.Bytes          `label:"Raw size"`
	RPM         *int                  `attr:",optional,hidden"`
	WWN         plugin.UUID           `attr:",optional"`
	Locate      bool                  //
	Wear        *float64              `attr:",optional" min:"0" max:"1"`
	Temperature plugin.Gauge          `unit:"C" every:"30s"`
	Read        plugin.Counter        `unit:"bytes"`
	Written     plugin.Counter        `unit:"bytes"`
	Latency     plugin.BytesHistogram `bins:"0-512,513-1024,1025-4096,4097-"`
}

func (d *Drive) Describe(c *plugin.Class) {
	c.Label("Hard drive")
	c.Alert(plugin.When(&d.Status).Warn(NearFailure).For(1500*time.Millisecond), "Drive near failure", "nearfailure")
	c.Alert(plugin.When(&d.Status).Error(Failed), "Drive failure", "failure")
	c.Alert(plugin.Above(&d.Temperature).Warn(70).WarnClear(65.5).Error(85).ErrorClear(80).For(90*time.Second), "Maximum operating temperature exceeded")
	c.Alert(plugin.Below(&d.Capacity).Info(1000), "Drive is small")
	c.Chart("Bandwidth", &d.Read, &d.Written)
}

type Pool struct {
	plugin.StoragePool
	Name string `attr:",scopedid" maxlen:"16"`
}

func (p *Pool) Label() string { return "pool " + p.Name }

type Lun struct {
	plugin.LogicalDrive
	WWID       plugin.UUID `attr:",globalid"`
	Pool       *Pool
	SpareDrive *Drive      `attr:",optional"`
	Name       string      `default:"unnamed" was:"title"`
	Mount      plugin.Path `attr:",optional"`
}

func (l *Lun) Label() string { return l.Name }

func (l *Lun) Describe(c *plugin.Class) {
	c.Provide("linux", "ScsiDevice", &l.WWID).IgnoreCase()
	plugin.SubscribeTo[Pool](c, &l.Name)
}

type Node struct {
	plugin.DeviceNode
}

func (n *Node) Describe(c *plugin.Class) {
	c.ScopedID(&n.HostID, &n.Path)
	plugin.SubscribeTo[plugin.DeviceNode](c, &n.Path)
}

type Vm struct {
	plugin.VirtualMachine
	VMID  int        `attr:"vm_id,globalid"`
	Array plugin.Any `attr:",globalid"`
}

// Scripted plays the scenario that its root names.
type Scripted struct {
	log     func(msg string, args ...any)
	updates int
	shelf   *Shelf
	d0, d1  *Drive
	pool    *Pool
	lun     *Lun
}

func scripted(options ...plugin.Option) *plugin.Program {
	return plugin.New("scripted", 1, append([]plugin.Option{
		plugin.Scans(func() *Scripted { return &Scripted{} }),
		plugin.Reports[Array](),
		plugin.Reports[Manual](),
		plugin.Reports[Server](),
		plugin.Reports[Shelf](),
		plugin.Reports[Drive](),
		plugin.Reports[Pool](),
		plugin.Reports[Lun](),
		plugin.Reports[Node](),
		plugin.Reports[Vm](),
	}, options...)...)
}

func (p *Scripted) drive(slot int) *Drive {
	return &Drive{Shelf: p.shelf, Slot: slot, Status: OK, Capacity: 4_000_000_000_000}
}

func (p *Scripted) usual(s *plugin.Session) {
	p.shelf = plugin.Report(s, &Shelf{Number: 1})
	p.d0 = plugin.Report(s, p.drive(0), p.shelf)
	p.d1 = plugin.Report(s, p.drive(1), p.shelf)
	p.pool = plugin.Report(s, &Pool{Name: "p0"}, p.d0, p.d1)
	p.lun = plugin.Report(s, &Lun{WWID: "b44f7d8e-a40d-4b96-b241-2ab462b4c1c1", Pool: p.pool, Name: "data"}, p.pool)
	p.lun.Size = 8_000_000_000_000
}

func scenario(root plugin.Any) string {
	if a, ok := root.(*Array); ok {
		if a.Scenario == "" {
			return "story"
		}
		return a.Scenario
	}
	return "empty"
}

func (p *Scripted) InitialScan(ctx context.Context, s *plugin.Session, root plugin.Any) error {
	p.log = func(msg string, args ...any) { s.Log.Warn(msg, args...) }
	switch scenario(root) {
	case "story":
		s.Every(30 * time.Second)
		p.usual(s)
		p.d0.Temperature.Set(30)
	case "vm":
		vm := plugin.Report(s, &Vm{VMID: 0, Array: root})
		vm.Address = "192.168.1.11"
	case "unicode":
		p.usual(s)
		p.lun.Name = "Größe 漢字 😀 \"q\" \\ \t\n</a>\u2028\u0001 end"
	case "fail_initial":
		plugin.Report(s, &Shelf{Number: 1})
		return errors.New("cannot reach the array")
	case "bad_initial":
		p.shelf = plugin.Report(s, &Shelf{Number: 1})
		plugin.Report(s, p.drive(0)).Status = "MELTED"
	case "partial":
		p.usual(s)
		s.Incomplete("shelf 2 does not answer")
		s.Incomplete("shelf 3: %s", "no such place")
	case "remove":
		p.usual(s)
		p.lun.SpareDrive = p.d1
	case "fail_update", "bad_update", "recreate", "parents", "post":
		p.usual(s)
	}
	return nil
}

func (p *Scripted) UpdateScan(ctx context.Context, s *plugin.Session, root plugin.Any) error {
	p.updates++
	switch fmt.Sprint(scenario(root), p.updates) {
	case "story1":
		p.d0.Status = Failed
		p.d1.RPM = new(7200)
		p.d0.Temperature.Set(31.5)
		p.d0.Read.Set(1000)
		p.d0.Latency.Set([]int64{1, 2, 3, 4})
	case "story3":
		p.d1.RPM = nil
		p.lun.Name = "archive"
	case "vm1":
		root.(*Array).Nickname = "renamed"
	case "fail_update1":
		p.d0.Status = Failed
		plugin.Remove(p.d1)
		plugin.Report(s, p.drive(2), p.shelf)
		return errors.New("connection lost")
	case "bad_update1":
		p.d0.Status = Failed
		p.d1.Status = "MELTED"
	case "partial1":
		s.Incomplete("shelf 2 does not answer")
	case "remove1":
		plugin.Remove(p.d1)
	case "remove2":
		plugin.Remove(p.pool)
	case "recreate1":
		plugin.Remove(p.d1)
		again := p.drive(1)
		again.Status = NearFailure
		plugin.Report(s, again, p.shelf)
	case "recreate2":
		plugin.Remove(plugin.Report(s, p.drive(5), p.shelf))
	case "recreate3":
		plugin.Report(s, p.drive(6), p.shelf)
	case "parents1":
		p.d0.AddParent(plugin.Report(s, &Shelf{Number: 2}))
	case "parents2":
		p.d0.RemoveParent(p.shelf)
	case "parents3":
		plugin.Report(s, p.drive(0), p.shelf)
	case "parents4":
		p.d0.AddParent(p.shelf)
		p.shelf.AddParent(p.d0)
		p.shelf.RemoveParent(p.d0)
	case "parents5":
		plugin.Report(s, p.drive(0))
	case "print1":
		fmt.Println("hello")
	case "log1":
		s.Log.Debug("quiet")
		s.Log.Warn("drive 0 is hot")
	case "post1":
		time.AfterFunc(200*time.Millisecond, func() {
			s.Post(func() { p.d0.Status = Failed })
		})
	}
	return nil
}

func (p *Scripted) Teardown() error {
	p.log("teardown")
	return nil
}

func (p *Scripted) AgentSessionStart(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	p.log = func(msg string, args ...any) { s.Log.Warn(msg, args...) }
	return p.AgentSessionContinue(ctx, s, hostID, data)
}

func (p *Scripted) AgentSessionContinue(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	var listing struct{ Devices []plugin.Path }
	if json.Unmarshal(data, &listing) != nil || listing.Devices == nil {
		return errors.New("no devices")
	}
	for _, path := range listing.Devices {
		n := &Node{}
		n.HostID, n.Path = hostID, path
		plugin.Report(s, n)
	}
	for n := range plugin.All[Node](s) {
		if !slices.Contains(listing.Devices, n.Path) {
			plugin.Remove(n)
		}
	}
	return nil
}
