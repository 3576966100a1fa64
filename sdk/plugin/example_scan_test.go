package plugin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// talk plays a host for the examples: it opens a session for the root, makes
// the calls, and prints what the plugin sends beside plain answers.
func talk(declare func(...plugin.Option) *plugin.Program, root plugin.Any, calls ...string) {
	p := declare(plugin.Clock(func() time.Time { return time.UnixMilli(1000) }))
	if _, problems := p.Manifest(); len(problems) > 0 {
		fmt.Println(problems)
		return
	}
	class, attrs, err := p.Values(root)
	if err != nil {
		fmt.Println(err)
		return
	}
	hostIn, pluginOut := io.Pipe()
	pluginIn, hostOut := io.Pipe()
	go p.Serve(context.Background(), pluginIn, pluginOut)
	out := bufio.NewScanner(hostIn)
	call := func(id int, method string, params map[string]any) {
		line, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
		fmt.Fprintf(hostOut, "%s\n", line)
		for out.Scan() {
			var m struct {
				ID     *int
				Method string
				Params struct {
					Ops     []json.RawMessage
					Samples []json.RawMessage
					Message string
					Level   string
				}
				Result map[string]any
				Error  *struct{ Message string }
			}
			if json.Unmarshal(out.Bytes(), &m) != nil || strings.HasPrefix(m.Method, "x-") {
				continue
			}
			for _, op := range append(m.Params.Ops, m.Params.Samples...) {
				fmt.Println(string(op))
			}
			if m.Params.Message != "" {
				fmt.Println(m.Params.Level+":", m.Params.Message)
			}
			if m.Error != nil {
				fmt.Println("error:", m.Error.Message)
			}
			for _, k := range []string{"update_period", "value"} {
				if v, ok := m.Result[k]; ok {
					fmt.Printf("%s: %v\n", k, v)
				}
			}
			if m.ID != nil {
				return
			}
		}
	}
	call(1, "initialize", map[string]any{"protocol": map[string]int{"min": 1, "max": 1}})
	call(2, "session/open", map[string]any{"session": "s", "class": class, "attributes": attrs})
	for i, method := range calls {
		params := map[string]any{"session": "s", "class": class, "attribute": "password", "value": "secret", "host_id": 1,
			"data": []string{"/dev/sda", "/dev/sdb"}}
		call(i+3, method, params)
	}
	call(99, "shutdown", map[string]any{})
	hostOut.Close()
}

// printClass prints a class as it stands in the manifest.
func printClass(p *plugin.Program, name string) {
	m, problems := p.Manifest()
	for _, problem := range problems {
		fmt.Println(problem.Where+":", problem.Text)
	}
	for _, c := range m.Classes {
		if c.Name == name {
			b, _ := json.Marshal(c)
			fmt.Println(string(b))
		}
	}
}

// Cellar is a root for the examples.
type Cellar struct {
	plugin.ScannableResource
	Address  plugin.Hostname `attr:",globalid"`
	Password plugin.Secret   `attr:",optional"`
}

// Encrypt is a poor obfuscation: the letters in another order.
func (c *Cellar) Encrypt(password string) (string, error) { return password[3:] + password[:3], nil }

// Bay is a drive bay, and Disk what is in it.
type Bay struct {
	plugin.Enclosure
	Number int `attr:",scopedid"`
}

type Disk struct {
	plugin.PhysicalDisk
	Bay         *Bay         `attr:",scopedid"` // mandatory: without the bay there is no disk
	Status      string       `enum:"OK,FAILED"`
	Capacity    plugin.Bytes `attr:",optional"`
	Temperature plugin.Gauge `unit:"C" every:"30s"`
}

// Cellars has the hooks that an example sets.
type Cellars struct {
	scan, update func(s *plugin.Session) error
}

func (c *Cellars) InitialScan(ctx context.Context, s *plugin.Session, cellar *Cellar) error {
	return c.scan(s)
}

func (c *Cellars) UpdateScan(ctx context.Context, s *plugin.Session, cellar *Cellar) error {
	return c.update(s)
}

