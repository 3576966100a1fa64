package install

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Remote installs the agent on another machine. DryRun, Root and Name may be left
// out.
type Remote struct {
	SSH SSH
	// Server is the address that the agent comes to.
	Server string
	// Name is the host's name; its own full name if empty.
	Name string
	// Root is a folder there in place of /.
	Root string
	// Program returns the file of this program for a system, in Go's names.
	Program func(system, machine string) (string, error)
	// Token makes a token with which this host can register once. It is called when
	// nothing else is left to go wrong on this side.
	Token func(ctx context.Context, host string) (string, error)
	// Contact waits until the agent of the host has come.
	Contact func(ctx context.Context, host string) error
	// DryRun connects and looks, and tells the other steps without taking them.
	DryRun bool
	Say    func(Step)
}

// facts are what is to be known of a machine.
type facts struct {
	system, arch string // in Go's names
	name         string
	root         bool // whether the user is root; else sudo is asked
	sum          string
}

// look is what a machine is asked. It changes nothing.
const look = `echo "system=$(uname -s)"
echo "machine=$(uname -m)"
echo "uid=$(id -u)"
echo "name=$(hostname -f 2>/dev/null || hostname)"
echo "systemctl=$(command -v systemctl)"
echo "system_is=$(systemctl is-system-running 2>/dev/null)"
[ "$(id -u)" = 0 ] || { sudo -n true 2>/dev/null && echo sudo=yes; }
[ -r "$0" ] && echo "sum=$(sha256sum "$0" | cut -d ' ' -f 1)"
true`

// machines are the names that uname has for processors, in Go's.
var machines = map[string]string{
	"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64",
	"i686": "386", "i386": "386", "armv7l": "arm", "armv6l": "arm", "loongarch64": "loong64",
}

// Run installs the agent and returns the name of the host. On an error nothing of
// it is left there, but where Say was told so.
func (r Remote) Run(ctx context.Context) (host string, err error) {
	paths := PathsBelow(r.Root)
	connect := Step{Name: "connect", Text: "connect to " + r.SSH.user() + "@" + r.SSH.target()}
	m, err := step(r.Say, connect, func() (*machine, string, error) {
		m, err := r.SSH.dial(ctx)
		if err != nil {
			return nil, "", err
		}
		return m, m.key.Type() + " key " + ssh.FingerprintSHA256(m.key), nil
	})
	if err != nil {
		return "", err
	}
	defer m.close()
	var program, sum string
	f, err := step(r.Say, Step{Name: "look", Text: "look what machine it is"}, func() (facts, string, error) {
		f, err := m.look(ctx, paths.Program, r.SSH.user())
		if err != nil {
			return f, "", err
		}
		if program, err = r.Program(f.system, f.arch); err == nil {
			sum, err = Checksum(program)
		}
		how := "as root"
		if !f.root {
			how = "by sudo"
		}
		return f, fmt.Sprintf("%s on %s, %s; its name is %s", f.system, f.arch, how, f.name), err
	})
	if err != nil {
		return "", err
	}
	host = cmp.Or(r.Name, f.name)
	upload := Step{Name: "upload", Text: "send this program, to a folder that goes afterwards"}
	if r.DryRun {
		upload.State = Planned
		if f.sum == sum {
			upload.State, upload.Detail = Kept, "the same one is there already"
		}
		r.Say(upload)
		for _, s := range (Local{Paths: paths, Server: r.Server}).Plan() {
			r.Say(s)
		}
		return host, nil
	}
	folder := ""
	defer func() {
		if folder != "" {
			clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
			defer cancel()
			if _, cerr := m.run(clean, "rm -rf -- "+quote(folder), nil); cerr != nil {
				r.Say(Step{upload.Name, upload.Text, NotUndone, folder + " is still there: " + cerr.Error()})
			}
		}
	}()
	at, err := step(r.Say, upload, func() (string, string, error) {
		if f.sum == sum {
			return paths.Program, "the same one is there already", nil
		}
		var err error
		folder, err = m.upload(ctx, program, sum)
		return folder + "/faultline", "SHA-256 " + sum, err
	})
	if err != nil {
		return "", err
	}
	token, err := r.Token(ctx, host)
	if err != nil {
		return "", err
	}
	return host, r.local(ctx, m, f, at, host, token)
}

// step does something and says so.
func step[T any](say func(Step), s Step, do func() (T, string, error)) (T, error) {
	s.State = Begun
	say(s)
	v, detail, err := do()
	s.State, s.Detail = Done, detail
	if err != nil {
		s.State, s.Detail = Failed, err.Error()
	}
	say(s)
	return v, err
}

