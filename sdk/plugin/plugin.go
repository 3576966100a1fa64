package plugin

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Scanner is what a plugin type must implement: InitialScan reports every
// resource of the root, or returns an error if it cannot (guide,
// Plugin.initial_scan). What was there before and is not reported is deleted.
//
// A plugin type may have further hooks, found by their names:
//
//	UpdateScan(ctx context.Context, s *plugin.Session, root R) error
//	Teardown() error
//	AgentSessionStart(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error
//	AgentSessionContinue(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error
//
// UpdateScan is called periodically after InitialScan. Teardown frees what
// InitialScan acquired; once InitialScan was entered it is called exactly once,
// also after an error. The hooks of one value never run at the same time.
type Scanner[R Any] interface {
	InitialScan(ctx context.Context, s *Session, root R) error
}

// AgentHandler is what a plugin type must implement that is fed only by the
// agent plugin of the same name (guide, "Handling Data from Agent Plugins").
// AgentSessionContinue, UpdateScan-less, and Teardown are optional as in Scanner.
type AgentHandler interface {
	AgentSessionStart(ctx context.Context, s *Session, hostID int64, data json.RawMessage) error
}

// Option is a part of a plugin, for Main and New.
type Option struct{ apply func(*Program) }

// Scans names the plugin type by the function that makes its values, one for
// each session. The root class is the type of InitialScan's root parameter and
// is thereby declared; if that is Any, the roots are the declared classes with
// the base ScannableResource.
func Scans[P Scanner[R], R Any](newPlugin func() P) Option { return Option{func(*Program) {}} }

// Handles names the plugin type of a plugin that only handles agent data. Its
// sessions have roots of the declared class with the base HostRoot.
func Handles[P AgentHandler](newPlugin func() P) Option { return Option{func(*Program) {}} }

// Reports declares a resource class of the plugin.
func Reports[T any, P interface {
	*T
	Any
}]() Option {
	return Option{func(*Program) {}}
}

// Version states the plugin's own version, for the host's log.
func Version(version string) Option { return Option{func(*Program) {}} }

// Clock replaces time.Now as the source of the times of samples, for tests.
func Clock(now func() time.Time) Option { return Option{func(*Program) {}} }

// Program is a declared plugin. Use it instead of Main to have one declaration
// for the program and its tests.
type Program struct{}

// New declares a plugin. name is how people call it, apiVersion the version of
// this SDK's interface that it was written for: 1. Wrong declarations are told
// by Manifest and, to the host, by Serve.
func New(name string, apiVersion int, options ...Option) *Program { return &Program{} }

// Manifest returns what the plugin declares, or everything that is wrong with it.
func (p *Program) Manifest() (wire.Manifest, []wire.Problem) { return wire.Manifest{}, nil }

// Serve speaks the plugin protocol on in and out until the host asks for
// shutdown, in ends or ctx ends, and tears all sessions down. It does not touch
// the process's own standard streams.
func (p *Program) Serve(ctx context.Context, in io.Reader, out io.Writer) error { return nil }

// Main speaks the plugin protocol on standard input and output and never
// returns. Whatever else is written to standard output becomes a warning in
// the server's log. Started by hand, without a host, it explains itself and
// exits with status 2.
func (p *Program) Main() {}

// Main declares a plugin and runs it: New followed by Program.Main.
func Main(name string, apiVersion int, options ...Option) { New(name, apiVersion, options...).Main() }
