package plugintest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/mirror"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Resource is a resource as the plugin reported it.
type Resource = mirror.Resource

// Attrs are attributes by name. A value is compared by its JSON; nil means that
// the attribute has no value, and a Resource a reference to it.
type Attrs map[string]any

// Resources returns the resources of a class, in the order of their handles.
func (h *Harness) Resources(class string) []Resource {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	return h.conn.resources(class)
}

func (h *host) resources(class string) (list []Resource) {
	for _, r := range h.model.Sorted() {
		if r.Class == class {
			list = append(list, r.Clone())
		}
	}
	return list
}

// Root returns the attributes of the root that the plugin changed.
func (h *Harness) Root() Resource {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	return h.conn.model.Resources[0].Clone()
}

// Get returns the one resource of the class that has the attributes. It ends
// the test if there is none or more than one.
func (h *Harness) Get(class string, attrs Attrs) Resource {
	h.t.Helper()
	list := h.find(class, attrs)
	if len(list) != 1 {
		h.t.Fatalf("%d resources of class %s have %v, want one; all there are:%s", len(list), class, attrs, listing(h.Resources(class)))
	}
	return list[0]
}

func (h *Harness) find(class string, attrs Attrs) []Resource {
	h.t.Helper()
	want := h.raw(attrs)
	return slices.DeleteFunc(h.Resources(class), func(r Resource) bool { return !has(r, want) })
}

// raw turns the wanted values into JSON.
func (h *Harness) raw(attrs Attrs) map[string]json.RawMessage {
	h.t.Helper()
	raw := map[string]json.RawMessage{}
	for k, v := range attrs {
		b, err := json.Marshal(v)
		h.must(err)
		raw[k] = b
	}
	return raw
}

func has(r Resource, want map[string]json.RawMessage) bool {
	for k, w := range want {
		got, ok := r.Attributes[k]
		if !ok {
			got = json.RawMessage("null")
		}
		if !sameJSON(got, w) {
			return false
		}
	}
	return true
}

func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// Want fails the test unless the class has as many resources as want says, if
// want is an int, or exactly one with the attributes, if it is Attrs.
func (h *Harness) Want(class string, want any) {
	h.t.Helper()
	switch want := want.(type) {
	case int:
		if list := h.Resources(class); len(list) != want {
			h.t.Errorf("class %s has %d resources, want %d:%s", class, len(list), want, listing(list))
		}
	case Attrs:
		if list := h.find(class, want); len(list) != 1 {
			h.t.Errorf("%d resources of class %s have %v, want one; all there are:%s", len(list), class, want, listing(h.Resources(class)))
		}
	default:
		h.t.Fatalf("Want takes a number or Attrs, not %T", want)
	}
}

// WantParents fails the test unless the resource has exactly these parents. A
// Resource with nothing set is the root.
func (h *Harness) WantParents(child Resource, parents ...Resource) {
	h.t.Helper()
	var want []int64
	for _, p := range parents {
		want = append(want, p.Handle)
	}
	slices.Sort(want)
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	now := h.conn.model.Resources[child.Handle]
	if now == nil {
		h.t.Errorf("%v is gone", child)
	} else if !slices.Equal(now.Parents, want) {
		h.t.Errorf("%v has the parents %v, want %v", child, now.Parents, want)
	}
}

// Samples returns the samples of one statistic of a resource, in order.
func (h *Harness) Samples(r Resource, statistic string) (list []wire.Sample) {
	h.conn.mu.Lock()
	defer h.conn.mu.Unlock()
	now := h.conn.model.Resources[r.Handle]
	if now == nil {
		return nil
	}
	for _, smp := range now.Samples {
		if smp.Name == statistic {
			list = append(list, smp)
		}
	}
	return list
}

// Await waits until exactly one resource of the class has the attributes, and
// returns it: for changes that the plugin makes on its own account. It ends the
// test after Timeout.
func (h *Harness) Await(class string, attrs Attrs) (found Resource) {
	h.t.Helper()
	want := h.raw(attrs)
	ok := h.conn.wait(func() bool {
		if h.conn.model.Open {
			return false
		}
		list := slices.DeleteFunc(h.conn.resources(class), func(r Resource) bool { return !has(r, want) })
		if len(list) == 1 {
			found = list[0]
		}
		return len(list) == 1
	})
	if !ok {
		h.t.Fatalf("after %v there is no %s with %v; all there are:%s", Timeout, class, attrs, listing(h.Resources(class)))
	}
	return found
}

func listing(list []Resource) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString("\n\t" + r.String())
	}
	if len(list) == 0 {
		return " none"
	}
	return b.String()
}
