package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/install/sshtest"
	"github.com/faultline-storage/faultline/internal/resource"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
)

// cloud is hardware that hosts virtual machines; its file lists them, a line
// "NUMBER ADDRESS" for each.
type cloud struct {
	sdk.ScannableResource
	File sdk.Path `attr:",globalid"`
}

type cloudVM struct {
	sdk.VirtualMachine
	Number string `attr:",scopedid"`
}

type cloudScan struct{ seen map[string]*cloudVM }

func (c *cloudScan) InitialScan(ctx context.Context, s *sdk.Session, r *cloud) error {
	c.seen = map[string]*cloudVM{}
	return c.UpdateScan(ctx, s, r)
}

func (c *cloudScan) UpdateScan(_ context.Context, s *sdk.Session, r *cloud) error {
	b, err := os.ReadFile(string(r.File))
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		number, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		there[number] = true
		if vm := c.seen[number]; vm != nil {
			vm.Address = sdk.Hostname(address)
			continue
		}
		// The host's number is the server's to set, whatever a plugin says.
		c.seen[number] = sdk.Report(s, &cloudVM{VirtualMachine: sdk.VirtualMachine{Address: sdk.Hostname(address), HostID: 4711}, Number: number})
	}
	for number, vm := range c.seen {
		if !there[number] {
			sdk.Remove(vm)
			delete(c.seen, number)
		}
	}
	return nil
}

func cloudsMain() {
	sdk.Main("clouds", 1, sdk.Scans(func() *cloudScan { return &cloudScan{} }), sdk.Reports[cloudVM]())
}