// look asks the machine what it is.
func (m *machine) look(ctx context.Context, program, user string) (f facts, err error) {
	s, err := m.client.NewSession()
	if err != nil {
		return f, err
	}
	defer s.Close() //nolint:errcheck // it was read
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	out, err := s.Output(shell(look) + " " + quote(program))
	if err != nil {
		return f, fmt.Errorf("the machine runs no commands of sh: %w", err)
	}
	is := map[string]string{}
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		is[k] = v
	}
	f = facts{system: strings.ToLower(is["system"]), arch: machines[is["machine"]], name: is["name"], root: is["uid"] == "0", sum: is["sum"]}
	switch {
	case f.system != "linux":
		return f, fmt.Errorf("the agent is for Linux, and the machine runs %q", is["system"])
	case f.arch == "":
		return f, fmt.Errorf("the machine is of the kind %q, which is not known here", is["machine"])
	case is["systemctl"] == "":
		return f, errors.New("the machine has no systemd (systemctl is not to be found); install the agent by hand and have its own init start it")
	case is["system_is"] == offline:
		return f, errors.New("the machine does not run systemd (systemctl is-system-running says that it is offline); install the agent by hand and have its own init start it")
	case !f.root && is["sudo"] == "":
		return f, fmt.Errorf("%s is not root there, and sudo asks for a password; let it run commands without one (in /etc/sudoers.d: %s ALL=(root) NOPASSWD: ALL), or come as root", user, user)
	case f.name == "":
		return f, errors.New("the machine does not know its own name; set it there, or give the host's name")
	}
	return f, nil
}

// uploads is where an upload may be.
var uploads = regexp.MustCompile(`^/[\w./-]+/faultline\.\w+$`)

// upload sends the program to a folder of its own, and has its checksum taken there.
func (m *machine) upload(ctx context.Context, program, want string) (folder string, err error) {
	in, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // it was read
	folder, err = m.run(ctx, `umask 077; mktemp -d "${TMPDIR:-/var/tmp}/faultline.XXXXXXXX"`, nil)
	folder = strings.TrimSpace(folder)
	if err != nil || !uploads.MatchString(folder) {
		return "", fmt.Errorf("make a folder there: %w", cmp.Or(err, fmt.Errorf("the machine says %q", folder)))
	}
	file := quote(folder + "/faultline")
	out, err := m.run(ctx, "umask 077; cat > "+file+" && chmod 700 "+file+" && sha256sum "+file, in)
	if err != nil {
		return folder, fmt.Errorf("send the program: %w", err)
	}
	if got, _, _ := strings.Cut(out, " "); got != want {
		return folder, fmt.Errorf("the program arrived damaged: its SHA-256 is %.64s there, and %s here", got, want)
	}
	return folder, nil
}

// local has the program there install itself. It is told the token on its standard
// input, which nobody else can see, and undoes everything unless it is told after
// the first contact that all is well.
func (r Remote) local(ctx context.Context, m *machine, f facts, program, host, token string) error {
	s, err := m.client.NewSession()
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // its end is what Wait tells
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	in, err := s.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return err
	}
	var errs strings.Builder
	s.Stderr = &limited{&errs, 4 << 10}
	words := []string{program, "agent", "install", "--server", r.Server, "--name", host, "--token-file", "-", "--confirm", "-o", "json"}
	if r.Root != "" {
		words = append(words, "--root", r.Root)
	}
	if !f.root {
		words = append([]string{"sudo", "-n", "--"}, words...)
	}
	for i := range words {
		words[i] = quote(words[i])
	}
	script := strings.Join(words, " ")
	if folder := filepath.Dir(program); uploads.MatchString(folder) { // it goes also where the connection breaks
		script = "trap " + quote("rm -rf -- "+quote(folder)) + " EXIT; " + script
	}
	if err := s.Start(shell(script)); err != nil {
		return err
	}
	if _, err := io.WriteString(in, token+"\n"); err != nil {
		return fmt.Errorf("hand the token over: %w", err)
	}
	var failed, contact error
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var step Step
		if json.Unmarshal(lines.Bytes(), &step) != nil {
			continue // what the program's surroundings print
		}
		r.Say(step)
		switch {
		case step.Name == "contact" && step.State == Begun:
			// Its own end of input undoes everything.
			if contact = r.Contact(ctx, host); contact == nil {
				_, contact = io.WriteString(in, Confirmed+"\n")
			}
			_ = in.Close() // it may have ended
		case step.State == Failed && failed == nil:
			failed = fmt.Errorf("%s: %s", step.Text, step.Detail)
		}
	}
	err = s.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case contact != nil:
		return fmt.Errorf("the agent did not come: %w; the installation was undone", contact)
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("the program does not run there: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	return nil
}

// Confirmed is the word by which an installation is told that all is well.
const Confirmed = "confirmed"

// WaitConfirmed waits for the word on the input. Its end undoes the installation.
func WaitConfirmed(in *bufio.Reader) error {
	line, err := in.ReadString('\n')
	if strings.TrimSpace(line) == Confirmed {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the server did not see the agent, or is gone")
	}
	return err
}
