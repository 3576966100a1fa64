package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/simhost"
)

const (
	// demoFS is the file system of the demo, and demoLUNs is how many LUNs it lies on.
	demoFS   = "scratch"
	demoLUNs = 8
	// demoPeriod is how often the demo's hosts look.
	demoPeriod = time.Second
)

// demoHosts are the simulated storage servers of the demo. Their agents are
// registered, and speak, as those of real hosts do.
type demoHosts struct {
	site *simhost.Site
	stop func()
}

// startHosts starts two servers that see LUNs of the array and run a file system on
// them.
func (d *demo) startHosts(ctx context.Context) (*demoHosts, error) {
	luns, err := d.luns(ctx)
	if err != nil {
		return nil, err
	}
	h := &demoHosts{site: simhost.New(demoFS, []string{"oss1", "oss2"}, luns, time.Now)}
	token, err := auth.NewAuthority(auth.AuthorityOptions{Dir: d.data}).CreateJoin(
		auth.JoinToken{Name: "demo", Expires: time.Now().Add(time.Hour), Uses: len(h.site.Hosts())})
	if err != nil {
		return nil, err
	}
	d.say("Two simulated storage servers run the file system %s on LUNs of the array", demoFS)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	h.stop = func() { cancel(); running.Wait() }
	for _, name := range h.site.Hosts() {
		id, err := auth.Join(ctx, auth.JoinOptions{Dir: filepath.Join(d.data, "hosts", name), Server: d.conn.server, Token: token, Host: name})
		if err != nil {
			h.stop()
			return nil, err
		}
		running.Go(func() {
			if err := h.run(ctx, id); err != nil && ctx.Err() == nil {
				fmt.Fprintf(d.c.err, "faultline: the simulated host %s: %v\n", name, err)
			}
		})
	}
	err = d.until(ctx, "the file system is known", func() (bool, error) {
		list, err := d.fileSystems(ctx)
		return len(list) > 0, err
	})
	if err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

// luns are the first LUNs that the plugin in Go found, by number.
func (d *demo) luns(ctx context.Context) ([]simhost.LUN, error) {
	plugin, class, sort, limit := acme.Name, "Lun", "number", demoLUNs
	list, _, err := answer[gen.ResourceList](d.cl.ListResources(ctx, &gen.ListResourcesParams{Plugin: &plugin, Class: &class, Sort: &sort, Limit: &limit}))
	if err != nil {
		return nil, err
	}
	var luns []simhost.LUN
	for _, r := range list.Items {
		serial, named := r.Attributes["serial"].Value.(string)
		size, sized := r.Attributes["size"].Value.(float64)
		if !named || !sized {
			return nil, fmt.Errorf("the LUN %s has no serial or no size", r.Name)
		}
		luns = append(luns, simhost.LUN{WWID: strings.ToLower(serial), Size: int64(size)})
	}
	if len(luns) < 3 {
		return nil, fmt.Errorf("the array has %d LUNs, and a file system needs 3; give the demo more --disks", len(luns))
	}
	return luns, nil
}

func (d *demo) fileSystems(ctx context.Context) ([]gen.Resource, error) {
	plugin, class := "lustre", "FileSystem"
	list, _, err := answer[gen.ResourceList](d.cl.ListResources(ctx, &gen.ListResourcesParams{Plugin: &plugin, Class: &class}))
	return list.Items, err
}

// run is the agent of a host, until ctx ends.
func (h *demoHosts) run(ctx context.Context, id *auth.Identity) error {
	hello := link.AgentHello{Boot: rand.Text(), Machine: id.Host(), Started: time.Now(), Booted: time.Now().Add(-40 * 24 * time.Hour), Plugins: []string{"linux", "lustre"}}
	agent := link.NewAgent(link.AgentOptions{
		Transport: &httplink.Transport{Server: id.Server(), Client: &http.Client{Transport: id}, Agent: "faultline-demo"},
		Name:      id.Host(), Version: Version, Instance: rand.Text(), Log: slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
		Hello: func() link.AgentHello { return hello },
	})
	parts := []func(context.Context) error{
		agent.Run,
		func(ctx context.Context) error { return keepSaying(ctx, agent, "linux", func() any { return h.site.Linux(id.Host()) }) },
		func(ctx context.Context) error { return keepSaying(ctx, agent, "lustre", func() any { return h.site.Lustre(id.Host()) }) },
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() { ended <- part(ctx) }()
	}
	err := <-ended
	cancel()
	for range len(parts) - 1 {
		err = errors.Join(err, <-ended)
	}
	return err
}

// keepSaying is a device plugin: it sends its report when that has changed, whole,
// in one session after another.
func keepSaying(ctx context.Context, agent *link.Agent, plugin string, report func() any) error {
	for ctx.Err() == nil {
		s, err := agent.Open(ctx, plugin)
		if err != nil {
			break // only with ctx
		}
		last := ""
		for s.Err() == nil && ctx.Err() == nil {
			b, err := json.Marshal(report())
			if err != nil {
				return err
			}
			if string(b) != last {
				if err := s.Send(ctx, b, link.Normal); err != nil {
					break // the session has ended
				}
				last = string(b)
			}
			select {
			case <-time.After(demoPeriod):
			case <-s.Done():
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// follow has the servers see what happens to the array.
func (h *demoHosts) follow(s sim.Fault) {
	lun, err := strconv.Atoi(strings.TrimPrefix(s.Target, "lun-"))
	controller, cerr := strconv.Atoi(strings.TrimPrefix(s.Controller, "controller-"))
	if s.Name != "lose-path" || err != nil || cerr != nil {
		return
	}
	for _, host := range h.site.Hosts() {
		h.site.FailPath(host, lun, controller, true)
	}
}
