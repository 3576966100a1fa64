package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// HAClusters are high-availability clusters: the names of their hosts, by the
// name of the cluster.
type HAClusters map[string][]string

// fromText reads "name=host host,name=host host".
func (c *HAClusters) fromText(text string) error {
	out := HAClusters{}
	for part := range strings.SplitSeq(text, ",") {
		name, hosts, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("%q is no cluster; write it as NAME=HOST HOST", part)
		}
		out[strings.TrimSpace(name)] = strings.Fields(hosts)
	}
	*c = out
	return nil
}

func (c HAClusters) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c)) {
		hosts := slices.Sorted(slices.Values(c[name]))
		switch {
		case strings.TrimSpace(name) == "" || strings.Contains(name, "/"):
			errs = append(errs, fmt.Errorf("ha_clusters: %q is no name of a cluster", name))
		case slices.Contains(hosts, ""):
			errs = append(errs, fmt.Errorf("ha_clusters: %s: a host has no name", name))
		case len(slices.Compact(hosts)) < 2:
			errs = append(errs, fmt.Errorf("ha_clusters: %s: a cluster has two hosts at least", name))
		}
	}
	return errors.Join(errs...)
}
