//go:build race && linux

package pluginhost

func init() { raceEnabled = true }
