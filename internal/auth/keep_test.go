package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/store/memory"
)

// watched is a store that tells what was committed, and fails if it is told to.
type watched struct {
	*memory.Store
	fail error

	mu   sync.Mutex
	last resource.AgentMutation
}

func (w *watched) CommitAgents(ctx context.Context, m *resource.AgentMutation) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	w.last = *m
	return w.Store.CommitAgents(ctx, m)
}

// TestAStandbyKnowsTheSameAgents: another server that loads the same store knows the
// hosts, the revocations, the tokens and how often they were used.
func TestAStandbyKnowsTheSameAgents(t *testing.T) {
	t.Parallel()
	c, box := &clock{now: time.Now()}, newBox(t)
	store := &watched{Store: memory.New()}
	first := load(t, store, box, c)
	token := join(t, first, resource.AgentToken{Name: "many", Uses: 3})
	var certs []Certificate
	for i := range 2 {
		cert, _, err := first.Register(t.Context(), registration(t, c, token, fmt.Sprintf("oss%d", i), testKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
		if len(store.last.PutHosts) != 1 || len(store.last.PutTokens) != 1 {
			t.Errorf("a registration writes %+v", store.last)
		}
	}
	if _, err := first.Revoke(t.Context(), "oss1"); err != nil {
		t.Fatal(err)
	}

	// While it stands by it shows the right certificate, and does nothing.
	second := NewAuthority(AuthorityOptions{Now: first.now})
	sealed, err := store.Setting(t.Context(), AuthoritySetting)
	if err != nil || strings.Contains(sealed, "PRIVATE KEY") {
		t.Fatalf("the setting is %q, %v", sealed, err)
	}
	if err := second.Show(newBox(t), sealed); err == nil {
		t.Error("a key opens under another secret key")
	}
	if err := second.Show(box, sealed); err != nil || !second.Exists() {
		t.Fatal(err)
	}
	if cfg, err := second.TLS(); err != nil || len(cfg.Certificates) != 1 {
		t.Errorf("%v, %v", cfg, err)
	}
	_, err = second.Host(shown(t, certs[0].Certificate))
	wantRefusal(t, "a certificate at a standby", err, resource.Unavailable, "standing by")
	_, _, err = second.Register(t.Context(), registration(t, c, token, "oss9", testKey(t)))
	wantRefusal(t, "a registration at a standby", err, resource.Unavailable, "standing by")
	_, _, err = second.CreateJoin(t.Context(), resource.AgentToken{Name: "x", Uses: 1}, time.Hour)
	wantRefusal(t, "a token at a standby", err, resource.Unavailable, "standing by")
	_, err = second.Revoke(t.Context(), "oss0")
	wantRefusal(t, "revoking at a standby", err, resource.Unavailable, "standing by")
	wantRefusal(t, "deleting a token at a standby", second.RevokeJoin(t.Context(), "many"), resource.Unavailable, "standing by")

	if err := second.Load(t.Context(), store, box); err != nil {
		t.Fatal(err)
	}
	if host, err := second.Host(shown(t, certs[0].Certificate)); err != nil || host != "oss0" {
		t.Errorf("the host is %q, %v", host, err)
	}
	_, err = second.Host(shown(t, certs[1].Certificate))
	wantRefusal(t, "a host that the other server revoked", err, resource.Invalid, "was revoked at")
	if d := cmp.Diff(first.Hosts(), second.Hosts()); d != "" {
		t.Errorf("hosts (-first +second):\n%s", d)
	}
	if d := cmp.Diff(first.Joins(), second.Joins()); d != "" {
		t.Errorf("tokens (-first +second):\n%s", d)
	}
	if _, _, err := second.Register(t.Context(), registration(t, c, token, "oss2", testKey(t))); err != nil {
		t.Fatal(err)
	}
	_, _, err = second.Register(t.Context(), registration(t, c, token, "oss3", testKey(t)))
	wantRefusal(t, "a token that was used up at two servers", err, resource.Invalid, "was used 3 times")
}

// TestWhatWasNotCommittedIsNotSo: a store that fails leaves everything as it was.
func TestWhatWasNotCommittedIsNotSo(t *testing.T) {
	t.Parallel()
	c, store := &clock{now: time.Now()}, &watched{Store: memory.New()}
	a := load(t, store, newBox(t), c)
	token := join(t, a, resource.AgentToken{Name: "two", Uses: 2})
	cert, _, err := a.Register(t.Context(), registration(t, c, token, "oss1", testKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	hosts, tokens := a.Hosts(), a.Joins()
	store.fail = errors.New("the disk is full")
	if _, _, err := a.Register(t.Context(), registration(t, c, token, "oss2", testKey(t))); !errors.Is(err, store.fail) {
		t.Errorf("registration: %v", err)
	}
	if _, err := a.Revoke(t.Context(), "oss1"); !errors.Is(err, store.fail) {
		t.Errorf("revoke: %v", err)
	}
	if err := a.RevokeJoin(t.Context(), "two"); !errors.Is(err, store.fail) {
		t.Errorf("delete a token: %v", err)
	}
	if d := cmp.Diff(hosts, a.Hosts()) + cmp.Diff(tokens, a.Joins()); d != "" {
		t.Errorf("it changed (-before +after):\n%s", d)
	}
	if _, err := a.Host(shown(t, cert.Certificate)); err != nil {
		t.Error(err)
	}
}

// TestALostSecretKey: who has the database alone cannot speak for the authority, and
// the server says what to do. After that hosts register at another authority.
func TestALostSecretKey(t *testing.T) {
	t.Parallel()
	c, store := &clock{now: time.Now()}, memory.New()
	a := load(t, store, newBox(t), c)
	token := join(t, a, resource.AgentToken{Name: "one", Uses: 5})
	if _, _, err := a.Register(t.Context(), registration(t, c, token, "oss1", testKey(t))); err != nil {
		t.Fatal(err)
	}
	other := newBox(t)
	lost := load(t, store, other, c)
	_, err := lost.TLS()
	wantRefusal(t, "agents", err, resource.Unavailable, "delete the row 'agent authority'")
	_, _, err = lost.CreateJoin(t.Context(), resource.AgentToken{Name: "two", Uses: 1}, time.Hour)
	wantRefusal(t, "a token", err, resource.Unavailable, "sealed under another secret.key")
	if err := store.SaveSetting(t.Context(), AuthoritySetting, ""); err != nil {
		t.Fatal(err)
	}
	anew := load(t, store, other, c)
	token = join(t, anew, resource.AgentToken{Name: "two", Uses: 1})
	if _, _, err := anew.Register(t.Context(), registration(t, c, token, "oss1", testKey(t))); err != nil {
		t.Errorf("a host of the authority that was lost: %v", err)
	}
}

// The files of an earlier version, made by it: one host that is good, one that was
// revoked, and a token with a use left.
func oldFiles(t *testing.T, dir string, a *Authority) {
	t.Helper()
	key, err := keyPEM(a.pair.key)
	if err != nil {
		t.Fatal(err)
	}
	var hosts, tokens strings.Builder
	for _, h := range a.Hosts() {
		revoked := int64(0)
		if !h.Revoked.IsZero() {
			revoked = h.Revoked.UnixNano()
		}
		fmt.Fprintf(&hosts, "%s %s %s %s %d\n", h.Name, h.Serial, stamp(h.Expires), h.Key, revoked)
	}
	for _, k := range a.Joins() {
		fmt.Fprintf(&tokens, "%s %s %s %d %d * %s\n", k.Hash, stamp(k.Created), stamp(k.Expires), k.Uses, k.Used, k.Name)
	}
	for name, text := range map[string]string{
		authorityKey: string(key), authorityCert: string(a.pair.pem()), hostFile: hosts.String(), joinFile: tokens.String(), hostFile + ".lock": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesAreTakenOver(t *testing.T) {
	t.Parallel()
	old, c := newAuthority(t)
	token := join(t, old, resource.AgentToken{Name: "three", Uses: 3})
	var certs []Certificate
	for _, host := range []string{"oss1", "oss2"} {
		cert, _, err := old.Register(t.Context(), registration(t, c, token, host, testKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	// The other server of the pair got a copy of the files here.
	copied := t.TempDir()
	oldFiles(t, copied, old)
	if _, err := old.Revoke(t.Context(), "oss2"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	oldFiles(t, dir, old)

	store, box := memory.New(), newBox(t)
	left := func(dir string) []string {
		list, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	check := func(a *Authority) {
		t.Helper()
		if d := cmp.Diff(old.Hosts(), a.Hosts()); d != "" {
			t.Errorf("hosts (-old +new):\n%s", d)
		}
		if host, err := a.Host(shown(t, certs[0].Certificate)); err != nil || host != "oss1" {
			t.Errorf("a certificate from before is that of %q, %v", host, err)
		}
		_, err := a.Host(shown(t, certs[1].Certificate))
		wantRefusal(t, "one that was revoked before", err, resource.Invalid, "was revoked at")
	}
	// The pair leads in one order or the other: a copy that is behind takes nothing back,
	// and one that is ahead is not lost.
	for _, order := range [][]string{{dir, copied}, {copied, dir}} {
		store = memory.New()
		for i, from := range order {
			d := t.TempDir()
			if err := os.CopyFS(d, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			for _, f := range left(d) {
				if err := os.Chmod(f, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			a := load(t, store, box, c)
			if err := a.TakeOver(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if l := left(d); len(l) != 0 {
				t.Errorf("files that stay: %v", l)
			}
			if err := a.TakeOver(t.Context(), d); err != nil {
				t.Errorf("once more: %v", err)
			}
			if i == 1 {
				check(load(t, store, box, c))
			}
		}
	}
	a := load(t, store, box, c)
	if _, _, err := a.Register(t.Context(), registration(t, c, token, "oss3", testKey(t))); err != nil {
		t.Errorf("a token from before: %v", err)
	}

	// Files of another authority are left alone.
	var log bytes.Buffer
	other, _ := newAuthority(t)
	join(t, other, resource.AgentToken{Name: "x", Uses: 1})
	other.log = slog.New(slog.NewTextHandler(&log, nil))
	if err := other.TakeOver(t.Context(), dir); err != nil || len(left(dir)) != 5 || !strings.Contains(log.String(), "of another authority") {
		t.Errorf("%v, %v, %s", err, left(dir), log.String())
	}

	// Nor is anything taken that others could have read or written, or of which half is missing.
	fresh, _ := newAuthority(t)
	for _, name := range []string{authorityKey, hostFile, joinFile} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := fresh.TakeOver(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%s can be read by others: %v", name, err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, authorityCert)); err != nil {
		t.Fatal(err)
	}
	if err := fresh.TakeOver(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "bring it back from a backup") {
		t.Errorf("a key without its certificate: %v", err)
	}
	if fresh.Exists() || len(left(dir)) != 4 {
		t.Errorf("it has taken something: %v", left(dir))
	}
}