func (c *Cellars) program(classes ...plugin.Option) func(...plugin.Option) *plugin.Program {
	return func(o ...plugin.Option) *plugin.Program {
		all := []plugin.Option{plugin.Scans(func() *Cellars { return c }), plugin.Reports[Bay](), plugin.Reports[Disk]()}
		return plugin.New("cellar", 1, append(append(all, classes...), o...)...)
	}
}

// Report resources with the parents that affect them, set statistics, and ask
// for an update every minute.
func ExampleReport() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		s.Every(time.Minute)
		bay := plugin.Report(s, &Bay{Number: 4})
		disk := plugin.Report(s, &Disk{Bay: bay, Status: "OK", Capacity: 4e12}, bay)
		disk.Temperature.Set(31)
		return nil
	}}
	talk(c.program(), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// {"op":"put","h":1,"class":"Bay","attributes":{"number":4}}
	// {"op":"put","h":2,"class":"Disk","attributes":{"bay":{"$ref":1},"status":"OK","capacity":4000000000000},"parents":[1]}
	// {"h":2,"name":"temperature","t":1000,"v":31}
	// update_period: 60
}

// Assign to the fields of a resource to change it. Only what differs is sent.
func ExampleReport_assignment() {
	var disk *Disk
	c := &Cellars{
		scan: func(s *plugin.Session) error {
			disk = plugin.Report(s, &Disk{Bay: plugin.Report(s, &Bay{Number: 4}), Status: "OK", Capacity: 4e12})
			return nil
		},
		update: func(s *plugin.Session) error {
			disk.Status, disk.Capacity = "FAILED", 4e12
			return nil
		},
	}
	talk(c.program(), &Cellar{Address: "10.0.0.1"}, "session/initial_scan", "session/update_scan", "session/update_scan")
	// Output:
	// {"op":"put","h":1,"class":"Bay","attributes":{"number":4}}
	// {"op":"put","h":2,"class":"Disk","attributes":{"bay":{"$ref":1},"status":"OK","capacity":4000000000000}}
	// {"op":"set","h":2,"attributes":{"status":"FAILED"}}
}

// A scan that cannot reach the hardware returns an error. A bad value is an
// error as well, which names class, identity and attribute.
func ExampleScanner() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		plugin.Report(s, &Disk{Bay: plugin.Report(s, &Bay{Number: 4}), Status: "WARM"})
		return nil
	}}
	talk(c.program(), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// error: Disk Bay 4: attribute status: "WARM" is not one of "OK","FAILED"
}

// Remove what is gone. What refers to it by a mandatory attribute goes along.
func ExampleRemove() {
	c := &Cellars{
		scan: func(s *plugin.Session) error {
			for i := range 2 {
				plugin.Report(s, &Disk{Bay: plugin.Report(s, &Bay{Number: i}), Status: "OK"})
			}
			return nil
		},
		update: func(s *plugin.Session) error {
			for bay := range plugin.All[Bay](s) {
				if bay.Number == 1 {
					plugin.Remove(bay)
				}
			}
			return nil
		},
	}
	talk(c.program(), &Cellar{Address: "10.0.0.1"}, "session/initial_scan", "session/update_scan")
	// Output:
	// {"op":"put","h":1,"class":"Bay","attributes":{"number":0}}
	// {"op":"put","h":2,"class":"Disk","attributes":{"bay":{"$ref":1},"status":"OK"}}
	// {"op":"put","h":3,"class":"Bay","attributes":{"number":1}}
	// {"op":"put","h":4,"class":"Disk","attributes":{"bay":{"$ref":3},"status":"OK"}}
	// {"op":"remove","h":4}
	// {"op":"remove","h":3}
}