// vms returns "NUMBER host=NAME (STATE)" of every virtual machine.
func (m *manager) vms() string {
	inv := m.srv.inv
	c := inv.Class("clouds", "cloudVM")
	if c == nil {
		return ""
	}
	var out []string
	for _, r := range inv.Members(c) {
		number, _ := r.Values[c.Attr("number")].Text()
		id, _ := r.Values[c.Attr("host_id")].Int()
		text := number + " none"
		if h := inv.Get(resource.ID(id)); h != nil {
			name, _ := h.Values[h.Class.Attr("fqdn")].Text()
			text = number + " " + name + " " + h.Values[h.Class.Attr("state")].String()
		} else if id != 0 {
			text = number + " nobody's host_id"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestVirtualMachinesAreHosts: a machine that a plugin reports becomes a host by its
// address, or is the host that has it (guide, "Reporting Hosts").
func TestVirtualMachinesAreHosts(t *testing.T) {
	t.Parallel()
	m := newManager(t, func(c *config.Config) {
		c.Plugins = append(c.Plugins, "builtin:clouds")
		c.UpdatePeriod = config.Duration(50e6)
	})
	// One host is there already, by its name; and one that is known by its address alone.
	known := m.host(t, "vm1.example.com")
	known.Start(quiet())
	file := filepath.Join(t.TempDir(), "vms")
	says := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	says("1 vm1.example.com\n2 vm2.example.com\n")
	until(t, "the host", func() bool { id, _ := m.state("vm1.example.com"); return id != 0 })
	until(t, "the plugin", func() bool { return m.srv.inv.Class("clouds", "cloud") != nil })
	if _, _, err := m.srv.inv.AddRoot(t.Context(), m.srv.inv.Class("clouds", "cloud"), []resource.Value{resource.StringValue(file)}); err != nil {
		t.Fatal(err)
	}
	wants := func(want string) {
		t.Helper()
		until(t, want+"; it is "+m.vms(), func() bool { return m.vms() == want })
	}
	wants("1 vm1.example.com connected, 2 vm2.example.com awaiting")
	awaited, _ := m.state("vm2.example.com")
	until(t, "advice", func() bool {
		for _, h := range m.srv.admin.List() {
			if h.Name == "vm2.example.com" {
				return strings.Contains(h.Advice, "host install-command")
			}
		}
		return false
	})

	// Its agent comes: it is the same host. What the plugin says of host_id counts for nothing, also when it scans anew.
	second := m.host(t, "vm2.example.com")
	second.Start(quiet())
	wants("1 vm1.example.com connected, 2 vm2.example.com connected")
	if id, _ := m.state("vm2.example.com"); id != awaited {
		t.Errorf("the host was %d and is %d", awaited, id)
	}
	m.stop(t)
	m.start(t)
	wants("1 vm1.example.com connected, 2 vm2.example.com connected")

	// A machine by an address that no agent came from is awaited under it; it goes with the machine that nobody reports any more.
	says("1 vm1.example.com\n2 vm2.example.com\n3 192.0.2.7\n")
	wants("1 vm1.example.com connected, 2 vm2.example.com connected, 3 192.0.2.7 awaiting")
	says("1 vm1.example.com\n2 vm2.example.com\n")
	wants("1 vm1.example.com connected, 2 vm2.example.com connected")
	until(t, "no host 192.0.2.7", func() bool { id, _ := m.state("192.0.2.7"); return id == 0 })

	// By the address that an agent came from, under whatever name: the host that is there.
	second.Kill()
	id, _ := m.state("vm2.example.com")
	if err := m.srv.admin.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wants("1 vm1.example.com connected, 2 vm2.example.com awaiting")
	says("1 vm1.example.com\n4 127.0.0.1\n")
	wants("1 vm1.example.com connected, 4 vm1.example.com connected")
	known.Kill()
}

// TestAMachineThatCannotBeInstalled: the server tries by itself, says why it failed,
// and tries again at growing pauses, whatever address a plugin reports.
func TestAMachineThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	port, err := sshtest.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if _, err := sshtest.WriteKey(key); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, func(c *config.Config) {
		c.Plugins = append(c.Plugins, "builtin:clouds")
		c.SSHKey, c.SSHPort, c.SSHKnownHosts = key, port, filepath.Join(filepath.Dir(key), "none")
	})
	file := filepath.Join(t.TempDir(), "vms")
	if err := os.WriteFile(file, []byte("1 127.0.0.1\n2 localhost\n3 192.0.2.7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the plugin", func() bool { return m.srv.inv.Class("clouds", "cloud") != nil })
	if _, _, err := m.srv.inv.AddRoot(t.Context(), m.srv.inv.Class("clouds", "cloud"), []resource.Value{resource.StringValue(file)}); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:" + strconv.Itoa(port) + " cannot be reached by SSH",
		"localhost": "is no name for a host",
		"192.0.2.7": "agent_server",
	} {
		until(t, "the reason at "+address, func() bool {
			id, state := m.state(address)
			r := m.srv.inv.Get(id)
			if r == nil || state != hostAwaiting {
				return false
			}
			reason, _ := r.Values[r.Class.Attr("reason")].Text()
			return strings.Contains(reason, want) && r.Values[r.Class.Attr("install_failed")].String() == "true"
		})
	}

	// When the pause is over, it is tried again, and the next pause is longer.
	vms := m.srv.vms
	pause := func() (left time.Duration, tried string) {
		vms.mu.Lock()
		defer vms.mu.Unlock()
		if tr := vms.tries["127.0.0.1"]; tr.id == "" {
			left = time.Until(tr.due)
		}
		return left, m.srv.admin.installer.latest("127.0.0.1", "")
	}
	left, first := pause()
	if left <= 0 || left > machinePause {
		t.Errorf("the first pause is %v", left)
	}
	vms.mu.Lock()
	vms.tries["127.0.0.1"].due = time.Now()
	vms.mu.Unlock()
	until(t, "another try", func() bool {
		left, second := pause()
		return second != first && left > machinePause && left <= 2*machinePause
	})
	if in := m.srv.admin.installer.get(first); in == nil || in.State != "failed" || len(in.Steps) == 0 {
		t.Errorf("the first installation is %+v", in)
	}
}

// TestARemovedHostIsRefused: a host goes with its resources, its agent is refused
// from then on, and is welcome once it is registered anew, as another one.
func TestARemovedHostIsRefused(t *testing.T) {
	t.Parallel()
	m := newManager(t, nil)
	h := m.host(t, "oss1.example.com")
	h.Start(quiet())
	if _, err := h.Say(t.Context(), "crates", news(map[string]int{"a": 1})); err != nil {
		t.Fatal(err)
	}
	id, _ := m.state("oss1.example.com")
	list := m.srv.admin.List()
	if len(list) != 1 || list[0].ID != int64(id) || list[0].State != hostConnected || len(list[0].Plugins) != 1 ||
		list[0].Plugins[0].Session != "live" || list[0].LastContact == nil || list[0].AgentVersion == "" {
		t.Errorf("the hosts are %+v", list)
	}
	if err := m.srv.admin.Remove(t.Context(), id+1000); resource.KindOf(err) != resource.NotFound {
		t.Errorf("a host that is not there: %v", err)
	}
	if err := m.srv.admin.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	until(t, "the host is gone", func() bool { id, _ := m.state("oss1.example.com"); return id == 0 })
	if got := m.crates(id); got != "" {
		t.Errorf("of the host stays %q", got)
	}
	m.logs(t, "was revoked")
	if len(m.srv.admin.List()) != 0 {
		t.Errorf("the hosts are %+v", m.srv.admin.List())
	}
	h.Kill()
	again := m.host(t, "oss1.example.com")
	again.Start(quiet())
	if _, err := again.Say(t.Context(), "crates", news(map[string]int{"b": 2})); err != nil {
		t.Fatal(err)
	}
	if now, state := m.state("oss1.example.com"); now == id || state != hostConnected || m.crates(now) != "b=2" {
		t.Errorf("host %d (before: %d) is %s, with %q", now, id, state, m.crates(now))
	}
	again.Kill()
}
