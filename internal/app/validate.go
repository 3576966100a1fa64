package app

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/lint"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Verdict is what Validate found about one plugin.
type Verdict struct {
	Name string `json:"name"`
	Path string `json:"path"` // as given
	// OK says that there is no error. There may be warnings.
	OK       bool           `json:"ok"`
	Problems []wire.Problem `json:"problems"` // errors before warnings; never nil
}

// Validate checks plugins: that they load, and that what they declare makes
// sense. Relations may name classes of the built-in plugins, of the plugins
// given and of the others named, which are reported on only if they do not load.
func (t *Tool) Validate(ctx context.Context, paths, others []string) []Verdict {
	known := map[string]wire.Manifest{}
	checks := make([]*check, len(paths))
	for i, path := range paths {
		checks[i] = t.check(ctx, path)
		if checks[i].declared {
			known[checks[i].plugin.Name] = checks[i].plugin.Manifest
		}
	}
	var broken []Verdict
	for _, path := range others {
		c := t.check(ctx, path)
		if c.declared {
			known[c.plugin.Name] = c.plugin.Manifest
		}
		if v := c.verdict(); !v.OK {
			broken = append(broken, v)
		}
	}
	verdicts := make([]Verdict, 0, len(paths)+len(broken))
	for _, c := range checks {
		c.add(lint.Relations(c.plugin, func(plugin string) (wire.Manifest, error) { return t.target(ctx, plugin, known) }))
		verdicts = append(verdicts, c.verdict())
	}
	return append(verdicts, broken...)
}

// check is the check of one plugin.
type check struct {
	path   string
	plugin lint.Plugin
	// declared says that the plugin told what it declares, rightly or not.
	declared bool
	raw      map[string]wire.Place // as the plugin gave them
	source   *lint.GoSource
	problems []wire.Problem
}

// check starts the plugin and collects what its SDK, the server's own check and
// lint say. Relations to other plugins are left for later.
func (t *Tool) check(ctx context.Context, path string) *check {
	c := &check{path: path}
	c.plugin.Name = strings.TrimSuffix(filepath.Base(strings.TrimPrefix(path, "builtin:")), ".py")
	spec, err := t.resolve(path)
	if err != nil {
		c.add(unresolved(path, err))
		return c
	}
	c.plugin.Name = spec.Name
	o := t.options(spec)
	o.Check, o.Role = true, pluginhost.RoleAny
	p, err := pluginhost.Start(ctx, o)
	if err == nil {
		info := p.Info()
		if info.Device == nil { // else there is nothing that others could relate to
			c.declare(info.Manifest, info.Places, info.Warnings)
		}
		err = p.Stop(ctx)
	}
	var refused *pluginhost.CallError
	switch {
	case err == nil:
	case errors.As(err, &refused) && len(refused.Data.Problems) > 0:
		m := wire.Manifest{}
		if refused.Data.Draft != nil {
			m = *refused.Data.Draft
		}
		c.declare(m, refused.Data.Places, refused.Data.Problems)
		c.declared = refused.Data.Draft != nil
	default:
		text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "plugin "+spec.Name+": ")
		c.add([]wire.Problem{{Text: strings.TrimPrefix(text, "initialize: "), Code: wire.RuleNoStart}})
	}
	return c
}

// unresolved says why a path is that of no plugin.
func unresolved(path string, err error) []wire.Problem {
	var build *pluginhost.BuildError
	if errors.As(err, &build) {
		var problems []wire.Problem
		for _, m := range build.Messages {
			if strings.Contains(m.Text, "missing go.sum entry") || strings.Contains(m.Text, "updates to go.mod needed") {
				return []wire.Problem{{Text: "the modules that the source needs are not all in go.mod and go.sum", Fix: "run `go mod tidy` in " + build.Folder, Code: wire.RuleGoBuild}}
			}
			problems = append(problems, wire.Problem{File: m.File, Line: m.Line, Text: m.Text, Code: wire.RuleGoBuild})
		}
		return problems
	}
	text := strings.TrimPrefix(err.Error(), "plugin "+path+": ")
	if folder, ok := pluginhost.GoSource(path); ok {
		text = strings.TrimPrefix(text, "plugin "+folder+": ")
	}
	return []wire.Problem{{Text: text, Code: wire.RulePathWrong}}
}

// declare takes in what the plugin declares and what its SDK found.
func (c *check) declare(m wire.Manifest, places map[string]wire.Place, problems []wire.Problem) {
	c.declared, c.raw = true, places
	c.source = lint.ReadGo(places)
	c.plugin.Manifest, c.plugin.Places = m, c.source.Resolve(places)
	c.add(problems)
	wrong := map[string]bool{} // classes of which the SDK said enough
	for _, p := range problems {
		if !p.Warning() {
			wrong[class(p)] = true
		}
	}
	if len(m.Classes) == 0 && len(wrong) > 0 {
		return
	}
	_, err := session.Classes(c.plugin.Name, m)
	for _, e := range unjoin(err) {
		var bad *session.Misdeclared
		if errors.As(e, &bad) && !wrong[class(bad.Problem)] {
			p := bad.Problem
			at := c.plugin.Places[class(p)]
			if found, ok := c.plugin.Places[p.Where]; ok && found.File != "" {
				at = found
			}
			p.File, p.Line = at.File, at.Line
			c.add([]wire.Problem{p})
		}
	}
	c.add(lint.Check(c.plugin))
	c.add(c.source.Check(m, places))
}

// add notes problems, unless they are noted already: what an SDK tells, it tells
// in the author's words and with the better place.
func (c *check) add(problems []wire.Problem) {
	problems = slices.Clone(problems)
	if c.source != nil {
		c.source.Refine(problems, c.raw, c.plugin.Places)
	}
	known := len(c.problems)
	for _, p := range problems {
		told := slices.ContainsFunc(c.problems[:known], func(o wire.Problem) bool {
			return o.Code == p.Code && (o.Where == p.Where && p.Where != "" || class(o) == class(p) && o.File == p.File && o.Line == p.Line)
		})
		if !told || p.Code == "" {
			c.problems = append(c.problems, p)
		}
	}
}

func class(p wire.Problem) string {
	name, _, _ := strings.Cut(p.Where, ".")
	return name
}

// verdict sorts what was found: errors before warnings, and each by its place.
func (c *check) verdict() Verdict {
	v := Verdict{Name: c.plugin.Name, Path: c.path, OK: true, Problems: []wire.Problem{}}
	slices.SortStableFunc(c.problems, func(a, b wire.Problem) int {
		return cmp.Or(compareBool(a.Warning(), b.Warning()), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	for _, p := range c.problems {
		v.OK = v.OK && p.Warning()
		p.File = cmp.Or(p.File, c.path)
		v.Problems = append(v.Problems, p)
	}
	return v
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.Clone(j.Unwrap())
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// problemLine shows a problem of the plugin at path as a line.
func problemLine(path string, p wire.Problem) string {
	p.File = cmp.Or(p.File, path)
	return p.String()
}

func (t *Tool) target(ctx context.Context, plugin string, known map[string]wire.Manifest) (wire.Manifest, error) {
	if m, ok := known[plugin]; ok {
		return m, nil
	}
	if plugin == resource.ServerPlugin {
		return selfManifest(), nil
	}
	if _, ok := builtins[plugin]; !ok {
		return wire.Manifest{}, errors.New("there is no such built-in plugin")
	}
	spec, err := t.resolve("builtin:" + plugin)
	if err != nil {
		return wire.Manifest{}, err
	}
	m, err := t.manifest(ctx, spec)
	known[plugin] = m
	return m, err
}
