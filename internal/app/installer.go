package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/install"
	"github.com/faultline-storage/faultline/internal/resource"
)

const (
	// contactTime is how long the first contact of an agent that was installed is
	// waited for, and contactTick how often somebody looks.
	contactTime = 2 * time.Minute
	contactTick = 200 * time.Millisecond
	// installTime bounds an installation, the copying of the program included.
	installTime = 15 * time.Minute
	// installsKept is how long an installation is known after its end.
	installsKept = 24 * time.Hour
	// mostInstalls is how many installations run at a time.
	mostInstalls = 8
)

// installer installs agents over SSH. Its methods are safe for concurrent use.
type installer struct {
	config    config.Config
	server    string // the address that agents come to
	program   string // this program's file; os.Executable if empty
	authority *auth.Authority
	fleet     *fleet
	// forget removes a host that was made in vain.
	forget func(ctx context.Context, id resource.ID) error
	// ended is told that an installation has ended.
	ended func()
	log   *slog.Logger

	slots *semaphore.Weighted
	tasks sync.WaitGroup

	mu   sync.Mutex
	ctx  context.Context //nolint:containedctx // of run; installations outlive the request that began them
	list []*installation
	// hosts are the names of those that were installed, by address.
	hosts map[string]string
}

// installation is one installation. It is guarded by installer.mu.
type installation struct {
	gen.Installation
	done chan struct{}
}

func newInstaller(i *installer) *installer {
	i.hosts = map[string]string{}
	i.slots = semaphore.NewWeighted(mostInstalls)
	return i
}

// run lets installations run until ctx ends, and waits until what was begun is
// undone.
func (i *installer) run(ctx context.Context) error {
	i.mu.Lock()
	i.ctx = ctx
	i.mu.Unlock()
	<-ctx.Done()
	i.mu.Lock() // who holds it may be beginning one
	tasks := &i.tasks
	i.mu.Unlock()
	tasks.Wait()
	return ctx.Err()
}

// able says why no agent can be installed; nil if one can.
func (i *installer) able() error {
	if i.config.SSHKey == "" && i.config.SSHAgent == "" {
		return resource.Errorf(resource.Unavailable, "this server has no SSH credentials (ssh_key, or ssh_agent); set them, or run on the machine what `faultline host install-command` prints")
	}
	return nil
}

