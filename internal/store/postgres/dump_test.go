package postgres_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/dump"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
	"github.com/faultline-storage/faultline/internal/store/sqlite"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

// fill gives a store something of every kind.
func fill(t *testing.T, s storetest.Store) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	odd := "a\x00b ␛ ␛00 ü 🜚 \n\"\\"
	m := disks(300)
	m.Samples = []byte("\x00\xff samples")
	m.Put[0].Label, m.Put[1].Alias, m.Put[2].OwnLabel = odd, odd, true
	m.Put[3].Values[5] = resource.StringValue("␛ ␛␛ <ü>")
	m.Put[4].Root = &resource.RootState{Offline: true, Error: odd, LastContact: m.Time, Held: &resource.HeldRemoval{Resources: []resource.ID{7}, Lacking: 1, Of: 2, Since: m.Time}}
	m.Put[5].Reporters = []resource.ID{1, 9}
	m.Put[5].WrittenBy = make([]resource.ID, len(disk.Attributes))
	m.Put[5].WrittenBy[1] = 9
	check(s.Commit(t.Context(), m))
	check(s.Commit(t.Context(), &resource.Mutation{Seq: 7, Time: m.Time.Add(time.Second), Log: []byte(`{"a":1}`), Delete: []resource.ID{50}}))
	check(s.CommitAlerts(t.Context(), &resource.AlertMutation{Position: 7,
		Put: []*resource.Alert{
			{ID: 1, Resource: 3, Plugin: "acme", Class: "Disk", Condition: "c", Severity: resource.Error, Text: odd, Began: m.Time, Seq: 1},
			{ID: 2, Resource: 4, Plugin: "old", Class: "Gone", Condition: "c", Severity: resource.Info, Began: m.Time, Ended: m.Time.Add(time.Hour), Seq: 2},
		},
		Pend: []*resource.PendingAlert{{AlertKey: resource.AlertKey{Resource: 5, Condition: "z", Attribute: "a", Severity: resource.Warning}, Plugin: "acme", Class: "Disk", Since: m.Time, Message: odd}},
	}))
	check(s.SaveManifest(t.Context(), "acme", []byte(`{"classes":[]}`)))
	check(s.SaveSetting(t.Context(), "name", odd))
	check(s.SaveSetting(t.Context(), "Name", ""))
	check(s.CommitAgents(t.Context(), &resource.AgentMutation{
		PutHosts:  []resource.AgentHost{{Name: "oss1", Serial: "17ab", Issued: m.Time, Expires: m.Time.Add(time.Hour), Key: "00ff", Revoked: m.Time}},
		PutTokens: []resource.AgentToken{{Name: odd, Hash: "abcd", Created: m.Time, Expires: m.Time.Add(time.Hour), Uses: 3, Used: 2, Host: "oss1"}},
	}))
}

type engine struct {
	dump    func(begin func(int64) (*dump.Writer, error)) error
	restore func(r *dump.Reader, replace bool) error
	open    func() (storetest.Store, error)
}

func onSQLite(t *testing.T) engine {
	path := filepath.Join(t.TempDir(), "faultline.db")
	return engine{
		func(begin func(int64) (*dump.Writer, error)) error { return sqlite.Dump(t.Context(), path, begin) },
		func(r *dump.Reader, replace bool) error { return sqlite.Restore(t.Context(), path, r, replace) },
		func() (storetest.Store, error) { return sqlite.Open(t.Context(), path) },
	}
}

func onPostgres(t *testing.T) engine {
	url := pgtest.URL(t)
	return engine{
		func(begin func(int64) (*dump.Writer, error)) error { return postgres.Dump(t.Context(), url, begin) },
		func(r *dump.Reader, replace bool) error { return postgres.Restore(t.Context(), url, r, replace) },
		func() (storetest.Store, error) { return postgres.Open(t.Context(), postgres.Options{URL: url}) },
	}
}

