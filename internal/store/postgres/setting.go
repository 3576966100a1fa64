package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// PeekSetting is Setting for a server that does not lead. A database without
// settings, because nobody has led on it yet, has "".
func PeekSetting(ctx context.Context, url, name string) (value string, err error) {
	cfg, err := config(url)
	if err != nil {
		return "", err
	}
	conn, err := connect(ctx, cfg, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	res := conn.ExecParams(ctx, "SELECT value FROM setting WHERE name = $1", [][]byte{[]byte(escape(name))}, nil, nil, nil).Read()
	var refused *pgconn.PgError
	switch {
	case errors.As(res.Err, &refused) && refused.Code == "42P01": // undefined_table
		return "", nil
	case res.Err != nil:
		return "", fmt.Errorf("read setting %s: %w", name, res.Err)
	case len(res.Rows) == 0:
		return "", nil
	}
	return unescape(string(res.Rows[0][0]))
}

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
