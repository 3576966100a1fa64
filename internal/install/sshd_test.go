package install

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestMain makes this test program the one that is installed, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "agent" && os.Args[2] == "install" {
		os.Exit(installed(os.Args[3:]))
	}
	os.Exit(m.Run())
}

// sshd is a real OpenSSH server on the loopback interface, in front of a machine
// that is a folder: what its systemctl is told is written down, and its programs
// can be made to fail.
type sshd struct {
	dir     string
	root    string // the machine's /
	port    int
	hostKey ssh.PublicKey
	user    string
}

// startSSHD starts a server, which ends with the test.
func startSSHD(t *testing.T) *sshd {
	t.Helper()
	program := "/usr/sbin/sshd"
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("sshd"); err != nil {
			t.Skip("sshd is not installed (Debian: openssh-server; scripts/setup-debian.sh brings it): not installing anything over SSH")
		}
	}
	if os.Geteuid() == 0 { // sshd wants it, and without systemd nobody makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{dir: t.TempDir(), user: u.Username}
	s.root = filepath.Join(s.dir, "machine")
	bin := filepath.Join(s.dir, "bin")
	for _, dir := range []string{s.root, bin, filepath.Join(s.dir, "tmp")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.hostKey = writeKey(t, filepath.Join(s.dir, "host"))
	client := writeKey(t, filepath.Join(s.dir, "client"))
	s.write(t, "authorized", string(ssh.MarshalAuthorizedKey(client)), 0o600)
	s.write(t, "bin/systemctl", fakeSystemctl, 0o755)
	s.write(t, "bin/sudo", "#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\necho sudo \"$1\" >>"+s.dir+"/log\nexec \"$@\"\n", 0o755)
	s.port = freePort(t)
	s.write(t, "config", fmt.Sprintf(`Port %d
ListenAddress 127.0.0.1
HostKey %s/host
AuthorizedKeysFile %s/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv PATH=%s:/usr/bin:/bin:/usr/sbin:/sbin FAKE=%s TMPDIR=%s/tmp
`, s.port, s.dir, s.dir, bin, s.dir, s.dir), 0o600)
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(s.dir, "config")) //nolint:gosec // it is a test's own
	log, err := os.Create(filepath.Join(s.dir, "sshd.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("sshd: %s\nsystemctl: %s", b, s.log(t))
		}
	})
	for end := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", s.address())
		if err == nil {
			_ = c.Close()
			return s
		}
		if time.Now().After(end) {
			b, _ := os.ReadFile(log.Name())
			t.Fatalf("sshd does not listen: %v\n%s", err, b)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// fakeSystemctl keeps the state of one service in files, and notes the list of
// processes when it starts it.
const fakeSystemctl = `#!/bin/sh
echo "$@" >>"$FAKE/log"
grep -qx "$1" "$FAKE/fail" 2>/dev/null && { echo "told to fail" >&2; exit 1; }
case "$1" in
is-enabled) [ -e "$FAKE/enabled" ] ;;
is-active) [ -e "$FAKE/active" ] ;;
enable) : >"$FAKE/enabled" ;;
disable) rm -f "$FAKE/enabled" ;;
start | restart) : >"$FAKE/active"; ps -eo args >"$FAKE/processes" ;;
stop) rm -f "$FAKE/active" ;;
esac
`

func (s *sshd) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func (s *sshd) write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
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
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func (s *sshd) is(state string) bool {
	_, err := os.Stat(filepath.Join(s.dir, state))
	return err == nil
}

// files are those of the machine, with what they hold.
func (s *sshd) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(s.root, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == s.root {
			return err
		}
		name, _ := filepath.Rel(s.root, path)
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
	known := s.write(t, "known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", s.port, ssh.MarshalAuthorizedKey(s.hostKey)), 0o600)
	var steps []Step
	return &Remote{
		SSH:    SSH{Address: s.address(), User: s.user, KeyFile: filepath.Join(s.dir, "client"), KnownHosts: known},
		Server: "https://manager:8700", Root: s.root, Name: "oss1.example.com",
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
		left, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
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
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() //nolint:errcheck // only its number is wanted
	return ln.Addr().(*net.TCPAddr).Port
}

// writeKey makes a key pair and writes the private one.
func writeKey(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return out
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
