package inventory

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Declaration is what a plugin declares now.
type Declaration struct {
	Plugin  string
	Classes []*resource.Class
	// Manifest is the declarations as the store keeps them. It is written in one
	// transaction with the rows that follow from it. Nil writes none.
	Manifest []byte
	// Computed has values for attributes that have none under the new declaration
	// and whose default is a function; see Migration.Missing.
	Computed map[resource.ID][]resource.AttrValue
}

// Migration is what a declaration does to stored resources.
type Migration struct {
	// Classes has an entry for each class that changed and has resources, by name.
	Classes []ClassMigration
	// Missing are resources that need a computed default, as they will be, with
	// the attributes that do.
	Missing []Missing
}

// ClassMigration is what becomes of the resources of one class.
type ClassMigration struct {
	Class     *resource.Class // as it is declared now
	Resources int             // of the class
	// NewIdentity is how many of them go because the new declaration identifies
	// them otherwise; the next scan reports them as new ones.
	NewIdentity int
	// Attributes are those of which values change, in the order of the class, then
	// those that the class no longer has.
	Attributes []AttributeMigration
}

// AttributeMigration counts what becomes of the values of one attribute.
type AttributeMigration struct {
	Name      string
	From      string // its name before, if it is another one
	Converted int    // values of another kind now that say the same
	Dropped   int    // values that the new declaration does not allow, or has no place for
	Filled    int    // resources that get the constant default
	Unset     int    // resources without a value, although one is mandatory
}

// Missing is a resource that needs computed defaults.
type Missing struct {
	Resource   *resource.Resource
	Attributes []int // by index in the class
}

// SetClasses is Declare without a manifest.
func (inv *Inventory) SetClasses(ctx context.Context, plugin string, classes []*resource.Class) ([]*resource.Class, error) {
	inUse, _, err := inv.Declare(ctx, Declaration{Plugin: plugin, Classes: classes})
	return inUse, err
}

// Declare replaces the classes of a plugin by those that it declares now.
// Resources of a class that changed get its attributes: values keep their
// names, or follow a renamed attribute; a value of another kind is converted
// where that loses nothing, and a value that the new declaration does not allow
// becomes the default or null. Where that makes another identity, the resource
// goes, and the next scan reports it anew; if it is a root that a user added, the
// declarations are refused. A class that is no longer declared keeps its
// resources.
//
// It returns the classes to use: an unchanged class stays the value it was. If
// any changed, the plugin's sessions are closed: their batches were made for
// the classes of before.
func (inv *Inventory) Declare(ctx context.Context, d Declaration) ([]*resource.Class, *Migration, error) {
	inv.write.Lock()
	defer inv.write.Unlock()
	w, err := inv.declare(ctx, &d)
	if err != nil {
		return nil, nil, err
	}
	t, inUse, unseen, m := w.t, w.inUse, w.unseen, w.m
	if d.Manifest != nil {
		t.manifest = &resource.Manifest{Plugin: d.Plugin, JSON: d.Manifest}
	}
	if maps.Equal(t.classes, inv.classes) || len(t.changed)+len(unseen) == 0 {
		// No row changes; only the manifest does.
		if err := inv.keepManifest(ctx, t.manifest); err != nil {
			return nil, nil, err
		}
		t.manifest = nil
		if maps.Equal(t.classes, inv.classes) {
			return inUse, m, nil
		}
	}
	m.log(inv)
	if err := t.finish(ctx, nothing); err != nil {
		return nil, nil, err
	}
	for name := range unseen {
		delete(inv.unseen, name)
	}
	for root := range inv.sessions {
		if inv.nodes.get(root).Class.Plugin == d.Plugin {
			delete(inv.sessions, root)
		}
	}
	return inUse, m, nil
}

