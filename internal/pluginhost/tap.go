package pluginhost

// Stream is one of the three ways between host and plugin.
type Stream string

// The streams, as the plugin calls them.
const (
	Stdin  Stream = "stdin"  // host to plugin
	Stdout Stream = "stdout" // plugin to host
	Stderr Stream = "stderr"
)

// HangUp closes the standard input of the process, as the death of its host
// would. What waits to be written is written before. Calls that run go on; no
// other one can be made.
func (p *Process) HangUp() { _ = p.conn.Close() }
