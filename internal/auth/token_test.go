package auth

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/faultline-storage/faultline/internal/resource"
)

func request(token string) *http.Request {
	r := &http.Request{Header: http.Header{}}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func allows(t *Tokens, r *http.Request) bool {
	_, ok := t.Allow(r)
	return ok
}

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	server, cli := Open(Options{Dir: dir}), Open(Options{Dir: dir})
	if allows(server, request("")) || allows(server, request("flt_x")) {
		t.Error("without tokens, somebody is let in")
	}
	tok, err := cli.Create("ops")
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := server.Allow(request(tok)); !ok || name != "ops" {
		t.Errorf("a new token: got %q, %v", name, ok)
	}
	for _, bad := range []string{"", "flt_", tok + "x", tok[:len(tok)-1], strings.ToUpper(tok)} {
		if allows(server, request(bad)) {
			t.Errorf("token %q is accepted", bad)
		}
	}
	basic := request("")
	basic.Header.Set("Authorization", "Basic "+tok)
	if allows(server, basic) {
		t.Error("a token is accepted as another scheme")
	}
	if _, err := cli.Create("ops"); resource.KindOf(err) != resource.Conflict {
		t.Errorf("same name twice: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), tok) || strings.Contains(string(b), strings.TrimPrefix(tok, prefix)) {
		t.Error("the file holds the token itself")
	}
	if st, _ := os.Stat(filepath.Join(dir, FileName)); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	list, err := server.List()
	if err != nil || len(list) != 1 || list[0].Name != "ops" || list[0].Created.IsZero() {
		t.Errorf("List: %v, %v", list, err)
	}
	if err := cli.Revoke("nobody"); resource.KindOf(err) != resource.NotFound {
		t.Errorf("revoke an unknown token: %v", err)
	}
	if err := cli.Revoke("ops"); err != nil {
		t.Fatal(err)
	}
	if allows(server, request(tok)) {
		t.Error("a revoked token is accepted")
	}
}

func TestTokenNames(t *testing.T) {
	ts := Open(Options{Dir: t.TempDir()})
	for _, name := range []string{"", "a b", "a\n", "a\x00", strings.Repeat("x", 101)} {
		_, err := ts.Create(name)
		var f *resource.Fault
		if !errors.As(err, &f) || f.Field != "name" {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestConcurrentCreate(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for name := range strings.SplitSeq("a b c d e f g h", " ") {
		wg.Go(func() {
			if _, err := Open(Options{Dir: dir}).Create(name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, err := Open(Options{Dir: dir}).List(); err != nil || len(list) != 8 {
		t.Errorf("%d tokens, %v", len(list), err)
	}
}

func TestBadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	ts := Open(Options{Dir: dir})
	tok, err := ts.Create("ops")
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}).List(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open file: %v", err)
	}
	for _, text := range []string{"x", "xx 2026-01-01T00:00:00Z a", strings.Repeat("0", 62) + " 2026-01-01T00:00:00Z a",
		strings.Repeat("0", 64) + " yesterday a"} {
		if err := os.WriteFile(path, append(good, text...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		fresh := Open(Options{Dir: dir})
		if _, err := fresh.List(); err == nil || !strings.Contains(err.Error(), FileName+":2:") {
			t.Errorf("%q: %v", text, err)
		}
		if allows(fresh, request(tok)) {
			t.Errorf("%q: a token of a broken file is accepted", text)
		}
	}
}
