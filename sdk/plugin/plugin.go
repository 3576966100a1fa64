package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Scanner is what a plugin type must implement: InitialScan reports every
// resource of the root, or returns an error if it cannot (guide,
// Plugin.initial_scan). What was there before and is not reported is deleted.
//
// A plugin type may have further hooks, found by their names:
//
//	UpdateScan(ctx context.Context, s *plugin.Session, root R) error
//	Teardown() error
//	AgentSessionStart(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error
//	AgentSessionContinue(ctx context.Context, s *plugin.Session, hostID int64, data json.RawMessage) error
//
// UpdateScan is called periodically after InitialScan. Teardown frees what
// InitialScan acquired; once InitialScan was entered it is called exactly once,
// also after an error. The hooks of one value never run at the same time. Their
// context is Session.Context.
type Scanner[R Any] interface {
	InitialScan(ctx context.Context, s *Session, root R) error
}

// AgentHandler is what a plugin type must implement that is fed only by the
// agent plugin of the same name (guide, "Handling Data from Agent Plugins").
// AgentSessionContinue and Teardown are optional, as in Scanner.
type AgentHandler interface {
	AgentSessionStart(ctx context.Context, s *Session, hostID int64, data json.RawMessage) error
}

type agentContinuer interface {
	AgentSessionContinue(ctx context.Context, s *Session, hostID int64, data json.RawMessage) error
}

type tearer interface{ Teardown() error }

// hooks are the hooks of one plugin value; nil for those that it lacks.
type hooks struct {
	initial       func(ctx context.Context, s *Session, root Any) error
	update        func(ctx context.Context, s *Session, root Any) error
	agentStart    func(ctx context.Context, s *Session, hostID int64, data json.RawMessage) error
	agentContinue func(ctx context.Context, s *Session, hostID int64, data json.RawMessage) error
	teardown      func() error
}

// common fills in the hooks that do not depend on the type of the root.
func (h *hooks) common(v any) {
	if a, ok := v.(AgentHandler); ok {
		h.agentStart = a.AgentSessionStart
	}
	if a, ok := v.(agentContinuer); ok {
		h.agentContinue = a.AgentSessionContinue
	}
	if a, ok := v.(tearer); ok {
		h.teardown = a.Teardown
	}
}

// Option is a part of a plugin, for Main and New.
type Option struct{ apply func(*Program) }

// Scans names the plugin type by the function that makes its values, one for
// each session. The root class is the type of InitialScan's root parameter and
// is thereby declared; if that is Any, the roots are the declared classes with
// the base ScannableResource.
func Scans[P Scanner[R], R Any](newPlugin func() P) Option {
	at := callerAt(1)
	type updater interface {
		UpdateScan(ctx context.Context, s *Session, root R) error
	}
	return Option{func(p *Program) {
		p.scans = true
		root := reflect.TypeFor[R]()
		if root.Kind() == reflect.Pointer {
			p.rootType = root
			p.declare(root.Elem(), at)
		}
		update := reflect.TypeFor[func(P, context.Context, *Session, R) error]()
		p.setPlugin(reflect.TypeFor[P](), update, at, func() hooks {
			v := newPlugin()
			h := hooks{initial: func(ctx context.Context, s *Session, root Any) error { return v.InitialScan(ctx, s, root.(R)) }}
			if u, ok := any(v).(updater); ok {
				h.update = func(ctx context.Context, s *Session, root Any) error { return u.UpdateScan(ctx, s, root.(R)) }
			}
			h.common(v)
			return h
		})
	}}
}

// Handles names the plugin type of a plugin that only handles agent data. Its
// sessions have roots of the declared class with the base HostRoot.
func Handles[P AgentHandler](newPlugin func() P) Option {
	at := callerAt(1)
	return Option{func(p *Program) {
		p.setPlugin(reflect.TypeFor[P](), nil, at, func() hooks {
			var h hooks
			h.common(newPlugin())
			return h
		})
	}}
}

// Reports declares a resource class of the plugin.
func Reports[T any, P interface {
	*T
	Any
}]() Option {
	at := callerAt(1)
	return Option{func(p *Program) { p.declare(reflect.TypeFor[T](), at) }}
}

// Version states the plugin's own version, for the host's log.
func Version(version string) Option { return Option{func(p *Program) { p.version = version }} }

// Clock replaces time.Now as the source of the times of samples, for tests.
func Clock(now func() time.Time) Option { return Option{func(p *Program) { p.now = now }} }

// LogLevel sets the level below which log records are not sent. Without it the
// environment variable FAULTLINE_LOG_LEVEL decides, as the protocol says. The
// host may change it while the plugin runs.
func LogLevel(level slog.Level) Option { return Option{func(p *Program) { p.level.Set(level) }} }

