package link

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// AgentKind is the kind of peer that an agent is. Its name is that of its host, as
// its certificate has it.
const AgentKind = "agent"

// MaxAgentData bounds what a device plugin says at once, in bytes.
const MaxAgentData = 16 << 20

// AgentFree is how much data goes without an AgentRoom before it, in bytes.
const AgentFree = 64 << 10

// The kinds of the messages between an agent and the server.
const (
	// AgentOpen is a call of the agent: it wants a session for a device plugin. The
	// body is an AgentPlugin, the answer an AgentSessionID. The server answers when
	// it can take the first message, which may be long after: the plugin of that
	// name is not there, or many hosts begin at once. A session that the plugin had
	// ends with that.
	AgentOpen = "agent/open"
	// AgentData is a call of the agent: what a device plugin says in a session; see
	// AppendAgentData for the body. The answer comes when the plugin of the server
	// has taken it and all that it concluded is committed. An error says that the
	// session has ended.
	AgentData = "agent/data"
	// AgentRoom is a call of the agent: it wants to send data of more than AgentFree
	// bytes. The body is an AgentSize; the answer, which has nothing in it, comes
	// when the server has room for it. So the full reports of many hosts wait where
	// they are made.
	AgentRoom = "agent/room"
	// AgentClose is from the agent: a session ends, and no other one follows at once.
	// The body is an AgentNote, whose Text says what failed; without it nothing did.
	AgentClose = "agent/close"
	// AgentWaiting is from the server: an AgentOpen is not answered yet, and Text of
	// the AgentNote says why. It is for the agent's log.
	AgentWaiting = "agent/waiting"
	// AgentReset is from the server: a session has ended. The body is an AgentNote.
	// The agent opens a new one, which begins with everything.
	AgentReset = "agent/reset"
	// AgentResetAll is from the server: all sessions have ended. The body is an
	// AgentNote without a plugin.
	AgentResetAll = "agent/reset-all"
)

type (
	// AgentHello is what an agent says of its host, as the body of a Hello.
	AgentHello struct {
		// Machine is the identifier of the installation (machine-id), Boot that of
		// the boot of its kernel (boot_id). They tell a restart of the agent from a
		// second machine with the same name.
		Machine string `json:"machine,omitempty"`
		Boot    string `json:"boot,omitempty"`
		// Started is how long after the host's boot the agent was started, which no setting
		// of a clock changes; 0 if the system does not say.
		Started time.Duration `json:"started_after"`
		// Booted is when the host booted, by its clock.
		Booted time.Time `json:"booted"`
		// Plugins are the names of the device plugins that the agent has.
		Plugins []string `json:"plugins,omitempty"`
	}
	// AgentWelcome is the body of the Welcome to an agent.
	AgentWelcome struct {
		// Host is the number of the host: host_id in the guide.
		Host resource.ID `json:"host"`
	}
	// AgentPlugin names a device plugin, and a session of it where that matters.
	AgentPlugin struct {
		Plugin  string `json:"plugin"`
		Session string `json:"session,omitempty"`
	}
	// AgentSize says how much data a session wants to send.
	AgentSize struct {
		AgentPlugin

		Bytes int `json:"bytes"`
	}
	// AgentSessionID answers an AgentOpen.
	AgentSessionID struct {
		Session string `json:"session"`
	}
	// AgentNote is what the server says about a session.
	AgentNote struct {
		AgentPlugin

		Cause AgentCause `json:"cause,omitempty"`
		Text  string     `json:"text"` // for people
	}
	// AgentDataHead is what stands before the data of an AgentData.
	AgentDataHead struct {
		AgentPlugin

		// Sequence counts the messages of a session from 0.
		Sequence uint64 `json:"sequence"`
	}
)

// AgentCause says why a session ended.
type AgentCause string

// The causes.
const (
	// CauseOrder: a message was missing, or came twice, or was of another session.
	CauseOrder AgentCause = "order"
	// CausePlugin: the plugin of the server failed, or refused the data.
	CausePlugin AgentCause = "plugin"
	// CauseReload: another version of the server's plugin took over, or it started
	// anew.
	CauseReload AgentCause = "reload"
	// CauseFull: somebody wants to hear everything again.
	CauseFull AgentCause = "full"
)

// AppendAgentData appends the body of an AgentData: a line of JSON with the head,
// then the data as it is, which no program between the two plugins has to read.
func AppendAgentData(b []byte, head AgentDataHead, data json.RawMessage) ([]byte, error) {
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b = append(append(b, line...), '\n')
	return append(b, data...), nil
}

// ReadAgentData reads the body of an AgentData. The data is a part of it; whether
// it is JSON is not checked.
func ReadAgentData(body []byte) (head AgentDataHead, data json.RawMessage, err error) {
	line, data, ok := bytes.Cut(body, []byte{'\n'})
	if !ok || len(line) > 4<<10 {
		return head, nil, resource.Errorf(resource.Invalid, "a message of a device plugin has no head")
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return head, nil, &resource.Fault{Kind: resource.Invalid, Text: "the head of a device plugin's message cannot be read", Cause: err}
	}
	if len(data) > MaxAgentData {
		return head, nil, resource.Errorf(resource.Invalid, "a message of device plugin %.80q has %d bytes, and %d are allowed", head.Plugin, len(data), MaxAgentData)
	}
	return head, data, nil
}
