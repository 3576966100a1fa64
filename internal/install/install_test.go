package install

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// installed is the installed program, as far as this package goes: what faultline
// agent install does, with a registration that writes what it was told.
func installed(args []string) int {
	f := flag.NewFlagSet("install", flag.ExitOnError)
	server, name, root := f.String("server", "", ""), f.String("name", "", ""), f.String("root", "", "")
	f.String("token-file", "", "")
	f.String("o", "", "")
	f.Bool("confirm", false, "")
	_ = f.Parse(args) // it exits
	in := bufio.NewReader(os.Stdin)
	token, err := in.ReadString('\n')
	if err != nil {
		return 1
	}
	program, err := os.Executable()
	if err != nil {
		return 1
	}
	l := Local{
		Paths: PathsBelow(*root), Program: program, Server: *server,
		Register: func(_ context.Context, folder string) (string, error) {
			if strings.TrimSpace(token) != "token-of-"+*name {
				return "", errors.New("the server does not know this token")
			}
			return *name, os.WriteFile(filepath.Join(folder, "agent.pem"), []byte("certificate of "+*name), 0o600)
		},
		Confirm: func(context.Context, string) error { return WaitConfirmed(in) },
		Say: func(s Step) {
			b, _ := json.Marshal(s)
			fmt.Println(string(b))
		},
	}
	if l.Run(context.Background()) != nil {
		return 1
	}
	return 0
}

const self = "usr/local/bin/faultline"

func TestInstallOverSSH(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, nil)
	r, steps := s.remote(t)
	host, err := r.Run(t.Context())
	if err != nil || host != "oss1.example.com" {
		t.Fatalf("%q, %v", host, err)
	}
	want := "connect done, look done, upload done, program done, config done, unit done, register done, start done, contact done"
	if got := lastStates(*steps); got != want {
		t.Errorf("the steps are %s", got)
	}
	files := s.files(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := Checksum(program); err != nil || checksumOf(t, s, self) != sum {
		t.Errorf("another program was installed: %v", err)
	}
	for name, text := range map[string]string{
		"etc/faultline/agent.yaml":                   "data: " + s.Root + "/var/lib/faultline-agent\n",
		"etc/systemd/system/faultline-agent.service": "ExecStart=" + s.Root + "/usr/local/bin/faultline agent run --config " + s.Root + "/etc/faultline/agent.yaml\n",
		"var/lib/faultline-agent/agent.pem":          "certificate of oss1.example.com",
	} {
		if !strings.Contains(files[name], text) {
			t.Errorf("%s is %q, and lacks %q", name, files[name], text)
		}
	}
	if !s.is("enabled") || !s.is("active") {
		t.Errorf("the service does not run: %s", s.log(t))
	}
	for name, text := range files {
		if name != self && strings.Contains(text, "token-of") || strings.HasSuffix(name, ".before") || strings.HasSuffix(name, ".new") {
			t.Errorf("left behind: %s: %.200s", name, text)
		}
	}
	if b, err := os.ReadFile(filepath.Join(s.Dir, "processes")); err != nil || !strings.Contains(string(b), "agent install") || strings.Contains(string(b), "token-of") {
		t.Errorf("the list of processes has the token, or was not looked at: %v", err)
	}
	s.noUploads(t)

	// Again: what is there stays, the operator's settings above all.
	s.write(t, "machine/etc/faultline/agent.yaml", "data: elsewhere\n", 0o600)
	*steps = nil
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := lastStates(*steps); got != "connect done, look done, upload done, program kept, config kept, unit kept, register done, start done, contact done" {
		t.Errorf("the second time the steps are %s", got)
	}
	if got := s.files(t)["etc/faultline/agent.yaml"]; got != "data: elsewhere\n" {
		t.Errorf("the settings are %q", got)
	}
}

