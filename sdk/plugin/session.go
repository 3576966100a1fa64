package plugin

import (
	"context"
	"iter"
	"log/slog"
	"time"
)

// Session is one running plugin value for one root. Unless stated otherwise
// its methods, and the functions that take a Session or a resource, may be
// called only within a turn.
type Session struct {
	// Log is the plugin's logger; records go to the log of the server. Records
	// below the level that the host wants are dropped. It may be used from any
	// goroutine.
	Log *slog.Logger
}

// Context returns a context that ends when the session is being torn down. It
// is the context that hooks get. It may be called from any goroutine.
func (s *Session) Context() context.Context { return context.Background() }

// Root returns the root resource, the one that InitialScan is given.
func (s *Session) Root() Any { return nil }

// Every sets the pause between the end of one UpdateScan and the next. Only a
// call before InitialScan (or AgentSessionStart) returns has an effect.
func (s *Session) Every(d time.Duration) {}

// Post runs f as a turn, as soon as the turns before it are over; posted before
// InitialScan ended, f runs after it. It does not wait. It may be called from
// any goroutine, also within a turn. After teardown f is dropped. If f panics,
// the panic is logged and the session's next hook fails.
func (s *Session) Post(f func()) {}

// PostTo is Session.Post for changes of one resource: f may assign fields of r
// only, though it may use Report, Remove, AddParent and RemoveParent freely. It
// saves looking for changes in all resources. It may be called from any
// goroutine.
func PostTo[R Any](r R, f func(r R)) {}

// Err returns the first thing that went wrong in this turn: a nil or
// undeclared resource, for example. A turn with an error fails also if the hook
// returns nil, so a hook needs to look at Err only to stop early.
func (s *Session) Err() error { return nil }

// Report reports a resource, with the resources that affect it, and returns the
// session's one pointer for its identity (guide, Plugin.update_or_create): r
// itself, or if the identity was reported before, the value from then with
// all its attributes replaced by those of r and its statistics kept. The
// parents are added to those it has. Values are checked when the turn ends, so
// inherited attributes may be assigned after Report.
func Report[R Any](s *Session, r R, parents ...Any) R { return r }

// Remove takes a resource out (guide, Plugin.remove). Resources that refer to it
// by a mandatory attribute go with it, optional references to it are cleared.
// Removing a resource that is not there does nothing.
func Remove(r Any) {}

// Find returns the reported resource that has the identity of key, of which
// only the identifying attributes are looked at.
func Find[R Any](s *Session, key R) (R, bool) { var zero R; return zero, false }

// All iterates over the reported resources of the class T in the order of their
// first report. The loop may report and remove resources; those reported in the
// loop are not visited.
func All[T any](s *Session) iter.Seq[*T] { return func(func(*T) bool) {} }

type node struct{ created bool }

func (r *Resource) ensureNode() *node { return &node{} }
func (n *node) addParent(Any)         {}
func (n *node) removeParent(Any)      {}
