// Package agent is the Go SDK of device plugins, which the guide calls agent plugins:
// code that runs on a storage server, below the Faultline agent, and tells what it
// finds there to the server plugin of the same name.
//
//	func main() { agent.Main("my_controller", newController) }
//
// The agent makes one session after another. For each, the SDK makes one Plugin by
// the function given to Main and calls StartSession, once, for everything that is
// there, and then UpdateSession, again and again, for what changed since. What they
// return goes to the hooks agent_session_start and agent_session_continue on the
// server, in order, and nothing twice. A session ends when a hook fails, when the
// server asks for everything anew, or when agent or server start again; the next one
// begins with a new Plugin, so a Plugin never has to find out what the server has
// missed.
//
// Guide: "Agent Plugins".
package agent
