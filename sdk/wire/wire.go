// Package wire holds every type that crosses the line between a plugin process
// and its host, and nothing else. The protocol is JSON-RPC 2.0, one message a
// line, over the standard input and output of the plugin; protocol/SPEC.md is
// its full text and protocol/transcripts its examples.
//
// The host calls methods of the plugin. The plugin sends only notifications.
// Both sides ignore methods and fields that they do not know.
package wire

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Version is the newest protocol version this package speaks. History:
//   - 1: 2026-11-22: initial
//   - 1: 2026-11-23: alert conditions may have clear thresholds and a duration,
//     which older hosts ignore
//   - 1: 2026-11-29: problems have a code, a severity and a fix, and the host may
//     ask for a check, which older plugins ignore
//   - 1: 2026-11-30: attributes may name what they were called before, which older
//     hosts ignore; log/level, which older plugins ignore
//   - 1: 2026-11-30: device plugins, which older hosts refuse as plugins without
//     classes
const Version = 1

// MinVersion is the oldest protocol version this package speaks.
const MinVersion = 1

// APIVersion is the version of the plugin author's interface: the value that a
// Python module states as `version = 1` and a Go plugin passes to Main.
const APIVersion = 1

// Methods that the host calls on the plugin.
const (
	MethodInitialize    = "initialize"             // InitializeParams → InitializeResult
	MethodSessionOpen   = "session/open"           // OpenParams → {}
	MethodInitialScan   = "session/initial_scan"   // SessionParams → TurnResult
	MethodUpdateScan    = "session/update_scan"    // SessionParams → TurnResult
	MethodAgentStart    = "session/agent_start"    // AgentParams → TurnResult
	MethodAgentContinue = "session/agent_continue" // AgentParams → TurnResult
	MethodTeardown      = "session/teardown"       // SessionParams → {}
	MethodEncrypt       = "encrypt"                // EncryptParams → EncryptResult
	MethodDefaults      = "defaults"               // DefaultsParams → DefaultsResult
	MethodShutdown      = "shutdown"               // {} → {}; the plugin then exits with status 0
)

// Notifications. NoteRejected, NoteDeleted and NoteLogLevel go from host to
// plugin, the others from plugin to host.
const (
	NoteBatch    = "session/batch"    // Batch
	NoteRejected = "session/rejected" // Rejected
	NoteDeleted  = "session/deleted"  // Deleted
	NoteLog      = "log"              // LogRecord
	NoteLogLevel = "log/level"        // LogLevel
)

// JSON-RPC error codes of this protocol, beside the standard ones.
const (
	CodeScanFailed     = -32001 // a hook of the plugin failed; data is ErrorData
	CodeUnknownSession = -32002 // the session is not open
	CodeBadState       = -32003 // the call breaks the life cycle, such as a second initial scan
	CodeBadVersion     = -32004 // no common protocol version
	CodeBadPlugin      = -32005 // the plugin's declarations are wrong; data is ErrorData with Problems
	CodeInvalidValue   = -32006 // a value fails its attribute's rules; data is ErrorData
)

// InitializeParams opens the conversation. It is the first call, and is made once.
type InitializeParams struct {
	Protocol VersionRange `json:"protocol"`
	Host     Peer         `json:"host"`
	// Check asks for what only an author needs: warnings, and where things are
	// declared. The plugin may take its time over it.
	Check bool `json:"check,omitempty"`
}

// VersionRange is the protocol versions that a side can speak, both inclusive.
type VersionRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Peer names one side of the conversation.
type Peer struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// InitializeResult is the plugin's answer: the version to speak, which lies in
// the host's range, who it is and what it declares.
type InitializeResult struct {
	Protocol int      `json:"protocol"`
	Plugin   Peer     `json:"plugin"`
	SDK      Peer     `json:"sdk"` // Name is "go" or "python"
	Manifest Manifest `json:"manifest"`
	// Device says that this is a device plugin: its manifest declares no classes, and
	// in place of the session methods it has those of device.go.
	Device *DeviceInfo `json:"device,omitempty"`
	// Warnings and Places answer InitializeParams.Check.
	Warnings []Problem `json:"warnings,omitempty"`
	// Places says where classes ("Class"), their attributes and statistics
	// ("Class.name"), alert conditions ("Class.alert_conditions.0"), relations and
	// charts (likewise) are declared.
	Places map[string]Place `json:"places,omitempty"`
}

