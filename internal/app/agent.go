package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/agent"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/python"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// agentSampleEvery is how often an agent looks at what its plugins use. A storage
// server has better things to do.
const agentSampleEvery = 5 * time.Second

// smallGC is the garbage, in percent of what is in use, at which an agent and its
// built-in plugins collect it: they make little, and have time.
const smallGC = 40

// The pace of StaySmall: how long a start takes, how often pages of the program are
// given back, and how often Go's memory is, which is when Go would collect garbage anyway.
const (
	startsFor    = 30 * time.Second
	unmapEvery   = 3 * time.Second
	collectEvery = 2 * time.Minute
)

const (
	// signPeriod is the pause between two looks for a sign that a plugin has something
	// to do.
	signPeriod = 10 * time.Second
	// hostRootVar is the variable by which built-in device plugins see another root than
	// their own: the host of a container.
	hostRootVar = "HOST_ROOT"
)

// Identity is what a host shows to its server, renewed while it runs:
// *auth.Identity.
type Identity interface {
	http.RoundTripper // of requests to the server
	Host() string     // the name by which the server knows the host
	Server() string   // the server's address
	Run(ctx context.Context, log *slog.Logger)
}

// AgentOptions configure an Agent. All but Transport, Program and Now are required.
type AgentOptions struct {
	Identity Identity
	// Transport carries the link, in place of requests to the server of Identity.
	Transport link.Transport
	Config    config.Agent
	Log       *slog.Logger // of the agent and its plugins
	Version   string
	Program   string           // see Options.Program
	Now       func() time.Time // see Options.Now
}

// Agent runs device plugins on a storage server and sends what they say to the
// server.
type Agent struct {
	o       AgentOptions
	log     *slog.Logger
	link    *link.Agent
	devices *deviceSet
}

// NewAgent makes an agent. Nothing runs before Run.
func NewAgent(o AgentOptions) (*Agent, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory (see --data): %w", err)
	}
	contained, err := newAgentContainment(o.Config, o.Log)
	if err != nil {
		return nil, err
	}
	a := &Agent{o: o, log: o.Log}
	host := pluginhost.Options{
		Log: o.Log, Role: pluginhost.RoleDevice, SampleEvery: agentSampleEvery, Contain: contained.contain,
		PythonPath:  func() (string, error) { return python.Extract(filepath.Join(o.Config.Data, "python")) },
		CallTimeout: time.Duration(o.Config.CallTimeout), Greeting: wire.Peer{Name: "faultline", Version: o.Version},
	}
	a.devices = &deviceSet{
		paths: o.Config.DevicePlugins, dir: absolute(o.Config.DevicePluginDir), program: o.Program, every: deviceLookEvery, log: o.Log,
		make:    func(spec pluginhost.Spec) *device { return a.newDevice(host, spec) },
		devices: map[string]*device{},
	}
	a.devices.look(false)
	started := sinceBoot()
	transport := o.Transport
	if transport == nil {
		transport = identityTransport{o.Identity, "faultline-agent/" + o.Version}
	}
	a.link = link.NewAgent(link.AgentOptions{
		Transport: transport, Name: o.Identity.Host(), Version: o.Version, Instance: rand.Text(), Log: o.Log, Now: o.Now, After: time.After,
		Hello: func() link.AgentHello {
			h := hostFacts() // when the host booted is another time after its clock was set
			h.Started, h.Plugins = started, a.devices.names()
			return h
		},
		Connected: func(version string, w link.AgentWelcome) {
			o.Log.Info("the agent is connected", "server", version, "host_id", w.Host)
		},
	})
	return a, nil
}

// Run works until ctx ends; then it tells the server that it ends. It returns an
// error if the server refuses the agent.
func (a *Agent) Run(ctx context.Context) error {
	if len(a.devices.names()) == 0 {
		a.log.Warn("there is no device plugin to run; the server hears of this host and of nothing on it",
			"folder", a.o.Config.DevicePluginDir)
	}
	var parts lifecycle
	ended := make(chan error, 1)
	parts.run("link", func(error) {}, func(ctx context.Context) error { ended <- a.link.Run(ctx); return nil })
	parts.run("identity", func(error) {}, func(ctx context.Context) error { a.o.Identity.Run(ctx, a.log); return nil })
	parts.run("device plugins", func(error) {}, a.devices.run)
	var err error
	select {
	case <-ctx.Done():
		sayGoodbye("agent", a.link.Silent(), a.link.Close, a.log)
	case err = <-ended:
	}
	return errors.Join(err, parts.stop(stopTimeout))
}

// identityTransport reaches the server that an identity is for, also after another
// registration.
type identityTransport struct {
	id    Identity
	agent string // the User-Agent
}

func (t identityTransport) now() *httplink.Transport {
	return &httplink.Transport{Server: t.id.Server(), Client: &http.Client{Transport: t.id}, Agent: t.agent}
}

// Hello implements link.Transport.
func (t identityTransport) Hello(ctx context.Context, h link.Hello) (link.Welcome, error) {
	h.Name = t.id.Host()
	return t.now().Hello(ctx, h)
}

// Exchange implements link.Transport.
func (t identityTransport) Exchange(ctx context.Context, name string, p link.Packet, wait time.Duration) (link.Packet, error) {
	return t.now().Exchange(ctx, name, p, wait)
}

// StaySmall has this process, which works for moments only, take little memory, until
// ctx ends. It is for the agent and its built-in plugins. It gives back what the start has needed, and then what each few seconds and
// minutes leave behind.
func StaySmall(ctx context.Context) {
	debug.SetGCPercent(smallGC)
	runtime.GOMAXPROCS(1) // each processor keeps memory at hand, and big hosts have a hundred
	unmap := time.NewTicker(unmapEvery)
	defer unmap.Stop()
	collect := time.After(startsFor)
	for {
		select {
		case <-unmap.C:
			pluginhost.Unmap()
		case <-collect:
			pluginhost.GiveBack()
			collect = time.After(collectEvery)
		case <-ctx.Done():
			return
		}
	}
}

