// Package link carries messages between the server and those that work for it
// elsewhere: runners, which deliver the batches of their sessions, and agents.
// The peer always calls the server, never the other way round.
//
// # The reliable part
//
// A link is the state that two processes share about each other. It begins with
// a hello and lasts as long as both processes do, over any number of broken
// connections. On it each side numbers its messages from 1 and keeps them until
// the other side acknowledges them; the other side handles them in order, drops
// what it has handled before, and acknowledges what it has handled. So a Transport
// may lose, repeat and delay what it carries, and every message still takes
// effect once. If a side does not know the link, because it restarted or gave the
// link up, the link ends, and a new one begins with nothing.
//
// Conn is one end of a link. Client keeps a link to a server; Hub keeps the links
// of all peers, and knows which of them are silent. Package httplink is the
// Transport over HTTP, and Hub.Local the one inside a process. The suite that
// they have in common is in package linktest.
//
// # Batches
//
// Sink stands in a runner for the inventory, for sessions to write to; Intake
// hands what it sent to the inventory. A batch is acknowledged when it is
// committed.
//
// # Agents
//
// Agent keeps an agent's link, and has the sessions of its device plugins: what is
// sent in one is handled in order and once, or the session ends and a new one
// begins with everything. The messages are in agent.go; the server's end is in
// package app.
//
// # Bounds
//
// A message has at most MaxBody bytes; what is larger goes in parts. A peer that
// has Window bytes unacknowledged waits (Conn.Send blocks). The server does not
// wait: a link on which more than that piles up for the peer ends.
//
// See docs/decisions/0015-link.md.
package link
