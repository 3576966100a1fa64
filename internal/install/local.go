package install

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Local installs the agent on this machine. Only DryRun and Root may be left out.
type Local struct {
	Paths Paths
	// Program is the file of this program.
	Program string
	// Server is the address that the agent comes to, for people.
	Server string
	// Register registers this host, in the agent's folder.
	Register func(ctx context.Context, folder string) (host string, err error)
	// Confirm waits for the word that all is well with the service that was started.
	// If it returns an error, everything is undone.
	Confirm func(ctx context.Context, host string) error
	Say     func(Step)
}

// texts of the steps, which a dry run shows and Remote knows beforehand.
func (p Paths) steps(server string) []Step {
	return []Step{
		{Name: "program", Text: "copy this program to " + p.Program},
		{Name: "config", Text: "write " + p.Config},
		{Name: "unit", Text: "write " + p.Unit},
		{Name: "register", Text: "register this host at " + server + ", with a token that is good once"},
		{Name: "start", Text: "enable and start " + ServiceName},
		{Name: "contact", Text: "wait for the first contact of the agent"},
	}
}

// Plan tells the steps that Run would take.
func (l Local) Plan() []Step {
	list := l.Paths.steps(l.Server)
	for i := range list {
		list[i].State = Planned
	}
	return list
}

// Run installs the agent. On an error nothing of it is left. Meanwhile the process
// does not die of a terminal or connection that goes away: it would leave half of
// it behind.
func (l Local) Run(ctx context.Context) error {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	defer signal.Reset(syscall.SIGPIPE, syscall.SIGHUP)
	if err := systemdRuns(ctx); err != nil {
		return err
	}
	texts := map[string]string{}
	for _, s := range l.Paths.steps(l.Server) {
		texts[s.Name] = s.Text
	}
	var host string
	program := &placedFile{path: l.Paths.Program, mode: 0o755}
	config := &placedFile{path: l.Paths.Config, mode: 0o600, keep: true}
	unit := &placedFile{path: l.Paths.Unit, mode: 0o644}
	identity := &folder{path: l.Paths.Data}
	service := &service{}
	defer program.forget()
	defer unit.forget()
	err := perform(ctx, []action{
		{"program", texts["program"], func(context.Context) (State, string, error) { return program.copy(l.Program) }, program.undo},
		{"config", texts["config"], func(context.Context) (State, string, error) { return config.write(Config(l.Paths)) }, config.undo},
		{"unit", texts["unit"], func(context.Context) (State, string, error) { return unit.write(Unit(l.Paths)) }, unit.undo},
		{"register", texts["register"], func(ctx context.Context) (State, string, error) {
			if err := identity.prepare(); err != nil {
				return Failed, "", err
			}
			var err error
			host, err = l.Register(ctx, l.Paths.Data)
			return Done, "host " + host, err
		}, identity.undo},
		{"start", texts["start"], func(ctx context.Context) (State, string, error) { return Done, "", service.start(ctx) }, service.undo},
		{"contact", texts["contact"], func(ctx context.Context) (State, string, error) {
			return Done, "", l.Confirm(ctx, host)
		}, nil},
	}, l.Say)
	if err != nil {
		err = errors.Join(err, service.restore(ctx))
	}
	return err
}

// placedFile is a file that is put into its place, and what it took the place of.
type placedFile struct {
	path string
	mode fs.FileMode
	keep bool // one that is there is the operator's

	placed bool
	before string // where the former file is; empty if there was none
	made   []string
}

// write puts a text into the place.
func (f *placedFile) write(text string) (State, string, error) {
	now, err := os.ReadFile(f.path)
	switch {
	case err == nil && f.keep:
		return Kept, "it is there already, and stays as it is", nil
	case err == nil && string(now) == text:
		return Kept, "it is there already", nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Failed, "", err
	}
	return Done, "", f.place(strings.NewReader(text), nil)
}

// copy puts a program into the place, and checks that all of it arrived.
func (f *placedFile) copy(from string) (State, string, error) {
	want, err := Checksum(from)
	if err != nil {
		return Failed, "", err
	}
	if now, err := Checksum(f.path); err == nil && now == want {
		return Kept, "it is there already", nil
	}
	in, err := os.Open(from)
	if err != nil {
		return Failed, "", err
	}
	defer in.Close() //nolint:errcheck // it was read
	check := func(path string) error {
		if got, err := Checksum(path); err != nil || got != want {
			return errors.Join(err, fmt.Errorf("the copy has the SHA-256 %s, and it should be %s", got, want))
		}
		return nil
	}
	if err := f.place(in, check); err != nil {
		return Failed, "", err
	}
	return Done, "SHA-256 " + want, nil
}