// Plan returns what Declare would do, or the error that it would give.
func (inv *Inventory) Plan(ctx context.Context, d Declaration) (*Migration, error) {
	inv.write.Lock()
	defer inv.write.Unlock()
	w, err := inv.declare(ctx, &d)
	if err != nil {
		return nil, err
	}
	return w.m, nil
}

func (inv *Inventory) keepManifest(ctx context.Context, m *resource.Manifest) error {
	if m == nil {
		return nil
	}
	store, ok := inv.store.(interface {
		SaveManifest(ctx context.Context, plugin string, manifest []byte) error
	})
	if !ok {
		return errors.New("the store keeps no manifests")
	}
	return store.SaveManifest(ctx, m.Plugin, m.JSON)
}

// redeclaration is a declaration that is worked out and not committed.
type redeclaration struct {
	t      *txn
	inUse  []*resource.Class
	unseen map[string]*resource.Class // classes whose rows nobody saw until now, by full name
	m      *Migration
}

// declare works a declaration out.
func (inv *Inventory) declare(ctx context.Context, d *Declaration) (*redeclaration, error) {
	inUse, m := slices.Clone(d.Classes), &Migration{}
	t := inv.begin(0)
	t.classes, t.changed = maps.Clone(inv.classes), map[*resource.Class]*resource.Class{}
	unseen := map[string]*resource.Class{}
	w := &redeclaration{t, inUse, unseen, m}
	for i, c := range d.Classes {
		name := c.FullName()
		old := inv.classes[name]
		if old != nil && reflect.DeepEqual(old, c) {
			inUse[i] = old
			continue
		}
		t.classes[name] = c
		if old != nil {
			t.changed[old] = c
		} else if inv.unseen[name] > 0 {
			unseen[name] = c
		}
	}
	if maps.Equal(t.classes, inv.classes) {
		return w, nil
	}
	for old, c := range t.changed {
		if len(inv.members[old]) == 0 {
			continue
		}
		cm := newMigrator(old, c, d.Computed)
		for _, id := range inv.members[old] {
			n := t.edit(id)
			was := &inv.nodes.get(id).Resource
			n.Class, n.Values = c, cm.convert(was)
			n.WrittenBy = writersUnder(was, c, n.Values)
			if missing := cm.missing(n.Values); missing != nil {
				m.Missing = append(m.Missing, Missing{&n.Resource, missing})
			}
		}
		m.Classes = append(m.Classes, cm.result())
	}
	if err := t.show(ctx, unseen); err != nil {
		return nil, err
	}
	if err := t.dropRenamed(m); err != nil {
		return nil, err
	}
	for id, n := range t.nodes.all() {
		if n != nil && !n.OwnLabel {
			t.setLabel(id, nil)
		}
	}
	t.labels()
	t.relateAfresh()
	slices.SortFunc(m.Classes, func(a, b ClassMigration) int { return strings.Compare(a.Class.Name, b.Class.Name) })
	slices.SortFunc(m.Missing, func(a, b Missing) int { return int(a.Resource.ID - b.Resource.ID) })
	return w, nil
}

// dropRenamed removes the resources whose values make another identity than
// the one that they are known under.
func (t *txn) dropRenamed(m *Migration) error {
	var gone []resource.ID
	for id, n := range t.nodes.all() {
		if n == nil {
			continue
		}
		old := t.inv.nodes.get(id)
		sameSpace := old == nil || (old.Class.IDScope == resource.Scoped) == (n.Class.IDScope == resource.Scoped)
		if sameSpace && (n.Class.IDScope == resource.Auto || identityOf(n.Class, n.Values) == n.Identity) {
			continue
		}
		if n.Root != nil {
			return resource.Errorf(resource.Conflict, "class %s has another identifier now (%s), and resource %d (%s), which a user added, has no such identity; remove that resource and load the plugin again",
				n.Class.FullName(), strings.Join(n.Class.IDNames, ", "), id, n.Name())
		}
		gone = append(gone, id)
		if i := slices.IndexFunc(m.Classes, func(c ClassMigration) bool { return c.Class == n.Class }); i >= 0 {
			m.Classes[i].NewIdentity++
		}
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		t.remove(gone...)
	}
	return nil
}

