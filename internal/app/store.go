package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/alert"
	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/inventory"
	"github.com/faultline-storage/faultline/internal/secret"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/internal/volume"
)

// database is a store of any engine.
type database interface {
	inventory.Store
	alert.Store
	volume.Store
	manifestStore
	trimmer
	auth.Store
	Close() error
}

const (
	// standbyPause is how long a standby waits before it tries to lead again.
	standbyPause = 500 * time.Millisecond
	// standbyPeek is how often a standby looks whether there are agents meanwhile.
	standbyPeek = 10 * time.Second
)

// openStore opens the database that the configuration names: a file in the data
// directory, or a PostgreSQL database. There it returns when this server leads;
// until then front says who does, and authority answers agents. It registers how to
// close it.
func (s *Server) openStore(ctx context.Context, front *api.Front, secrets *secret.Box, authority *auth.Authority) (database, error) {
	if s.o.Config.Store == "" {
		db, err := sqlite.Open(ctx, databaseFile(s.o.Config.Data))
		if err != nil {
			return nil, err
		}
		s.onStop("store", func(context.Context) error { return db.Close() })
		sealed, err := db.Setting(ctx, keyCheck)
		if err == nil && !opens(secrets, sealed) {
			s.part("store").Warn("the key of the passwords is a new one: give the passwords of all controllers again", "file", s.keyFile())
			sealed = ""
		}
		if err == nil && sealed == "" {
			err = db.SaveSetting(ctx, keyCheck, secrets.Seal(keyCheck, keyCheck))
		}
		return db, err
	}
	db, err := s.openPostgres(ctx, front, secrets, authority)
	if err != nil {
		return nil, err
	}
	s.onStop("store", func(context.Context) error { return db.Close() })
	s.leads = db.Leads
	s.run("store", s.fail, func(ctx context.Context) error {
		select {
		case err := <-db.Lost():
			return err
		case <-ctx.Done():
			return nil
		}
	})
	sealed, err := db.Setting(ctx, keyCheck)
	switch {
	case err != nil:
		return nil, err
	case sealed == "":
		return db, db.SaveSetting(ctx, keyCheck, secrets.Seal(keyCheck, keyCheck))
	case !opens(secrets, sealed):
		return nil, s.errKey()
	}
	return db, nil
}

func databaseFile(data string) string { return filepath.Join(data, "faultline.db") }

func (s *Server) openPostgres(ctx context.Context, front *api.Front, secrets *secret.Box, authority *auth.Authority) (*postgres.DB, error) {
	log := s.part("store")
	said := ""
	var peeked time.Time
	wait := func(ctx context.Context, why string) error {
		front.Say(why)
		if why != said {
			log.Warn(why)
			if said == "" && s.o.OnStandby != nil {
				s.o.OnStandby(s.addr, why)
			}
			said = why
		}
		select {
		case <-time.After(standbyPause):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o := postgres.Options{URL: s.o.Config.Store, Standby: func(ctx context.Context, l postgres.Leader) error {
		if said == "" { // better now than when it is to take over
			if sealed, err := postgres.PeekSetting(ctx, s.o.Config.Store, keyCheck); err == nil && !opens(secrets, sealed) {
				return s.errKey()
			}
		}
		if !authority.Exists() && time.Since(peeked) > standbyPeek {
			peeked = time.Now()
			if sealed, err := postgres.PeekSetting(ctx, s.o.Config.Store, auth.AuthoritySetting); err == nil {
				_ = authority.Show(secrets, sealed) // if it does not open, the log says so when this server leads
			}
		}
		return wait(ctx, "standby: "+l.String())
	}}
	for {
		db, err := postgres.Open(ctx, o)
		if err == nil {
			log.Info("this server writes to the database now", "database", postgres.Redact(o.URL))
			return db, nil
		}
		// A server that has led knows that its settings are right: the database is
		// away for a while. One that waited has seen it too.
		if !s.o.Resume && said == "" || ctx.Err() != nil {
			return nil, err
		}
		if err := wait(ctx, "the database cannot be used: "+oneLine(err)); err != nil {
			return nil, err
		}
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// keyCheck is the setting that holds a text sealed under the server's key.
const keyCheck = "key check"

// opens reports whether the key is that of the database, or its first.
func opens(secrets *secret.Box, sealed string) bool {
	_, err := secrets.Open(keyCheck, sealed)
	return sealed == "" || err == nil
}

func (s *Server) keyFile() string { return keyFile(s.o.Config) }

// errKey refuses a key under which the passwords in the database are not
// sealed: a server that takes over could not use them.
func (s *Server) errKey() error {
	return fmt.Errorf("the passwords in the database are sealed under another key than that of %s: servers that share a database need the same key file; "+
		"copy it from the other server's data folder; if it is lost, delete the row '%s' of the table setting and give the passwords again", s.keyFile(), keyCheck)
}