// place writes a file beside its place and moves it there. The one that was there
// is kept until forget.
func (f *placedFile) place(from io.Reader, check func(path string) error) (err error) {
	if f.made, err = makeAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	next := f.path + ".new"
	defer os.Remove(next) //nolint:errcheck // it is in its place by then, or nobody needs it
	out, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, f.mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	err = errors.Join(err, out.Chmod(f.mode), out.Sync(), out.Close())
	if err == nil && check != nil {
		err = check(next)
	}
	if err != nil {
		return err
	}
	before := f.path + ".before"
	switch err := os.Rename(f.path, before); {
	case err == nil:
		f.before = before
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.Rename(next, f.path); err != nil {
		return err
	}
	f.placed = true
	return nil
}

// undo puts back what was there.
func (f *placedFile) undo(context.Context) error {
	var err error
	switch {
	case f.before != "":
		err = os.Rename(f.before, f.path)
		f.before = ""
	case f.placed:
		err = os.Remove(f.path)
	}
	return errors.Join(err, removeAll(f.made))
}

// forget removes what the file took the place of.
func (f *placedFile) forget() {
	if f.before != "" {
		_ = os.Remove(f.before) // one that stays harms nobody
	}
}

// folder is a folder whose files are put back.
type folder struct {
	path   string
	made   []string
	ready  bool
	before map[string][]byte
}

// mostIdentity bounds a file that is kept in memory, in bytes: keys and
// certificates are far smaller.
const mostIdentity = 1 << 20

func (f *folder) prepare() (err error) {
	if f.made, err = makeAll(f.path, 0o700); err != nil {
		return err
	}
	f.before = map[string][]byte{}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > mostIdentity {
			continue
		}
		if f.before[e.Name()], err = os.ReadFile(filepath.Join(f.path, e.Name())); err != nil {
			return err
		}
	}
	f.ready = true
	return nil
}

// undo leaves the files that were there, as they were.
func (f *folder) undo(context.Context) error {
	if !f.ready {
		return removeAll(f.made)
	}
	if len(f.made) > 0 {
		return errors.Join(os.RemoveAll(f.path), removeAll(f.made))
	}
	entries, err := os.ReadDir(f.path)
	errs := []error{err}
	for _, e := range entries {
		path := filepath.Join(f.path, e.Name())
		was, ok := f.before[e.Name()]
		switch {
		case !ok && e.Type().IsRegular():
			errs = append(errs, os.Remove(path))
		case ok:
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, was) {
				errs = append(errs, os.WriteFile(path, was, 0o600))
			}
		}
	}
	return errors.Join(errs...)
}

// service is the agent's service.
type service struct {
	touched             bool
	wasEnabled, wasLive bool
}

// systemdRuns says why no service can be installed here, if so. In containers there
// may be its program without systemd.
func systemdRuns(ctx context.Context) error {
	const advice = "; have `faultline agent run` started by whatever starts services here"
	if _, err := exec.LookPath("systemctl"); err != nil {
		return errors.New("this machine has no systemd (systemctl is not to be found)" + advice)
	}
	state, err := exec.CommandContext(ctx, "systemctl", "is-system-running").Output()
	if text := strings.TrimSpace(string(state)); text == offline || text == "" && err != nil {
		return errors.New("this machine does not run systemd (systemctl is-system-running says that it is " + cmp.Or(text, err.Error()) + ")" + advice)
	}
	return nil
}

// offline is what systemctl says is the state of a system that something else than
// systemd runs.
const offline = "offline"

func systemctl(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput() //nolint:gosec // the words are ours
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (s *service) start(ctx context.Context) error {
	s.wasEnabled = systemctl(ctx, "is-enabled", "--quiet", ServiceName) == nil
	s.wasLive = systemctl(ctx, "is-active", "--quiet", ServiceName) == nil
	s.touched = true
	for _, args := range [][]string{{"daemon-reload"}, {"enable", ServiceName}, {"restart", ServiceName}} {
		if err := systemctl(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// undo stops the service.
func (s *service) undo(ctx context.Context) error {
	if !s.touched {
		return nil
	}
	var errs []error
	if !s.wasEnabled {
		errs = append(errs, systemctl(ctx, "disable", ServiceName))
	}
	return errors.Join(append(errs, systemctl(ctx, "stop", ServiceName))...)
}

// restore has systemd find the files that were put back, and starts the service
// that ran before.
func (s *service) restore(ctx context.Context) error {
	if !s.touched {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := systemctl(ctx, "daemon-reload")
	if s.wasLive {
		err = errors.Join(err, systemctl(ctx, "start", ServiceName))
	}
	return err
}

// StaysUp waits a while and says whether the service is still active: what is
// wrong with settings or certificates ends it at once.
func StaysUp(ctx context.Context, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		if err := systemctl(ctx, "is-active", "--quiet", ServiceName); err != nil {
			return fmt.Errorf("the service has ended; journalctl -u %s says why", ServiceName)
		}
		if time.Now().After(end) {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Checksum is the SHA-256 of a file, in hexadecimal digits.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// makeAll makes a folder and returns those that were not there, the outermost first.
func makeAll(path string, mode fs.FileMode) (made []string, err error) {
	for at := path; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		made = append([]string{at}, made...)
	}
	return made, os.MkdirAll(path, mode)
}

// removeAll removes folders that were made, if nothing is in them.
func removeAll(made []string) error {
	for _, path := range slices.Backward(made) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