// device is a device plugin of an agent: its process and its sessions.
type device struct {
	name   string
	signs  []string // paths, one of which has to be there before it runs; see builtinDeviceSigns
	log    *slog.Logger
	sup    *pluginhost.Supervisor
	poller *agent.Poller

	print  string             // of the files that it was made for
	cancel context.CancelFunc // nil before start
	parts  sync.WaitGroup

	mu      sync.Mutex
	proc    *pluginhost.Process // nil if none runs
	changed chan struct{}       // closed and replaced when proc changed
	session *link.AgentSession  // the last; nil if there was none
}

func (a *Agent) newDevice(host pluginhost.Options, spec pluginhost.Spec) *device {
	d := &device{name: spec.Name, log: a.log.With("plugin", spec.Name), changed: make(chan struct{})}
	if spec.Kind == pluginhost.Builtin {
		root := cmp.Or(os.Getenv(hostRootVar), "/")
		for _, sign := range builtinDeviceSigns[spec.Name] {
			d.signs = append(d.signs, filepath.Join(root, sign))
		}
	}
	d.poller = agent.NewPoller(agent.Options{
		Plugin: spec.Name, Process: d.process, Period: time.Duration(a.o.Config.DevicePeriod),
		Open: func(ctx context.Context) (agent.Session, error) {
			s, err := a.link.Open(ctx, spec.Name)
			if err != nil {
				return nil, err
			}
			d.mu.Lock()
			d.session = s
			d.mu.Unlock()
			return deviceSession{s}, nil
		},
		Log: a.log, Now: a.o.Now, After: time.After,
	})
	host.Spec = spec
	host.OnChanged = d.poller.Changed
	if slices.Contains(a.o.Config.DebugPlugins, spec.Name) {
		host.LogLevel = slog.LevelDebug
	}
	d.sup = pluginhost.NewSupervisor(pluginhost.SupervisorOptions{
		Options: host,
		OnUp:    d.set,
		OnDown: func(err error) {
			d.set(nil)
			if err != nil {
				a.log.Error("a device plugin ended; it is started again", "plugin", spec.Name, "error", err)
			}
		},
		OnFail: func(err error) {
			text := "a device plugin did not start; it is tried again"
			if pluginhost.Permanent(err) {
				text = "a device plugin cannot run; mend it; what is in the folder is then taken in, for what is listed in the configuration start the agent again"
			}
			a.log.Error(text, "plugin", spec.Name, "error", err)
		},
	})
	return d
}

// start starts the process and its sessions, unless they were started. They end with
// ctx, or by end.
func (d *device) start(ctx context.Context) {
	if d.cancel != nil {
		return
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.parts.Go(func() { _ = d.run(ctx) })        // it ends with ctx
	d.parts.Go(func() { _ = d.poller.Run(ctx) }) // so does this
}

func (d *device) wait() { d.parts.Wait() }

// end ends the process, and its session at the server. It waits for that.
func (d *device) end() {
	if d.cancel == nil {
		return
	}
	d.cancel()
	d.wait()
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s != nil {
		s.Close("")
	}
}

// run keeps the process running, as soon as there is a sign of what it looks for.
func (d *device) run(ctx context.Context) error {
	for waits := false; len(d.signs) > 0 && !anyExists(d.signs); waits = true {
		if !waits {
			d.log.Info("the device plugin waits until there is something for it on this host", "signs", d.signs)
		}
		select {
		case <-time.After(signPeriod):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.sup.Run(ctx)
}

func anyExists(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

func (d *device) set(p *pluginhost.Process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.proc = p
	close(d.changed)
	d.changed = make(chan struct{})
}

// process waits for the plugin's process. It implements agent.Options.Process.
func (d *device) process(ctx context.Context) (agent.Process, error) {
	for {
		d.mu.Lock()
		p, changed := d.proc, d.changed
		d.mu.Unlock()
		if p != nil {
			return deviceProcess{p}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// deviceProcess is a pluginhost.Process as an agent.Process.
type deviceProcess struct{ *pluginhost.Process }

func (p deviceProcess) Info() wire.DeviceInfo {
	return *cmp.Or(p.Process.Info().Device, &wire.DeviceInfo{}) // its role was checked at the start
}

// deviceSession is a link.AgentSession as an agent.Session.
type deviceSession struct{ *link.AgentSession }

var linkPriorities = map[int]link.Priority{wire.PriorityHigh: link.High, wire.PriorityNormal: link.Normal, wire.PriorityLow: link.Low}

func (s deviceSession) Send(ctx context.Context, data json.RawMessage, priority int) error {
	return s.AgentSession.Send(ctx, data, linkPriorities[priority])
}

// textOf reads a file that only some systems have; it is empty on the others.
func textOf(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// sinceBoot is how long ago the host booted, which no setting of its clock changes; 0 if
// the system does not say.
func sinceBoot() time.Duration {
	text, _, _ := strings.Cut(textOf("/proc/uptime"), " ")
	d, err := time.ParseDuration(text + "s")
	if err != nil {
		return 0
	}
	return d
}

// hostFacts is what an agent tells of its host: what can be read of it, on a system
// that has it.
func hostFacts() link.AgentHello {
	h := link.AgentHello{Machine: textOf("/etc/machine-id"), Boot: textOf("/proc/sys/kernel/random/boot_id")}
	for line := range strings.Lines(textOf("/proc/stat")) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			if s, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err == nil {
				h.Booted = time.Unix(s, 0)
			}
		}
	}
	return h
}
