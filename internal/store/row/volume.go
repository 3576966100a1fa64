package row

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Volume is what is kept of a volume, as columns have it.
type Volume struct {
	Key                                string
	Resource                           int64
	Label, Wish, Choice, Users, Places string
	Gone                               int64
}

// OfVolume returns the columns.
func OfVolume(v *resource.StoredVolume) (Volume, error) {
	c := Volume{Key: v.Key, Resource: int64(v.ID), Label: v.Label, Gone: Nanos(v.Gone)}
	for _, f := range []struct {
		to   *string
		from any
	}{
		{&c.Wish, &v.Wish}, {&c.Choice, &v.Choice}, {&c.Users, orEmpty(v.Users)}, {&c.Places, orEmpty(v.Places)},
	} {
		b, err := json.Marshal(f.from)
		if err != nil {
			return c, fmt.Errorf("volume %s: %w", v.Key, err)
		}
		*f.to = string(b)
	}
	return c, nil
}

// Stored is the inverse of OfVolume.
func (c *Volume) Stored() (*resource.StoredVolume, error) {
	v := &resource.StoredVolume{Key: c.Key, ID: resource.ID(c.Resource), Label: c.Label, Gone: FromNanos(c.Gone)}
	for _, f := range []struct {
		column, text string
		to           any
	}{
		{"wish", c.Wish, &v.Wish}, {"choice", c.Choice, &v.Choice}, {"users", c.Users, &v.Users}, {"places", c.Places, &v.Places},
	} {
		if err := json.Unmarshal([]byte(f.text), f.to); err != nil {
			return nil, fmt.Errorf("volume %s: column %s: %w", c.Key, f.column, err)
		}
	}
	if len(v.Users) == 0 {
		v.Users = nil
	}
	if len(v.Places) == 0 {
		v.Places = nil
	}
	return v, nil
}

// ClusterHosts is the list of a cluster's hosts as a column has it.
func ClusterHosts(c *resource.Cluster) (string, error) {
	b, err := json.Marshal(orEmpty(c.Hosts))
	return string(b), err
}

// StoredCluster is the inverse of ClusterHosts.
func StoredCluster(name, hosts string) (*resource.Cluster, error) {
	c := &resource.Cluster{Name: name}
	if err := json.Unmarshal([]byte(hosts), &c.Hosts); err != nil {
		return nil, fmt.Errorf("HA cluster %s: column hosts: %w", name, err)
	}
	return c, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return slices.Clip(list)
}