// Program is a declared plugin. Use it instead of Main to have one declaration
// for the program and its tests. It is not changed after New and may be used
// from any goroutine.
type Program struct {
	name, version string
	classes       []*class
	byType        map[reflect.Type]*class // by pointer to struct
	rootType      reflect.Type            // pointer to the root class; nil for any scannable
	scans         bool                    // the plugin type has InitialScan
	hostRoot      *class                  // of the root of a host session, if no class is declared for it
	newHooks      func() hooks
	now           func() time.Time
	level         slog.LevelVar
	problems      []*problem
	warnings      []*problem // told only to a host that checks the plugin
	manifest      wire.Manifest
	prints        *stdio.Prints // the captured standard output, if it is
}

// New declares a plugin. name is how people call it, apiVersion the version of
// this SDK's interface that it was written for: 1. Wrong declarations are told
// by Manifest and, to the host, by Serve.
func New(name string, apiVersion int, options ...Option) *Program {
	return newProgram(callerAt(1), name, apiVersion, options)
}

func newProgram(at caller, name string, apiVersion int, options []Option) *Program {
	p := &Program{name: name, byType: map[reflect.Type]*class{}, now: time.Now}
	p.level.Set(stdio.LevelFromEnv())
	for _, o := range options {
		if o.apply != nil {
			o.apply(p)
		}
	}
	if apiVersion != wire.APIVersion {
		p.problem(wire.RuleVersionUnsupported, at, "the plugin is written for version %d of the plugin interface, this SDK has version %d", apiVersion, wire.APIVersion).
			fix("pass %d, or build it with another version of the SDK", wire.APIVersion)
	}
	if p.newHooks == nil {
		p.problem(wire.RulePluginMissing, at, "no plugin type is declared").fix("pass plugin.Scans(NewMyPlugin) or plugin.Handles(NewMyPlugin)")
	}
	p.checkRoots(at)
	p.hostRoot = &class{typ: reflect.TypeFor[hostRoot](), index: len(p.classes)}
	p.hostRoot.Name = wire.BaseHostRoot
	p.manifest.APIVersion = apiVersion
	for _, c := range p.classes {
		p.checkRelations(c)
		p.problems = append(p.problems, c.problems...)
		p.manifest.Classes = append(p.manifest.Classes, c.Class)
	}
	return p
}

// Manifest returns what the plugin declares, or everything that is wrong with it.
func (p *Program) Manifest() (wire.Manifest, []wire.Problem) {
	if len(p.problems) > 0 {
		return wire.Manifest{}, wireProblems(p.problems)
	}
	return p.manifest, nil
}

// syncStdout waits until what was printed so far is in the log.
func (p *Program) syncStdout() {
	if p.prints != nil {
		p.prints.Sync()
	}
}

func (p *Program) problem(rule wire.Rule, at caller, format string, args ...any) *problem {
	pr := newProblem(rule, at, "", format, args...)
	p.problems = append(p.problems, pr)
	return pr
}

// declare compiles a class.
func (p *Program) declare(t reflect.Type, at caller) {
	ptr := reflect.PointerTo(t)
	if old := p.byType[ptr]; old != nil {
		if ptr != p.rootType { // the root class may be named again
			p.problem(wire.RuleClassTwice, at, "class %s is declared twice", old.Name)
		}
		return
	}
	c := compile(t, at)
	for _, old := range p.classes {
		if old.Name == c.Name {
			c.problem(wire.RuleClassTwice, at, "", "another class of the plugin has this name: %s", old.typ).fix("rename one of the types")
		}
	}
	c.index = len(p.classes)
	p.classes = append(p.classes, c)
	p.byType[ptr] = c
}

// setPlugin notes the plugin type and checks that methods with the name of a
// hook are hooks. update is the type of a right UpdateScan as a function.
func (p *Program) setPlugin(t, update reflect.Type, at caller, newHooks func() hooks) {
	if p.newHooks != nil {
		p.problem(wire.RulePluginSeveral, at, "two plugin types are declared; a plugin has one")
		return
	}
	p.newHooks = newHooks
	if t.Kind() == reflect.Interface {
		return
	}
	if m, ok := t.MethodByName("UpdateScan"); ok && m.Type != update {
		if update == nil {
			p.problem(wire.RuleHookSignature, at, "%s: UpdateScan needs InitialScan: declare the type with Scans", t)
		} else {
			p.problem(wire.RuleHookSignature, at, "%s: UpdateScan must be declared as InitialScan is", t)
		}
	}
	if m, ok := t.MethodByName("Teardown"); ok && !t.Implements(reflect.TypeFor[tearer]()) {
		p.problem(wire.RuleHookSignature, at, "%s: Teardown must be declared as Teardown() error, not %s", t, m.Type)
	}
	if m, ok := t.MethodByName("AgentSessionStart"); ok && !t.Implements(reflect.TypeFor[AgentHandler]()) {
		p.problem(wire.RuleHookSignature, at, "%s: AgentSessionStart must be declared as in AgentHandler, not %s", t, m.Type)
	}
	if m, ok := t.MethodByName("AgentSessionContinue"); ok && !t.Implements(reflect.TypeFor[agentContinuer]()) {
		p.problem(wire.RuleHookSignature, at, "%s: AgentSessionContinue must be declared as AgentSessionStart is, not %s", t, m.Type)
	}
}

