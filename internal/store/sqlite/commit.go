package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// statements are the bulk statements of the writer.
type statements struct {
	insertResource, updateResource, setWriters, deleteResource    *statement
	upsertRoot, deleteRoot                                        *statement
	insertEdge, upsertEdge, deleteEdge, deleteParent, deleteChild *statement
	insertChange                                                  *statement
	upsertAlert, upsertPending, deletePending                     *statement
	upsertVolume, deleteVolume                                    *statement
	upsertAgentHost, upsertAgentToken, deleteAgentToken           *statement
}

// newStatements returns the statements. Of a statement that fails, all of the
// transaction is taken back anyway; OR FAIL says so to the engine, which else
// copies every page that a statement over several rows changes, to be able to
// take back the statement alone. An upsert has to live with that.
func newStatements() statements {
	s := statements{
		insertResource: overRows(`INSERT OR FAIL INTO resource (id, class, space, identity, scope, label, own_label, alias, attributes,
			reporters, first_seen, updated) VALUES`, 12, ""),
		// The class, identity and space of a resource never change, so that its
		// index entry is left alone.
		updateResource: overOne(`UPDATE OR FAIL resource SET scope = ?2, label = ?3, own_label = ?4, alias = ?5, attributes = ?6, reporters = ?7,
			updated = ?8, written_by = NULL WHERE id = ?1`, 8),
		setWriters:     overOne("UPDATE resource SET written_by = ? WHERE id = ?", 2),
		deleteResource: overList("DELETE FROM resource WHERE id IN", ""),
		upsertRoot: overRows("INSERT INTO root (id, offline, error, last_contact, held) VALUES", 5, `ON CONFLICT (id) DO UPDATE SET
			offline = excluded.offline, error = excluded.error, last_contact = excluded.last_contact, held = excluded.held`),
		deleteRoot:   overList("DELETE FROM root WHERE id IN", ""),
		insertEdge:   overRows("INSERT OR FAIL INTO edge (parent, child, roots) VALUES", 3, ""),
		upsertEdge:   overRows("INSERT INTO edge (parent, child, roots) VALUES", 3, "ON CONFLICT (parent, child) DO UPDATE SET roots = excluded.roots"),
		deleteEdge:   overOne("DELETE FROM edge WHERE parent = ? AND child = ?", 2), // the engine scans the table for a list of pairs
		deleteParent: overList("DELETE FROM edge WHERE parent IN", ""),
		deleteChild:  overList("DELETE FROM edge WHERE child IN", ""),
		insertChange: overRows("INSERT OR FAIL INTO resource_change (resource, seq, time, what, gone) VALUES", 5, ""),
		upsertAlert: overRows(`INSERT INTO alert (id, resource, class, condition, attribute, severity, name, message, text, search, since, began,
			ended, ack_user, ack_comment, ack_time, seq) VALUES`, 17, `ON CONFLICT (id) DO UPDATE SET
			condition = excluded.condition, attribute = excluded.attribute, ended = excluded.ended,
			ack_user = excluded.ack_user, ack_comment = excluded.ack_comment, ack_time = excluded.ack_time, seq = excluded.seq`),
		upsertPending: overRows("INSERT INTO pending_alert (resource, condition, attribute, severity, class, since, message) VALUES", 7,
			"ON CONFLICT (resource, condition, attribute, severity) DO UPDATE SET class = excluded.class, since = excluded.since, message = excluded.message"),
		upsertVolume: overRows("INSERT INTO volume (key, resource, label, wish, choice, users, places, gone) VALUES", 8,
			`ON CONFLICT (key) DO UPDATE SET resource = excluded.resource, label = excluded.label, wish = excluded.wish,
			choice = excluded.choice, users = excluded.users, places = excluded.places, gone = excluded.gone`),
		upsertAgentHost: overRows("INSERT INTO agent_host (name, serial, issued, expires, key, revoked) VALUES", 6,
			`ON CONFLICT (name) DO UPDATE SET serial = excluded.serial, issued = excluded.issued, expires = excluded.expires,
			key = excluded.key, revoked = excluded.revoked`),
		upsertAgentToken: overRows("INSERT INTO agent_token (name, hash, created, expires, uses, used, host) VALUES", 7,
			`ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created = excluded.created, expires = excluded.expires,
			uses = excluded.uses, used = excluded.used, host = excluded.host`),
		deleteAgentToken: overList("DELETE FROM agent_token WHERE name IN", ""),
		deleteVolume:     overList("DELETE FROM volume WHERE key IN", ""),
		deletePending:    overOne("DELETE FROM pending_alert WHERE resource = ? AND condition = ? AND attribute = ? AND severity = ?", 4),
	}
	s.updateResource.must = true
	return s
}

