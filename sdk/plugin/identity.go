package plugin

import (
	"reflect"
	"strings"
	"unsafe"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// finishFields gives every attribute its place in the shadow, and its kind of
// comparison.
func (c *class) finishFields() {
	for i := range c.fields {
		f := &c.fields[i]
		switch {
		case f.rep == repString:
			f.slot = c.nStrs
			c.nStrs++
		case f.rep >= repRef:
			f.slot = c.nRefs
			c.nRefs++
			c.refs = append(c.refs, f)
		default:
			f.slot = c.nNums
			c.nNums++
		}
		switch {
		case f.rep == repString && !f.ptr:
			c.texts = append(c.texts, place{f.off, f.slot})
		case (f.rep == repInt64 || f.rep == repUint64) && !f.ptr:
			c.words = append(c.words, place{f.off, f.slot})
		default:
			c.others = append(c.others, f)
		}
		if f.ptr {
			if c.nPtrs == 64 {
				c.problem(wire.RuleAttributeType, c.caller, f.Name, "a class has at most 64 attributes of pointer types")
				return
			}
			f.nullBit = 1 << c.nPtrs
			c.nPtrs++
		}
	}
}

// finishIdentity settles the identifier: the class's own declaration before
// tags, tags before what an embedded struct declares.
func (c *class) finishIdentity() {
	root := c.has(wire.BaseScannable) || c.has(wire.BaseHostRoot)
	own := c.described.scope != "" && (!c.described.inherited || c.tagScope == "")
	switch {
	case c.autoID:
		c.Identifier.Scope = wire.ScopeAuto
		if c.tagScope != "" || own {
			c.problem(wire.RuleIdentifierMixed, c.caller, "", "autoid excludes any other identity").fix("leave autoid or the other identity out")
		}
		for i := range c.fields {
			c.fields[i].ident = false
		}
		return
	case own:
		for i := range c.fields {
			c.fields[i].ident = false
		}
		c.Identifier.Scope = c.described.scope
		c.ident = c.described.fields
		for _, f := range c.ident {
			f.ident = true
		}
	case c.tagScope != "":
		c.Identifier.Scope = c.tagScope
		for i := range c.fields {
			if c.fields[i].ident {
				c.ident = append(c.ident, &c.fields[i])
			}
		}
	case c.misidentified:
		return
	default:
		c.problem(wire.RuleIdentifierMissing, c.caller, "", "has no identity").fix(`tag the identifying fields attr:",globalid" or attr:",scopedid"`)
		return
	}
	if len(c.ident) == 0 {
		c.problem(wire.RuleIdentifierMissing, c.caller, "", "has no identity: the identifying fields of an embedded struct are replaced by others").fix("tag those that replace them")
	}
	if root && c.Identifier.Scope == wire.ScopeScoped {
		c.problem(wire.RuleScopedRoot, c.caller, "", "a root cannot have a scoped identity, since it is the scope").fix("use globalid or autoid")
	}
	for _, f := range c.ident {
		c.Identifier.Attributes = append(c.Identifier.Attributes, f.Name)
		if f.Kind == wire.KindPassword {
			c.problem(wire.RuleIdentifierPassword, c.caller, f.Name, "a password cannot identify a resource: identifiers and labels can be seen")
		}
		if f.Hidden && f.Optional {
			c.problem(wire.RuleIdentifierHidden, c.caller, f.Name, "identifies the resource, but is hidden and optional: two resources without it are one, and nobody can see why").
				fix("take hidden or optional away, or let another field identify")
		}
	}
}

type labeler interface{ Label() string }

type encrypter interface {
	Encrypt(string) (string, error)
}

// checkHooks looks for the optional methods of a class, and for methods that
// are meant to be one but are not.
func (c *class) checkHooks() {
	ptr := reflect.PointerTo(c.typ)
	if _, ok := ptr.MethodByName("Label"); ok {
		if c.labeled = ptr.Implements(reflect.TypeFor[labeler]()); !c.labeled {
			c.problem(wire.RuleHookSignature, c.caller, "", "method Label must be declared as Label() string")
		}
	}
	if _, ok := ptr.MethodByName("Encrypt"); ok {
		if !ptr.Implements(reflect.TypeFor[encrypter]()) {
			c.problem(wire.RuleHookSignature, c.caller, "", "method Encrypt must be declared as Encrypt(string) (string, error)")
			return
		}
		c.encrypt = func(s string) (string, error) {
			return reflect.New(c.typ).Interface().(encrypter).Encrypt(s)
		}
	}
}

// key appends the identity of the resource at res to b. The attribute that
// stands in the way is named in the error.
func (c *class) key(b []byte, res unsafe.Pointer) ([]byte, error) {
	for _, f := range c.ident {
		var problem string
		if b, problem = f.appendKey(b, res); problem != "" {
			return b, &ValueError{Class: c.Name, Identity: c.identity(res), Attribute: f.Name, Problem: problem}
		}
	}
	return b, nil
}

// identity shows the identifying values to people.
func (c *class) identity(res unsafe.Pointer) string {
	var parts []string
	for _, f := range c.ident {
		parts = append(parts, f.text(res))
	}
	return strings.Join(parts, " ")
}