// checkRoots checks that the classes and InitialScan agree on what a root is.
func (p *Program) checkRoots(at caller) {
	root := p.byType[p.rootType]
	if p.scans && root == nil && !slices.ContainsFunc(p.classes, func(c *class) bool { return c.has(wire.BaseScannable) }) {
		w := newProblem(wire.RuleNoRoot, at, "", "the plugin has InitialScan, but no class that a user can add for it to scan")
		w.fix("declare one that embeds plugin.ScannableResource with plugin.Reports")
		p.warnings = append(p.warnings, w)
	}
	if root != nil && !root.has(wire.BaseScannable) {
		root.problem(wire.RuleRootClass, root.caller, "", "is the root of InitialScan, so it must embed plugin.ScannableResource")
	}
	for _, c := range p.classes {
		if root != nil && c != root && c.has(wire.BaseScannable) {
			c.problem(wire.RuleRootClass, c.caller, "", "is a ScannableResource, but InitialScan takes *%s only", root.Name).fix("let it take plugin.Any to scan several classes")
		}
	}
}

// checkRelations checks relations to classes of the plugin itself, and to base
// classes. Other plugins are known to the host only.
func (p *Program) checkRelations(c *class) {
	for _, r := range c.relations {
		switch r.w.Plugin {
		case wire.BuiltinPlugin:
			if !slices.Contains(baseNames, r.w.Class) {
				c.problem(wire.RuleRelationTarget, r.at, "", "relation to builtin.%s: there is no such base class", r.w.Class)
			}
		case "":
			t := p.class(r.w.Class)
			if t == nil {
				c.problem(wire.RuleRelationTarget, r.at, "", "relation to %s: this plugin declares no such class", r.w.Class).fix("declare it with plugin.Reports, or name the plugin that does")
				continue
			}
			for _, a := range r.w.Attributes {
				if t.fieldNamed(a) == nil {
					c.problem(wire.RuleRelationAttribute, r.at, a, "relation to %s: that class has no such attribute", r.w.Class)
				}
			}
		}
	}
}

// class returns the class of that name, or nil.
func (p *Program) class(name string) *class {
	for _, c := range p.classes {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// fieldNamed returns the attribute of that name, or nil.
func (c *class) fieldNamed(name string) *field {
	for i := range c.fields {
		if c.fields[i].Name == name {
			return &c.fields[i]
		}
	}
	return nil
}

// statNamed returns the statistic of that name, or nil.
func (c *class) statNamed(name string) *statField {
	for i := range c.stats {
		if c.stats[i].Name == name {
			return &c.stats[i]
		}
	}
	return nil
}

// Values returns the class and the attributes of a resource as they stand in a
// message, leaving out those that have no value or will get their default. It
// does not check them. Tests use
// it to say what a session is opened for.
func (p *Program) Values(r Any) (class string, attributes map[string]json.RawMessage, err error) {
	c := p.byType[reflect.TypeOf(r)]
	if c == nil {
		return "", nil, fmt.Errorf("%T is no declared class of the plugin %s", r, p.name)
	}
	res := reflect.ValueOf(r).UnsafePointer()
	attributes = map[string]json.RawMessage{}
	for i := range c.fields {
		if f := &c.fields[i]; !f.isNull(res) && !(f.hasDefault() && f.isZero(res)) {
			if f.rep >= repRef {
				return "", nil, fmt.Errorf("%s.%s: a reference cannot be given from outside", c.Name, f.Name)
			}
			attributes[f.Name] = f.append(nil, res)
		}
	}
	return c.Name, attributes, nil
}

// hostRoot is the root of a host session if the plugin declares no class for it.
type hostRoot struct{ HostRoot }

// newResource makes an empty resource of the class.
func (c *class) newResource() (Any, unsafe.Pointer) {
	v := reflect.New(c.typ)
	return v.Interface().(Any), v.UnsafePointer()
}