// Commit applies m in one transaction. After an error nothing of m is there,
// except that a disk which fails during the very last write may keep it; a
// restart tells. The seq of m must be greater than any before.
func (db *DB) Commit(ctx context.Context, m *resource.Mutation) error {
	return db.commit(ctx, nil, func() (*resource.Mutation, error) { return m, nil })
}

// CommitEarly is Commit of what rest returns, whose new resources are the given
// ones. It writes them while rest runs.
func (db *DB) CommitEarly(ctx context.Context, created []*resource.Resource, rest func() (*resource.Mutation, error)) error {
	type result struct {
		m   *resource.Mutation
		err error
	}
	done := make(chan result, 1)
	go func() {
		m, err := rest()
		done <- result{m, err}
	}()
	rested := false
	wait := func() (*resource.Mutation, error) {
		r := <-done
		rested = true
		return r.m, r.err
	}
	err := db.commit(ctx, created, wait)
	if !rested { // it uses what the caller takes back
		if _, late := wait(); late != nil {
			return late
		}
	}
	return err
}

// commit applies what rest returns. It has written the given resources, which
// are the first of that, before it asks.
func (db *DB) commit(ctx context.Context, early []*resource.Resource, rest func() (*resource.Mutation, error)) error {
	var wrong error
	err := db.inTx(ctx, func(t *tx) error {
		w := resourceWriter{tx: t}
		if err := w.write(t.db.stmts.insertResource, early); err != nil {
			return fmt.Errorf("put resources: %w", err)
		}
		m, err := rest()
		if err != nil || m == nil {
			wrong = err
			return errNothing
		}
		return t.commit(m, &w, len(early))
	})
	if errors.Is(err, errNothing) {
		return wrong
	}
	return err
}

// errNothing takes a transaction back.
var errNothing = errors.New("there is nothing to commit")

// commit does all of m but to insert the first resources, which w has done.
func (t *tx) commit(m *resource.Mutation, w *resourceWriter, done int) error {
	if m.Created > len(m.Put) || m.Created < done {
		return fmt.Errorf("commit mutation %d: %d of %d resources are said to be new", m.Seq, m.Created, len(m.Put))
	}
	for _, step := range []struct {
		what string
		do   func(*resource.Mutation) error
	}{
		{"write the change log", t.log},
		{"write the history of resources", t.history},
		{"delete resources", t.remove},
		{"put resources", func(m *resource.Mutation) error { return w.put(m, done) }},
		{"delete edges", t.unlink},
		{"put edges", t.link},
		{"keep declarations", t.manifest},
	} {
		if err := step.do(m); err != nil {
			return fmt.Errorf("commit mutation %d: %s: %w", m.Seq, step.what, err)
		}
	}
	return nil
}

func (t *tx) log(m *resource.Mutation) error {
	next := resource.ID(1)
	for _, r := range m.Put[:m.Created] {
		next = max(next, r.ID+1)
	}
	res, err := t.exec("UPDATE meta SET seq = ?1, next_resource = max(next_resource, ?2) WHERE seq < ?1", int64(m.Seq), int64(next))
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return resource.Errorf(resource.Conflict, "a mutation with this number or a later one is committed already")
	}
	entry := m.Log
	if entry == nil {
		entry = []byte{} // a nil slice would be NULL
	}
	var samples driver.Value // NULL for none
	if len(m.Samples) > 0 {
		samples = m.Samples
	}
	_, err = t.exec("INSERT INTO change_log (seq, time, entry, samples) VALUES (?, ?, ?, ?)", int64(m.Seq), row.Nanos(m.Time), entry, samples)
	return err
}

func (t *tx) history(m *resource.Mutation) error {
	return t.run(t.db.stmts.insertChange, len(m.History), func(a *args, i int) error {
		c := &m.History[i]
		a.int(int64(c.Resource))
		a.int(int64(m.Seq))
		a.int(row.Nanos(m.Time))
		a.text(string(c.What))
		if c.Gone == "" {
			a.add(nil)
		} else {
			a.text(c.Gone)
		}
		return nil
	})
}

