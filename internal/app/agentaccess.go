package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/install"
	"github.com/faultline-storage/faultline/internal/resource"
)

// defaultLifetime and longestLifetime are how long hosts may register with a token
// for agents, in seconds.
const (
	defaultLifetime = 24 * 60 * 60
	longestLifetime = 365 * defaultLifetime
)

// agentAccess is what users do about who may speak for hosts; it implements
// api.Agents. Its methods are safe for concurrent use.
type agentAccess struct {
	*fleetActs
	server string // the address that agents come to
	root   string // the folder of a machine in place of / where agents are installed; mostly empty
	// program returns the file of this program for a system and a machine.
	program func(system, machine string) (string, error)
	log     *slog.Logger
}

// Tokens implements api.Agents.
func (a *agentAccess) Tokens() (out []api.AgentToken) {
	for _, k := range a.authority.Joins() {
		out = append(out, showToken(k, time.Now()))
	}
	return out
}

func showToken(k resource.AgentToken, now time.Time) api.AgentToken {
	out := api.AgentToken{Name: k.Name, State: gen.AgentTokenGood, Created: k.Created, Expires: k.Expires, Uses: k.Uses, Used: k.Used, Host: k.Host}
	switch {
	case now.After(k.Expires):
		out.State = gen.AgentTokenEnded
	case k.Used >= k.Uses:
		out.State = gen.AgentTokenUsedUp
	}
	return out
}

// CreateToken implements api.Agents.
func (a *agentAccess) CreateToken(ctx context.Context, c api.AgentTokenCreate, user string) (*api.NewAgentToken, error) {
	k := resource.AgentToken{Name: c.Name, Uses: 1}
	if c.Uses != nil {
		k.Uses = *c.Uses
	}
	lifetime := int64(defaultLifetime)
	if c.Lifetime != nil {
		lifetime = *c.Lifetime
	}
	if lifetime < 1 || lifetime > longestLifetime {
		return nil, resource.FieldErrorf("lifetime", "a token for agents lasts for 1 to %d seconds, not for %d", longestLifetime, lifetime)
	}
	var err error
	if c.Host != "" {
		if k.Host, err = auth.HostName(c.Host); err != nil {
			return nil, err
		}
	}
	l, err := a.lines(cmp.Or(c.Server, a.server), c.Machine, k.Host)
	if err != nil {
		return nil, err
	}
	k, secret, err := a.authority.CreateJoin(ctx, k, time.Duration(lifetime)*time.Second)
	if err != nil {
		return nil, err
	}
	a.log.Info("a token for agents was made", "token", k.Name, "uses", k.Uses, "expires", k.Expires.Format(time.RFC3339), "host", k.Host, "by", user)
	out := &api.NewAgentToken{Token: showToken(k, time.Now()), Secret: secret, Server: l.server(), RegisterCommand: l.register(secret), InstallCommand: l.install(secret)}
	_, out.Fingerprint, _ = strings.Cut(secret, ".")
	return out, nil
}

// DeleteToken implements api.Agents.
func (a *agentAccess) DeleteToken(ctx context.Context, name, user string) error {
	if err := a.authority.RevokeJoin(ctx, name); err != nil {
		return err
	}
	a.log.Info("a token for agents was deleted", "token", name, "by", user)
	return nil
}

// Certificates implements api.Agents.
func (a *agentAccess) Certificates() (*api.AgentAuthority, []api.HostCertificate) {
	var authority *api.AgentAuthority
	if cert, fingerprint, err := a.authority.Certificate(); err == nil { // else there is none yet
		authority = &api.AgentAuthority{Certificate: string(cert), Fingerprint: fingerprint}
	}
	var out []api.HostCertificate
	for _, h := range a.authority.Hosts() {
		out = append(out, showCertificate(h, time.Now()))
	}
	return authority, out
}

