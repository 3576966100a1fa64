package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
)

// Plugin is one session's plugin. Its methods are never called concurrently with
// each other, nor are those of two sessions of a process. An error, or a panic, ends
// the session: the agent logs it and begins a new session, with a new Plugin.
//
// The context ends with the session, so goroutines that StartSession leaves running
// end by it. The agent has a limit for the time of a call; a call that exceeds it
// ends the process.
type Plugin interface {
	// StartSession returns a full listing of all there is. It is called once, first.
	StartSession(ctx context.Context) ([]Message, error)
	// UpdateSession returns what changed since the call before it; nothing if nothing
	// did, and then nothing is sent.
	UpdateSession(ctx context.Context) ([]Message, error)
}

// Message is something to tell the server plugin of the same name.
type Message struct {
	// Data is what encoding/json can encode. Nil, and what encodes as null, is not
	// sent.
	Data any
	// Priority says what goes first where messages wait, of all plugins of the host.
	// Messages of one session with the same priority keep their order.
	Priority Priority
}

// Priority of a message. The zero value is Normal.
type Priority int

// The priorities.
const (
	Normal Priority = iota
	High            // before all others
	Low             // after all others
)

// Env is what a Plugin has from its session. It is safe for concurrent use.
type Env struct {
	// Log is for whatever is worth a line in the agent's log. Standard output works
	// as well, as warnings.
	Log *slog.Logger

	changed func()
}

// Changed asks the agent to call UpdateSession soon, without waiting for the period:
// call it when something has told the plugin of a change. Calls while an update is
// due are one call. After the end of the session it does nothing.
func (e *Env) Changed() {
	if e.changed != nil {
		e.changed()
	}
}

// Option is a further setting of a device plugin.
type Option func(*Program)

// Every sets the pause between two updates, in place of the agent's default (10 s).
// A plugin that is told of every change by the system and calls Env.Changed may want
// a long one, as a safety net.
func Every(d time.Duration) Option { return func(p *Program) { p.period = d } }

// Version sets the version of the plugin, for the agent's log.
func Version(version string) Option { return func(p *Program) { p.version = version } }

// Once says that there is nothing to tell after the start of a session:
// UpdateSession is never called.
func Once() Option { return func(p *Program) { p.once = true } }

// Program is a device plugin that can be run.
type Program struct {
	name, version string
	period        time.Duration
	once          bool
	newPlugin     func(*Env) Plugin
	level         slog.LevelVar
	now           func() time.Time
	prints        *stdio.Prints // the captured standard output, if it is
}

// New makes a device plugin. name is that of the server plugin which its messages go
// to. newPlugin makes the plugin of one session; it must not take long.
func New(name string, newPlugin func(*Env) Plugin, options ...Option) *Program {
	p := &Program{name: name, newPlugin: newPlugin, now: time.Now}
	p.level.Set(stdio.LevelFromEnv())
	for _, o := range options {
		o(p)
	}
	return p
}

// Main runs a device plugin: New followed by Program.Main.
func Main(name string, newPlugin func(*Env) Plugin, options ...Option) {
	New(name, newPlugin, options...).Main()
}

// Main speaks the protocol on standard input and output and never returns. Whatever
// else is written to standard output becomes a warning in the agent's log. Started
// by hand it explains itself and exits with status 2.
func (p *Program) Main() {
	if os.Getenv("FAULTLINE_PLUGIN") == "" {
		p.explain()
		os.Exit(2)
	}
	os.Exit(p.run())
}

func (p *Program) explain() {
	path, err := os.Executable()
	if err != nil {
		path = filepath.Base(os.Args[0])
	}
	fmt.Fprintf(os.Stderr, "This is the Faultline device plugin %s. The Faultline agent starts it and talks to it on standard input and output.\n", p.name)
	fmt.Fprintf(os.Stderr, "To see what it would send:  faultline agent device-plugin --plugin %s\n", path)
}

// run serves the agent and returns the exit status.
func (p *Program) run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	out, prints, err := stdio.CaptureStdout()
	if err != nil {
		fmt.Fprintf(os.Stderr, "device plugin %s: cannot take standard output over: %v\n", p.name, err)
		return 1
	}
	p.prints = prints
	if err := p.Serve(ctx, os.Stdin, out); err != nil {
		fmt.Fprintf(os.Stderr, "device plugin %s: %v\n", p.name, err)
		return 1
	}
	return 0
}
