package auth

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"github.com/faultline-storage/faultline/internal/resource"
)

// FileName is the name of the token file in the data directory.
const FileName = "tokens"

// prefix makes a token known on sight, to people and to scanners for secrets
// that were published by mistake.
const prefix = "flt_"

// Token is what is known of a token that was made.
type Token struct {
	Name    string
	Created time.Time
	// Runner says that the token is good for a runner, and for nothing else: a
	// runner is handed passwords, which the API never gives away.
	Runner bool
	hash   [sha256.Size]byte
}

// Tokens are the tokens in a file of the data directory. All methods are safe
// for concurrent use, also by several processes.
type Tokens struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	loaded os.FileInfo // of the file that list was read from; nil if there was none
	list   []Token
}

// Options are what Open needs.
type Options struct {
	Dir string // the data directory; it must exist when a token is made
	Log *slog.Logger
}

// Open returns the tokens of a data directory. The file need not exist; it is
// read when it is needed, and again when it has changed.
func Open(o Options) *Tokens {
	return &Tokens{path: filepath.Join(o.Dir, FileName), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler))}
}

// Create makes a token for the API with the given name and returns it. It is not
// kept anywhere and cannot be shown again. Errors of the name are resource.Faults
// of the field "name".
func (t *Tokens) Create(name string) (string, error) { return t.create(Token{Name: name}) }

// CreateRunner is Create for a runner's token.
func (t *Tokens) CreateRunner(name string) (string, error) {
	return t.create(Token{Name: name, Runner: true})
}

func (t *Tokens) create(made Token) (string, error) {
	name := made.Name
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "", resource.FieldErrorf("name", "the name of a token has 1 to 100 characters and no space, not %q", name)
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	token := prefix + base64.RawURLEncoding.EncodeToString(secret[:])
	err := t.change(func(list []Token) ([]Token, error) {
		if slices.ContainsFunc(list, func(k Token) bool { return k.Name == name }) {
			return nil, &resource.Fault{Kind: resource.Conflict, Field: "name",
				Text: fmt.Sprintf("there is a token %q already; revoke it first or choose another name", name)}
		}
		made.Created, made.hash = time.Now().UTC().Truncate(time.Second), sha256.Sum256([]byte(token))
		return append(list, made), nil
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Revoke ends a token. Servers that run refuse it from their next request on.
func (t *Tokens) Revoke(name string) error {
	return t.change(func(list []Token) ([]Token, error) {
		i := slices.IndexFunc(list, func(k Token) bool { return k.Name == name })
		if i < 0 {
			return nil, &resource.Fault{Kind: resource.NotFound, Field: "name", Text: fmt.Sprintf("there is no token %q", name)}
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// List returns the tokens in the order in which they were made.
func (t *Tokens) List() ([]Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	return slices.Clone(t.list), nil
}

// Allow reports whether the request has a token for the API ("Authorization:
// Bearer TOKEN"), and returns its name. If the file cannot be read, nobody is let
// in, and the log says why.
func (t *Tokens) Allow(r *http.Request) (name string, ok bool) { return t.allow(r, false) }

// AllowRunner is Allow for a runner's token.
func (t *Tokens) AllowRunner(r *http.Request) (name string, ok bool) { return t.allow(r, true) }

// AnyRunner reports whether there is a runner's token. If the file cannot be read,
// there may be one.
func (t *Tokens) AnyRunner() bool {
	list, err := t.List()
	return err != nil || slices.ContainsFunc(list, func(k Token) bool { return k.Runner })
}

func (t *Tokens) allow(r *http.Request, runner bool) (name string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		t.log.Error("no token is accepted", "error", err)
		return "", false
	}
	found := -1
	for i := range t.list {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], t.list[i].hash[:]), i, found)
	}
	if found < 0 || t.list[found].Runner != runner {
		return "", false
	}
	return t.list[found].Name, true
}

// load reads the file if it has changed. The caller holds mu.
func (t *Tokens) load() error {
	st, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		t.loaded, t.list = nil, nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("token file: %w", err)
	}
	if t.loaded != nil && os.SameFile(st, t.loaded) && st.ModTime().Equal(t.loaded.ModTime()) && st.Size() == t.loaded.Size() {
		return nil
	}
	t.loaded = nil // until the new list stands
	if st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s may be read or written by others; run chmod 600 on it", t.path)
	}
	b, err := os.ReadFile(t.path)
	if err != nil {
		return fmt.Errorf("token file: %w", err)
	}
	list, err := parse(b)
	if err != nil {
		return fmt.Errorf("%s:%w", t.path, err)
	}
	t.loaded, t.list = st, list
	return nil
}

// change writes what f makes of the tokens. Other processes wait meanwhile.
func (t *Tokens) change(f func([]Token) ([]Token, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	lock, err := os.OpenFile(t.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the token file: %w", err)
	}
	defer lock.Close() //nolint:errcheck // nothing was written to it; closing gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the token file: %w", err)
	}
	if err := t.load(); err != nil {
		return err
	}
	list, err := f(slices.Clone(t.list))
	if err != nil {
		return err
	}
	return write(t.path, list)
}

// write replaces the file in one step, so that a reader sees the old list or
// the new one.
func write(path string, list []Token) (err error) {
	var b bytes.Buffer
	for _, k := range list {
		fmt.Fprintf(&b, "%s %s %s", hex.EncodeToString(k.hash[:]), k.Created.Format(time.RFC3339), k.Name)
		if k.Runner {
			b.WriteString(" " + runnerRole)
		}
		b.WriteByte('\n')
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+FileName+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the token file: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // the first error tells more
		}
	}()
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the token file: %w", err)
	}
	return nil
}

// runnerRole marks a runner's token in the file.
const runnerRole = "runner"

// parse reads the lines "SHA-256 TIME NAME", and "SHA-256 TIME NAME runner".
func parse(b []byte) ([]Token, error) {
	var list []Token
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		f := strings.Fields(sc.Text())
		if len(f) != 3 && (len(f) != 4 || f[3] != runnerRole) {
			return nil, fmt.Errorf("%d: a line has a hash, a time and a name, and %q for the token of a runner", n, runnerRole)
		}
		k := Token{Name: f[2], Runner: len(f) == 4}
		if hash, err := hex.DecodeString(f[0]); err != nil || copy(k.hash[:], hash) != sha256.Size || len(hash) != sha256.Size {
			return nil, fmt.Errorf("%d: the first word is no SHA-256 in hexadecimal", n)
		}
		var err error
		if k.Created, err = time.Parse(time.RFC3339, f[1]); err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
		list = append(list, k)
	}
	return list, sc.Err()
}
