package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/install"
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
	program, err := ownProgram("")
	return install.Local{Paths: paths, Program: program, Server: o.Server, Say: o.Say}, err
}

// AgentUnit is the systemd unit of an agent that is installed below a root; empty
// is /.
func AgentUnit(root string) string { return install.Unit(install.PathsBelow(root)) }