func checksumOf(t *testing.T, s *sshd, name string) string {
	t.Helper()
	sum, err := Checksum(filepath.Join(s.Root, name))
	if err != nil {
		t.Error(err)
	}
	return sum
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, nil)
	r, steps := s.remote(t)
	r.DryRun, r.Name = true, ""
	r.Token = func(context.Context, string) (string, error) { return "", errors.New("a dry run needs no token") }
	host, err := r.Run(t.Context())
	if err != nil || host == "" {
		t.Fatalf("%q, %v", host, err)
	}
	if got := lastStates(*steps); got != "connect done, look done, upload planned, program planned, config planned, unit planned, register planned, start planned, contact planned" {
		t.Errorf("the steps are %s", got)
	}
	if files := s.files(t); len(files) > 0 || s.log(t) != "" {
		t.Errorf("it made %v, and systemctl was told %q", files, s.log(t))
	}
}

// TestWhatKeepsAnInstallationFromBeginning: nothing is sent to a machine that is not
// the right one, and the error says what to do.
func TestWhatKeepsAnInstallationFromBeginning(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, nil)
	other := writeKey(t, filepath.Join(s.Dir, "other"))
	for name, c := range map[string]struct {
		change func(r *Remote)
		step   string // that fails
		want   []string
	}{
		"unknown host": {func(r *Remote) { r.SSH.KnownHosts = s.write(t, "none", "", 0o600) }, "connect",
			[]string{"is not in", ssh.FingerprintSHA256(s.HostKey), "ssh-keyscan -p " + fmt.Sprint(s.Port), "Nothing was sent"}},
		"no file of known hosts": {func(r *Remote) { r.SSH.KnownHosts = filepath.Join(s.Dir, "absent") }, "connect", []string{"is not in", "absent"}},
		"another key": {func(r *Remote) {
			r.SSH.KnownHosts = s.write(t, "wrong", fmt.Sprintf("# a comment\n[127.0.0.1]:%d %s", s.Port, ssh.MarshalAuthorizedKey(other)), 0o600)
		}, "connect", []string{"HOST KEY MISMATCH", "wrong:2", ssh.FingerprintSHA256(s.HostKey), ssh.FingerprintSHA256(other), "ssh-keygen -f"}},
		"a revoked key": {func(r *Remote) {
			r.SSH.KnownHosts = s.write(t, "revoked", fmt.Sprintf("@revoked * %s", ssh.MarshalAuthorizedKey(s.HostKey)), 0o600)
		}, "connect", []string{"revoked"}},
		"another fingerprint":      {func(r *Remote) { r.SSH.HostKey = ssh.FingerprintSHA256(other) }, "connect", []string{"was expected", "Nothing was sent"}},
		"nothing to know it by":    {func(r *Remote) { r.SSH.KnownHosts = "" }, "connect", []string{"ssh_known_hosts"}},
		"no credentials":           {func(r *Remote) { r.SSH.KeyFile = "" }, "connect", []string{"ssh_key"}},
		"a key that is not let in": {func(r *Remote) { r.SSH.KeyFile = filepath.Join(s.Dir, "other") }, "connect", []string{"does not let", "authorized_keys"}},
		"a key for everybody to read": {func(r *Remote) {
			b, _ := os.ReadFile(filepath.Join(s.Dir, "client"))
			r.SSH.KeyFile = s.write(t, "lax", string(b), 0o644)
		}, "connect", []string{"chmod 600"}},
		"nobody there": {func(r *Remote) { r.SSH.Address = fmt.Sprintf("127.0.0.1:%d", freePort(t)) }, "connect", []string{"cannot be reached"}},
		"wrong architecture": {func(r *Remote) {
			r.Program = func(system, arch string) (string, error) {
				return "", fmt.Errorf("there is no program for %s on %s", system, arch)
			}
		}, "look", []string{"there is no program for linux on "}},
	} {
		r, steps := s.remote(t)
		c.change(r)
		_, err := r.Run(t.Context())
		if err == nil || !strings.HasSuffix(lastStates(*steps), c.step+" failed") {
			t.Errorf("%s: %v; the steps are %s", name, err, lastStates(*steps))
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q: %v", name, want, err)
			}
		}
	}
	if files := s.files(t); len(files) > 0 {
		t.Errorf("there are %v", files)
	}
	r, _ := s.remote(t)
	r.SSH.KnownHosts, r.SSH.HostKey = "", ssh.FingerprintSHA256(s.HostKey)
	if _, err := r.Run(t.Context()); err != nil {
		t.Errorf("by its fingerprint: %v", err)
	}
}

