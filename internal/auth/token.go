package auth

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
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
	file *table[Token]
	log  *slog.Logger
}

// Options are what Open needs.
type Options struct {
	Dir string // the data directory; it must exist when a token is made
	Log *slog.Logger
}

// Open returns the tokens of a data directory. The file need not exist; it is
// read when it is needed, and again when it has changed.
func Open(o Options) *Tokens {
	return &Tokens{
		file: &table[Token]{path: filepath.Join(o.Dir, FileName), what: "token file", parse: readToken, form: Token.line},
		log:  cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
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
	if err := checkTokenName(made.Name); err != nil {
		return "", err
	}
	token := prefix + newSecret()
	err := t.file.change(func(list []Token) ([]Token, error) {
		if slices.ContainsFunc(list, func(k Token) bool { return k.Name == made.Name }) {
			return nil, tokenExists(made.Name)
		}
		made.Created, made.hash = time.Now().UTC().Truncate(time.Second), sha256.Sum256([]byte(token))
		return append(list, made), nil
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

func checkTokenName(name string) error {
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return resource.FieldErrorf("name", "the name of a token has 1 to 100 characters and no space, not %q", name)
	}
	return nil
}

func tokenExists(name string) error {
	return &resource.Fault{Kind: resource.Conflict, Field: "name",
		Text: fmt.Sprintf("there is a token %q already; revoke it first or choose another name", name)}
}

func noSuchToken(name string) error {
	return &resource.Fault{Kind: resource.NotFound, Field: "name", Text: fmt.Sprintf("there is no token %q", name)}
}

// newSecret returns 256 random bits as text.
func newSecret() string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// Revoke ends a token. Servers that run refuse it from their next request on.
func (t *Tokens) Revoke(name string) error {
	return t.file.change(func(list []Token) ([]Token, error) {
		i := slices.IndexFunc(list, func(k Token) bool { return k.Name == name })
		if i < 0 {
			return nil, noSuchToken(name)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// List returns the tokens in the order in which they were made.
func (t *Tokens) List() ([]Token, error) {
	t.file.mu.Lock()
	defer t.file.mu.Unlock()
	list, err := t.file.all()
	return slices.Clone(list), err
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
	t.file.mu.Lock()
	defer t.file.mu.Unlock()
	list, err := t.file.all()
	if err != nil {
		t.log.Error("no token is accepted", "error", err)
		return "", false
	}
	found := -1
	for i := range list {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], list[i].hash[:]), i, found)
	}
	if found < 0 || list[found].Runner != runner {
		return "", false
	}
	return list[found].Name, true
}

// runnerRole marks a runner's token in the file.
const runnerRole = "runner"

// readToken reads a line "SHA-256 TIME NAME", or "SHA-256 TIME NAME runner".
func readToken(_ int, line string) (k Token, err error) {
	f := strings.Fields(line)
	if len(f) != 3 && (len(f) != 4 || f[3] != runnerRole) {
		return k, fmt.Errorf("a line has a hash, a time and a name, and %q for the token of a runner", runnerRole)
	}
	k = Token{Name: f[2], Runner: len(f) == 4}
	if k.hash, err = readHash(f[0]); err != nil {
		return k, err
	}
	k.Created, err = time.Parse(time.RFC3339, f[1])
	return k, err
}

func (k Token) line() string {
	line := fmt.Sprintf("%s %s %s", hex.EncodeToString(k.hash[:]), k.Created.Format(time.RFC3339), k.Name)
	if k.Runner {
		line += " " + runnerRole
	}
	return line
}

// Refused reports whether an error says that what was asked for is wrong, and Missing
// whether it says that there is no such thing.
func Refused(err error) bool { return resource.KindOf(err) == resource.Invalid }

// Missing is explained at Refused.
func Missing(err error) bool { return resource.KindOf(err) == resource.NotFound }

func readHash(text string) (hash [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return hash, errors.New("the first word is no SHA-256 in hexadecimal")
	}
	return [sha256.Size]byte(b), nil
}
