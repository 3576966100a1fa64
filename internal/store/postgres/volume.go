package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/row"
)

// LoadVolumes calls volume for everything that is kept of volumes, by key, and
// cluster for every declared cluster, by name, all as of one commit.
func (db *DB) LoadVolumes(ctx context.Context, volume func(*resource.StoredVolume) error, cluster func(*resource.Cluster) error) error {
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		err := each(ctx, tx, func(c *cells) error {
			r := row.Volume{Key: c.text(), Resource: c.int(), Label: c.text(), Wish: c.text(), Choice: c.text(), Users: c.text(), Places: c.text(), Gone: c.int()}
			if c.err != nil {
				return c.err
			}
			v, err := r.Stored()
			if err != nil {
				return err
			}
			return volume(v)
		}, `SELECT key, resource, label, wish, choice, users, places, gone FROM volume ORDER BY key COLLATE "C"`)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(c *cells) error {
			name, hosts := c.text(), c.text()
			if c.err != nil {
				return c.err
			}
			k, err := row.StoredCluster(name, hosts)
			if err != nil {
				return err
			}
			return cluster(k)
		}, `SELECT name, hosts FROM ha_cluster ORDER BY name COLLATE "C"`)
	})
	if err != nil {
		return fmt.Errorf("load volumes: %w", err)
	}
	return nil
}

// CommitVolumes applies m in one transaction.
func (db *DB) CommitVolumes(ctx context.Context, m *resource.VolumeMutation) error {
	if m.Empty() {
		return nil
	}
	put := make([]row.Volume, len(m.Put))
	for i, v := range m.Put {
		var err error
		if put[i], err = row.OfVolume(v); err != nil {
			return err
		}
	}
	hosts := make([]string, len(m.PutClusters))
	for i, c := range m.PutClusters {
		var err error
		if hosts[i], err = row.ClusterHosts(c); err != nil {
			return err
		}
	}
	err := db.inTx(ctx, db.fence(), func(t *tx) error {
		if err := t.each(upsertVolume, len(put), func(r *rows, i int) { fillVolume(r, &put[i]) }); err != nil {
			return err
		}
		if err := t.each(deleteVolume, len(m.Delete), func(r *rows, i int) { r.text(m.Delete[i]) }); err != nil {
			return err
		}
		err := t.each(upsertCluster, len(hosts), func(r *rows, i int) {
			r.text(m.PutClusters[i].Name)
			r.text(hosts[i])
		})
		if err != nil {
			return err
		}
		return t.each(deleteCluster, len(m.DeleteClusters), func(r *rows, i int) { r.text(m.DeleteClusters[i]) })
	})
	if err != nil {
		return fmt.Errorf("commit %d volumes: %w", len(m.Put)+len(m.Delete), err)
	}
	return nil
}

func fillVolume(r *rows, c *row.Volume) {
	r.text(c.Key)
	r.int(c.Resource)
	r.text(c.Label)
	r.text(c.Wish)
	r.text(c.Choice)
	r.text(c.Users)
	r.text(c.Places)
	r.int(c.Gone)
}
