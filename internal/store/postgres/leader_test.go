package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/postgres"
	"github.com/faultline-storage/faultline/internal/store/postgres/pgtest"
	"github.com/faultline-storage/faultline/internal/store/storetest"
)

func TestASecondOpenIsRefused(t *testing.T) {
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url, Name: "rack 7"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Open(t.Context(), postgres.Options{URL: url})
	var locked *postgres.LockedError
	if !errors.As(err, &locked) || locked.Leader.Name != "rack 7" || locked.Leader.Since.IsZero() ||
		!strings.Contains(err.Error(), "another server (rack 7) writes to this database since 2") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "pgtest-secret") {
		t.Errorf("the error has the password: %v", err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err = postgres.Open(t.Context(), postgres.Options{URL: url}); err != nil {
		t.Fatalf("after the first closed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// waiter is a standby that tells when it has found a leader, and then asks again
// and again.
func waiter(found chan<- postgres.Leader) func(context.Context, postgres.Leader) error {
	return func(ctx context.Context, l postgres.Leader) error {
		select {
		case found <- l:
		default:
		}
		return ctx.Err()
	}
}

func TestAStandbyTakesOver(t *testing.T) {
	url := pgtest.URL(t)
	first, err := postgres.Open(t.Context(), postgres.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(t.Context(), disks(3)); err != nil {
		t.Fatal(err)
	}
	found := make(chan postgres.Leader, 1)
	type opened struct {
		db  *postgres.DB
		err error
	}
	second := make(chan opened, 1)
	go func() {
		db, err := postgres.Open(t.Context(), postgres.Options{URL: url, Standby: waiter(found)})
		second <- opened{db, err}
	}()
	if l := <-found; l.Name == "" {
		t.Errorf("leader %+v", l)
	}
	select {
	case <-second:
		t.Fatal("two lead")
	default:
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	o := <-second
	if o.err != nil {
		t.Fatal(o.err)
	}
	defer o.db.Close()
	if st, err := storetest.Read(t.Context(), o.db); err != nil || st.Seq != 1 || len(st.Resources) != 3 {
		t.Errorf("the second one has %+v, %v", st, err)
	}
	m := disks(3)
	m.Seq, m.Created = 2, 0
	if err := o.db.Commit(t.Context(), m); err != nil {
		t.Error(err)
	}
}

func TestAStandbyStopsWaiting(t *testing.T) {
	_, url := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := postgres.Open(ctx, postgres.Options{URL: url, Standby: func(ctx context.Context, _ postgres.Leader) error {
		cancel()
		return ctx.Err()
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// lost waits until a database says that it no longer leads.
func lost(t *testing.T, db *postgres.DB) error {
	t.Helper()
	select {
	case err := <-db.Lost():
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the loss is not told")
		return nil
	}
}

func TestALeaderWithoutItsConnectionsWritesNothing(t *testing.T) {
	db, url := open(t)
	if err := db.Commit(t.Context(), disks(3)); err != nil {
		t.Fatal(err)
	}
	pgtest.Terminate(t, url)
	if err := lost(t, db); !strings.Contains(err.Error(), "no longer leads") {
		t.Errorf("got %v", err)
	}
	m := disks(3)
	m.Seq, m.Created = 2, 0
	for what, err := range map[string]error{
		"commit":   db.Commit(t.Context(), m),
		"alerts":   db.CommitAlerts(t.Context(), &resource.AlertMutation{Position: 5}),
		"manifest": db.SaveManifest(t.Context(), "a", nil),
		"setting":  db.SaveSetting(t.Context(), "a", "b"),
	} {
		if resource.KindOf(err) != resource.Unavailable || !strings.Contains(err.Error(), "no longer leads") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// TestADeposedLeaderIsFenced takes the lead from a server that does not notice:
// its connections live, and only its epoch is over.
func TestADeposedLeaderIsFenced(t *testing.T) {
	db, url := open(t)
	if err := db.Commit(t.Context(), disks(3)); err != nil {
		t.Fatal(err)
	}
	before, err := storetest.Read(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, url, "UPDATE meta SET epoch = epoch + 1")
	m := disks(3)
	m.Seq, m.Created = 2, 0
	if err := db.Commit(t.Context(), m); resource.KindOf(err) != resource.Unavailable || !strings.Contains(err.Error(), "another server has taken over") {
		t.Errorf("got %v", err)
	}
	_ = lost(t, db)
	if after, err := storetest.Read(t.Context(), db); err != nil || after.Seq != before.Seq {
		t.Errorf("it is at %d, %v", after.Seq, err)
	}
}

// TestNothingAcknowledgedIsLostInATakeover ends the connections of a server that
// commits without pause, again and again: the next one finds all that was
// acknowledged.
func TestNothingAcknowledgedIsLostInATakeover(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	url := pgtest.URL(t)
	var acked uint64
	for range rounds {
		db, err := postgres.Open(t.Context(), postgres.Options{URL: url, Standby: waiter(nil)})
		if err != nil {
			t.Fatal(err)
		}
		st, err := storetest.Read(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if st.Seq < acked || st.Seq > acked+1 {
			t.Fatalf("%d was acknowledged, and the next server is at %d", acked, st.Seq)
		}
		if st.Seq > 0 && len(st.Resources) != 3 {
			t.Fatalf("half a mutation: %d resources", len(st.Resources))
		}
		acked = st.Seq
		var killer sync.WaitGroup
		for i := 0; ; i++ {
			m := disks(3)
			if m.Seq = acked + 1; acked > 0 {
				m.Created = 0
			}
			if err := db.Commit(t.Context(), m); err != nil {
				break
			}
			acked = m.Seq
			if i == 5 {
				killer.Go(func() { pgtest.Terminate(t, url) })
			}
		}
		_ = lost(t, db)
		killer.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if acked < uint64(rounds) {
		t.Errorf("only %d commits", acked)
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://a:b@c/d":                  "postgres://a:xxxxx@c/d",
		"postgres://a@c/d":                    "postgres://a@c/d",
		"postgres://c/d?user=x&password=b":    "postgres://c/d?password=xxxxx&user=x",
		"host=c dbname=d password=b user=a":   "d at c",
		"postgres://a:b%zz@c/d":               "of a connection string that cannot be read",
		"postgres://a@c/d?sslpassword=b&a=%z": "postgres://a@c/d?sslpassword=xxxxx",
	} {
		if got := postgres.Redact(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
