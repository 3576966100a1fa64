package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/internal/builtin/linux"
	linuxscan "github.com/faultline-storage/faultline/internal/builtin/linux/scan"
	"github.com/faultline-storage/faultline/internal/builtin/lustre"
	lustrescan "github.com/faultline-storage/faultline/internal/builtin/lustre/scan"
	"github.com/faultline-storage/faultline/internal/builtin/redfish"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
)

// builtins are the plugins that are part of the program, by name. They are
// written with the public SDK and run as processes of their own, like any other.
var builtins = map[string]func(){
	"acme":    acme.Main, // for the simulated array of `faultline demo`
	"linux":   linux.Main,
	"lustre":  lustre.Main,
	"redfish": redfish.Main,
}

// hostPlugins are the built-in plugins that agents feed. A server has them without
// being told, and what they declare is known without a process; see
// pluginSet.addWaiting.
var hostPlugins = map[string]func() *sdk.Program{
	"linux":  linux.Program,
	"lustre": lustre.Program,
}

// builtinDevices are the device plugins that are part of the program, by name. They
// are written with the public SDK, too.
var builtinDevices = map[string]func(){
	"linux":  linuxscan.Main,
	"lustre": lustrescan.Main,
}

// builtinDeviceSigns are paths below a root folder of which one is there if the host
// has something to tell for a built-in device plugin. Without a sign its process does
// not run: most hosts of a site have no Lustre, and none of them is to pay for it. A
// plugin that is not listed always runs. Lustre's tools count, too: a server that
// starts again without loading Lustre has lost its targets, and must say so.
var builtinDeviceSigns = map[string][]string{
	"lustre": {
		"sys/module/lnet", "sys/module/obdclass", "sys/module/lustre", "sys/fs/lustre", "proc/fs/lustre", "sys/kernel/debug/lustre",
		"usr/sbin/lctl", "sbin/lctl", "usr/sbin/lnetctl", "usr/sbin/mount.lustre", "sbin/mount.lustre",
	},
}

func builtinNames() []string { return slices.Sorted(maps.Keys(builtins)) }

func builtinDeviceNames() []string { return slices.Sorted(maps.Keys(builtinDevices)) }

// RunBuiltin makes this process the built-in plugin of the name, which for a device
// plugin begins with pluginhost.BuiltinDevice. It returns an error if there is none,
// and otherwise when the plugin's work is done.
func RunBuiltin(name string) error {
	run, ok := builtins[name]
	names := builtinNames()
	if device, is := strings.CutPrefix(name, pluginhost.BuiltinDevice); is {
		run, ok = builtinDevices[device]
		names = builtinDeviceNames()
		go StaySmall(context.Background())
	}
	if !ok {
		return fmt.Errorf("there is no built-in plugin %q; there are %v", name, names)
	}
	run()
	return nil
}
