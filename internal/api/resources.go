package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxAlias bounds an alias, in characters.
const maxAlias = 255

// ListResources lists resources.
func (h *handlers) ListResources(_ context.Context, req gen.ListResourcesRequestObject) (gen.ListResourcesResponseObject, error) {
	at := h.position()
	q, err := h.resourceQuery(&req.Params)
	if err != nil {
		return nil, err
	}
	if req.Params.Format != nil && !req.Params.Format.Valid() {
		return nil, resource.FieldErrorf("format", "there is no format %q; there are json and csv", *req.Params.Format)
	}
	if deref(req.Params.Format) == gen.ListCSV {
		f, err := h.newCSV(q, req.Params.Columns)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	if len(req.Params.Columns) > 0 {
		return nil, resource.FieldErrorf("columns", "columns are chosen for format=csv only")
	}
	page, err := h.inventory.List(q)
	if err != nil {
		return nil, err
	}
	list := gen.ResourceList{Next: page.Next, Total: page.Total, Items: make([]gen.Resource, len(page.Items))}
	for i, r := range page.Items {
		list.Items[i] = h.view.Resource(r)
	}
	return gen.ListResources200JSONResponse{
		Body: list, Headers: gen.ListResources200ResponseHeaders{FaultlinePosition: at.String()},
	}, nil
}

func (h *handlers) resourceQuery(p *gen.ListResourcesParams) (q resource.Query, err error) {
	q = resource.Query{
		Base: deref(p.Base), Text: deref(p.Q), Sort: deref(p.Sort), Cursor: deref(p.Cursor),
		Sick: h.alerts.Sick(),
	}
	if q.Plugin, q.Class, err = classFilter(p.Plugin, p.Class); err != nil {
		return q, err
	}
	if q.Offset = deref(p.Offset); q.Offset < 0 || q.Offset > 0 && q.Cursor != "" {
		return q, resource.FieldErrorf("offset", "offset must be 0 or more, and stands without a cursor")
	}
	for _, text := range p.Where {
		w, err := resource.ParsePredicate(text)
		if err != nil {
			return q, err
		}
		q.Where = append(q.Where, w)
	}
	if q.Limit, err = limit(p.Limit, resource.DefaultLimit, resource.MaxLimit); err != nil {
		return q, err
	}
	if q.Identifier, err = identifierFilter(p.Identifier); err != nil {
		return q, err
	}
	var scope, host resource.ID
	for _, f := range []struct {
		name string
		from *gen.ID
		to   *resource.ID
	}{
		{"scope", p.Scope, &scope}, {"host", p.Host, &host}, {"parent", p.Parent, &q.Parent},
		{"ancestor_of", p.AncestorOf, &q.AncestorOf}, {"descendant_of", p.DescendantOf, &q.DescendantOf},
	} {
		if *f.to, err = idFilter(f.name, f.from); err != nil {
			return q, err
		}
	}
	q.Scopes = h.scopes(scope, host)
	for _, s := range p.Health {
		sev, ok := resource.ParseSeverity(string(s))
		if !ok {
			return q, resource.FieldErrorf("health", "%q is no state of health; there are ok, info, warning and error", s)
		}
		q.Health = append(q.Health, sev)
	}
	q.Hardware = q.Plugin == "" && q.Class == "" && q.Base == "" && len(q.Health) == 0 &&
		q.Scopes == nil && q.Parent == 0 && q.AncestorOf == 0 && q.DescendantOf == 0
	if p.Internal != nil {
		q.Hardware = !*p.Internal
	}
	return q, h.checkSort(&q)
}

// scopes are the roots that report what a scope, a host or both stand for, of which
// 0 is none; nil is all. A host that is not known, or has not reported yet, has none.
func (h *handlers) scopes(scope, host resource.ID) []resource.ID {
	switch {
	case host != 0:
	case scope != 0:
		return []resource.ID{scope}
	default:
		return nil
	}
	roots := []resource.ID{}
	for _, known := range h.fleet.List() {
		for _, p := range known.Plugins {
			if known.ID == int64(host) && p.Root != nil && (scope == 0 || *p.Root == int64(scope)) {
				roots = append(roots, resource.ID(*p.Root))
			}
		}
	}
	return roots
}

// sortFields are what resources of any class can be sorted by.
var sortFields = []string{"id", "name", "class", "health", "updated", "first_seen"}

// checkSort refuses a field that no asked class has: sorted by it, all
// resources would be equal, which looks like an answer and is none.
func (s *Server) checkSort(q *resource.Query) error {
	name := strings.TrimPrefix(q.Sort, "-")
	if q.Sort == "" || slices.Contains(sortFields, name) {
		return nil
	}
	asked := false
	for _, c := range s.inventory.Classes() {
		if q.Plugin != "" && c.Plugin != q.Plugin || q.Class != "" && c.Name != q.Class || q.Base != "" && !c.Is(q.Base) {
			continue
		}
		if i := c.Attr(resource.AttributeName(name)); i >= 0 && c.Attributes[i].Kind != resource.Password {
			return nil
		}
		asked = true
	}
	if !asked {
		return nil // no such class, no resources, nothing to sort
	}
	return resource.FieldErrorf("sort", "%q is no attribute of these resources; there are also %s", resource.AttributeName(name), strings.Join(sortFields, ", "))
}

// GetResource returns one resource.
func (h *handlers) GetResource(_ context.Context, req gen.GetResourceRequestObject) (gen.GetResourceResponseObject, error) {
	at := h.position()
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetResource200JSONResponse{
		Body: h.view.Resource(r), Headers: gen.GetResource200ResponseHeaders{FaultlinePosition: at.String()},
	}, nil
}

// AddResource adds a resource of a scannable class.
func (h *handlers) AddResource(ctx context.Context, req gen.AddResourceRequestObject) (gen.AddResourceResponseObject, error) {
	b := req.Body
	switch {
	case b.Plugin == "":
		return nil, resource.FieldErrorf("plugin", "plugin is missing")
	case b.Class == "":
		return nil, resource.FieldErrorf("class", "class is missing")
	}
	id, err := h.roots.Add(ctx, b.Plugin, b.Class, b.Attributes)
	if err != nil {
		return nil, err
	}
	r, err := h.resource(int64(id))
	if err != nil {
		return nil, err
	}
	return gen.AddResource201JSONResponse{
		Body:    h.view.Resource(r),
		Headers: gen.AddResource201ResponseHeaders{Location: fmt.Sprintf("%s/resources/%d", Prefix, id)},
	}, nil
}

// TestResource tries a scan of a resource, and keeps nothing of it.
func (h *handlers) TestResource(ctx context.Context, req gen.TestResourceRequestObject) (gen.TestResourceResponseObject, error) {
	b := req.Body
	if b.ID != 0 {
		r, err := h.resource(b.ID)
		if err != nil {
			return nil, err
		}
		if !deletable(r) || r.Class.Plugin != b.Plugin || r.Class.Name != b.Class {
			return nil, resource.FieldErrorf("id", "resource %d is none of class %s.%s that a user added", b.ID, b.Plugin, b.Class)
		}
	}
	t, err := h.roots.Test(ctx, resource.ID(b.ID), b.Plugin, b.Class, b.Attributes)
	if err != nil {
		return nil, err
	}
	return gen.TestResource200JSONResponse(t), nil
}

// EditResource changes the alias or attributes of a resource.
func (h *handlers) EditResource(ctx context.Context, req gen.EditResourceRequestObject) (gen.EditResourceResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	if req.Body.Alias == nil && len(req.Body.Attributes) == 0 {
		return nil, resource.Errorf(resource.Invalid, "give alias, attributes or both")
	}
	alias, err := parseAlias(req.Body.Alias)
	if err != nil {
		return nil, err
	}
	if len(req.Body.Attributes) > 0 && !deletable(r) {
		return nil, &resource.Fault{Kind: resource.Conflict, Field: "attributes",
			Text: "the attributes of this resource come from its plugin; only those of a resource that a user added can be changed"}
	}
	if err := h.roots.Edit(ctx, r.ID, alias, req.Body.Attributes); err != nil {
		return nil, err
	}
	if r, err = h.resource(req.ID); err != nil {
		return nil, err
	}
	return gen.EditResource200JSONResponse(h.view.Resource(r)), nil
}

// parseAlias returns nil if there is no alias in the request, and the empty
// string for null: back to the label.
func parseAlias(raw json.RawMessage) (*string, error) {
	if raw == nil {
		return nil, nil
	}
	var a *string
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, resource.FieldErrorf("alias", "alias must be a string or null")
	}
	switch {
	case a == nil:
		return new(string), nil
	case strings.TrimSpace(*a) == "":
		return nil, resource.FieldErrorf("alias", "alias may not be blank; null goes back to the label")
	case strings.TrimSpace(*a) != *a:
		return nil, resource.FieldErrorf("alias", "alias may not have a space at either end")
	case utf8.RuneCountInString(*a) > maxAlias:
		return nil, resource.FieldErrorf("alias", "alias has %d characters; at most %d are possible", utf8.RuneCountInString(*a), maxAlias)
	case strings.ContainsFunc(*a, unicode.IsControl):
		return nil, resource.FieldErrorf("alias", "alias may not have control characters")
	}
	return a, nil
}

