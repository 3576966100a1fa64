package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/store/dump"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
)

// BackupOptions say of what a backup is, and to whom it is readable.
type BackupOptions struct {
	Config  config.Config // Data and Store count
	Version string        // of this program
	// Recipients are public keys of age; Passphrase is used if there are none.
	// With either the backup is encrypted and holds the key of the passwords.
	Recipients []string
	Passphrase string
}

// RestoreOptions say where a backup goes.
type RestoreOptions struct {
	Config config.Config // Data and Store count
	// Identities is the text of a key file of age, Passphrase what the backup was
	// encrypted with; either may be empty.
	Identities, Passphrase string
	// Replace allows to replace a database that is not empty, and another key.
	Replace bool
	// Check only reads the backup.
	Check bool
}

// BackupSummary tells what a backup holds.
type BackupSummary struct {
	dump.Header
	Resources, Alerts int
	// Key says that the backup holds the key of the passwords.
	Key bool
	// OtherKey says that the data directory has not the key under which the
	// restored passwords are sealed.
	OtherKey bool
}

// Backup writes a backup of the database to a new file, whole or not at all. A
// server may use the database meanwhile: the backup is of one commit.
func Backup(ctx context.Context, file string, o BackupOptions) (sum BackupSummary, err error) {
	to, err := recipients(o)
	if err != nil {
		return sum, err
	}
	sum.Header = dump.Header{Created: time.Now().UTC().Truncate(time.Second), Program: o.Version, Engine: engineOf(o.Config)}
	if len(to) > 0 {
		key, err := os.ReadFile(keyFile(o.Config))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return sum, fmt.Errorf("read the key of the passwords: %w", err)
		}
		sum.Header.Key, sum.Key = string(key), len(key) > 0
	}
	if _, err := os.Lstat(file); err == nil {
		return sum, fmt.Errorf("%s is there already; give another name", file)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".backup-*") // mode 0600
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var w *dump.Writer
	begin := func(schema int64) (_ *dump.Writer, err error) {
		sum.Schema = schema
		w, err = dump.NewWriter(f, sum.Header, to...)
		return w, err
	}
	if o.Config.Store == "" {
		err = sqlite.Dump(ctx, databaseFile(o.Config.Data), begin)
	} else {
		err = postgres.Dump(ctx, o.Config.Store, begin)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return sum, err
	}
	sum.Resources, sum.Alerts, sum.Header.Key = w.Rows("resource"), w.Rows("alert"), ""
	return sum, publish(f.Name(), file)
}

