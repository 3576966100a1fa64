package app

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// The kinds of the messages between a server and a runner, beside those of the
// link's sinks.
const (
	// From the runner.
	kindDeclare  = "plugin/declare" // declareNote; the answer says whether the declarations are taken
	kindPlugins  = "plugin/states"  // []pluginReport
	kindChanges  = "plugin/changes" // changesNote → api.PluginChanges
	kindLog      = "log"            // logNote
	kindRoot     = "root/get"       // rootNote → session.Root
	kindReleased = "root/released"  // rootNote: its session has ended
	// From the server.
	kindAssign   = "root/assign"   // rootNote: run it, or begin it anew
	kindUnassign = "root/unassign" // rootNote
	kindCall     = "plugin/call"   // callNote → the result of the plugin's method
	kindAct      = "plugin/act"    // actNote → actAnswer
)

// The acts of an actNote.
const (
	actLoad     = "load"
	actChanges  = "changes"
	actReload   = "reload"
	actUnload   = "unload"
	actLogLevel = "log-level"
)

// callPatience is how long a user waits for a plugin of a runner.
const callPatience = time.Minute

// runnerKind is the kind of peer that a runner is.
const runnerKind = "runner"

type (
	// runnerHello is what a runner says of itself.
	runnerHello struct {
		Plugins []string `json:"plugins"` // their names
	}
	declareNote struct {
		Plugin   string        `json:"plugin"`
		Manifest wire.Manifest `json:"manifest"`
	}
	rootNote struct {
		Root   resource.ID `json:"root"`
		Plugin string      `json:"plugin,omitempty"`
	}
	callNote struct {
		Plugin string          `json:"plugin"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	changesNote struct {
		Plugin string `json:"plugin"`
		// Running is what the version in charge declares, if there is one.
		Running *wire.Manifest `json:"running,omitempty"`
		Next    wire.Manifest  `json:"next"`
	}
	actNote struct {
		Act    string       `json:"act"` // one of the constants
		Plugin string       `json:"plugin"`
		Level  gen.LogLevel `json:"log_level,omitempty"`
		// Within is how long somebody waits for it, in nanoseconds.
		Within time.Duration `json:"within"`
	}
	actAnswer struct {
		Changes *api.PluginChanges `json:"changes,omitempty"`
		// Plugins are the plugins of the runner after it.
		Plugins []pluginReport `json:"plugins"`
	}
	// pluginReport is a plugin of a runner.
	pluginReport struct {
		api.Plugin
		pluginTrouble
		// Unloaded says that somebody unloaded it: it is not to be had.
		Unloaded bool       `json:"unloaded,omitempty"`
		Use      *pluginUse `json:"use,omitempty"`
	}
	logNote struct {
		Time   time.Time  `json:"time"`
		Level  slog.Level `json:"level"`
		Text   string     `json:"text"`
		Plugin string     `json:"plugin,omitempty"`
		// Session says that a session says it, not the plugin.
		Session bool           `json:"session,omitempty"`
		Fields  map[string]any `json:"fields,omitempty"`
	}
)