// ApproveRemoval removes what the last scan of a root lacked.
func (h *handlers) ApproveRemoval(ctx context.Context, req gen.ApproveRemovalRequestObject) (gen.ApproveRemovalResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	n := deref(req.Body.Resources)
	if n < 0 || n == 0 && req.Body.Resources != nil {
		return nil, resource.FieldErrorf("resources", "resources must be at least 1")
	}
	removed, err := h.roots.Approve(ctx, r.ID, n)
	if err != nil {
		return nil, err
	}
	return gen.ApproveRemoval200JSONResponse{Removed: removed}, nil
}

// RemoveResource removes a resource that a user added.
func (h *handlers) RemoveResource(ctx context.Context, req gen.RemoveResourceRequestObject) (gen.RemoveResourceResponseObject, error) {
	r, err := h.resource(req.ID)
	if err != nil {
		return nil, err
	}
	if !deletable(r) {
		return nil, resource.Errorf(resource.Conflict,
			"%s is reported by its plugin; only a resource that a user added can be removed", r.Name())
	}
	if err := h.roots.Remove(ctx, r.ID); err != nil {
		return nil, err
	}
	return gen.RemoveResource204Response{}, nil
}

// resource finds the resource of a path.
func (s *Server) resource(id int64) (*resource.Resource, error) {
	if id < 1 {
		return nil, resource.FieldErrorf("id", "id must be a positive integer")
	}
	if r := s.inventory.Get(resource.ID(id)); r != nil {
		return r, nil
	}
	return nil, notFound("there is no resource %d", id)
}

