// Package sshtest has machines for tests: a folder that is the machine's /, the
// programs that say what it is, and a real OpenSSH server on the loopback interface in
// front of it. Nothing of the machine that runs the tests changes. Nothing of this
// package is part of the program.
package sshtest

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// ErrAbsent is the error of Start where OpenSSH's server is not installed.
var ErrAbsent = errors.New("sshd is not installed (Debian: openssh-server; scripts/setup-debian.sh brings it)")

// patience is how long the server may take to start and an agent to end.
const patience = 20 * time.Second

// Options configure a Machine. Dir is required.
type Options struct {
	// Dir is a folder that is there, for everything of the machine.
	Dir string
	// Name is what the machine calls itself; as the machine that runs the test if empty.
	Name string
	// IP is where the server listens; 127.0.0.1 if empty. Port is where; a free one if 0.
	IP   string
	Port int
	// Client is the file of the private key that is let in. It is made if it is not
	// there; Dir/client if empty.
	Client string
	// HostCA signs the machine's key; nothing does if it is nil.
	HostCA ssh.Signer
	// Env are variables of what runs there, as NAME=VALUE without spaces.
	Env []string
	// Services has systemctl really run the program of the agent's unit. Else it only
	// notes what it is told.
	Services bool
}

// Machine is a machine. Its systemctl keeps the state of one service in the files
// "enabled" and "active" of Dir, and writes what it is told to "log". A verb in the
// file "fail" fails. What the file "system" says is the state of the whole system.
type Machine struct {
	Options

	Root    string        // the machine's /
	Bin     string        // programs that stand in for the machine's own
	User    string        // who is let in
	HostKey ssh.PublicKey // of the machine

	cmd *exec.Cmd
}

//go:embed systemctl.sh
var systemctl string

// sudo runs what it is told to, and writes down that it was asked.
const sudo = `while [ "${1#-}" != "$1" ]; do shift; done
echo sudo "$1" >>"$FAKE/log"
exec "$@"
`

// Start makes a machine and starts its server, which ends with ctx at the latest.
// Whoever calls it calls Stop.
func Start(ctx context.Context, o Options) (*Machine, error) {
	program := "/usr/sbin/sshd" // it wants to be called by its full name
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("sshd"); err != nil {
			return nil, ErrAbsent
		}
	}
	o.IP, o.Client = cmp.Or(o.IP, "127.0.0.1"), cmp.Or(o.Client, filepath.Join(o.Dir, "client"))
	m := &Machine{Options: o, Root: filepath.Join(o.Dir, "machine"), Bin: filepath.Join(o.Dir, "bin")}
	if err := m.furnish(); err != nil {
		return nil, err
	}
	if err := m.serve(ctx, program); err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	return m, nil
}

// furnish makes the folders, programs and keys of the machine.
func (m *Machine) furnish() error {
	u, err := user.Current()
	if err != nil {
		return err
	}
	m.User = u.Username
	for _, dir := range []string{m.Root, m.Bin, filepath.Join(m.Dir, "tmp")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	client, err := os.ReadFile(m.Client + ".pub")
	if errors.Is(err, os.ErrNotExist) {
		_, err = WriteKey(m.Client)
		if err == nil {
			client, err = os.ReadFile(m.Client + ".pub")
		}
	}
	if err != nil {
		return err
	}
	if m.HostKey, err = WriteKey(filepath.Join(m.Dir, "host")); err != nil {
		return err
	}
	if err := m.certify(); err != nil {
		return err
	}
	head := "#!/bin/sh\nFAKE=" + m.Dir + "\n"
	programs := map[string]string{"systemctl": head + systemctl, "sudo": head + sudo}
	if m.Name != "" {
		programs["hostname"] = "#!/bin/sh\necho " + m.Name + "\n"
	}
	errs := []error{
		os.WriteFile(filepath.Join(m.Dir, "authorized"), client, 0o600),
		os.WriteFile(filepath.Join(m.Dir, "system"), []byte("running\n"), 0o600),
	}
	for name, text := range programs {
		errs = append(errs, os.WriteFile(filepath.Join(m.Bin, name), []byte(text), 0o755)) //nolint:gosec // it is run
	}
	if m.Services {
		errs = append(errs, os.WriteFile(filepath.Join(m.Dir, "services"), nil, 0o600))
	}
	return errors.Join(errs...)
}

// certify has the machine's key signed.
func (m *Machine) certify() error {
	if m.HostCA == nil {
		return nil
	}
	c := &ssh.Certificate{Key: m.HostKey, CertType: ssh.HostCert, KeyId: m.Name, ValidPrincipals: []string{m.IP}, ValidBefore: ssh.CertTimeInfinity}
	if err := c.SignCert(rand.Reader, m.HostCA); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Dir, "host-cert.pub"), ssh.MarshalAuthorizedKey(c), 0o600)
}

