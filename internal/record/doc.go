// Package record keeps the conversation of one scan in a file: what the host
// asked of a plugin and what the plugin said, but no secret. A recording is a
// fixture: replayed, it gives what the scan gave, without the plugin and its
// hardware.
//
// The file has one JSON object a line (see docs/decisions/0011-recordings.md):
//
//	{"sum":"…","t":…,"recording":{"version":1,"plugin":"acme","class":"Array","attributes":{…},"updates":1}}
//	{"sum":"…","t":…,"host":{"jsonrpc":"2.0","id":1,"method":"initialize","params":{…}}}
//	{"sum":"…","t":…,"plugin":{"jsonrpc":"2.0","id":1,"result":{…}}}
//	…
//	{"sum":"…","t":…,"end":{"lines":7}}
//
// In host and plugin stand messages of the protocol (protocol/SPEC.md), in the order
// in which they were sent; t is the time in milliseconds since 1970-01-01 UTC. The
// sum is of the line and of all lines before it, so that the reader can name the
// line where a file was changed, and the end tells a whole file from a truncated one.
package record
