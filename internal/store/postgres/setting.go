package postgres

import (
	"context"
	"fmt"
)

// Setting returns what SaveSetting kept under the name, or "".
func (db *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = each(ctx, db.read, func(c *cells) error {
		value = c.text()
		return c.err
	}, "SELECT value FROM setting WHERE name = $1", escape(name))
	if err != nil {
		return "", fmt.Errorf("read setting %s: %w", name, err)
	}
	return value, nil
}

// SaveSetting keeps a value under a name, in place of the one before.
func (db *DB) SaveSetting(ctx context.Context, name, value string) error {
	err := db.inTx(ctx, db.fence(), func(t *tx) error {
		t.send("save setting", [][]byte{[]byte(escape(name)), []byte(escape(value))})
		return nil
	})
	if err != nil {
		return fmt.Errorf("save setting %s: %w", name, err)
	}
	return nil
}
