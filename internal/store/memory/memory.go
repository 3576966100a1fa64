// Package memory keeps the inventory and the alerts in memory, with the same
// promises as the other stores but for durability: for a plugin that is run in
// the terminal, and for tests.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Store is an empty store, ready for use. Its methods are safe for concurrent
// use; the package sqlite documents them.
type Store struct {
	mu         sync.RWMutex
	seq        uint64
	next       resource.ID
	resources  map[resource.ID]resource.StoredResource
	identities map[identity]resource.ID
	edges      map[resource.Edge][]resource.ID
	log        []resource.LogEntry
	history    map[resource.ID][]resource.StoredChange // ascending
	formers    map[string][]resource.ID                // that are deleted, by key; ascending
	nextAlert  resource.AlertID
	alertSeq   uint64
	alerts     map[resource.AlertID]*resource.Alert
	active     map[resource.AlertKey]resource.AlertID
	pending    map[resource.AlertKey]resource.PendingAlert
	manifests  map[string][]byte
	positions  map[string]uint64
	settings   map[string]string
	volumes    map[string]*resource.StoredVolume
	clusters   map[string][]string
	// agentHosts and agentTokens are by name.
	agentHosts  map[string]resource.AgentHost
	agentTokens map[string]resource.AgentToken
}

type identity struct {
	plugin, class string
	space         resource.ID
	text          string
}

func identityOf(r *resource.Resource) identity {
	return identity{r.Class.Plugin, r.Class.Name, r.IdentitySpace(), r.Identity}
}

// New returns an empty store.
func New() *Store {
	return &Store{
		next: 1, nextAlert: 1,
		resources:   make(map[resource.ID]resource.StoredResource),
		identities:  make(map[identity]resource.ID),
		edges:       make(map[resource.Edge][]resource.ID),
		history:     make(map[resource.ID][]resource.StoredChange),
		formers:     make(map[string][]resource.ID),
		alerts:      make(map[resource.AlertID]*resource.Alert),
		active:      make(map[resource.AlertKey]resource.AlertID),
		pending:     make(map[resource.AlertKey]resource.PendingAlert),
		positions:   make(map[string]uint64),
		volumes:     make(map[string]*resource.StoredVolume),
		agentHosts:  make(map[string]resource.AgentHost),
		agentTokens: make(map[string]resource.AgentToken),
		clusters:    make(map[string][]string),
	}
}

// Close does nothing.
func (s *Store) Close() error { return nil }

// Load calls res for every resource, by ID, and edge for every edge, by
// (parent, child).
func (s *Store) Load(ctx context.Context, res func(resource.StoredResource) error, edge func(resource.StoredEdge) error) (uint64, resource.ID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Keys(s.resources)) {
		r := s.resources[id]
		r.Attributes, r.Reporters, r.WrittenBy = slices.Clone(r.Attributes), slices.Clone(r.Reporters), slices.Clone(r.WrittenBy)
		r.Held = slices.Clone(r.Held)
		if err := res(r); err != nil {
			return 0, 0, err
		}
	}
	byEnds := func(a, b resource.Edge) int {
		return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Child, b.Child))
	}
	for _, e := range slices.SortedFunc(maps.Keys(s.edges), byEnds) {
		if err := edge(resource.StoredEdge{Edge: e, Roots: slices.Clone(s.edges[e])}); err != nil {
			return 0, 0, err
		}
	}
	return s.seq, s.next, ctx.Err()
}

// Commit applies m, or nothing of it if it returns an error.
func (s *Store) Commit(ctx context.Context, m *resource.Mutation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.check(m); err != nil {
		return fmt.Errorf("commit mutation %d: %w", m.Seq, err)
	}
	s.seq = m.Seq
	s.log = append(s.log, resource.LogEntry{Seq: m.Seq, Time: m.Time, Log: slices.Clone(m.Log), Samples: slices.Clone(m.Samples)})
	s.keepHistory(m)
	s.remove(m.Delete)
	for i, r := range m.Put {
		if i < m.Created {
			s.next = max(s.next, r.ID+1)
		}
		row := r.Stored()
		if old, ok := s.resources[r.ID]; ok {
			row.FirstSeen = old.FirstSeen
		}
		s.resources[r.ID] = row
		s.identities[identityOf(r)] = r.ID
	}
	for _, e := range m.RemoveEdges {
		delete(s.edges, e)
	}
	for _, e := range m.AddEdges {
		s.edges[e.Edge] = slices.Clone(e.Roots)
	}
	if m.Manifest != nil {
		s.keep(m.Manifest)
	}
	return nil
}

// check finds what a database's constraints would refuse.
func (s *Store) check(m *resource.Mutation) error {
	if m.Created > len(m.Put) {
		return fmt.Errorf("%d of %d resources are said to be new", m.Created, len(m.Put))
	}
	if m.Seq <= s.seq {
		return resource.Errorf(resource.Conflict, "a mutation with this number or a later one is committed already")
	}
	gone := make(map[resource.ID]bool, len(m.Delete))
	for _, id := range m.Delete {
		gone[id] = true
	}
	created := make(map[resource.ID]bool, m.Created)
	seen := make(map[identity]resource.ID)
	for i, r := range m.Put {
		if i < m.Created {
			if _, ok := s.resources[r.ID]; created[r.ID] || ok && !gone[r.ID] {
				return fmt.Errorf("put resources: resource %d exists", r.ID)
			}
			created[r.ID] = true
		}
		key := identityOf(r)
		other, ok := s.identities[key]
		if ok && gone[other] {
			ok = false
		}
		if o, dup := seen[key]; dup {
			other, ok = o, true
		}
		if ok && other != r.ID {
			return fmt.Errorf("put resources: resource %d has the identity of resource %d", r.ID, other)
		}
		seen[key] = r.ID
	}
	return nil
}

func (s *Store) remove(ids []resource.ID) {
	if len(ids) == 0 {
		return
	}
	gone := make(map[resource.ID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
		delete(s.resources, id)
	}
	maps.DeleteFunc(s.identities, func(_ identity, id resource.ID) bool { return gone[id] })
	maps.DeleteFunc(s.edges, func(e resource.Edge, _ []resource.ID) bool { return gone[e.Parent] || gone[e.Child] })
}
