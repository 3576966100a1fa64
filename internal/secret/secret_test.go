package secret_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/faultline-storage/faultline/internal/secret"
)

func box(t testing.TB, b byte) *secret.Box {
	t.Helper()
	s, err := secret.New(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedTextsOpen(t *testing.T) {
	b := box(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		purpose, plain := rapid.String().Draw(rt, "purpose"), string(rapid.SliceOf(rapid.Byte()).Draw(rt, "plain"))
		sealed := b.Seal(purpose, plain)
		if !secret.IsSealed(sealed) {
			rt.Fatalf("%q is not said to be sealed", sealed)
		}
		if len(plain) > 3 && strings.Contains(sealed, plain) {
			rt.Fatalf("%q shows %q", sealed, plain)
		}
		if got, err := b.Open(purpose, sealed); err != nil || got != plain {
			rt.Fatalf("got %q, %v; want %q", got, err, plain)
		}
		if again := b.Seal(purpose, plain); again != sealed {
			rt.Fatal("the same text sealed to something else")
		}
	})
}

func TestTheFormIsStable(t *testing.T) {
	// A change of these bytes would lose every stored password.
	const golden = "sealed:v1:xMsluNuWu-6RensQz5QBuMJW53WuECcm21KSAdyKZ3NN1PekO3TN_zin6CphwHpTg6H6EFcO6y0HIzRD"
	got := box(t, 7).Seal("acme.Array.password", "correct horse")
	if got != golden {
		t.Errorf("got %s, want %s", got, golden)
	}
}

func TestNothingElseOpens(t *testing.T) {
	b := box(t, 1)
	sealed := b.Seal("p", "secret")
	for name, f := range map[string]func() (string, error){
		"another key":     func() (string, error) { return box(t, 2).Open("p", sealed) },
		"another purpose": func() (string, error) { return b.Open("q", sealed) },
		"plain text":      func() (string, error) { return b.Open("p", "secret") },
		"empty":           func() (string, error) { return b.Open("p", "") },
		"only the prefix": func() (string, error) { return b.Open("p", "sealed:v1:") },
		"cut":             func() (string, error) { return b.Open("p", sealed[:len(sealed)-4]) },
		"more":            func() (string, error) { return b.Open("p", sealed+"AAAA") },
		"a later version": func() (string, error) { return b.Open("p", strings.Replace(sealed, "v1", "v2", 1)) },
	} {
		if got, err := f(); !errors.Is(err, secret.ErrSealed) || got != "" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for i := len("sealed:v1:"); i < len(sealed); i++ {
		bad := []byte(sealed)
		bad[i] ^= 1
		if got, err := b.Open("p", string(bad)); err == nil {
			t.Errorf("byte %d changed: got %q", i, got)
		}
	}
}

func TestTheLengthShowsInStepsOnly(t *testing.T) {
	b := box(t, 1)
	if x, y := b.Seal("p", "a"), b.Seal("p", strings.Repeat("a", 28)); len(x) != len(y) {
		t.Errorf("texts of 1 and 28 bytes have sealed forms of %d and %d", len(x), len(y))
	}
	if b.Seal("p", "a") == b.Seal("q", "a") {
		t.Error("two purposes seal equally")
	}
}

func TestAKeyHas32Bytes(t *testing.T) {
	if _, err := secret.New(make([]byte, 31)); err == nil {
		t.Error("a short key was taken")
	}
}

func TestOpenFileMakesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	var wg sync.WaitGroup
	sealed := make([]string, 8)
	for i := range sealed {
		wg.Go(func() {
			b, err := secret.OpenFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			sealed[i] = b.Seal("p", "x")
		})
	}
	wg.Wait()
	for _, s := range sealed {
		if s != sealed[0] {
			t.Fatal("processes that start together use different keys")
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left over: %v, %v", files, err)
	}
}

func TestOpenFileRefuses(t *testing.T) {
	good := "faultline-key-v1 " + strings.Repeat("ab", 32) + "\n"
	for _, tc := range []struct {
		name, text string
		mode       os.FileMode
		want       string // in the error; empty for none
	}{
		{"good", good, 0o600, ""},
		{"read-only", good, 0o400, ""},
		{"group may read", good, 0o640, "chmod 600"},
		{"others may write", good, 0o602, "chmod 600"},
		{"empty", "", 0o600, "does not start with"},
		{"short", good[:60], 0o600, "64 hexadecimal digits"},
		{"long", good + "ab", 0o600, "64 hexadecimal digits"},
		{"no digits", strings.Replace(good, "ab", "xy", 1), 0o600, "64 hexadecimal digits"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			_, err := secret.OpenFile(path)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path)):
				t.Errorf("got %v, want ...%s...", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "abab"):
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
	if _, err := secret.OpenFile(t.TempDir()); err == nil {
		t.Error("a directory is no key")
	}
	if _, err := secret.OpenFile(filepath.Join(t.TempDir(), "none", "secret.key")); err == nil {
		t.Error("a key was made in a directory that is not there")
	}
}

// FuzzOpen opens anything: nothing but what Seal made opens, and nothing
// panics.
func FuzzOpen(f *testing.F) {
	b, err := secret.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("p", b.Seal("p", "secret"))
	f.Add("", "sealed:v1:")
	f.Add("p", "sealed:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, purpose, sealed string) {
		plain, err := b.Open(purpose, sealed)
		if err == nil && b.Seal(purpose, plain) != sealed {
			t.Errorf("%q opens to %q, which seals to something else", sealed, plain)
		}
		if err != nil && !errors.Is(err, secret.ErrSealed) {
			t.Errorf("got %v", err)
		}
	})
}
