package postgres

import (
	"context"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// statement is a statement over the rows of arrays.
type statement struct {
	name  string
	sql   string
	table table
}

// The tables that are written in bulk.
var (
	resourceTable = columns("resource", `id:i class:i space:i identity:t scope:i label:t own_label:f alias:t attributes:t
		reporters:t first_seen:i updated:i written_by:t`)
	rootTable  = columns("root", "id:i offline:f error:t last_contact:i held:t")
	edgeTable  = columns("edge", "parent:i child:i roots:t")
	alertTable = columns("alert", `id:i resource:i class:i condition:t attribute:t severity:i name:t message:t text:t search:t since:i began:i
		ended:i ack_user:t ack_comment:t ack_time:i seq:i`)
	pendingTable    = columns("pending_alert", "resource:i condition:t attribute:t severity:i class:i since:i message:t")
	keyList         = columns("", "resource:i condition:t attribute:t severity:i")
	volumeTable     = columns("volume", "key:t resource:i label:t wish:t choice:t users:t places:t gone:i")
	clusterTable    = columns("ha_cluster", "name:t hosts:t")
	agentHostTable  = columns("agent_host", "name:t serial:t issued:i expires:i key:t revoked:i")
	agentTokenTable = columns("agent_token", "name:t hash:t created:i expires:i uses:i used:i host:t")
	nameList        = columns("", "name:t")
	idList          = columns("", "id:i")
	pairList        = columns("", "parent:i child:i")
	changeTable     = columns("resource_change", "resource:i seq:i time:i what:t gone:t")
)

// The statements over rows. Other statements are in single.
var (
	insertResource = &statement{"insert resources", resourceTable.insert(), resourceTable}
	// The class, identity and space of a resource never change, so that its
	// index entries are left alone.
	upsertResource = &statement{"update resources", resourceTable.upsert("id", "scope", "label", "own_label", "alias", "attributes", "reporters", "updated", "written_by"), resourceTable}
	deleteResource = &statement{"delete resources", "DELETE FROM resource WHERE id = ANY($1::bigint[])", idList}
	upsertRoot     = &statement{"put roots", rootTable.upsert("id", "offline", "error", "last_contact", "held"), rootTable}
	deleteRoot     = &statement{"delete roots", "DELETE FROM root WHERE id = ANY($1::bigint[])", idList}
	insertEdge     = &statement{"insert edges", edgeTable.insert(), edgeTable}
	upsertEdge     = &statement{"put edges", edgeTable.upsert("parent, child", "roots"), edgeTable}
	deleteEdge     = &statement{"delete edges", "DELETE FROM edge e USING " + pairList.over() + " AS gone (parent, child) WHERE e.parent = gone.parent AND e.child = gone.child", pairList}
	deleteParent   = &statement{"delete edges of parents", "DELETE FROM edge WHERE parent = ANY($1::bigint[])", idList}
	deleteChild    = &statement{"delete edges of children", "DELETE FROM edge WHERE child = ANY($1::bigint[])", idList}
	insertChange   = &statement{"insert changes of resources", changeTable.insert(), changeTable}
	upsertAlert    = &statement{"put alerts", alertTable.upsert("id", "condition", "attribute", "ended", "ack_user", "ack_comment", "ack_time", "seq"), alertTable}
	upsertPending  = &statement{"put pending alerts", pendingTable.upsert("resource, condition, attribute, severity", "class", "since", "message"), pendingTable}
	deletePending  = &statement{"delete pending alerts", "DELETE FROM pending_alert p USING " + keyList.over() + ` AS gone (resource, condition, attribute, severity)
		WHERE p.resource = gone.resource AND p.condition = gone.condition AND p.attribute = gone.attribute AND p.severity = gone.severity`, keyList}
	upsertVolume     = &statement{"put volumes", volumeTable.upsert("key", "resource", "label", "wish", "choice", "users", "places", "gone"), volumeTable}
	deleteVolume     = &statement{"delete volumes", "DELETE FROM volume WHERE key = ANY($1::text[])", nameList}
	upsertCluster    = &statement{"put clusters", clusterTable.upsert("name", "hosts"), clusterTable}
	deleteCluster    = &statement{"delete clusters", "DELETE FROM ha_cluster WHERE name = ANY($1::text[])", nameList}
	upsertAgentHost  = &statement{"put agents", agentHostTable.upsert("name", "serial", "issued", "expires", "key", "revoked"), agentHostTable}
	upsertAgentToken = &statement{"put tokens of agents", agentTokenTable.upsert("name", "hash", "created", "expires", "uses", "used", "host"), agentTokenTable}
	deleteAgentToken = &statement{"delete tokens of agents", "DELETE FROM agent_token WHERE name = ANY($1::text[])", nameList}

	statements = []*statement{insertResource, upsertResource, deleteResource, upsertRoot, deleteRoot, insertEdge, upsertEdge, deleteEdge,
		deleteParent, deleteChild, insertChange, upsertAlert, upsertPending, deletePending, upsertVolume, deleteVolume, upsertCluster, deleteCluster,
		upsertAgentHost, upsertAgentToken, deleteAgentToken}
)

// single are the other prepared statements, with the types of their
// parameters.
var single = []struct {
	name, sql string
	params    []kind
}{
	{"begin", "BEGIN", nil},
	{"commit", "COMMIT", nil},
	{"fence", "SELECT 1 FROM meta WHERE id = 1 AND epoch = $1 FOR UPDATE", []kind{integer}},
	{"move on", "UPDATE meta SET seq = $2, next_resource = greatest(next_resource, $3) WHERE id = 1 AND epoch = $1 AND seq < $2", []kind{integer, integer, integer}},
	{"log", "INSERT INTO change_log (seq, time, entry, samples) VALUES ($1, $2, $3, $4)", []kind{integer, integer, blob, blob}},
	{"add class", "INSERT INTO class (plugin, name) VALUES ($1, $2) RETURNING id::text", []kind{text, text}},
	{"move on alerts", "UPDATE meta SET next_alert = greatest(next_alert, $2), alert_seq = greatest(alert_seq, $3) WHERE id = 1 AND epoch = $1", []kind{integer, integer, integer}},
	{"save manifest", "INSERT INTO manifest VALUES ($1, $2) ON CONFLICT (plugin) DO UPDATE SET json = excluded.json", []kind{text, blob}},
	{"save setting", "INSERT INTO setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", []kind{text, text}},
	{"move position", "INSERT INTO position (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq", []kind{text, integer}},
	{"trim", "DELETE FROM change_log WHERE seq <= $1", []kind{integer}},
	{"trim history", "DELETE FROM resource_change WHERE seq <= $1", []kind{integer}},
	{"trim entries of samples", "DELETE FROM change_log WHERE samples IS NOT NULL AND seq <= $1 AND length(entry) = 0", []kind{integer}},
	{"trim samples", "UPDATE change_log SET samples = NULL WHERE samples IS NOT NULL AND seq <= $1", []kind{integer}},
}

// Commit applies m in one transaction. After an error nothing of m is there,
// except that a connection that broke during the very last step leaves it
// open; then the server has lost its lead, and must be opened anew. The seq of
// m must be greater than any before.
func (db *DB) Commit(ctx context.Context, m *resource.Mutation) error {
	if m.Created > len(m.Put) {
		return fmt.Errorf("commit mutation %d: %d of %d resources are said to be new", m.Seq, m.Created, len(m.Put))
	}
	next := resource.ID(1)
	for _, r := range m.Put[:m.Created] {
		next = max(next, r.ID+1)
	}
	move := fence{"move on", [][]byte{scalar(db.epoch), scalar(int64(m.Seq)), scalar(int64(next))},
		resource.Errorf(resource.Conflict, "a mutation with this number or a later one is committed already")}
	err := db.inTx(ctx, move, func(t *tx) error {
		for _, do := range []func(*resource.Mutation) error{t.log, t.history, t.remove, t.put, t.unlink, t.link, t.manifest} {
			if err := do(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit mutation %d: %w", m.Seq, err)
	}
	return nil
}

func (t *tx) log(m *resource.Mutation) error {
	entry := m.Log
	if entry == nil {
		entry = []byte{} // a nil slice would be NULL
	}
	samples := m.Samples
	if len(samples) == 0 {
		samples = nil // NULL for none
	}
	t.send("log", [][]byte{scalar(int64(m.Seq)), scalar(row.Nanos(m.Time)), entry, samples})
	return nil
}

func (t *tx) history(m *resource.Mutation) error {
	return t.add(insertChange, len(m.History), func(r *rows, i int) {
		c := &m.History[i]
		r.int(int64(c.Resource))
		r.int(int64(m.Seq))
		r.int(row.Nanos(m.Time))
		r.bytes(c.What)
		r.orNull([]byte(c.Gone))
	})
}

func (t *tx) remove(m *resource.Mutation) error {
	for _, s := range []*statement{deleteParent, deleteChild, deleteRoot, deleteResource} {
		if err := t.each(s, len(m.Delete), func(r *rows, i int) { r.int(int64(m.Delete[i])) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) put(m *resource.Mutation) error {
	if err := t.learnAll(m.Put); err != nil {
		return err
	}
	w := resourceWriter{tx: t}
	created, changed := m.Put[:m.Created], m.Put[m.Created:]
	if err := t.add(insertResource, len(created), func(r *rows, i int) { w.fill(r, created[i]) }); err != nil {
		return err
	}
	if err := t.each(upsertResource, len(changed), func(r *rows, i int) { w.fill(r, changed[i]) }); err != nil {
		return err
	}
	return t.each(upsertRoot, len(w.roots), func(r *rows, i int) {
		root := w.roots[i]
		r.int(int64(root.ID))
		r.flag(root.Root.Offline)
		r.text(root.Root.Error)
		r.int(row.Nanos(root.Root.LastContact))
		r.orNull(root.Root.Held.AppendJSON(nil))
	})
}

func (t *tx) unlink(m *resource.Mutation) error {
	return t.each(deleteEdge, len(m.RemoveEdges), func(r *rows, i int) {
		r.int(int64(m.RemoveEdges[i].Parent))
		r.int(int64(m.RemoveEdges[i].Child))
	})
}

// link puts the edges. Those of a new resource are new, and need not be looked
// for: IDs are never used again.
func (t *tx) link(m *resource.Mutation) error {
	created := make(map[resource.ID]struct{}, m.Created)
	if len(m.AddEdges) >= copyFrom {
		for _, r := range m.Put[:m.Created] {
			created[r.ID] = struct{}{}
		}
	}
	fresh, others := make([]*resource.StoredEdge, 0, len(m.AddEdges)), []*resource.StoredEdge(nil)
	for i := range m.AddEdges {
		e := &m.AddEdges[i]
		_, ok := created[e.Child]
		if !ok {
			_, ok = created[e.Parent]
		}
		if ok {
			fresh = append(fresh, e)
		} else {
			others = append(others, e)
		}
	}
	var roots row.IDWriter
	fill := func(r *rows, e *resource.StoredEdge) {
		r.int(int64(e.Parent))
		r.int(int64(e.Child))
		r.text(roots.Text(e.Roots))
	}
	if err := t.add(insertEdge, len(fresh), func(r *rows, i int) { fill(r, fresh[i]) }); err != nil {
		return err
	}
	return t.each(upsertEdge, len(others), func(r *rows, i int) { fill(r, others[i]) })
}

// resourceWriter makes rows of resources.
type resourceWriter struct {
	tx        *tx
	roots     []*resource.Resource // those that it saw
	class     *resource.Class      // the last one, and its number
	classID   int64
	reporters row.IDWriter
	buf       []byte
}

func (w *resourceWriter) fill(r *rows, res *resource.Resource) {
	if res.Class != w.class {
		w.class, w.classID = res.Class, w.tx.class(res.Class.Plugin, res.Class.Name)
	}
	if res.Root != nil {
		w.roots = append(w.roots, res)
	}
	w.buf = res.AppendAttributes(w.buf[:0])
	r.int(int64(res.ID))
	r.int(w.classID)
	r.int(int64(res.IdentitySpace()))
	r.text(res.Identity)
	r.int(int64(res.Scope))
	r.text(res.Label)
	r.flag(res.OwnLabel)
	r.text(res.Alias)
	r.bytes(w.buf)
	r.text(w.reporters.Text(res.Reporters))
	r.int(row.Nanos(res.FirstSeen))
	r.int(row.Nanos(res.Updated))
	r.orNull(res.AppendWriters(w.buf[:0]))
}