func showCertificate(h resource.AgentHost, now time.Time) api.HostCertificate {
	out := api.HostCertificate{Host: h.Name, State: gen.CertificateGood, Serial: h.Serial, Issued: h.Issued, Expires: h.Expires, Key: h.Key, Revoked: moment(h.Revoked)}
	switch {
	case !h.Issued.After(h.Revoked):
		out.State = gen.CertificateRevoked
	case !h.Good(now):
		out.State = gen.CertificateEnded
	}
	return out
}

// Revoke implements api.Agents.
func (a *agentAccess) Revoke(ctx context.Context, host, user string) (*api.HostCertificate, error) {
	h, err := a.revoke(ctx, host)
	if err != nil {
		return nil, err
	}
	a.log.Info("the certificates of a host were revoked", "host", h.Name, "by", user)
	c := showCertificate(h, time.Now())
	return &c, nil
}

// agentLines makes the commands with which root of a machine makes it a host.
type agentLines struct {
	host, port string // of the server
	name       string // of the host, if the token is for it alone
	machine    string
	root       string // in place of / there
	sum        string // SHA-256 of the program for the machine; empty if there is none
}

// lines checks what the commands are made of. Errors are of the fields "server" and
// "machine".
func (a *agentAccess) lines(server, machine, name string) (agentLines, error) {
	l := agentLines{name: name, machine: cmp.Or(machine, runtime.GOARCH), root: a.root}
	if l.root != "" && !plainPath.MatchString(l.root) {
		return l, resource.Errorf(resource.Invalid, "agent_root of the server is %q, which is no folder that begins with / and is made of letters, digits and . _ -", l.root)
	}
	text := server
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || !serverHost.MatchString(u.Host) || strings.Trim(u.Path, "/") != "" {
		return l, resource.FieldErrorf("server", "%q is no address of a server, such as https://manager:8700", server)
	}
	l.host, l.port = u.Hostname(), cmp.Or(u.Port(), "443")
	if !kindOfMachine.MatchString(l.machine) {
		return l, resource.FieldErrorf("machine", "%q is no kind of machine, such as amd64 or arm64", machine)
	}
	path, err := a.program("linux", l.machine)
	switch {
	case err == nil:
		l.sum, err = install.Checksum(path)
	case machine == "": // a server on another system: hosts can be registered all the same
		err = nil
	default:
		err = &resource.Fault{Kind: resource.Invalid, Field: "machine", Text: err.Error()}
	}
	return l, err
}

// serverHost is what the address of a server may be made of, so that no shell
// reads more into it.
var serverHost = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// plainPath is a path that no shell reads more into.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+/?$`)

func (l agentLines) server() string { return "https://" + net.JoinHostPort(l.host, l.port) }

// tail is what agent register and agent install are told alike. The token goes
// through printf, which is part of the shell, so that no list of processes shows it.
func (l agentLines) tail() string {
	text := fmt.Sprintf("--server '%s' --token-file -", l.server())
	if l.name != "" {
		text += " --name " + l.name
	}
	return text
}

// register returns a command of sh for a machine that has this program.
func (l agentLines) register(token string) string {
	return fmt.Sprintf(`printf '%%s\n' '%s' | faultline agent register %s`, token, l.tail())
}

// install returns a command of sh for any machine of the kind; empty if there is no
// program for it. The program comes from the server over TLS, whose certificate curl
// cannot check; its sum is what tells that it is the right one.
func (l agentLines) install(token string) string {
	if l.sum == "" {
		return ""
	}
	to := strings.TrimPrefix(l.server(), "https://")
	tail := l.tail()
	if l.root != "" {
		tail += " --root " + l.root
	}
	return fmt.Sprintf(`(set -e; d=$(mktemp -d /var/tmp/faultline.XXXXXXXX); trap 'rm -rf "$d"' EXIT; `+
		`curl -fsSk --proto =https --connect-to '%s:%s:%s' -o "$d/faultline" https://%s:%s%slinux-%s; `+
		`echo "%s  $d/faultline" | sha256sum -c --quiet; chmod 700 "$d/faultline"; `+
		`printf '%%s\n' '%s' | "$d/faultline" agent install %s)`,
		auth.ServerName, l.port, to, auth.ServerName, l.port, ProgramPath, l.machine, l.sum, token, tail)
}
