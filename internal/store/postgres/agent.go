package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// LoadAgents calls host for every host that was registered, and token for every
// token for agents, each by name, all as of one commit.
func (db *DB) LoadAgents(ctx context.Context, host func(resource.AgentHost) error, token func(resource.AgentToken) error) error {
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		err := each(ctx, tx, func(c *cells) error {
			h := resource.AgentHost{Name: c.text(), Serial: c.text(), Issued: row.FromNanos(c.int()), Expires: row.FromNanos(c.int()), Key: c.text(), Revoked: row.FromNanos(c.int())}
			if c.err != nil {
				return c.err
			}
			return host(h)
		}, `SELECT name, serial, issued, expires, key, revoked FROM agent_host ORDER BY name COLLATE "C"`)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(c *cells) error {
			k := resource.AgentToken{
				Name: c.text(), Hash: c.text(), Created: row.FromNanos(c.int()), Expires: row.FromNanos(c.int()),
				Uses: int(c.int()), Used: int(c.int()), Host: c.text(),
			}
			if c.err != nil {
				return c.err
			}
			return token(k)
		}, `SELECT name, hash, created, expires, uses, used, host FROM agent_token ORDER BY name COLLATE "C"`)
	})
	if err != nil {
		return fmt.Errorf("load agents: %w", err)
	}
	return nil
}

// CommitAgents applies m in one transaction.
func (db *DB) CommitAgents(ctx context.Context, m *resource.AgentMutation) error {
	if m.Empty() {
		return nil
	}
	err := db.inTx(ctx, db.fence(), func(t *tx) error {
		if err := t.each(deleteAgentToken, len(m.DeleteTokens), func(r *rows, i int) { r.text(m.DeleteTokens[i]) }); err != nil {
			return err
		}
		if err := t.each(upsertAgentHost, len(m.PutHosts), func(r *rows, i int) { fillAgentHost(r, &m.PutHosts[i]) }); err != nil {
			return err
		}
		return t.each(upsertAgentToken, len(m.PutTokens), func(r *rows, i int) { fillAgentToken(r, &m.PutTokens[i]) })
	})
	if err != nil {
		return fmt.Errorf("commit agents: %w", err)
	}
	return nil
}

func fillAgentHost(r *rows, h *resource.AgentHost) {
	r.text(h.Name)
	r.text(h.Serial)
	r.int(row.Nanos(h.Issued))
	r.int(row.Nanos(h.Expires))
	r.text(h.Key)
	r.int(row.Nanos(h.Revoked))
}

func fillAgentToken(r *rows, k *resource.AgentToken) {
	r.text(k.Name)
	r.text(k.Hash)
	r.int(row.Nanos(k.Created))
	r.int(row.Nanos(k.Expires))
	r.int(int64(k.Uses))
	r.int(int64(k.Used))
	r.text(k.Host)
}
