package plugin

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
)

// Session is one running plugin value for one root. Unless stated otherwise
// its methods, and the functions that take a Session or a resource, may be
// called only within a turn.
type Session struct {
	// Log is the plugin's logger; records go to the log of the server. Records
	// below the level that the host wants are dropped. It may be used from any
	// goroutine.
	Log *slog.Logger

	id    string
	prog  *Program
	conn  *stdio.Conn
	now   func() time.Time
	hooks hooks
	ctx   context.Context
	stop  context.CancelFunc

	// Owned by the session's goroutine.
	root       *node
	tables     []*table // by class.index
	lastHandle int64
	turns      int64
	every      time.Duration
	gaps       []string // what the first scan could not read
	state      state
	stateErr   error // why the session is of no more use
	events     []event
	linked     map[*node][]*node // parents before the turn, of nodes with linked set
	removed    bool              // something was removed in the turn
	keyBuf     []byte
	changes    []change
	w          batchWriter
	stream     stream

	mu      sync.Mutex // guards what follows
	inTurn  bool
	ended   bool
	errs    []error // of this turn, or from outside since the last
	calls   []*call
	posts   []post
	samples pages[sample]
	lost    []int64       // handles that the host ended; see deleted
	wake    chan struct{} // has room for one: something is to be done
}

// state is how far a session has come in its life.
type state int

const (
	stateOpen    state = iota // no hook has run
	stateEntered              // the first hook was entered, and failed or still runs
	stateReady                // the first hook succeeded
	stateEnded                // torn down
)

// event is a place in the order of the turn's calls.
type event struct {
	n      *node
	remove bool
}

// post is a function to run as a turn. If only is set, the function changes
// attributes of that resource alone.
type post struct {
	f    func()
	only *node
}

// Context returns a context that ends when the session is being torn down. It
// is the context that hooks get. It may be called from any goroutine.
func (s *Session) Context() context.Context { return s.ctx }

// Root returns the root resource, the one that InitialScan is given.
func (s *Session) Root() Any { return s.root.self }

// Every sets the pause between the end of one UpdateScan and the next. Only a
// call before InitialScan (or AgentSessionStart) returns has an effect.
func (s *Session) Every(d time.Duration) {
	if s.mustBeInTurn("Every") {
		s.every = d
	}
}

// Incomplete says that the scan could not read a part of the hardware, and
// which, for people; the arguments are those of fmt.Sprintf. It may be called
// several times. Faultline then keeps what the initial scan (or
// AgentSessionStart) did not report, where it would delete it else. It is a
// warning in the log, and in later turns it is nothing more.
func (s *Session) Incomplete(format string, args ...any) {
	if !s.mustBeInTurn("Incomplete") {
		return
	}
	what := fmt.Sprintf(format, args...)
	if s.state != stateReady {
		s.gaps = append(s.gaps, strings.ToValidUTF8(what, "\ufffd"))
	}
	s.Log.Warn("the scan is incomplete: " + what)
}

// Post runs f as a turn, as soon as the turns before it are over; posted before
// InitialScan ended, f runs after it. It does not wait. It may be called from
// any goroutine, also within a turn. After teardown f is dropped. If f panics or
// leaves a bad value, that is logged and the session's next hook fails.
// Functions posted in quick succession may share a turn.
func (s *Session) Post(f func()) { s.addPost(post{f: f}) }

// PostTo is Session.Post for changes of one resource: f may assign fields of r
// only, though it may use Report, Remove, AddParent and RemoveParent freely. It
// saves looking for changes in all resources. It may be called from any
// goroutine, once r is reported; f is dropped if r is removed before its turn.
func PostTo[R Any](r R, f func(r R)) {
	n := Any(r).resource().n.canonical()
	if n == nil || n.s == nil {
		panic("plugin.PostTo: the resource was never reported")
	}
	n.s.addPost(post{only: n, f: func() {
		if !n.dead {
			f(n.self.(R))
		}
	}})
}

func (s *Session) addPost(p post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.posts = append(s.posts, p)
	s.kick()
}

// kick wakes the session's goroutine. Call it with mu held.
func (s *Session) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Err returns the first thing that went wrong in this turn: a nil or
// undeclared resource, for example. A turn with an error fails also if the hook
// returns nil, so a hook needs to look at Err only to stop early.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.errs) == 0 {
		return nil
	}
	return s.errs[0]
}

// fail notes an error for the end of this turn or the next. Any goroutine may
// call it.
func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const enough = 100
	if len(s.errs) < enough {
		s.errs = append(s.errs, err)
	}
}

// mustBeInTurn reports whether a turn is running, and notes an error if not:
// then a goroutine of the author's calls what only turns may call.
func (s *Session) mustBeInTurn(what string) bool {
	s.mu.Lock()
	ok := s.inTurn
	s.mu.Unlock()
	if !ok {
		s.fail(fmt.Errorf("%s was called outside of a turn: hand it to Session.Post", what))
	}
	return ok
}

// Report reports a resource, with the resources that affect it, and returns the
// session's one pointer for its identity (guide, Plugin.update_or_create): r
// itself, or if the identity was reported before, the value from then with
// all its attributes replaced by those of r and its statistics kept. The
// parents are added to those it has. Values are checked when the turn ends, so
// inherited attributes may be assigned after Report.
func Report[R Any](s *Session, r R, parents ...Any) R {
	n := s.report(r, parents)
	if n == nil {
		return r
	}
	return n.self.(R)
}

