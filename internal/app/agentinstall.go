package app

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/install"
	"github.com/faultline-storage/faultline/internal/resource"
)

// InstallStep is a step of the installation of an agent; see install.Step.
type InstallStep = install.Step

// InstallOptions configure InstallAgent. Server, and Token or In, are required.
type InstallOptions struct {
	Server string
	Name   string // of the host
	Token  string
	CA     []byte // of the server's authority, in place of the fingerprint in the token
	Root   string // in place of /
	// In is where the token is read from, on a line, if Token is empty. With Confirm,
	// the word that all is well is read from it after that; its end undoes everything.
	In      io.Reader
	Confirm bool
	Say     func(InstallStep)
}

// settle is how long the service must stay up where nobody confirms that the agent
// has come.
const settle = 3 * time.Second

// InstallAgent installs the agent on this machine: this program, settings, a systemd
// unit, the registration and the service. On an error nothing of it is left.
func InstallAgent(ctx context.Context, o InstallOptions) error {
	l, err := o.local()
	if err != nil {
		return err
	}
	var in *bufio.Reader
	if o.In != nil {
		in = bufio.NewReader(o.In)
	}
	if o.Token == "" && in != nil {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the token: %w", err)
		}
		o.Token = strings.TrimSpace(line)
	}
	if o.Token == "" {
		return errors.New("there is no token; make one on the server with faultline token create NAME --agent")
	}
	l.Register = func(ctx context.Context, folder string) (string, error) {
		i, err := auth.Join(ctx, auth.JoinOptions{Dir: folder, Server: o.Server, Token: o.Token, Host: o.Name, CA: o.CA})
		if err != nil {
			return "", err
		}
		return i.Host(), nil
	}
	l.Confirm = func(ctx context.Context, _ string) error {
		if o.Confirm {
			return install.WaitConfirmed(in)
		}
		return install.StaysUp(ctx, settle)
	}
	return l.Run(ctx)
}

// PlanAgent tells the steps of InstallAgent.
func PlanAgent(o InstallOptions) ([]InstallStep, error) {
	l, err := o.local()
	if err != nil {
		return nil, err
	}
	return l.Plan(), nil
}

func (o InstallOptions) local() (install.Local, error) {
	paths := install.PathsBelow(o.Root)
	// Settings that are there stay, so they have to be good, and say where the agent
	// looks for what it is given here.
	if _, err := os.Stat(paths.Config); err == nil {
		now, err := config.LoadAgent(paths.Config, func(string) string { return "" })
		if err != nil {
			return install.Local{}, fmt.Errorf("the settings that are there stay, and no agent can use them: %w", err)
		}
		if within, err := filepath.Rel(filepath.Join("/", o.Root), now.Data); err != nil || !filepath.IsLocal(within) {
			return install.Local{}, fmt.Errorf("%s stays, and its data is %s, which is not below %s; correct it there", paths.Config, now.Data, o.Root)
		}
		paths.Data = now.Data
	}
	program, err := os.Executable()
	return install.Local{Paths: paths, Program: program, Server: o.Server, Say: o.Say}, err
}

// AgentUnit is the systemd unit of an agent that is installed below a root; empty
// is /.
func AgentUnit(root string) string { return install.Unit(install.PathsBelow(root)) }

// InstallCommandOptions configure InstallCommand. All but Name, Programs and Root
// are required.
type InstallCommandOptions struct {
	Server   string // its address as the machine reaches it
	Name     string // of the host
	Machine  string // kind of machine, in Go's names
	Programs string // folder with the programs for other machines
	Root     string // in place of / on the machine
	Expires  time.Time
}

// InstallCommand returns a command of sh by which root of a machine installs the
// agent there. The program comes from the server over TLS, whose certificate curl
// cannot check; its sum is what tells that it is the right one. The token goes
// through printf, which is part of the shell, so that no list of processes shows it.
func InstallCommand(a *auth.Authority, o InstallCommandOptions) (string, error) {
	text := o.Server
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || !serverHost.MatchString(u.Host) || strings.Trim(u.Path, "/") != "" {
		return "", resource.FieldErrorf("server", "%q is no address of a server, such as https://manager:8700", o.Server)
	}
	port := cmp.Or(u.Port(), "443")
	path, err := programFor("", o.Programs, "linux", o.Machine)
	if err != nil {
		return "", err
	}
	sum, err := install.Checksum(path)
	if err != nil {
		return "", err
	}
	name := ""
	if o.Name != "" {
		host, err := auth.HostName(o.Name)
		if err != nil {
			return "", err
		}
		name = " --name " + host
	}
	root := ""
	if o.Root != "" {
		if !plainPath.MatchString(o.Root) {
			return "", resource.FieldErrorf("root", "%q is no folder that begins with / and is made of letters, digits and . _ -", o.Root)
		}
		root = " --root " + o.Root
	}
	token, err := a.CreateJoin(auth.JoinToken{Name: "command-" + rand.Text()[:12], Expires: o.Expires, Uses: 1, Host: o.Name})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`(set -e; d=$(mktemp -d /var/tmp/faultline.XXXXXXXX); trap 'rm -rf "$d"' EXIT; `+
		`curl -fsSk --proto =https --connect-to %s:%s:%s:%s -o "$d/faultline" https://%s:%s%slinux-%s; `+
		`echo "%s  $d/faultline" | sha256sum -c --quiet; chmod 700 "$d/faultline"; `+
		`printf '%%s\n' '%s' | "$d/faultline" agent install --server https://%s:%s%s%s --token-file -)`+"\n",
		auth.ServerName, port, u.Hostname(), port, auth.ServerName, port, ProgramPath, o.Machine,
		sum, token, u.Hostname(), port, name, root), nil
}

// serverHost is what the address of a server may be made of, so that no shell
// reads more into it.
var serverHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// plainPath is a path that no shell reads more into.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+/?$`)
