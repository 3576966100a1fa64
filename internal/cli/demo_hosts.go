package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/simhost"
)

const (
	// demoFS is the file system of the demo, and demoLUNs is how many LUNs it lies on.
	demoFS   = "scratch"
	demoLUNs = 8
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
	uses := len(h.site.Hosts())
	made, _, err := answer[gen.NewAgentToken](d.cl.CreateAgentToken(ctx, gen.AgentTokenCreate{Name: "demo", Uses: &uses}))
	if err != nil {
		return nil, err
	}
	d.say("Two simulated storage servers run the file system %s on LUNs of the array", demoFS)
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	h.stop = func() { cancel(); running.Wait() }
	for _, name := range h.site.Hosts() {
		id, err := auth.Join(ctx, auth.JoinOptions{Dir: filepath.Join(d.data, "hosts", name), Server: d.conn.server, Token: made.Secret, Host: name})
		if err != nil {
			h.stop()
			return nil, err
		}
		running.Go(func() {
			if err := h.site.Serve(ctx, id, Version); err != nil && ctx.Err() == nil {
				fmt.Fprintf(d.c.err, "faultline: the simulated host %s: %v\n", name, err)
			}
		})
	}
	err = d.until(ctx, "the targets lie on their volumes", func() (bool, error) {
		list, _, err := answer[gen.VolumeList](d.cl.ListVolumes(ctx, &gen.ListVolumesParams{}))
		used := slices.DeleteFunc(list.Items, func(v gen.Volume) bool { return len(v.UsedBy) == 0 || len(v.Nodes) < len(h.site.Hosts()) })
		return len(used) == len(luns), err
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

// follow has the servers see what happens to the array, whose LUNs count from 1.
func (h *demoHosts) follow(s sim.Fault) {
	lun, err := strconv.Atoi(strings.TrimPrefix(s.Target, "lun-"))
	controller, cerr := strconv.Atoi(strings.TrimPrefix(s.Controller, "controller-"))
	if s.Name != "lose-path" || err != nil || cerr != nil {
		return
	}
	for _, host := range h.site.Hosts() {
		h.site.FailPath(host, lun-1, controller, true)
	}
}
