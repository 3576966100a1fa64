package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/agent"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// DeviceOptions say what Tool.Devices runs.
type DeviceOptions struct {
	// Config has the list and the folder of the plugins.
	Config config.Agent
	// Plugins are names of those, or paths of others; none means all of those.
	Plugins []string
	// Updates is how many updates follow the start.
	Updates int
	// Every is the pause before each update, or 0 for that of the plugin. News of the
	// plugin cut it short.
	Every time.Duration
}

// DeviceMessage is a message that a device plugin would have sent.
type DeviceMessage struct {
	Hook     string          `json:"hook"`     // start_session or update_session
	Priority string          `json:"priority"` // high, normal or low
	Bytes    int             `json:"bytes"`    // of Data as it is sent
	Data     json.RawMessage `json:"data"`
}

// Devices runs device plugins, one after the other, and returns what each would
// send, by its name. An error has all that went wrong; what was said before is
// returned all the same.
func (t *Tool) Devices(ctx context.Context, o DeviceOptions) (map[string][]DeviceMessage, error) {
	var errs []error
	specs, err := t.deviceSpecs(o)
	errs = append(errs, err)
	out := map[string][]DeviceMessage{}
	for _, spec := range specs {
		messages, err := t.device(ctx, spec, o)
		errs = append(errs, err)
		out[spec.Name] = append([]DeviceMessage{}, messages...)
		if ctx.Err() != nil {
			break
		}
	}
	return out, errors.Join(errs...)
}

// deviceSpecs finds the plugins that are asked for.
func (t *Tool) deviceSpecs(o DeviceOptions) ([]pluginhost.Spec, error) {
	var errs []error
	files, err := pluginFiles(o.Config.DevicePluginDir)
	if err != nil {
		errs = append(errs, err)
	}
	var all []pluginhost.Spec
	for _, f := range findDevices(o.Config.DevicePlugins, files, t.Program, func(path string, err error) {
		if len(o.Plugins) == 0 || slices.Contains(o.Plugins, strings.TrimSuffix(filepath.Base(path), ".py")) {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}) {
		all = append(all, f.Spec)
	}
	if len(o.Plugins) == 0 {
		return all, errors.Join(errs...)
	}
	var out []pluginhost.Spec
	for _, name := range o.Plugins {
		if i := slices.IndexFunc(all, func(s pluginhost.Spec) bool { return s.Name == name }); i >= 0 {
			out = append(out, all[i])
			continue
		}
		if !strings.ContainsAny(name, "/.:") {
			if len(errs) == 0 {
				errs = append(errs, fmt.Errorf("there is no device plugin %[1]s in %[2]s nor in the configuration (device_plugins); give its path, such as ./%[1]s.py, or one of: %[3]s",
					name, o.Config.DevicePluginDir, cmp.Or(strings.Join(specNames(all), ", "), "none")))
			}
			continue
		}
		spec, err := pluginhost.Resolve(name, pluginhost.ResolveOptions{Builtins: builtinDeviceNames(), Devices: true, Program: t.Program})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, spec)
	}
	return out, errors.Join(errs...)
}

func specNames(specs []pluginhost.Spec) []string {
	var names []string
	for _, s := range specs {
		names = append(names, s.Name)
	}
	return names
}

// device runs one device plugin.
func (t *Tool) device(ctx context.Context, spec pluginhost.Spec, o DeviceOptions) (_ []DeviceMessage, err error) {
	news := make(chan struct{}, 1)
	po := t.options(spec)
	po.Role = pluginhost.RoleDevice
	po.OnChanged = func(string) {
		select {
		case news <- struct{}{}:
		default:
		}
	}
	p, err := pluginhost.Start(ctx, po)
	if err != nil {
		return nil, err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopSoon)
		defer cancel()
		if serr := p.Stop(stopping); err == nil {
			err = serr
		}
	}()
	info := *p.Info().Device
	out := []DeviceMessage{}
	ask := func(method string) error {
		messages, err := agent.Ask(ctx, p, method, "1")
		for _, m := range messages {
			out = append(out, DeviceMessage{
				Hook: strings.TrimPrefix(method, "device/"), Priority: priorityNames[m.Urgency()], Bytes: len(m.Data), Data: m.Data,
			})
		}
		return err
	}
	if err := ask(wire.MethodDeviceStart); err != nil {
		return out, err
	}
	for range o.Updates {
		if !info.Updates {
			break // it has nothing more to say, ever
		}
		pause := cmp.Or(o.Every, time.Duration(info.Period*float64(time.Second)), time.Duration(o.Config.DevicePeriod))
		select {
		case <-time.After(pause):
		case <-news:
		case <-ctx.Done():
			return out, ctx.Err()
		}
		if err := ask(wire.MethodDeviceUpdate); err != nil {
			return out, err
		}
	}
	return out, nil
}

var priorityNames = map[int]string{wire.PriorityHigh: "high", wire.PriorityNormal: "normal", wire.PriorityLow: "low"}