// serve starts the server and waits until it answers.
func (m *Machine) serve(ctx context.Context, program string) error {
	if os.Geteuid() == 0 { // sshd wants it, and without systemd nobody makes it
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	if m.Port == 0 {
		var err error
		if m.Port, err = FreePort(ctx); err != nil {
			return err
		}
	}
	env := append([]string{"PATH=" + m.Bin + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "TMPDIR=" + m.Dir + "/tmp"}, m.Env...)
	config := fmt.Sprintf(`Port %d
ListenAddress %s
HostKey %s/host
AuthorizedKeysFile %s/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv %s
`, m.Port, m.IP, m.Dir, m.Dir, strings.Join(env, " "))
	if m.HostCA != nil {
		config += "HostCertificate " + m.Dir + "/host-cert.pub\n"
	}
	file := filepath.Join(m.Dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(m.Dir, "sshd.log"))
	if err != nil {
		return err
	}
	defer log.Close()                                                 //nolint:errcheck // the server has it
	m.cmd = exec.CommandContext(ctx, program, "-D", "-e", "-f", file) //nolint:gosec // it is a test's own
	m.cmd.Stderr = log
	if err := m.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := m.greets(ctx)
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			m.Stop()
			return fmt.Errorf("it does not answer: %w\n%s", err, m.Log())
		}
	}
}

// greets returns nil if an SSH server answers at the address: whoever else looked for
// a free port may listen there for a moment.
func (m *Machine) greets(ctx context.Context) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Address())
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it has said what there was to say
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	greeting := make([]byte, len("SSH-"))
	if _, err := io.ReadFull(c, greeting); err != nil {
		return err
	}
	if string(greeting) != "SSH-" {
		return fmt.Errorf("what answers at %s is no SSH server: %q", m.Address(), greeting)
	}
	return nil
}

// Address is where the server listens, with its port.
func (m *Machine) Address() string { return net.JoinHostPort(m.IP, strconv.Itoa(m.Port)) }

// KnownHost is the line by which the machine is recognised at an address, as a file
// of known hosts has it.
func (m *Machine) KnownHost() string {
	return fmt.Sprintf("[%s]:%d %s", m.IP, m.Port, ssh.MarshalAuthorizedKey(m.HostKey))
}

// Log is what the server and the agent wrote, and what systemctl and sudo were told.
func (m *Machine) Log() string {
	var b strings.Builder
	for _, name := range []string{"sshd.log", "log", "agent.log"} {
		text, err := os.ReadFile(filepath.Join(m.Dir, name))
		if err == nil {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	return b.String()
}

// Crash kills the agent that the machine runs, with SIGKILL, and waits until it has
// ended. Its systemctl does not start it again.
func (m *Machine) Crash(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(m.Dir, "pid"))
	if err != nil {
		return fmt.Errorf("the machine runs no agent: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the agent: %w", err)
	}
	for end := time.Now().Add(patience); m.Systemctl(ctx, "is-active") == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("process %d does not end", pid)
		}
	}
	return nil
}

// Systemctl has systemctl there do something with the agent's service, such as "start".
func (m *Machine) Systemctl(ctx context.Context, verb string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(m.Bin, "systemctl"), verb, "faultline-agent.service") //nolint:gosec // it is ours
	cmd.Env = append([]string{"PATH=" + m.Bin + ":" + os.Getenv("PATH")}, m.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", verb, err, out)
	}
	return nil
}

// Stop ends the server and what runs there.
func (m *Machine) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if m.Systemctl(ctx, "stop") != nil { // one that hangs, or a script that lets it fail
		_ = m.Crash(context.Background()) // there may be nothing to kill
	}
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait() // it was killed
}

// FreePort is a port of the loopback interface that nobody uses.
func FreePort(ctx context.Context) (int, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// WriteKey makes a key pair and writes the private one to a file, the public one to
// the same with .pub.
func WriteKey(path string) (ssh.PublicKey, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, err
	}
	out, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(
		os.WriteFile(path, pem.EncodeToMemory(block), 0o600),
		os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(out), 0o600),
	)
}