func isNil(r Any) bool { return r == nil || reflect.ValueOf(r).IsNil() }

// report does the work of Report. It returns nil having noted an error.
func (s *Session) report(r Any, parents []Any) *node {
	if !s.mustBeInTurn("Report") {
		return nil
	}
	if isNil(r) {
		s.fail(fmt.Errorf("Report was given nil"))
		return nil
	}
	c := s.prog.byType[reflect.TypeOf(r)]
	if c == nil {
		s.fail(fmt.Errorf("%T is no declared class of this plugin: pass Reports[%s]() to Main", r, reflect.TypeOf(r).Elem()))
		return nil
	}
	t := s.tables[c.index]
	res := r.resource()
	ptr := reflect.ValueOf(r).UnsafePointer()
	n := res.n
	if n != nil && n.s != nil && n.s != s {
		s.fail(fmt.Errorf("%s %s belongs to another session", c.Name, c.identity(ptr)))
		return nil
	}
	if n == nil || n.dead || n.ptr != ptr {
		for _, f := range c.ident {
			f.fill(ptr)
		}
		var err error
		if s.keyBuf, err = c.key(s.keyBuf[:0], ptr); err != nil {
			s.fail(err)
			return nil
		}
		old := n
		if n = t.byKey[string(s.keyBuf)]; n == nil {
			n = s.admit(t, r, res, old)
		} else {
			n.replace(r, res, old)
		}
	} else {
		n.created = false
	}
	s.touch(n)
	for _, p := range parents {
		n.addParent(p)
	}
	if s.stream.on && n.created && !n.sent {
		s.streamed(n)
	}
	return n
}

// admit takes in a resource that is new to the session. orphan is the node it
// may have got before the report, through AddParent or as a parent.
func (s *Session) admit(t *table, r Any, res *Resource, orphan *node) *node {
	n := orphan
	if n == nil || n.s != nil {
		n = new(node)
	}
	s.lastHandle++
	n.s, n.c, n.self, n.ptr = s, t.c, r, reflect.ValueOf(r).UnsafePointer()
	n.handle, n.created, n.key = s.lastHandle, true, string(s.keyBuf)
	res.n = n
	t.add(n)
	n.bindStats()
	return n
}

// replace takes over the attributes of another report of the same identity.
func (n *node) replace(r Any, res *Resource, orphan *node) {
	src := reflect.ValueOf(r).UnsafePointer()
	for i := range n.c.fields {
		n.c.fields[i].copy(n.ptr, src)
	}
	for i := range n.c.stats {
		st := n.c.stats[i].stat(src)
		st.idx = i
		n.takeEarly(st)
	}
	n.created = false
	res.n = n // so that references through r find it
	if orphan != nil && orphan.s == nil {
		orphan.fwd = n
		for _, p := range orphan.parents {
			if p = p.canonical(); p != n {
				n.linkTo(p)
			}
		}
	}
}

// touch gives the node its place in the order of the turn's calls.
func (s *Session) touch(n *node) {
	if !n.touched {
		n.touched = true
		s.events = append(s.events, event{n: n})
	}
}

// Remove takes a resource out (guide, Plugin.remove). Resources that refer to it
// by a mandatory attribute go with it when the turn ends; optional references
// to it are cleared. Removing a resource that is not there does nothing; to
// remove the root is an error.
func Remove(r Any) {
	if isNil(r) || r.resource().n == nil {
		return
	}
	n := r.resource().n.canonical()
	if n.s == nil || n.dead || !n.s.mustBeInTurn("Remove") {
		return
	}
	if n == n.s.root {
		n.s.fail(fmt.Errorf("Remove: the root cannot be removed by its plugin"))
		return
	}
	n.remove()
	n.s.events = append(n.s.events, event{n: n, remove: true})
}

func (n *node) remove() {
	n.dead = true
	n.s.removed = true
	t := n.s.tables[n.c.index]
	if t.byKey[n.key] == n {
		delete(t.byKey, n.key)
	}
}

// Find returns the reported resource that has the identity of key, of which
// only the identifying attributes are looked at.
func Find[R Any](s *Session, key R) (R, bool) {
	var zero R
	if isNil(key) || !s.mustBeInTurn("Find") {
		return zero, false
	}
	c := s.prog.byType[reflect.TypeOf(key)]
	if c == nil {
		s.fail(fmt.Errorf("Find: %T is no declared class of this plugin", key))
		return zero, false
	}
	var err error
	if s.keyBuf, err = c.key(s.keyBuf[:0], reflect.ValueOf(key).UnsafePointer()); err != nil {
		return zero, false // the identity refers to what is not reported, so it is not reported itself
	}
	n := s.tables[c.index].byKey[string(s.keyBuf)]
	if n == nil {
		return zero, false
	}
	return n.self.(R), true
}

// All iterates over the reported resources of the class T in the order of their
// first report. To find resources by some of their attributes, as with
// find_by_attr in Python, look at them in the loop. The loop may report and remove resources; those reported in the
// loop are not visited.
func All[T any](s *Session) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		if !s.mustBeInTurn("All") {
			return
		}
		c := s.prog.byType[reflect.TypeFor[*T]()]
		if c == nil {
			s.fail(fmt.Errorf("All: %v is no declared class of this plugin", reflect.TypeFor[T]()))
			return
		}
		for _, n := range s.tables[c.index].nodes {
			if n.dead {
				continue
			}
			if !yield(any(n.self).(*T)) {
				return
			}
		}
	}
}
