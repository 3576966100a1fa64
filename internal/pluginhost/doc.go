// Package pluginhost finds, starts, supervises and ends plugin processes, and
// turns what they write into wire messages. It knows processes and lines; what
// a session is, and what a batch means, is the business of internal/session.
//
// Resolve finds out what a PATH of the operator is (a Python module, a
// program, a built-in plugin). Start runs it and shakes hands. A Supervisor
// keeps one running.
//
// # Order and backpressure
//
// One goroutine per process reads its standard output. It decodes each
// session/batch and hands it to Options.OnBatch before it reads on, so batches
// come in order, and the answer to a call is seen only after every batch that
// the plugin sent before it was handled. An OnBatch that blocks stops the
// reading, fills the pipe and so slows that plugin down, and only that one; the
// time spent so is not counted against Options.CallTimeout.
//
// # What a process can do to others
//
// Nothing that it writes, stops reading or forgets to answer harms another
// process or the host: lines are bounded (16 MiB), garbage and logs are
// limited by rate, the queue towards it is bounded, a call has a deadline. A
// process that breaks one of these is ended, and Process.Err says why. Its
// environment holds an allow list only, and it inherits no descriptors.
//
// # How processes end
//
// Every plugin runs in a process group that it shares with a guard: a shell
// that waits for the end of file on a pipe from the host. When the host dies,
// however it dies, the plugin sees the end of its standard input and has
// guardGrace to close its sessions; then the guard kills the plugin's control
// group, if it has one, and the whole process group, itself included. Since the
// guard is a member, the group's number cannot have been reused by then. Where
// there is no shell, Linux kills the process itself, at once, when the host dies
// (PR_SET_PDEATHSIG).
//
// # How a process is contained
//
// On Linux the program is started by a launcher, which is this program under
// another name: it sets limits, changes the user, hides the host's data and then
// becomes the plugin (launcher_linux.go). While the process runs, the host compares
// what it and all that it started use with Options.Limits (budget.go), as far as no
// control group does that (cgroup_linux.go). When it ends, however it ends, all
// that it started ends with it (family_linux.go). See
// docs/decisions/0014-containment.md.
package pluginhost
