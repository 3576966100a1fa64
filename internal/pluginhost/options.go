package pluginhost

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// MaxLine is the longest line that a plugin may send, in bytes without the
// line feed (protocol/SPEC.md, section 1).
const MaxLine = 16 << 20

// Options says what process to start and how to treat it. Spec is required;
// the zero value of every other field means its default.
type Options struct {
	Spec Spec

	// Log receives what the plugin logs, prints and writes on standard error,
	// under the attribute plugin=NAME. The default discards it.
	Log *slog.Logger
	// LogLevel is the least level that is logged, and what the plugin is told in
	// FAULTLINE_LOG_LEVEL at its start. The default is slog.LevelWarn. A
	// *slog.LevelVar changes the host's side while the plugin runs.
	LogLevel slog.Leveler
	// LogRate is how many log records, and lines of standard error, are taken in
	// a second, 1,000 by default. The rest is counted and dropped.
	LogRate int
	// OnLog, if set, receives every record that passes LogLevel and LogRate,
	// beside Log. Calls may come from two goroutines at once.
	OnLog func(wire.LogRecord)
	// OnBatch receives every batch in the order of arrival. It may block, see the
	// package comment. The raw JSON values inside a batch share one buffer that
	// is the receiver's to keep. No call begins after Process.Done is closed.
	OnBatch func(wire.Batch)
	// Role is what kind of plugin may be run; a plugin of another kind fails to start,
	// for good.
	Role Role
	// OnChanged is told whenever a device plugin has news in the session that it
	// names. It must not block.
	OnChanged func(session string)
	// Tap, if set, sees every line that crosses the line between host and plugin, as
	// it is and before anything is made of it: for those who test plugins. Calls
	// come from several goroutines at once; the bytes are valid during the call.
	Tap func(from Stream, line []byte)

	// PythonPath returns the folder that holds the Python package faultline_sdk.
	// It is asked at every start of a Python plugin and needed by those only.
	PythonPath func() (string, error)
	// Dir is the working folder of the process; empty means the host's own.
	Dir string
	// Work is a folder of the plugin's own, in place of Dir: made if it is not
	// there, open to nobody else, and its home. What the plugin writes is open to
	// nobody else either, unless it says so. Empty means none.
	Work string
	// User is whom the process runs as; nil means as the host does. Only root can
	// choose.
	User *User
	// Hide is a folder that the plugin must not see into, Work and its own files
	// apart: the host's own data. Only root can hide a folder; elsewhere this does
	// nothing.
	Hide string
	// PassEnv names variables of the host's environment that the plugin sees
	// beside the few that all do.
	PassEnv []string
	// Limits are the plugin's budgets.
	Limits Limits
	// Cgroups makes a control group for the process; nil means none.
	Cgroups *Cgroups
	// Contain, if set, is called at each start with a copy of the options, and may
	// fill in what depends on the plugin: Work, Hide, User, PassEnv,
	// Limits, Cgroups.
	Contain func(*Options)
	// SampleEvery is how often the host looks at what a process with budgets uses;
	// 500 ms by default.
	SampleEvery time.Duration
	// Greeting is what the host calls itself; the name is "faultline" by default.
	Greeting wire.Peer
	// Check asks the plugin for warnings, and for where things are declared, at the
	// start. It takes the plugin longer to start.
	Check bool

	// StartTimeout is how long a process may take from its start to its answer
	// to initialize; 30 s by default.
	StartTimeout time.Duration
	// CallTimeout is how long a call may run if its context has no deadline; 5
	// min by default. A process that exceeds it is ended.
	CallTimeout time.Duration
	// WriteTimeout is how long the process may leave its standard input unread
	// while the host has something to write; 1 min by default.
	WriteTimeout time.Duration
	// StopTimeout is how long the answer to shutdown may take, in which the
	// plugin tears its sessions down; 10 s by default.
	StopTimeout time.Duration
	// Grace is the pause before each harder step of Stop: after standard input
	// is closed, and after SIGTERM; 2 s by default.
	Grace time.Duration
}

// Role is what a plugin is for.
type Role string

// The roles.
const (
	RoleServer Role = ""       // it declares classes and reports resources, to a server
	RoleDevice Role = "device" // it tells an agent what it finds on a host (wire.DeviceInfo)
	RoleAny    Role = "any"    // one or the other
)

// admits returns an error if a plugin that answered so has another role.
func (o Options) admits(r wire.InitializeResult) error {
	var text string
	switch {
	case o.Role == RoleServer && r.Device != nil:
		text = "is a device plugin: it runs in the agent of a host, not in a server; put it where faultline agent run looks for it"
	case o.Role == RoleDevice && r.Device == nil:
		text = "is no device plugin: it runs in a server; an agent runs programs made with sdk/agent, and Python files with a subclass of DevicePlugin"
	default:
		return nil
	}
	return &CallError{Plugin: o.Spec.Name, Method: wire.MethodInitialize, Code: wire.CodeBadPlugin, Message: text}
}

func (o Options) withDefaults() Options {
	if o.Contain != nil {
		o.Contain(&o)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelWarn
	}
	if o.OnBatch == nil {
		o.OnBatch = func(wire.Batch) {}
	}
	if o.OnChanged == nil {
		o.OnChanged = func(string) {}
	}
	if o.Tap == nil {
		o.Tap = func(Stream, []byte) {}
	}
	if o.OnLog == nil {
		o.OnLog = func(wire.LogRecord) {}
	}
	o.Greeting.Name = cmp.Or(o.Greeting.Name, "faultline")
	o.LogRate = cmp.Or(o.LogRate, 1000)
	o.StartTimeout = cmp.Or(o.StartTimeout, 30*time.Second)
	o.CallTimeout = cmp.Or(o.CallTimeout, 5*time.Minute)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, time.Minute)
	o.StopTimeout = cmp.Or(o.StopTimeout, 10*time.Second)
	o.Grace = cmp.Or(o.Grace, 2*time.Second)
	o.SampleEvery = cmp.Or(o.SampleEvery, 500*time.Millisecond)
	return o
}