// classFilter reads the filters plugin and class, where class may be
// plugin.Class.
func classFilter(plugin, class *string) (string, string, error) {
	p, c := deref(plugin), deref(class)
	if i := strings.LastIndexByte(c, '.'); i >= 0 {
		if p != "" && p != c[:i] {
			return "", "", resource.FieldErrorf("class", "class %s is not of plugin %s", c, p)
		}
		p, c = c[:i], c[i+1:]
	}
	return p, c, nil
}

// identifierFilter reads the filter identifier: name=value, several times.
func identifierFilter(list []string) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	m := make(map[string]string, len(list))
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := m[name]; !ok || name == "" || twice {
			return nil, resource.FieldErrorf("identifier", "%q is no name=value, or a name that was given before", text)
		}
		m[name] = value
	}
	return m, nil
}

// idFilter reads a filter that is an ID; absent, it is 0.
func idFilter(name string, id *gen.ID) (resource.ID, error) {
	if id == nil {
		return 0, nil
	}
	if *id < 1 {
		return 0, resource.FieldErrorf(name, "%s must be a positive integer", name)
	}
	return resource.ID(*id), nil
}

// limit reads the parameter of that name.
func limit(n *int, absent, most int) (int, error) {
	if n == nil {
		return absent, nil
	}
	if *n < 1 || *n > most {
		return 0, resource.FieldErrorf("limit", "limit must be from 1 to %d", most)
	}
	return *n, nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
