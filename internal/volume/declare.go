package volume

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/faultline-storage/faultline/internal/resource"
)

// maxClusterName bounds the name of a cluster, in bytes.
const maxClusterName = 100

// Clusters returns the HA clusters that are declared or found, by name. They must
// not be modified.
func (s *Stage) Clusters() []resource.KnownCluster {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.shown.list
}

// Declare declares an HA cluster, or gives one that was declared at run time
// other hosts. The hosts need not be known yet. Errors are Faults that name the
// field.
func (s *Stage) Declare(ctx context.Context, name string, hosts []string) (resource.KnownCluster, error) {
	c := &resource.Cluster{Name: name}
	switch {
	case strings.TrimSpace(name) == "" || strings.TrimSpace(name) != name:
		return resource.KnownCluster{}, resource.FieldErrorf("name", "give the cluster a name without a space at either end")
	case len(name) > maxClusterName || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, "/"):
		return resource.KnownCluster{}, resource.FieldErrorf("name", "the name of a cluster has at most %d bytes, no slash and no control characters", maxClusterName)
	}
	for _, h := range hosts {
		if h = strings.TrimSpace(h); h == "" || strings.ContainsFunc(h, unicode.IsControl) {
			return resource.KnownCluster{}, resource.FieldErrorf("hosts", "%q is no name of a host", h)
		}
		c.Hosts = append(c.Hosts, h)
	}
	slices.Sort(c.Hosts)
	if c.Hosts = slices.Compact(c.Hosts); len(c.Hosts) < 2 {
		return resource.KnownCluster{}, resource.FieldErrorf("hosts", "an HA cluster has two hosts at least")
	}
	s.work.Lock()
	defer s.work.Unlock()
	if err := s.act(ctx); err != nil {
		return resource.KnownCluster{}, err
	}
	if err := s.mayDeclare(c); err != nil {
		return resource.KnownCluster{}, err
	}
	p := s.pass()
	p.mutation.PutClusters = []*resource.Cluster{c}
	p.declared[name] = c
	if err := p.redeclare(ctx); err != nil {
		return resource.KnownCluster{}, fmt.Errorf("declare the HA cluster %s: %w", name, err)
	}
	i := slices.IndexFunc(p.known.list, func(k resource.KnownCluster) bool { return k.Name == name && k.Source == fromUser })
	return p.known.list[i], nil
}

// mayDeclare refuses what would put a host into two clusters.
func (s *Stage) mayDeclare(c *resource.Cluster) error {
	wanted := known(*c, fromUser, s.known.calls)
	for i := range s.known.list {
		k := &s.known.list[i]
		switch {
		case k.Source == fromFacts, k.Source == fromUser && k.Name == c.Name:
		case k.Name == c.Name:
			return &resource.Fault{Kind: resource.Conflict, Field: "name", Text: fmt.Sprintf("the configuration declares the HA cluster %s; change it there (ha_clusters)", c.Name)}
		default:
			for _, h := range wanted.Members {
				if slices.Contains(k.Members, h) {
					return &resource.Fault{Kind: resource.Conflict, Field: "hosts", Text: fmt.Sprintf(
						"%s is in the HA cluster %s (%s) already, and can be in one only: take it out of that first", h, k.Name, k.Source)}
				}
			}
		}
	}
	return nil
}

// Undeclare takes back what Declare said.
func (s *Stage) Undeclare(ctx context.Context, name string) error {
	s.work.Lock()
	defer s.work.Unlock()
	if err := s.act(ctx); err != nil {
		return err
	}
	if s.declared[name] == nil {
		if i := slices.IndexFunc(s.known.list, func(k resource.KnownCluster) bool { return k.Name == name }); i >= 0 {
			return resource.Errorf(resource.Conflict, "the HA cluster %s comes from what is %s, so it cannot be removed here", name,
				map[string]string{fromConfiguration: "in the configuration", fromFacts: "found on the hosts"}[s.known.list[i].Source])
		}
		return resource.Errorf(resource.NotFound, "there is no HA cluster %q; faultline get clusters lists them", name)
	}
	p := s.pass()
	p.mutation.DeleteClusters = []string{name}
	delete(p.declared, name)
	if err := p.redeclare(ctx); err != nil {
		return fmt.Errorf("take the HA cluster %s back: %w", name, err)
	}
	return nil
}

func (p *pass) redeclare(ctx context.Context) error {
	p.recluster(false)
	p.home()
	return p.commit(ctx)
}