// log says what a person would miss otherwise.
func (m *Migration) log(inv *Inventory) {
	for i := range m.Classes {
		c := &m.Classes[i]
		if c.NewIdentity > 0 {
			inv.log.Warn("resources go because their class has another identifier now; the next scan reports them anew", "class", c.Class.FullName(), "resources", c.NewIdentity)
		}
		for _, a := range c.Attributes {
			if a.Dropped > 0 {
				inv.log.Warn("values were dropped: the class has no place for them now", "class", c.Class.FullName(), "attribute", a.Name, "resources", a.Dropped)
			}
		}
	}
}

// migrator brings the resources of one class under its new declaration.
type migrator struct {
	old, class *resource.Class
	computed   map[resource.ID][]resource.AttrValue
	former     []int // of each attribute of class, its index in old
	resources  int
	counts     []AttributeMigration // of each attribute of class
	lost       []AttributeMigration // of each attribute of old
}

func newMigrator(old, c *resource.Class, computed map[resource.ID][]resource.AttrValue) *migrator {
	m := &migrator{
		old: old, class: c, computed: computed, former: make([]int, len(c.Attributes)),
		counts: make([]AttributeMigration, len(c.Attributes)), lost: make([]AttributeMigration, len(old.Attributes)),
	}
	for j := range old.Attributes {
		m.lost[j].Name = old.Attributes[j].Name
	}
	for i := range c.Attributes {
		m.former[i], m.counts[i].Name = c.Former(i, old), c.Attributes[i].Name
		if j := m.former[i]; j >= 0 {
			if m.lost[j].Name != m.counts[i].Name {
				m.counts[i].From = m.lost[j].Name
			}
			m.lost[j].Name = "" // it goes on
		}
	}
	return m
}

// convert returns the values of a resource under the new declaration.
func (m *migrator) convert(r *resource.Resource) []resource.Value {
	m.resources++
	values := make([]resource.Value, len(m.class.Attributes))
	for i := range m.class.Attributes {
		a, count := &m.class.Attributes[i], &m.counts[i]
		if j := m.former[i]; j >= 0 {
			from := &m.old.Attributes[j]
			v, ok := a.Convert(r.Values[j], from)
			switch values[i] = v; {
			case !ok:
				count.Dropped++
			case a.Kind != from.Kind && !v.IsNull():
				count.Converted++
			}
		}
		if !values[i].IsNull() || a.Optional {
			continue
		}
		if values[i] = a.Default; !values[i].IsNull() {
			count.Filled++
		}
	}
	for j, v := range r.Values {
		if m.lost[j].Name != "" && !v.IsNull() {
			m.lost[j].Dropped++
		}
	}
	for _, c := range m.computed[r.ID] {
		if values[c.Index].IsNull() && m.class.Attributes[c.Index].Check(c.Value) == nil {
			values[c.Index] = c.Value
			m.counts[c.Index].Filled++
		}
	}
	return values
}

// missing returns the mandatory attributes without a value that have a function
// for it, and counts those that have nothing.
func (m *migrator) missing(values []resource.Value) (missing []int) {
	for i, v := range values {
		a := &m.class.Attributes[i]
		if !v.IsNull() || a.Optional {
			continue
		}
		m.counts[i].Unset++
		if a.DefaultComputed {
			missing = append(missing, i)
		}
	}
	return missing
}

func (m *migrator) result() ClassMigration {
	out := ClassMigration{Class: m.class, Resources: m.resources}
	for _, list := range [][]AttributeMigration{m.counts, m.lost} {
		for _, a := range list {
			if a.From != "" || a.Converted+a.Dropped+a.Filled+a.Unset > 0 {
				out.Attributes = append(out.Attributes, a)
			}
		}
	}
	return out
}
