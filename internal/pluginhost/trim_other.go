//go:build !linux

package pluginhost

import "runtime/debug"

// GiveBack returns memory to the system that this process does not need for now.
func GiveBack() { debug.FreeOSMemory() }

// Unmap does what there is to do only on Linux.
func Unmap() {}