// A goroutine that hears of changes hands them to the session with Post.
func ExampleSession_Post() {
	c := &Cellars{}
	heard := make(chan int)
	posted := make(chan struct{})
	c.scan = func(s *plugin.Session) error {
		plugin.Report(s, &Disk{Bay: plugin.Report(s, &Bay{Number: 4}), Status: "OK"})
		go func() { // listens to the hardware
			for number := range heard {
				s.Post(func() {
					bay, _ := plugin.Find(s, &Bay{Number: number})
					if disk, ok := plugin.Find(s, &Disk{Bay: bay}); ok {
						disk.Status = "FAILED"
					}
				})
				close(posted)
			}
		}()
		return nil
	}
	c.update = func(s *plugin.Session) error { return nil }
	go func() { heard <- 4 }()
	c2 := *c
	c2.scan = func(s *plugin.Session) error { err := c.scan(s); <-posted; return err }
	talk(c2.program(), &Cellar{Address: "10.0.0.1"}, "session/initial_scan", "session/update_scan")
	// Output:
	// {"op":"put","h":1,"class":"Bay","attributes":{"number":4}}
	// {"op":"put","h":2,"class":"Disk","attributes":{"bay":{"$ref":1},"status":"OK"}}
	// {"op":"set","h":2,"attributes":{"status":"FAILED"}}
}

// Use the session's logger; what is printed to standard output is a warning.
func ExampleSession_logging() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		s.Log.Debug("not sent, unless the plugin is being debugged")
		s.Log.Warn("bay 4 is empty", "bay", 4)
		return nil
	}}
	talk(c.program(plugin.LogLevel(0)), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// warning: bay 4 is empty
}

// A password is stored as the class's Encrypt method makes it.
func ExampleSecret() {
	c := &Cellars{}
	talk(c.program(), &Cellar{Address: "10.0.0.1"}, "encrypt")
	fmt.Println(plugin.Secret("secret"))
	// Output:
	// value: retsec
	// ******
}

// Guest is a virtual machine that the hardware runs (guide, "Reporting Hosts").
type Guest struct {
	plugin.VirtualMachine
	VMID   int     `attr:"vm_id,globalid"`
	Cellar *Cellar `attr:",globalid"`
}

// Inherited attributes are assigned after the report; values are checked when
// the turn ends.
func ExampleVirtualMachine() {
	c := &Cellars{scan: func(s *plugin.Session) error {
		vm := plugin.Report(s, &Guest{VMID: 0, Cellar: s.Root().(*Cellar)})
		vm.Address = "192.168.1.11"
		return nil
	}}
	talk(c.program(plugin.Reports[Guest]()), &Cellar{Address: "10.0.0.1"}, "session/initial_scan")
	// Output:
	// {"op":"put","h":1,"class":"Guest","attributes":{"address":"192.168.1.11","vm_id":0,"cellar":{"$ref":0}}}
}

// BlockDevice is a device node on a host.
type BlockDevice struct{ plugin.DeviceNode }

func (d *BlockDevice) Describe(c *plugin.Class) { c.ScopedID(&d.HostID, &d.Path) }

// AgentOnly handles the listings of an agent plugin.
type AgentOnly struct{}

func (a *AgentOnly) AgentSessionStart(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error {
	var devices []plugin.Path
	if err := json.Unmarshal(data, &devices); err != nil {
		return err
	}
	for _, path := range devices {
		d := &BlockDevice{}
		d.HostID, d.Path = hostID, path
		plugin.Report(s, d)
	}
	return nil
}

// Machine is the root of what one host reports.
type Machine struct {
	plugin.HostRoot
	HostID int64 `attr:",globalid"`
}

// A plugin that only handles agent data is declared with Handles.
func ExampleHandles() {
	declare := func(o ...plugin.Option) *plugin.Program {
		all := []plugin.Option{plugin.Handles(func() *AgentOnly { return &AgentOnly{} }), plugin.Reports[Machine](), plugin.Reports[BlockDevice]()}
		return plugin.New("devices", 1, append(all, o...)...)
	}
	talk(declare, &Machine{HostID: 1}, "session/agent_start")
	// Output:
	// {"op":"put","h":1,"class":"BlockDevice","attributes":{"host_id":1,"path":"/dev/sda"}}
	// {"op":"put","h":2,"class":"BlockDevice","attributes":{"host_id":1,"path":"/dev/sdb"}}
}
