package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
)

// deviceLookEvery is how often an agent looks at its folder of device plugins: less
// often than a server, for a storage server has better things to do.
const deviceLookEvery = 5 * time.Second

// deviceSet are the device plugins of an agent: those of its configuration, and those of
// the folder, which it follows. As on the server, a file is taken in when two looks have
// found it the same. Its methods are safe for concurrent use.
type deviceSet struct {
	paths   []string // of the configuration
	dir     string   // the folder
	program string   // see Options.Program
	every   time.Duration
	make    func(pluginhost.Spec) *device
	log     *slog.Logger

	seen map[string]string // fingerprints of the last look, by path
	told map[string]bool   // what was wrong at the last look

	mu      sync.Mutex
	devices map[string]*device // by path
}

// names of the plugins, sorted.
func (s *deviceSet) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.devices))
	for _, d := range s.devices {
		names = append(names, d.name)
	}
	slices.Sort(names)
	return names
}

// run runs the plugins and follows the folder until ctx ends, and waits for their end.
func (s *deviceSet) run(ctx context.Context) error {
	t := time.NewTicker(s.every)
	defer t.Stop()
	for {
		s.mu.Lock()
		for _, d := range s.devices {
			d.start(ctx)
		}
		s.mu.Unlock()
		select {
		case <-t.C:
			s.look(true)
		case <-ctx.Done():
			for _, d := range s.devices { // which are nobody else's by now
				d.wait()
			}
			return ctx.Err()
		}
	}
}

// look ends the plugins that are gone, and makes those that are new. One whose files
// changed is both. With stable, files of the folder are new or changed only if they are
// as they were at the look before.
func (s *deviceSet) look(stable bool) {
	wrong := map[string]bool{}
	files, err := pluginFiles(s.dir)
	if err != nil {
		s.tell(wrong, s.dir, err)
		s.told = wrong
		return // and nothing of it goes
	}
	seen := map[string]string{}
	for _, path := range files {
		seen[path] = fingerprint(path)
	}
	settled := func(path string) bool {
		now, inFolder := seen[path]
		return !inFolder || !stable || s.seen[path] == now
	}
	found := findDevices(s.paths, files, s.program, func(path string, err error) {
		if settled(path) { // else it may be half of one
			s.tell(wrong, path, err)
		}
	})
	var gone []*device
	s.mu.Lock()
	for path, d := range s.devices {
		switch {
		case !slices.ContainsFunc(found, func(f foundDevice) bool { return f.path == path }):
			d.log.Info("the device plugin ends: its file is gone, or must not be run any more", "path", path)
		case d.print != seen[path] && settled(path):
			d.log.Info("the device plugin's files changed; they are taken in", "path", path)
		default:
			continue
		}
		gone = append(gone, d)
		delete(s.devices, path)
	}
	s.mu.Unlock()
	for _, d := range gone { // before another one has the name
		d.end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range found {
		if s.devices[f.path] != nil || !settled(f.path) {
			continue
		}
		if stable {
			s.log.Info("a device plugin was found", "plugin", f.Name, "path", f.path)
		}
		d := s.make(f.Spec)
		d.print = seen[f.path]
		s.devices[f.path] = d
	}
	s.seen, s.told = seen, wrong
}

// tell logs what is wrong with a path, unless it was so at the last look.
func (s *deviceSet) tell(wrong map[string]bool, path string, err error) {
	key := path + " " + err.Error()
	if wrong[key] = true; !s.told[key] {
		s.log.Error("a device plugin was not loaded", "path", path, "error", err)
	}
}

// foundDevice is how to run the device plugin that a path leads to.
type foundDevice struct {
	path string
	pluginhost.Spec
}

// findDevices finds out how to run the listed plugins and then the files of the folder,
// in that order. One that cannot be run is told to bad and left out; of two with one
// name, the second.
func findDevices(paths, files []string, program string, bad func(path string, err error)) []foundDevice {
	from := map[string]string{} // where the plugin of a name is from
	var out []foundDevice
	for _, path := range append(slices.Clip(paths), files...) {
		spec, err := pluginhost.Resolve(path, pluginhost.ResolveOptions{Builtins: builtinDeviceNames(), Devices: true, Program: program})
		if err == nil && slices.Contains(files, path) {
			err = vet(path)
		}
		if other := from[spec.Name]; err == nil && other != "" {
			err = fmt.Errorf("it has the name %s, as %s has; the name is that of the server's plugin, so one of them can run", spec.Name, other)
		}
		if err != nil {
			bad(path, err)
			continue
		}
		from[spec.Name] = path
		out = append(out, foundDevice{path, spec})
	}
	return out
}