// OpenParams opens one session for one root resource. Attributes holds the
// root's values as the store has them (passwords as Encrypt returned them), by
// attribute name. The root's handle is always 0.
type OpenParams struct {
	Session    string                     `json:"session"`
	Class      string                     `json:"class"`
	Attributes map[string]json.RawMessage `json:"attributes"`
	// HostID is set for a session that agent data feeds; see AgentParams.
	HostID int64 `json:"host_id,omitempty"`
}

// SessionParams names the session that a call is about.
type SessionParams struct {
	Session string `json:"session"`
}

// AgentParams hands the plugin what the agent plugin of the same name sent from
// one host. Data is any JSON value.
type AgentParams struct {
	Session string          `json:"session"`
	HostID  int64           `json:"host_id"`
	Data    json.RawMessage `json:"data"`
}

// TurnResult ends a turn that the host asked for. Every Batch of the turn was
// sent before it.
type TurnResult struct {
	// Turn is the number of the turn, as in its batches. It is 0 when the turn
	// changed nothing and so sent no batch.
	Turn int64 `json:"turn"`
	// UpdatePeriod is the wanted pause between update scans in seconds. It is
	// given by the initial scan and by agent_start only; 0 means the host's
	// default.
	UpdatePeriod float64 `json:"update_period,omitempty"`
	// Updates is false if the plugin has no update scan. Given as UpdatePeriod is.
	Updates bool `json:"updates,omitempty"`
	// Incomplete names what the initial scan could not read. Its batch then has
	// Complete false, and the host deletes nothing.
	Incomplete []string `json:"incomplete,omitempty"`
}

