// Package kernel reads what the kernel and udev write about block devices: VPD
// pages, device-mapper tables, /proc/mdstat, /proc/self/mountinfo, the udev
// database. Every function takes what it is given, however broken, and returns
// what can be understood of it.
package kernel

import (
	"iter"
	"strconv"
	"strings"
)

// lines yields the lines of a text without their ends.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if !yield(strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}

// Properties reads lines of KEY=VALUE, as /sys/.../uevent has.
func Properties(text string) map[string]string {
	props := map[string]string{}
	for line := range lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok {
			props[key] = value
		}
	}
	return props
}

// Int reads a number, 0 if it is none.
func Int(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n
}