// begin begins an installation.
func (i *installer) begin(h api.AddHost) (*api.Installation, error) {
	if err := i.able(); err != nil {
		return nil, err
	}
	if h.Name != "" {
		name, err := auth.HostName(h.Name)
		if err != nil {
			return nil, err
		}
		h.Name = name
	}
	address, err := bareAddress(h.Address)
	if err != nil {
		return nil, err
	}
	if h.Name == "" && net.ParseIP(address) == nil {
		if h.Name, err = auth.HostName(address); err != nil {
			return nil, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ctx == nil || i.ctx.Err() != nil {
		return nil, resource.Errorf(resource.Unavailable, "the server is starting or stopping")
	}
	i.list = slices.DeleteFunc(i.list, func(o *installation) bool { return o.Ended != nil && time.Since(*o.Ended) > installsKept })
	for _, o := range i.list {
		if o.Address == h.Address && o.Ended == nil {
			return nil, resource.Errorf(resource.Conflict, "the agent is being installed on %s already (installation %s)", h.Address, o.ID)
		}
	}
	in := &installation{done: make(chan struct{}), Installation: gen.Installation{
		ID: rand.Text()[:12], Address: h.Address, Host: h.Name, DryRun: h.DryRun, State: gen.InstallationRunning,
		Began: time.Now(), Steps: []gen.InstallationStep{},
	}}
	i.list = append(i.list, in)
	ctx := i.ctx
	i.tasks.Go(func() { i.work(ctx, in, h) })
	return i.copyOf(in), nil
}

// bareAddress returns an address without its port.
func bareAddress(address string) (string, error) {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "" || strings.ContainsAny(host, " /@") {
		return "", resource.FieldErrorf("address", "%q is no name or IP address of a machine, with :PORT if need be", address)
	}
	return host, nil
}

// copyOf is an installation as it is now. The caller holds mu.
func (i *installer) copyOf(in *installation) *api.Installation {
	out := in.Installation
	out.Steps = slices.Clone(out.Steps)
	return &out
}

// get returns an installation, or nil.
func (i *installer) get(id string) *api.Installation {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, in := range i.list {
		if in.ID == id {
			return i.copyOf(in)
		}
	}
	return nil
}

// latest returns the ID of the latest installation of a host, or "". A host that is
// awaited has an address for its name.
func (i *installer) latest(name, address string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, in := range slices.Backward(i.list) {
		if at, _ := bareAddress(in.Address); !in.DryRun && (in.Host == name || strings.EqualFold(at, name) || in.Host == "" && at == address) {
			return in.ID
		}
	}
	return ""
}

// hostAt returns the name of the host that was installed last at an address, which is
// in small letters and has no port; "" if none was since the server started.
func (i *installer) hostAt(address string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hosts[address]
}

// work installs an agent and notes what comes of it.
func (i *installer) work(ctx context.Context, in *installation, h api.AddHost) {
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	host, err := "", i.slots.Acquire(ctx, 1)
	if err == nil {
		host, err = i.install(ctx, in, h)
		i.slots.Release(1)
	}
	log := i.log.With("address", h.Address, "installation", in.ID)
	defer i.ended()
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	in.Ended, in.State, in.Host = &now, gen.InstallationDone, cmp.Or(host, in.Host)
	switch {
	case err != nil:
		in.State, in.Error = gen.InstallationFailed, err.Error()
		log.Error("an agent was not installed", "error", err)
	case !h.DryRun:
		if at, err := bareAddress(h.Address); err == nil {
			i.hosts[strings.ToLower(at)] = in.Host
		}
		log.Info("an agent was installed", "host", in.Host)
	}
	close(in.done)
}

func (i *installer) install(ctx context.Context, in *installation, h api.AddHost) (string, error) {
	c := i.config
	attempt := &attempt{installer: i, given: h.Name != "", address: h.Address}
	if err := i.reached(ctx, h.Address); err != nil {
		return "", err
	}
	r := install.Remote{
		SSH: install.SSH{
			Address: h.Address, Port: c.SSHPort, User: cmp.Or(h.User, c.SSHUser), KeyFile: c.SSHKey, AgentSocket: c.SSHAgent,
			KnownHosts: cmp.Or(c.SSHKnownHosts, install.DefaultKnownHosts()), HostKey: h.HostKey,
		},
		Server: i.server, Name: h.Name, Root: c.AgentRoot, Program: programs(i.program, c.AgentPrograms), DryRun: h.DryRun,
		Token: attempt.token, Contact: attempt.contact,
		Say: func(s install.Step) {
			i.mu.Lock()
			defer i.mu.Unlock()
			if len(in.Steps) < 200 { // a machine that says more says nothing useful
				in.Steps = append(in.Steps, gen.InstallationStep{Name: s.Name, Text: s.Text, State: gen.InstallationStepState(s.State), Detail: s.Detail})
			}
		},
	}
	host, err := r.Run(ctx)
	return host, errors.Join(err, attempt.end(err))
}

// reached says what keeps the agent of a machine from coming to this server, as far
// as that is known before it tries.
func (i *installer) reached(ctx context.Context, address string) error {
	if i.config.AgentServer != "" || !isLoopback(i.config.Listen) {
		return nil
	}
	host, err := bareAddress(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	list, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil || slices.ContainsFunc(list, net.IP.IsLoopback) {
		return nil // connecting tells what is wrong with a name
	}
	return fmt.Errorf("the server listens on %s, where agents of other machines do not reach it; have it listen elsewhere (listen), or say by what address %s reaches it (agent_server)", i.config.Listen, address)
}

// smallProgram is the file, beside this program's, of the program without what only
// a server needs. Where there is one, hosts get it.
const smallProgram = "faultline-agent"

// programs returns what finds this program for a kind of machine: itself, or the
// one for agents beside it, or a file of a folder.
func programs(itself, folder string) func(system, machine string) (string, error) {
	return func(system, machine string) (string, error) { return programFor(itself, folder, system, machine) }
}

func programFor(itself, folder, system, machine string) (string, error) {
	if system == runtime.GOOS && machine == runtime.GOARCH {
		return ownProgram(itself)
	}
	name := "faultline-" + system + "-" + machine
	if folder != "" {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the machine is %s on %s, and this program is for %s on %s; put the program for it, named %s, into a folder that agent_programs names", system, machine, runtime.GOOS, runtime.GOARCH, name)
}

// ownProgram returns this program's file, or the one for agents that lies beside it.
// Itself is empty where the process knows its file best.
func ownProgram(itself string) (string, error) {
	if itself == "" {
		var err error
		if itself, err = os.Executable(); err != nil {
			return "", err
		}
	}
	small := filepath.Join(filepath.Dir(itself), smallProgram)
	if _, err := os.Stat(small); err == nil {
		return small, nil
	}
	return itself, nil
}

// attempt is what one installation does to the server.
type attempt struct {
	*installer
	address string
	given   bool // somebody said what the host is called

	host   string
	name   string // of the token; empty if there is none
	before any    // the link that the host had
	known  bool   // it had a good certificate
}

// token makes the token with which the host registers.
func (a *attempt) token(ctx context.Context, host string) (string, error) {
	host, err := auth.HostName(host)
	if err != nil {
		return "", err
	}
	a.known, a.before = a.authority.Good(host), a.fleet.linkOf(host)
	if !a.given && a.known { // a machine must not take another one's place by calling itself so
		return "", fmt.Errorf("the machine calls itself %s, and there is a host of that name; if it is this machine, say so with its name (--name %s), else give another name", host, host)
	}
	name := "install-" + rand.Text()[:12]
	_, token, err := a.authority.CreateJoin(ctx, resource.AgentToken{Name: name, Uses: 1, Host: host}, installTime)
	if err == nil {
		a.host, a.name = host, name
	}
	return token, err
}

// contact waits until the agent of the host comes by another link than before.
func (a *attempt) contact(ctx context.Context, _ string) error {
	over := time.NewTimer(contactTime)
	defer over.Stop()
	tick := time.NewTicker(contactTick)
	defer tick.Stop()
	for {
		if now := a.fleet.linkOf(a.host); now != nil && now != a.before {
			return nil
		}
		select {
		case <-tick.C:
		case <-over.C:
			return fmt.Errorf("nothing was heard of host %s at %s for %v; see whether the machine reaches that address (agent_server), and what its agent says: journalctl -u faultline-agent", a.host, a.server, contactTime)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end takes back what is of no use any more: the token, and where the installation
// failed, the certificate of a host that was not known before.
func (a *attempt) end(failed error) error {
	if a.name == "" {
		return nil
	}
	// Also when the installation was ended from outside.
	ctx, cancel := context.WithTimeout(context.Background(), contactTime)
	defer cancel()
	errs := []error{a.authority.RevokeJoin(ctx, a.name)}
	if failed != nil && !a.known && a.authority.Good(a.host) {
		_, err := a.authority.Revoke(ctx, a.host)
		errs = append(errs, err)
		for _, h := range a.fleet.list(nil) {
			if h.Name == a.host && h.State != hostAwaiting && h.ID != 0 {
				errs = append(errs, a.forget(ctx, h.ID))
			}
		}
	}
	return errors.Join(errs...)
}

// agentServer is the address that agents come to: the one that is set, else the one
// that the server listens on, by the machine's name if it listens on all of its own.
func agentServer(c config.Config, listen net.Addr) (string, error) {
	if c.AgentServer != "" {
		return c.AgentServer, nil
	}
	host, port, err := net.SplitHostPort(listen.String())
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			return "", err
		}
	}
	return "https://" + net.JoinHostPort(host, port), nil
}
