package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// LoadAgents calls host for every host that was registered, and token for every
// token for agents, each by name, all as of one commit.
func (db *DB) LoadAgents(ctx context.Context, host func(resource.AgentHost) error, token func(resource.AgentToken) error) (err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("load agents: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if err := eachAgentHost(ctx, tx, host); err != nil {
		return fmt.Errorf("load agents: %w", err)
	}
	if err := eachAgentToken(ctx, tx, token); err != nil {
		return fmt.Errorf("load tokens of agents: %w", err)
	}
	return nil
}

func eachAgentHost(ctx context.Context, q queryer, f func(resource.AgentHost) error) error {
	rows, err := q.QueryContext(ctx, "SELECT name, serial, issued, expires, key, revoked FROM agent_host ORDER BY name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h resource.AgentHost
		var issued, expires, revoked int64
		if err := rows.Scan(&h.Name, &h.Serial, &issued, &expires, &h.Key, &revoked); err != nil {
			return err
		}
		h.Issued, h.Expires, h.Revoked = row.FromNanos(issued), row.FromNanos(expires), row.FromNanos(revoked)
		if err := f(h); err != nil {
			return err
		}
	}
	return rows.Err()
}

func eachAgentToken(ctx context.Context, q queryer, f func(resource.AgentToken) error) error {
	rows, err := q.QueryContext(ctx, "SELECT name, hash, created, expires, uses, used, host FROM agent_token ORDER BY name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k resource.AgentToken
		var created, expires int64
		if err := rows.Scan(&k.Name, &k.Hash, &created, &expires, &k.Uses, &k.Used, &k.Host); err != nil {
			return err
		}
		k.Created, k.Expires = row.FromNanos(created), row.FromNanos(expires)
		if err := f(k); err != nil {
			return err
		}
	}
	return rows.Err()
}

// CommitAgents applies m in one transaction.
func (db *DB) CommitAgents(ctx context.Context, m *resource.AgentMutation) error {
	if m.Empty() {
		return nil
	}
	err := db.inTx(ctx, func(t *tx) error {
		if err := t.run(db.stmts.deleteAgentToken, len(m.DeleteTokens), func(a *args, i int) error { a.text(m.DeleteTokens[i]); return nil }); err != nil {
			return err
		}
		if err := t.run(db.stmts.upsertAgentHost, len(m.PutHosts), func(a *args, i int) error { fillAgentHost(a, &m.PutHosts[i]); return nil }); err != nil {
			return err
		}
		return t.run(db.stmts.upsertAgentToken, len(m.PutTokens), func(a *args, i int) error { fillAgentToken(a, &m.PutTokens[i]); return nil })
	})
	if err != nil {
		return fmt.Errorf("commit agents: %w", err)
	}
	return nil
}

func fillAgentHost(a *args, h *resource.AgentHost) {
	a.text(h.Name)
	a.text(h.Serial)
	a.int(row.Nanos(h.Issued))
	a.int(row.Nanos(h.Expires))
	a.text(h.Key)
	a.int(row.Nanos(h.Revoked))
}

func fillAgentToken(a *args, k *resource.AgentToken) {
	a.text(k.Name)
	a.text(k.Hash)
	a.int(row.Nanos(k.Created))
	a.int(row.Nanos(k.Expires))
	a.int(int64(k.Uses))
	a.int(int64(k.Used))
	a.text(k.Host)
}
