package apitest

import (
	"context"
	"encoding/json"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/resource"
)

// Given returns the attributes of the last Add or Edit, as they came.
func (w *World) Given() map[string]json.RawMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.given
}

func (w *World) take(attributes map[string]json.RawMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given = attributes
}

// Add implements api.Roots.
func (w *World) Add(_ context.Context, plugin, class string, attributes map[string]json.RawMessage) (resource.ID, error) {
	if w.Fail != nil {
		return 0, w.Fail
	}
	w.take(attributes)
	c := w.class(plugin, class)
	if c == nil {
		return 0, resource.FieldErrorf("class", "there is no class %s.%s", plugin, class)
	}
	values := make([]resource.Value, len(c.Attributes))
	for name := range attributes {
		i := c.Attr(name)
		if i < 0 {
			return 0, resource.FieldErrorf(name, "class %s has no attribute %q", c.FullName(), name)
		}
		values[i] = resource.StringValue(string(attributes[name]))
	}
	return w.Create(class, 0, c.Label()+" new", nil, values...).ID, nil
}

// Test implements api.Roots: a scan finds one drive, or fails as Fail says.
func (w *World) Test(_ context.Context, _ resource.ID, _, _ string, attributes map[string]json.RawMessage) (api.Trial, error) {
	w.take(attributes)
	if w.Fail != nil {
		return api.Trial{}, w.Fail
	}
	return api.Trial{Ok: true, Seconds: 0.5, Resources: 1, Counts: map[string]int{"acme.HardDrive": 1}, Incomplete: []string{}}, nil
}

// Edit implements api.Roots.
func (w *World) Edit(_ context.Context, id resource.ID, alias *string, attributes map[string]json.RawMessage) error {
	if w.Fail != nil {
		return w.Fail
	}
	w.take(attributes)
	if alias == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := *w.byID[id]
	r.Alias = *alias
	w.byID[id] = &r
	w.publish(&resource.Changes{Updated: []resource.Update{{Resource: &r, Name: true}}})
	return nil
}

// Approve implements api.Roots: what is held goes, as far as the world has it.
func (w *World) Approve(_ context.Context, id resource.ID, _ int) (removed int, err error) {
	if w.Fail != nil {
		return 0, w.Fail
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := *w.byID[id]
	if r.Root == nil || r.Root.Held == nil {
		return 0, resource.Errorf(resource.Conflict, "no removal of resource %d waits for an approval", id)
	}
	state, held := *r.Root, r.Root.Held.Resources
	state.Held, r.Root = nil, &state
	w.byID[id] = &r
	ch := resource.Changes{Updated: []resource.Update{{Resource: &r, State: true}}}
	for _, d := range held {
		if old := w.byID[d]; old != nil {
			delete(w.byID, d)
			ch.Deleted = append(ch.Deleted, old)
		}
	}
	w.publish(&ch)
	return len(ch.Deleted), nil
}

// Remove implements api.Roots.
func (w *World) Remove(_ context.Context, id resource.ID) error {
	if w.Fail != nil {
		return w.Fail
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.byID[id]
	delete(w.byID, id)
	w.publish(&resource.Changes{Deleted: []*resource.Resource{r}})
	return nil
}
