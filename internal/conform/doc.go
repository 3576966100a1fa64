// Package conform tests a plugin from outside, whatever it is written in: it
// starts the plugin's process as a host does, speaks the protocol with it, and
// says which rules of protocol/SPEC.md and of the guide it breaks.
//
// A check has a stable name and says one thing. What a check needs of another
// one (a root that can be scanned) is said once: a plugin that does not start
// fails the check handshake, and the others are skipped. A check is skipped only
// where what the plugin declares or reports leaves nothing to judge.
//
// Some rules are about everything that the plugin ever writes: that each line is
// a message, that batches are in order, that no password is in them. A recorder
// watches all conversations of the run for those, and their checks come last.
package conform
