package install

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// SSH is how a machine is reached. At least one of KeyFile and AgentSocket is
// needed, and one of KnownHosts and HostKey.
type SSH struct {
	Address string // host or host:port
	Port    int    // where the address has none; 22 if 0
	User    string // root if empty
	// KeyFile has a private key without passphrase; a key with one belongs into an
	// SSH agent, whose socket is AgentSocket.
	KeyFile     string
	AgentSocket string
	KnownHosts  string // file in the form of OpenSSH
	// HostKey is the fingerprint that the machine's key must have, such as
	// SHA256:…, in place of KnownHosts.
	HostKey string
	Timeout time.Duration // of the connection; 20 s if 0
}

func (s SSH) user() string { return cmp.Or(s.User, "root") }

// target is the address with its port.
func (s SSH) target() string {
	if _, _, err := net.SplitHostPort(s.Address); err == nil {
		return s.Address
	}
	return net.JoinHostPort(strings.Trim(s.Address, "[]"), strconv.Itoa(cmp.Or(s.Port, 22)))
}

// machine is a connection to a machine.
type machine struct {
	client *ssh.Client
	key    ssh.PublicKey // of the machine
}

func (m *machine) close() { _ = m.client.Close() } // it may have ended

// dial connects to the machine.
func (s SSH) dial(ctx context.Context) (*machine, error) {
	methods, done, err := s.methods(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	m := &machine{}
	check, algorithms, err := s.hostKeys()
	if err != nil {
		return nil, err
	}
	var refused error // ssh wraps it beyond recognition
	c := &ssh.ClientConfig{
		User: s.user(), Auth: methods, HostKeyAlgorithms: algorithms, ClientVersion: "SSH-2.0-faultline",
		HostKeyCallback: func(host string, addr net.Addr, key ssh.PublicKey) error {
			m.key = certified(key)
			refused = check(host, addr, key)
			return refused
		},
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 20*time.Second))
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.target())
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached by SSH: %w", s.target(), err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	client, channels, requests, err := ssh.NewClientConn(conn, s.target(), c)
	stop()
	switch {
	case refused != nil:
		_ = conn.Close() // it has ended
		return nil, refused
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s did not answer by SSH: %w", s.target(), ctx.Err())
	case err != nil:
		_ = conn.Close()
		if strings.Contains(err.Error(), "unable to authenticate") {
			return nil, fmt.Errorf("%s does not let %s in with %s; put its public key into ~%s/.ssh/authorized_keys there", s.target(), s.user(), s.shown(), s.user())
		}
		return nil, fmt.Errorf("SSH to %s: %w", s.target(), err)
	}
	m.client = ssh.NewClient(client, channels, requests)
	return m, nil
}

// shown names the credentials.
func (s SSH) shown() string {
	if s.KeyFile != "" {
		return "the key " + s.KeyFile
	}
	return "the keys of the SSH agent"
}

// methods are the ways to show who we are. done ends what they need.
func (s SSH) methods(ctx context.Context) (list []ssh.AuthMethod, done func(), err error) {
	done = func() {}
	if s.KeyFile != "" {
		pem, err := readKey(s.KeyFile)
		if err != nil {
			return nil, done, err
		}
		signer, err := ssh.ParsePrivateKey(pem)
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked):
			return nil, done, fmt.Errorf("the SSH key %s has a passphrase; use one without, which only the server's user may read, or an SSH agent (ssh_agent)", s.KeyFile)
		case err != nil:
			return nil, done, fmt.Errorf("the SSH key %s: %w", s.KeyFile, err)
		}
		list = append(list, ssh.PublicKeys(signer))
	}
	if s.AgentSocket != "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", s.AgentSocket)
		if err != nil {
			return nil, done, fmt.Errorf("the SSH agent cannot be reached: %w", err)
		}
		done = func() { _ = conn.Close() }
		list = append(list, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	if len(list) == 0 {
		return nil, done, errors.New("there are no SSH credentials: set ssh_key to a private key, or ssh_agent to the socket of an SSH agent")
	}
	return list, done, nil
}

// readKey reads a private key that nobody else may read.
func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the SSH key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the SSH key %s may be read or written by others; run chmod 600 on it", path)
	}
	return os.ReadFile(path)
}

