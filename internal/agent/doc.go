// Package agent asks device plugins what there is to tell, and has it sent.
//
// A Poller does so for one plugin, as long as the agent runs. It opens a session
// with the server, asks the plugin for everything (device/start_session), and then
// for what changed (device/update_session): when the plugin's period is over, or at
// once when the plugin says that something changed, but never before the server has
// taken what was said before. So of one plugin there is one answer in memory at most,
// whatever the network does: a plugin that is asked late has all that changed since
// in one answer.
//
// A session ends when a hook fails, when the process ends, when a message cannot be
// sent, or when the server or the link to it ends it. The next session begins with
// everything, in a new instance of the plugin. Nothing is ever sent again from here:
// what the link does not deliver, the next session's start says.
//
// Processes are the business of internal/pluginhost, numbers and priorities that of
// internal/link; this package knows neither. See docs/decisions/0019-device-plugins.md.
package agent
