package app

import (
	"context"
	"maps"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
)

// remoteRoot is a root that a runner has to run.
type remoteRoot struct {
	plugin string
	ended  chan struct{} // set when its session is to end; closed when it has
}

// owns implements link.IntakeOptions.Owns.
func (m *remote) owns(id resource.ID) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	root := m.roots[id]
	if root == nil {
		return "", resource.Errorf(resource.NotFound, "root %d does not run at runner %s", id, m.name)
	}
	return root.plugin, nil
}

// start implements host.
func (m *remote) start(_ context.Context, root *resource.Resource) {
	m.mu.Lock()
	m.roots[root.ID] = &remoteRoot{plugin: root.Class.Plugin}
	m.mu.Unlock()
	m.post(kindAssign, rootNote{Root: root.ID, Plugin: root.Class.Plugin})
}

// stop implements host.
func (m *remote) stop(id resource.ID) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	root := m.roots[id]
	if root == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	if root.ended == nil {
		root.ended = make(chan struct{})
		m.post(kindUnassign, rootNote{Root: id})
		if m.lost { // nobody waits for it
			m.releaseLocked(id)
		}
	}
	return root.ended
}

// release says that the runner has ended the session of a root.
func (m *remote) release(id resource.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if root := m.roots[id]; root != nil && root.ended != nil {
		m.releaseLocked(id)
	}
}

func (m *remote) releaseLocked(id resource.ID) {
	root := m.roots[id]
	delete(m.roots, id)
	m.intake.CloseRoot(id)
	close(root.ended)
}

// root returns a root as its plugin may see it, passwords in clear.
func (m *remote) root(id resource.ID) (session.Root, error) {
	if _, err := m.owns(id); err != nil {
		return session.Root{}, err
	}
	return rootFor(m.r.inv, m.r.secrets, id)
}

// mine are the roots that the runner has to run.
func (m *remote) mine() []resource.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.roots))
}

// down marks the roots that are still the runner's.
func (m *remote) down(why string) {
	if err := m.intake.Down(context.Background(), m.mine(), why); err != nil {
		m.log.Error("the state of a root was not noted", "error", err)
	}
}
