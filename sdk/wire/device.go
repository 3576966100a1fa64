package wire

import "encoding/json"

// Methods that an agent calls on a device plugin, beside MethodInitialize and
// MethodShutdown. They come one at a time.
const (
	MethodDeviceStart  = "device/start_session"  // DeviceParams → DeviceResult; the session before it, if any, ends
	MethodDeviceUpdate = "device/update_session" // DeviceParams → DeviceResult
	MethodDeviceEnd    = "device/end_session"    // DeviceParams → {}
)

// NoteDeviceChanged is the notification of a device plugin that it has something to
// tell and would be asked before its period is over.
const NoteDeviceChanged = "device/changed" // DeviceParams

// Priorities of device messages. Of the messages that wait, those with the lowest
// number go first.
const (
	PriorityHigh   = 0
	PriorityNormal = 1
	PriorityLow    = 2
)

// DeviceInfo stands in the answer to initialize of a device plugin, which an agent
// runs, and of no other.
type DeviceInfo struct {
	// Updates is false if the plugin has no update_session: it tells everything at
	// the start of a session and then nothing.
	Updates bool `json:"updates,omitempty"`
	// Period is the wanted pause between two updates in seconds; 0 means the
	// agent's default.
	Period float64 `json:"period,omitempty"`
}

// DeviceParams names the session that a call is about. The agent chooses the
// names, a new one for each session of the process.
type DeviceParams struct {
	Session string `json:"session"`
}

// DeviceResult is what the plugin has to tell, in its order. No messages send
// nothing.
type DeviceResult struct {
	Messages []DeviceMessage `json:"messages"`
}

// DeviceMessage is one message to the server plugin of the same name.
type DeviceMessage struct {
	// Data is any JSON value but null.
	Data json.RawMessage `json:"data"`
	// Priority is PriorityHigh, PriorityNormal or PriorityLow; absent it is normal.
	Priority *int `json:"priority,omitempty"`
}

// Urgency returns the priority of the message, given or not.
func (m DeviceMessage) Urgency() int {
	if m.Priority == nil {
		return PriorityNormal
	}
	return *m.Priority
}
