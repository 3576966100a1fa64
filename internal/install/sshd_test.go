package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/faultline-storage/faultline/internal/install/sshtest"
)

// TestMain makes this test program the one that is installed, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "agent" && os.Args[2] == "install" {
		os.Exit(installed(os.Args[3:]))
	}
	os.Exit(m.Run())
}

// sshd is a machine behind a real OpenSSH server.
type sshd struct{ *sshtest.Machine }

// startSSHD starts a server, which ends with the test. Its key is signed by ca, if that
// is not nil.
func startSSHD(t *testing.T, ca ssh.Signer) *sshd {
	t.Helper()
	m, err := sshtest.Start(t.Context(), sshtest.Options{Dir: t.TempDir(), HostCA: ca})
	if errors.Is(err, sshtest.ErrAbsent) {
		t.Skipf("%v: not installing anything over SSH", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			t.Log(m.Log())
		}
	})
	return &sshd{m}
}

func (s *sshd) write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// log is what systemctl and sudo were told.
func (s *sshd) log(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func (s *sshd) is(state string) bool {
	_, err := os.Stat(filepath.Join(s.Dir, state))
	return err == nil
}

// files are those of the machine, with what they hold.
func (s *sshd) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(s.Root, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == s.Root {
			return err
		}
		name, _ := filepath.Rel(s.Root, path)
		if e.IsDir() {
			out[name] = "folder"
			return nil
		}
		b, err := os.ReadFile(path)
		out[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// remote is an installation on the machine that should succeed, with the steps
// that it tells.
func (s *sshd) remote(t *testing.T) (*Remote, *[]Step) {
	t.Helper()
	known := s.write(t, "known_hosts", s.KnownHost(), 0o600)
	var steps []Step
	return &Remote{
		SSH:    SSH{Address: s.Address(), User: s.User, KeyFile: s.Client, KnownHosts: known},
		Server: "https://manager:8700", Root: s.Root, Name: "oss1.example.com",
		Program: func(string, string) (string, error) { return os.Executable() },
		Token:   func(_ context.Context, host string) (string, error) { return "token-of-" + host, nil },
		Contact: func(context.Context, string) error { return nil },
		Say:     func(st Step) { steps = append(steps, st) },
	}, &steps
}

// noUploads checks that what was sent is gone, or goes soon where a connection broke.
func (s *sshd) noUploads(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(filepath.Join(s.Dir, "tmp"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("uploads stay: %v", left)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := sshtest.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// writeKey makes a key pair and writes the private one.
func writeKey(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	key, err := sshtest.WriteKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func lastStates(steps []Step) string {
	var order []string
	last := map[string]State{}
	for _, s := range steps {
		if _, ok := last[s.Name]; !ok {
			order = append(order, s.Name)
		}
		last[s.Name] = s.State
	}
	for i, name := range order {
		order[i] = name + " " + string(last[name])
	}
	return strings.Join(order, ", ")
}