// publish gives a file its name, unless another one has it, and makes the name
// durable.
func publish(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func engineOf(c config.Config) string {
	if c.Store == "" {
		return "SQLite"
	}
	return "PostgreSQL"
}

func recipients(o BackupOptions) ([]age.Recipient, error) {
	if len(o.Recipients) > 0 {
		list, err := age.ParseRecipients(strings.NewReader(strings.Join(o.Recipients, "\n")))
		if err != nil {
			return nil, fmt.Errorf("recipient: %w; give public keys as age-keygen makes them", err)
		}
		return list, nil
	}
	if o.Passphrase == "" {
		return nil, nil
	}
	r, err := age.NewScryptRecipient(o.Passphrase)
	if err != nil {
		return nil, err
	}
	return []age.Recipient{r}, nil
}

func identities(o RestoreOptions) (list []age.Identity, err error) {
	if o.Identities != "" {
		if list, err = age.ParseIdentities(strings.NewReader(o.Identities)); err != nil {
			return nil, fmt.Errorf("identity: %w; give a file as age-keygen makes it", err)
		}
	}
	if o.Passphrase != "" {
		i, err := age.NewScryptIdentity(o.Passphrase)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// Restore makes the database hold what a backup does. The whole file is checked
// first; after an error nothing has changed. No server may use the database
// meanwhile.
func Restore(ctx context.Context, file string, o RestoreOptions) (sum BackupSummary, err error) {
	ids, err := identities(o)
	if err != nil {
		return sum, err
	}
	check, err := inspect(file, ids, &sum)
	if err != nil || o.Check {
		return sum, err
	}
	if err := os.MkdirAll(o.Config.Data, 0o700); err != nil {
		return sum, fmt.Errorf("make the data directory: %w", err)
	}
	key, err := stageKey(o, sum.Header.Key)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, key.discard()) }()
	err = withBackup(file, ids, func(r *dump.Reader) error {
		if o.Config.Store == "" {
			return sqlite.Restore(ctx, databaseFile(o.Config.Data), r, o.Replace)
		}
		return postgres.Restore(ctx, o.Config.Store, r, o.Replace)
	})
	var leads *postgres.LockedError
	switch {
	case errors.Is(err, sqlite.ErrNotEmpty), errors.Is(err, postgres.ErrNotEmpty):
		return sum, fmt.Errorf("%w: back it up if need be, then give --replace to put this backup in its place", err)
	case errors.As(err, &leads):
		return sum, fmt.Errorf("%w; stop all servers of this database first", err)
	case err != nil:
		return sum, err
	}
	if err := key.install(); err != nil {
		return sum, fmt.Errorf("the database is restored, but not the key of the passwords: %w", err)
	}
	sum.Header.Key = ""
	if check != "" {
		box, err := secret.OpenFile(keyFile(o.Config))
		if err != nil {
			return sum, err
		}
		sum.OtherKey = !opens(box, check)
	}
	return sum, nil
}

func keyFile(c config.Config) string { return filepath.Join(c.Data, "secret.key") }

func withBackup(file string, ids []age.Identity, f func(*dump.Reader) error) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	r, err := dump.NewReader(in, ids...)
	if err == nil {
		err = f(r)
	}
	if errors.Is(err, dump.ErrDamaged) || errors.Is(err, dump.ErrNewer) || r == nil && err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// inspect reads a whole backup. It returns the text that tells whether a key is
// that of its passwords.
func inspect(file string, ids []age.Identity, sum *BackupSummary) (check string, err error) {
	err = withBackup(file, ids, func(r *dump.Reader) error {
		name, value := -1, -1 // columns of the table setting, while it is read
		for {
			item, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if item.Table != "" {
				name, value = -1, -1
				if item.Table == "setting" {
					name, value = slices.Index(item.Columns, "name"), slices.Index(item.Columns, "value")
				}
			} else if name >= 0 && value >= 0 && item.Values[name] == keyCheck {
				check, _ = item.Values[value].(string)
			}
		}
		sum.Header, sum.Key = r.Header, r.Header.Key != ""
		sum.Resources, sum.Alerts = r.Rows("resource"), r.Rows("alert")
		return nil
	})
	return check, err
}

// stagedKey is a key of a backup beside its place.
type stagedKey struct{ from, to string }

// stageKey writes the key beside its place, unless it is there already. It
// refuses to replace another one, if that is not wanted.
func stageKey(o RestoreOptions, key string) (stagedKey, error) {
	k := stagedKey{to: keyFile(o.Config)}
	if key == "" {
		return k, nil
	}
	had, err := os.ReadFile(k.to)
	switch {
	case err == nil && string(had) == key:
		return k, nil
	case err == nil && !o.Replace:
		return k, fmt.Errorf("%s is another key than that of the backup: give --replace to put the backup's in its place; the present one is kept as %s.old", k.to, filepath.Base(k.to))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return k, err
	}
	k.from = k.to + ".restore"
	if err := os.WriteFile(k.from, []byte(key), 0o600); err != nil {
		return k, err
	}
	if _, err := secret.OpenFile(k.from); err != nil {
		return k, errors.Join(fmt.Errorf("the key in the backup: %w", err), k.discard())
	}
	return k, nil
}

func (k stagedKey) discard() error {
	if k.from == "" {
		return nil
	}
	if err := os.Remove(k.from); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (k stagedKey) install() error {
	if k.from == "" {
		return nil
	}
	if err := os.Rename(k.to, k.to+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(k.from, k.to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(k.to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
