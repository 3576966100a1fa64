package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// LoadVolumes calls volume for everything that is kept of volumes, by key, and
// cluster for every declared cluster, by name, all as of one commit.
func (db *DB) LoadVolumes(ctx context.Context, volume func(*resource.StoredVolume) error, cluster func(*resource.Cluster) error) (err error) {
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("load volumes: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if err := eachVolume(ctx, tx, volume); err != nil {
		return fmt.Errorf("load volumes: %w", err)
	}
	if err := eachCluster(ctx, tx, cluster); err != nil {
		return fmt.Errorf("load HA clusters: %w", err)
	}
	return nil
}

func eachVolume(ctx context.Context, q queryer, f func(*resource.StoredVolume) error) error {
	rows, err := q.QueryContext(ctx, "SELECT key, resource, label, wish, choice, users, places, gone FROM volume ORDER BY key")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c row.Volume
		if err := rows.Scan(&c.Key, &c.Resource, &c.Label, &c.Wish, &c.Choice, &c.Users, &c.Places, &c.Gone); err != nil {
			return err
		}
		v, err := c.Stored()
		if err != nil {
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return rows.Err()
}

func eachCluster(ctx context.Context, q queryer, f func(*resource.Cluster) error) error {
	rows, err := q.QueryContext(ctx, "SELECT name, hosts FROM ha_cluster ORDER BY name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, hosts string
		if err := rows.Scan(&name, &hosts); err != nil {
			return err
		}
		c, err := row.StoredCluster(name, hosts)
		if err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// CommitVolumes applies m in one transaction.
func (db *DB) CommitVolumes(ctx context.Context, m *resource.VolumeMutation) error {
	if m.Empty() {
		return nil
	}
	err := db.inTx(ctx, func(t *tx) error {
		if err := t.run(db.stmts.upsertVolume, len(m.Put), func(a *args, i int) error { return fillVolume(a, m.Put[i]) }); err != nil {
			return err
		}
		if err := t.run(db.stmts.deleteVolume, len(m.Delete), func(a *args, i int) error { a.text(m.Delete[i]); return nil }); err != nil {
			return err
		}
		for _, c := range m.PutClusters {
			hosts, err := row.ClusterHosts(c)
			if err != nil {
				return err
			}
			if _, err := t.exec("INSERT INTO ha_cluster VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET hosts = excluded.hosts", c.Name, hosts); err != nil {
				return err
			}
		}
		for _, name := range m.DeleteClusters {
			if _, err := t.exec("DELETE FROM ha_cluster WHERE name = ?", name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit %d volumes: %w", len(m.Put)+len(m.Delete), err)
	}
	return nil
}

func fillVolume(a *args, v *resource.StoredVolume) error {
	c, err := row.OfVolume(v)
	if err != nil {
		return err
	}
	a.text(c.Key)
	a.int(c.Resource)
	a.text(c.Label)
	a.text(c.Wish)
	a.text(c.Choice)
	a.text(c.Users)
	a.text(c.Places)
	a.int(c.Gone)
	return nil
}