func (t *tx) remove(m *resource.Mutation) error {
	for _, s := range []*statement{t.db.stmts.deleteParent, t.db.stmts.deleteChild, t.db.stmts.deleteRoot, t.db.stmts.deleteResource} {
		err := t.run(s, len(m.Delete), func(a *args, i int) error {
			a.int(int64(m.Delete[i]))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put writes the resources of m but the first ones, and the state of all roots.
func (w *resourceWriter) put(m *resource.Mutation, done int) error {
	if err := w.write(w.db.stmts.insertResource, m.Put[done:m.Created]); err != nil {
		return err
	}
	changed := m.Put[m.Created:]
	err := w.run(w.db.stmts.updateResource, len(changed), func(a *args, i int) error { return w.fillChanged(a, changed[i]) })
	if err != nil {
		return err
	}
	err = w.run(w.db.stmts.setWriters, len(w.written), func(a *args, i int) error {
		a.text(string(w.written[i].AppendWriters(nil)))
		a.int(int64(w.written[i].ID))
		return nil
	})
	if err != nil {
		return err
	}
	return w.run(w.db.stmts.upsertRoot, len(w.roots), func(a *args, i int) error {
		r := w.roots[i]
		a.int(int64(r.ID))
		a.flag(r.Root.Offline)
		a.text(r.Root.Error)
		a.int(row.Nanos(r.Root.LastContact))
		if r.Root.Held == nil {
			a.add(nil)
		} else {
			a.text(string(r.Root.Held.AppendJSON(nil)))
		}
		return nil
	})
}

func (w *resourceWriter) write(s *statement, rs []*resource.Resource) error {
	return w.run(s, len(rs), func(a *args, i int) error { return w.fill(a, rs[i]) })
}

func (t *tx) unlink(m *resource.Mutation) error {
	return t.run(t.db.stmts.deleteEdge, len(m.RemoveEdges), func(a *args, i int) error {
		a.int(int64(m.RemoveEdges[i].Parent))
		a.int(int64(m.RemoveEdges[i].Child))
		return nil
	})
}

func (t *tx) link(m *resource.Mutation) error {
	// An edge of a new resource is new, too.
	isNew := func(*resource.StoredEdge) bool { return false }
	if m.Created > 0 {
		first := slices.MinFunc(m.Put[:m.Created], func(a, b *resource.Resource) int { return cmp.Compare(a.ID, b.ID) }).ID
		isNew = func(e *resource.StoredEdge) bool { return e.Parent >= first || e.Child >= first }
	}
	var roots row.IDWriter
	// Edges are written in the order that they come in, so that what is written
	// to the table and its index side by side stays so.
	for edges := m.AddEdges; len(edges) > 0; {
		n, s := 1, t.db.stmts.upsertEdge
		fresh := isNew(&edges[0])
		for n < len(edges) && isNew(&edges[n]) == fresh {
			n++
		}
		if fresh {
			s = t.db.stmts.insertEdge
		}
		err := t.run(s, n, func(a *args, i int) error {
			e := &edges[i]
			a.int(int64(e.Parent))
			a.int(int64(e.Child))
			a.text(roots.Text(e.Roots))
			return nil
		})
		if err != nil {
			return err
		}
		edges = edges[n:]
	}
	return nil
}

// resourceWriter makes rows of resources.
type resourceWriter struct {
	*tx
	roots     []*resource.Resource // those that it saw
	written   []*resource.Resource // those that several roots report
	class     *resource.Class      // the last one, and its number
	classID   int64
	reporters row.IDWriter
	buf       []byte
}

// fill appends the columns of a new resource.
func (w *resourceWriter) fill(a *args, r *resource.Resource) error {
	if r.Class != w.class {
		id, err := w.tx.class(r.Class.Plugin, r.Class.Name)
		if err != nil {
			return err
		}
		w.class, w.classID = r.Class, id
	}
	w.note(r)
	w.buf = r.AppendAttributes(w.buf[:0])
	a.int(int64(r.ID))
	a.int(w.classID)
	a.int(int64(r.IdentitySpace()))
	a.text(r.Identity)
	a.int(int64(r.Scope))
	a.text(r.Label)
	a.flag(r.OwnLabel)
	a.text(r.Alias)
	a.text(string(w.buf))
	a.text(w.reporters.Text(r.Reporters))
	a.int(row.Nanos(r.FirstSeen))
	a.int(row.Nanos(r.Updated))
	return nil
}

// fillChanged appends the columns of a changed resource that may change.
func (w *resourceWriter) fillChanged(a *args, r *resource.Resource) error {
	w.note(r)
	w.buf = r.AppendAttributes(w.buf[:0])
	a.int(int64(r.ID))
	a.int(int64(r.Scope))
	a.text(r.Label)
	a.flag(r.OwnLabel)
	a.text(r.Alias)
	a.text(string(w.buf))
	a.text(w.reporters.Text(r.Reporters))
	a.int(row.Nanos(r.Updated))
	return nil
}

// note keeps the resource for what of it is written after all resources are.
func (w *resourceWriter) note(r *resource.Resource) {
	if r.Root != nil {
		w.roots = append(w.roots, r)
	}
	if r.WrittenBy != nil {
		w.written = append(w.written, r)
	}
}