// hostKeys returns how the machine's key is checked, and the algorithms to ask
// for: those of the keys that are known, since another of its keys would look like
// another machine.
func (s SSH) hostKeys() (ssh.HostKeyCallback, []string, error) {
	if s.HostKey != "" {
		return func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(certified(key)); got != s.HostKey {
				return fmt.Errorf("%s shows the %s key %s, and %s was expected; another machine may have its address. Nothing was sent to it", s.target(), certified(key).Type(), got, s.HostKey)
			}
			return nil
		}, nil, nil
	}
	if s.KnownHosts == "" {
		return nil, nil, errors.New("it is not known by what key the machine is to be recognised: set ssh_known_hosts to a file of known hosts, or give the fingerprint of its key")
	}
	known, listed, err := s.known()
	if err != nil {
		return nil, nil, fmt.Errorf("known hosts: %w", err)
	}
	var algorithms []string
	authority := func(key ssh.PublicKey) bool {
		return slices.ContainsFunc(listed, func(l knownhosts.PublicKey) bool { return l.Cert && bytes.Equal(l.Marshal(), key.Marshal()) })
	}
	signed := false // whether an authority may have signed its key
	for _, l := range listed {
		switch t := l.Type(); {
		case l.Cert:
			signed = true
		case t == ssh.KeyAlgoRSA:
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			algorithms = append(algorithms, t)
		}
	}
	if signed && len(algorithms) > 0 { // else whatever it has
		algorithms = append(slices.Clone(certificates), algorithms...)
	}
	return func(host string, _ net.Addr, key ssh.PublicKey) error {
		// By the name that was given, not by what it resolves to. A key is good by itself
		// too, whoever signed it.
		err, shown := known(host, nowhere, key), certified(key)
		if err == nil || known(host, nowhere, shown) == nil {
			return nil
		}
		_, certificate := key.(*ssh.Certificate)
		var wrong *xknownhosts.KeyError
		var revoked *xknownhosts.RevokedError
		switch {
		case errors.As(err, &revoked):
			return fmt.Errorf("the key that %s shows (%s) is revoked by %s:%d", s.target(), ssh.FingerprintSHA256(shown), revoked.Revoked.Filename, revoked.Revoked.Line)
		case signed && certificate:
			return fmt.Errorf("%s shows the %s key %s with a certificate that is not good by the authorities in %s: %w. Nothing was sent to it", s.target(), shown.Type(), ssh.FingerprintSHA256(shown), s.KnownHosts, err)
		case errors.As(err, &wrong):
			for _, w := range wrong.Want {
				if !authority(w.Key) {
					return fmt.Errorf("HOST KEY MISMATCH: %s shows the %s key %s, and %s:%d has %s for it. Another machine may pretend to be it. If it was installed anew, remove the old key: ssh-keygen -f %s -R %q. Nothing was sent to it",
						s.target(), shown.Type(), ssh.FingerprintSHA256(shown), w.Filename, w.Line, ssh.FingerprintSHA256(w.Key), s.KnownHosts, knownhosts.Normalize(s.target()))
				}
			}
		}
		return fmt.Errorf("%s is not in %s. It shows the %s key %s; if that is its key (on the machine: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), add it: ssh-keyscan %s >> %s; or give the fingerprint (--host-key). Nothing was sent to it",
			s.Address, s.KnownHosts, shown.Type(), ssh.FingerprintSHA256(shown), scanned(s.target()), s.KnownHosts)
	}, algorithms, nil
}

// certificates are the algorithms of keys that an authority signed.
var certificates = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// nowhere is an address that no file of known hosts has.
var nowhere = &net.TCPAddr{IP: net.IPv4zero}

// known returns what checks a key by the file of known hosts, and the keys and
// authorities that it has for the machine. A file that is not there has none.
func (s SSH) known() (ssh.HostKeyCallback, []knownhosts.PublicKey, error) {
	db, err := knownhosts.NewDB(s.KnownHosts)
	if errors.Is(err, fs.ErrNotExist) {
		return func(string, net.Addr, ssh.PublicKey) error { return &xknownhosts.KeyError{} }, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return db.HostKeyCallback(), db.HostKeys(s.target()), nil
}

// certified is the key that a certificate is for, or the key itself.
func certified(key ssh.PublicKey) ssh.PublicKey {
	if c, ok := key.(*ssh.Certificate); ok {
		return c.Key
	}
	return key
}

// scanned are the arguments of ssh-keyscan for an address.
func scanned(target string) string {
	host, port, _ := net.SplitHostPort(target)
	if port == "22" {
		return host
	}
	return "-p " + port + " " + host
}

// run runs a command of sh there and returns what it prints.
func (m *machine) run(ctx context.Context, script string, stdin io.Reader) (string, error) {
	s, err := m.client.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close() //nolint:errcheck // its end is what Run tells
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	var out, errs strings.Builder
	s.Stdin, s.Stdout, s.Stderr = stdin, &limited{&out, 64 << 10}, &limited{&errs, 4 << 10}
	if err := s.Run(shell(script)); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// shell has sh run a script, whatever shell the user logs in with.
func shell(script string) string { return "sh -c " + quote(script) }

// quote makes a word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// limited keeps the beginning of what is written.
type limited struct {
	to   *strings.Builder
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.to.Write(p[:n])
	l.left -= n
	return len(p), nil
}

// DefaultKnownHosts is the file of known hosts of the user who runs this; empty if
// there is no home.
func DefaultKnownHosts() string {
	u, err := user.Current()
	if err != nil || u.HomeDir == "" {
		return ""
	}
	return filepath.Join(u.HomeDir, ".ssh", "known_hosts")
}
