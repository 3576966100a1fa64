package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Setting returns what SaveSetting kept under the name, or "".
func (db *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = db.read.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}

// SaveSetting keeps a value under a name, in place of the one before.
func (db *DB) SaveSetting(ctx context.Context, name, value string) error {
	return db.inTx(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value); err != nil {
			return fmt.Errorf("save setting %s: %w", name, err)
		}
		return nil
	})
}
