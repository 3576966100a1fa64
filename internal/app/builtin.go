package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/examples/acme"
	"github.com/faultline-storage/faultline/internal/builtin/redfish"
)

// builtins are the plugins that are part of the program, by name. They are
// written with the public SDK and run as processes of their own, like any other.
var builtins = map[string]func(){
	"acme":    acme.Main, // for the simulated array of `faultline demo`
	"redfish": redfish.Main,
}

func builtinNames() []string { return slices.Sorted(maps.Keys(builtins)) }

// RunBuiltin makes this process the built-in plugin of the name. It returns an
// error if there is none, and otherwise when the plugin's work is done.
func RunBuiltin(name string) error {
	run, ok := builtins[name]
	if !ok {
		return fmt.Errorf("there is no built-in plugin %q; there are %v", name, builtinNames())
	}
	run()
	return nil
}