// ErrorData goes with an error answer.
type ErrorData struct {
	// Kind is the type of the failure in the author's language, such as
	// "ConnectionRefusedError".
	Kind string `json:"kind,omitempty"`
	// Detail is a stack trace or similar, for the log.
	Detail   string    `json:"detail,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
	// Draft is what the plugin declares in spite of Problems, as far as it can be
	// told, and Places is as in InitializeResult. They answer InitializeParams.Check:
	// a checker can go on with them, and nobody may run the plugin by them.
	Draft  *Manifest        `json:"draft,omitempty"`
	Places map[string]Place `json:"places,omitempty"`
	// Attribute is the attribute at fault, if there is one.
	Attribute string `json:"attribute,omitempty"`
}

// Problem is one thing wrong with a plugin's declarations.
type Problem struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Where is "Class" or "Class.attribute", or empty for the module as a whole.
	Where string `json:"where,omitempty"`
	// Text says what is wrong.
	Text string `json:"text"`
	// Fix says what to do about it, if Text does not.
	Fix string `json:"fix,omitempty"`
	// Code is the broken rule. SDKs of before the codes leave it empty.
	Code Rule `json:"code,omitempty"`
	// Severity is SeverityWarning for a problem with which the plugin can run; else
	// SeverityError or empty.
	Severity string `json:"severity,omitempty"`
}

// Warning reports whether the plugin can run in spite of the problem.
func (p Problem) Warning() bool { return p.Severity == SeverityWarning }

// String shows the problem as a line: FILE:LINE: Class.attribute: text; fix [CODE],
// with "warning: " before the text of a warning.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	if p.Warning() {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	if p.Code != "" {
		b.WriteString(" [" + string(p.Code) + "]")
	}
	return b.String()
}

// Place is where something is declared.
type Place struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Symbol is what a compiled program knows about a declaration instead of its
	// line: "import/path.Type" or "import/path.Type.Field" in Go.
	Symbol string `json:"symbol,omitempty"`
}

// EncryptParams asks for the stored form of a password that a user typed for
// an attribute of a root. The guide calls this the encrypt_fn.
type EncryptParams struct {
	Class     string `json:"class"`
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
}

// EncryptResult is what the store may keep and the plugin will see.
type EncryptResult struct {
	Value string `json:"value"`
}

// DefaultsParams asks for the values of computed defaults (see
// Attribute.DefaultComputed) of a root that a user is adding, where Attributes
// holds what the user gave, or of a stored resource of an older version of the
// plugin, where Attributes holds its values but for passwords and references.
type DefaultsParams struct {
	Class      string                     `json:"class"`
	Attributes map[string]json.RawMessage `json:"attributes"`
}

// DefaultsResult holds a value for every attribute that DefaultsParams lacks
// and that has a default, constant or computed.
type DefaultsResult struct {
	Attributes map[string]json.RawMessage `json:"attributes"`
}

// Batch is one part of the changes of one turn. Turns are numbered from 1 in
// each session, parts from 0 in each turn; they arrive in order. The host acts
// on a turn when its Last part is there, in one transaction.
type Batch struct {
	Session string `json:"session"`
	Turn    int64  `json:"turn"`
	Part    int    `json:"part"`
	Last    bool   `json:"last,omitempty"`
	// Complete marks the turn as the full truth for the session's root: what it
	// does not put, the host deletes. Only an initial scan or agent start sets
	// it. It counts in the last part.
	Complete bool     `json:"complete,omitempty"`
	Ops      []Op     `json:"ops,omitempty"`
	Samples  []Sample `json:"samples,omitempty"`
}

// Kinds of Op.
const (
	OpPut    = "put"    // a resource, new to this session or removed before; Class, Attributes, Label, Parents
	OpSet    = "set"    // changed attributes or label of a resource that was put
	OpLink   = "link"   // parents added to or removed from a resource that was put
	OpRemove = "remove" // a resource that was put is gone
)

// Op is one change. The order of the ops of a turn is the order of the
// author's calls, but a handle may be named in an attribute, in Parents or in
// Add before the op that puts it, as long as the same turn puts it.
type Op struct {
	Op string `json:"op"`
	// Handle is the session's number for the resource: the root is 0, others
	// count up from 1 and are never reused, also not after OpRemove.
	Handle int64  `json:"h"`
	Class  string `json:"class,omitempty"`
	// Attributes has the non-null values of a put, the changed ones of a set
	// (null if cleared). A reference is {"$ref": handle}.
	Attributes json.RawMessage `json:"attributes,omitempty"`
	// Label is the author's own label of the resource (get_label), if the class
	// has one; absent, the host makes the default label.
	Label   *string `json:"label,omitempty"`
	Parents []int64 `json:"parents,omitempty"`
	Add     []int64 `json:"add,omitempty"`
	Remove  []int64 `json:"remove,omitempty"`
}

// Ref is the JSON form of a reference attribute.
type Ref struct {
	Handle int64 `json:"$ref"`
}

// Sample is one value of one statistic.
type Sample struct {
	Handle int64  `json:"h"`
	Name   string `json:"name"`
	Time   int64  `json:"t"` // milliseconds since 1970-01-01 UTC
	// Value is a number, or for a histogram an array of one integer a bin.
	Value json.RawMessage `json:"v"`
}

// Rejected tells the plugin that the host refused a turn. Nothing of the turn
// is kept; the host will tear the session down and open a new one.
type Rejected struct {
	Session string `json:"session"`
	Turn    int64  `json:"turn"`
	Error   string `json:"error"`
}

// Deleted tells the plugin that resources of the session were deleted from
// outside it: by a mandatory reference to what another root no longer reports.
// Their handles have ended. What the plugin still has, it puts again under new
// handles.
type Deleted struct {
	Session string  `json:"session"`
	Handles []int64 `json:"handles"`
}

// LogLevel tells the plugin that from now on records below another level need not
// be sent, in place of the one that it was started with.
type LogLevel struct {
	Level string `json:"level"` // as in LogRecord
}

// LogRecord is one line for the host's log.
type LogRecord struct {
	Session string `json:"session,omitempty"`
	Level   string `json:"level"`  // "debug", "info", "warning" or "error"
	Time    int64  `json:"t"`      // milliseconds since 1970-01-01 UTC
	Source  string `json:"source"` // "log", "stdout" or "stderr"
	Message string `json:"message"`
	// Fields are further facts, values of any kind.
	Fields map[string]any `json:"fields,omitempty"`
}