func (e engine) with(t *testing.T, f func(storetest.Store)) {
	t.Helper()
	s, err := e.open()
	if err != nil {
		t.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (e engine) backup(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	var w *dump.Writer
	err := e.dump(func(schema int64) (_ *dump.Writer, err error) {
		w, err = dump.NewWriter(&b, dump.Header{Schema: schema})
		return w, err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reader(t *testing.T, b []byte) *dump.Reader {
	t.Helper()
	r, err := dump.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func lines(t *testing.T, b []byte) []string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestABackupMovesBetweenEngines(t *testing.T) {
	engines := map[string]func(*testing.T) engine{"SQLite": onSQLite, "PostgreSQL": onPostgres}
	for from := range engines {
		for to := range engines {
			t.Run(from+" to "+to, func(t *testing.T) {
				source, target := engines[from](t), engines[to](t)
				var want, got storetest.State
				source.with(t, func(s storetest.Store) {
					fill(t, s)
					var err error
					if want, err = storetest.Read(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				})
				backup := source.backup(t)
				if err := target.restore(reader(t, backup), false); err != nil {
					t.Fatal(err)
				}
				target.with(t, func(s storetest.Store) {
					var err error
					if got, err = storetest.Read(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				})
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("state (-want +got):\n%s", d)
				}
				if d := cmp.Diff(lines(t, backup), lines(t, target.backup(t))); d != "" {
					t.Errorf("backup of the restored (-want +got):\n%s", d)
				}

				// What is there is not replaced unless that is wanted; then nothing of it is left.
				if err := target.restore(reader(t, backup), false); !errors.Is(err, sqlite.ErrNotEmpty) && !errors.Is(err, postgres.ErrNotEmpty) {
					t.Errorf("into one that is not empty: got %v", err)
				}
				target.with(t, func(s storetest.Store) { // it goes on where the source was
					more := disks(1)
					more.Seq, more.Put[0].ID, more.Put[0].Identity = 8, 4000, `["new"]`
					more.Put[0].Values = nil
					more.Put[0].Class = &resource.Class{Plugin: "new", Name: "Class", IDScope: resource.Global}
					more.AddEdges = nil
					if err := s.Commit(t.Context(), more); err != nil {
						t.Error(err)
					}
				})
				if err := target.restore(reader(t, backup), true); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(lines(t, backup), lines(t, target.backup(t))); d != "" {
					t.Errorf("after a replacement (-want +got):\n%s", d)
				}
			})
		}
	}
}

func TestARefusedRestoreChangesNothing(t *testing.T) {
	for name, engine := range map[string]func(*testing.T) engine{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			e.with(t, func(s storetest.Store) { fill(t, s) })
			before := e.backup(t)
			write := func(schema int64, f func(w *dump.Writer) error) []byte {
				var b bytes.Buffer
				w, err := dump.NewWriter(&b, dump.Header{Schema: schema})
				if err == nil {
					err = f(w)
				}
				if err := errors.Join(err, w.Close()); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			same := func(what string) {
				t.Helper()
				if d := cmp.Diff(lines(t, before), lines(t, e.backup(t))); d != "" {
					t.Errorf("%s changed (-want +got):\n%s", what, d)
				}
			}
			for what, tc := range map[string]struct {
				backup []byte
				want   error
			}{
				"another table":  {write(1, func(w *dump.Writer) error { return w.Table("x", []string{"a"}) }), dump.ErrDamaged},
				"another column": {write(1, func(w *dump.Writer) error { return w.Table("edge", []string{"x"}) }), dump.ErrDamaged},
				"a newer schema": {write(9999, func(*dump.Writer) error { return nil }), dump.ErrNewer},
				"a wrong value": {write(1, func(w *dump.Writer) error {
					return errors.Join(w.Table("edge", []string{"child", "parent", "roots"}), w.Row([]any{"x", int64(1), "[]"}))
				}), nil},
				"a cut": {before[:len(before)-20], dump.ErrDamaged},
			} {
				err := e.restore(reader(t, tc.backup), true)
				if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("%s: got %v", what, err)
				}
				same(what)
			}
			e.with(t, func(storetest.Store) {
				err := e.restore(reader(t, before), true)
				var locked *postgres.LockedError
				if !errors.Is(err, sqlite.ErrLocked) && !errors.As(err, &locked) {
					t.Errorf("under a server: got %v", err)
				}
				if b := e.backup(t); len(b) == 0 { // which works while a server has the database
					t.Error("no backup")
				}
			})
			same("a server")
		})
	}
}

// TestABackupIsOfOneCommit takes backups while mutations of pairs are committed.
func TestABackupIsOfOneCommit(t *testing.T) {
	for name, engine := range map[string]func(*testing.T) engine{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			e.with(t, func(s storetest.Store) {
				stop, done := make(chan struct{}), make(chan error, 1)
				go func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							done <- nil
							return
						default:
						}
						m := disks(2)
						m.Seq = uint64(i + 1)
						for k, r := range m.Put {
							r.ID = resource.ID(2*i + k + 1)
							r.Identity = fmt.Sprintf(`["%d"]`, r.ID)
						}
						m.AddEdges = m.AddEdges[:1]
						m.AddEdges[0].Edge = resource.Edge{Parent: m.Put[0].ID, Child: m.Put[1].ID}
						if err := s.Commit(t.Context(), m); err != nil {
							done <- err
							return
						}
					}
				}()
				for range 5 {
					r := reader(t, e.backup(t))
					if err := r.Check(); err != nil {
						t.Fatal(err)
					}
					if n := r.Rows("change_log"); r.Rows("resource") != 2*n || r.Rows("edge") != n {
						t.Errorf("%d commits, %d resources, %d edges", n, r.Rows("resource"), r.Rows("edge"))
					}
				}
				close(stop)
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAnOlderBackupIsUpgraded restores a backup of the first schema.
func TestAnOlderBackupIsUpgraded(t *testing.T) {
	b, err := os.ReadFile("testdata/schema1.backup.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, engine := range map[string]func(*testing.T) engine{"SQLite": onSQLite, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			if _, err := w.Write(b); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := e.restore(reader(t, z.Bytes()), false); err != nil {
				t.Fatal(err)
			}
			e.with(t, func(s storetest.Store) {
				st, err := storetest.Read(t.Context(), s)
				if err != nil || st.Seq != 3 || len(st.Resources) != 2 || len(st.Edges) != 1 {
					t.Errorf("got %+v, %v", st, err)
				}
				a, err := s.Alert(t.Context(), 1)
				if err != nil || a.Since.IsZero() || !a.Since.Equal(a.Began) {
					t.Errorf("alert %+v, %v", a, err)
				}
			})
		})
	}
}