// TestMachinesOfAnAuthority: one line of known hosts is good for all machines whose keys
// an authority of the site signed, and for no others.
func TestMachinesOfAnAuthority(t *testing.T) {
	t.Parallel()
	authority := func() ssh.Signer {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ca, other := authority(), authority()
	signed, plain := startSSHD(t, ca), startSSHD(t, nil)
	line := func(ca ssh.Signer) string {
		return "@cert-authority * " + string(ssh.MarshalAuthorizedKey(ca.PublicKey()))
	}
	for name, c := range map[string]struct {
		machine     *sshd
		known, want string
	}{
		"signed":                            {signed, line(ca), ""},
		"signed by another":                 {signed, line(other), "with a certificate that is not good by the authorities in"},
		"not signed":                        {plain, line(ca), "is not in"},
		"not signed, listed":                {plain, line(ca) + plain.KnownHost(), ""},
		"signed, and listed":                {signed, signed.KnownHost(), ""},
		"signed, not listed":                {signed, "", "is not in"},
		"listed, and signed by another":     {signed, line(other) + signed.KnownHost(), ""},
		"not signed, and another is listed": {plain, line(ca) + strings.Replace(plain.KnownHost(), string(ssh.MarshalAuthorizedKey(plain.HostKey)), string(ssh.MarshalAuthorizedKey(signed.HostKey)), 1), "HOST KEY MISMATCH"},
	} {
		r, _ := c.machine.remote(t)
		r.DryRun = true
		r.SSH.KnownHosts = c.machine.write(t, "authorities", c.known, 0o600)
		_, err := r.Run(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	r, _ := signed.remote(t)
	r.DryRun, r.SSH.KnownHosts, r.SSH.HostKey = true, "", ssh.FingerprintSHA256(signed.HostKey)
	if _, err := r.Run(t.Context()); err != nil {
		t.Errorf("by its fingerprint: %v", err)
	}
}

// TestKindsOfMachines: what a machine says of itself, by programs that stand in for
// its own.
func TestKindsOfMachines(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, nil)
	says := func(program, text string) func() {
		path := filepath.Join(s.Bin, program)
		before, err := os.ReadFile(path)
		s.write(t, "bin/"+program, "#!/bin/sh\n"+text+"\n", 0o755)
		return func() {
			if _ = os.Remove(path); err == nil {
				s.write(t, "bin/"+program, string(before), 0o755)
			}
		}
	}
	for name, c := range map[string]struct {
		program, text, want string
	}{
		"another processor": {"uname", `[ "$1" = -m ] && echo aarch64 || echo Linux`, "linux/arm64"},
		"unknown processor": {"uname", `[ "$1" = -m ] && echo vax || echo Linux`, `"vax"`},
		"another system":    {"uname", `echo FreeBSD`, `the machine runs "FreeBSD"`},
		"in a container":    {"systemctl", `echo offline; exit 1`, "does not run systemd"},
		"sudo asks":         {"id", "cd " + s.Dir + "; [ -e bin/sudo ] && mv bin/sudo sudo.away; echo 1000", "NOPASSWD"},
	} {
		undo := says(c.program, c.text)
		r, _ := s.remote(t)
		r.Program = func(system, arch string) (string, error) { return "", fmt.Errorf("%s/%s", system, arch) }
		if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
		undo()
	}
	if err := os.Rename(filepath.Join(s.Dir, "sudo.away"), filepath.Join(s.Dir, "bin/sudo")); err != nil {
		t.Fatal(err)
	}
	defer says("id", "echo 1000")()
	r, steps := s.remote(t)
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatalf("by sudo: %v", err)
	}
	if !strings.Contains(s.log(t), "sudo ") || !strings.Contains(fmt.Sprint(*steps), "by sudo") {
		t.Errorf("sudo was not asked: %s", s.log(t))
	}
}

// TestAFailureIsUndone: whatever fails, the machine is as it was.
func TestAFailureIsUndone(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, nil)
	before := func(t *testing.T) map[string]string {
		for _, state := range []string{"enabled", "active", "fail", "log"} {
			_ = os.Remove(filepath.Join(s.Dir, state))
		}
		return s.files(t)
	}
	fails := func(r *Remote, want string, beforehand map[string]string) {
		t.Helper()
		steps := []Step{}
		r.Say = func(st Step) { steps = append(steps, st) }
		_, err := r.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
		if d := cmp.Diff(beforehand, s.files(t)); d != "" {
			t.Errorf("after %q -before +after:\n%.2000s\n%v", want, d, steps)
		}
	}
	none := before(t)
	r, _ := s.remote(t)
	r.Token = func(context.Context, string) (string, error) { return "wrong", nil }
	fails(r, "does not know this token", none)
	r, _ = s.remote(t)
	r.Token = func(context.Context, string) (string, error) { return "", errors.New("no tokens today") }
	fails(r, "no tokens today", none)
	for _, verb := range []string{"daemon-reload", "enable", "restart"} {
		before(t)
		s.write(t, "fail", verb+"\n", 0o644)
		r, _ = s.remote(t)
		fails(r, "told to fail", none)
		if s.is("active") || s.is("enabled") {
			t.Errorf("the service stays: %s", s.log(t))
		}
	}
	before(t)
	r, _ = s.remote(t)
	r.Contact = func(context.Context, string) error { return errors.New("nothing was heard of it") }
	fails(r, "nothing was heard of it", none)

	// A broken connection: the machine itself undoes it.
	before(t)
	r, _ = s.remote(t)
	ctx, cut := context.WithCancel(t.Context())
	r.Contact = func(ctx context.Context, _ string) error { cut(); return ctx.Err() }
	if _, err := r.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cut: %v", err)
	}
	for end := time.Now().Add(20 * time.Second); !maps.Equal(s.files(t), none); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a cut there are %v", slices.Sorted(maps.Keys(s.files(t))))
		}
	}

	s.noUploads(t)

	// One that was installed before goes on, with the program and certificate that it had.
	s.write(t, "machine/"+self, "the program before", 0o755)
	s.write(t, "machine/var/lib/faultline-agent/agent.pem", "the certificate before", 0o600)
	s.write(t, "machine/var/lib/faultline-agent/work/file", "of a plugin", 0o600)
	s.write(t, "machine/etc/systemd/system/"+ServiceName, "the unit before", 0o644)
	old := before(t)
	s.write(t, "enabled", "", 0o644)
	s.write(t, "active", "", 0o644)
	r, _ = s.remote(t)
	r.Contact = func(context.Context, string) error { return errors.New("nothing was heard of it") }
	fails(r, "nothing was heard of it", old)
	if !s.is("active") || !s.is("enabled") {
		t.Errorf("the service that ran before does not: %s", s.log(t))
	}
}

// TestTheUnitIsBounded: the promise that a storage server does not notice the agent.
func TestTheUnitIsBounded(t *testing.T) {
	t.Parallel()
	unit := Unit(PathsBelow(""))
	for _, want := range []string{
		"ExecStart=/usr/local/bin/faultline agent run --config /etc/faultline/agent.yaml\n", "MemoryMax=", "CPUQuota=", "TasksMax=", "Delegate=yes",
		"OOMScoreAdjust=", "ProtectSystem=strict", "ReadWritePaths=/var/lib/faultline-agent\n", "WantedBy=multi-user.target",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got := quote(`it's $HOME "x"`); got != `'it'\''s $HOME "x"'` {
		t.Error(got)
	}
}
