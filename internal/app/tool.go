package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/python"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Tool runs plugins in the terminal, without a server. The zero value is ready
// for use.
type Tool struct {
	Log     *slog.Logger // what plugins log; nothing if nil
	Level   slog.Level   // of Log
	Version string
	Program string        // see Options.Program
	Timeout time.Duration // of a call to a plugin; 5 min if 0
}

func (t *Tool) resolve(path string) (pluginhost.Spec, error) {
	return pluginhost.Resolve(path, pluginhost.ResolveOptions{Builtins: builtinNames(), Program: t.Program})
}

func (t *Tool) options(spec pluginhost.Spec) pluginhost.Options {
	return pluginhost.Options{
		Spec: spec, Log: t.Log, LogLevel: t.Level,
		PythonPath: PythonSDK, CallTimeout: t.Timeout, Greeting: wire.Peer{Name: "faultline", Version: t.Version},
	}
}

// PythonSDK returns where the Python SDK lies for plugins that run without a
// server's data directory, and for their tests. It writes it first if need be.
func PythonSDK() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return python.Extract(filepath.Join(dir, "faultline", "python"))
}

// manifest starts the plugin, asks what it declares, and stops it.
func (t *Tool) manifest(ctx context.Context, spec pluginhost.Spec) (wire.Manifest, error) {
	p, err := pluginhost.Start(ctx, t.options(spec))
	if err != nil {
		return wire.Manifest{}, err
	}
	m := p.Info().Manifest
	return m, p.Stop(ctx)
}

// Describe returns what the plugin declares as canonical JSON: the same
// declarations give the same bytes, whatever the plugin is written in. Classes
// are sorted by name, keys too.
func (t *Tool) Describe(ctx context.Context, path string) ([]byte, error) {
	spec, err := t.resolve(path)
	if err != nil {
		return nil, err
	}
	m, err := t.manifest(ctx, spec)
	if err != nil {
		return nil, err
	}
	return m.Canonical()
}

// Verdict is what Validate found about one plugin.
type Verdict struct {
	Name     string
	Problems []string // "FILE:LINE: class.attribute: text"; none if all is well
}

// Validate checks plugins: that they load, and that what they declare makes
// sense. Relations may name classes of the built-in plugins, of the plugins
// given and of the others named, which are reported on only if they do not load.
func (t *Tool) Validate(ctx context.Context, paths, others []string) []Verdict {
	known := map[string]wire.Manifest{}
	verdicts := make([]Verdict, len(paths))
	for i, path := range paths {
		name, m, problems := t.check(ctx, path)
		verdicts[i] = Verdict{Name: name, Problems: problems}
		if len(problems) == 0 {
			known[name] = m
		}
	}
	var broken []Verdict
	for _, path := range others {
		name, m, problems := t.check(ctx, path)
		if len(problems) == 0 {
			known[name] = m
		} else {
			broken = append(broken, Verdict{Name: name, Problems: problems})
		}
	}
	for i, path := range paths {
		v := &verdicts[i]
		m, ok := known[v.Name]
		if !ok || len(v.Problems) > 0 {
			continue
		}
		for _, p := range t.relations(ctx, path, m, v.Name, known) {
			v.Problems = append(v.Problems, problemLine(path, p))
		}
	}
	return append(verdicts, broken...)
}

func (t *Tool) check(ctx context.Context, path string) (name string, m wire.Manifest, problems []string) {
	name = strings.TrimSuffix(filepath.Base(strings.TrimPrefix(path, "builtin:")), ".py")
	spec, err := t.resolve(path)
	if err == nil {
		name = spec.Name
		m, err = t.manifest(ctx, spec)
	}
	if err == nil {
		_, err = session.Classes(name, m)
	}
	if err == nil {
		return name, m, nil
	}
	if list := pluginhost.Problems(err); len(list) > 0 {
		for _, p := range list {
			problems = append(problems, problemLine(path, p))
		}
		return name, m, problems
	}
	for _, e := range unjoin(err) {
		problems = append(problems, problemLine(path, wire.Problem{Text: e.Error()}))
	}
	return name, m, problems
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

func problemLine(path string, p wire.Problem) string {
	var b strings.Builder
	b.WriteString(cmp.Or(p.File, path))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Where != "" {
		b.WriteString(": " + p.Where)
	}
	b.WriteString(": " + p.Text)
	return b.String()
}

// relations finds relations whose target no known plugin declares.
func (t *Tool) relations(ctx context.Context, path string, m wire.Manifest, plugin string, known map[string]wire.Manifest) []wire.Problem {
	var problems []wire.Problem
	add := func(class, target, format string, args ...any) {
		p := wire.Problem{Where: class, Text: fmt.Sprintf(format, args...)}
		p.File, p.Line = place(path, class, target)
		problems = append(problems, p)
	}
	for _, c := range m.Classes {
		for _, r := range c.Relations {
			target := cmp.Or(r.Plugin, plugin)
			if target == wire.BuiltinPlugin {
				continue // the SDK resolved it
			}
			tm, err := t.target(ctx, target, known)
			if err != nil {
				add(c.Name, r.Class, "the relation to (%q, %q) is to a plugin that is not known here: %v; give its file with --plugin", target, r.Class, err)
				continue
			}
			if !slices.ContainsFunc(tm.Classes, func(tc wire.Class) bool { return tc.Name == r.Class || slices.Contains(tc.Bases, r.Class) }) {
				add(c.Name, r.Class, "the relation is to (%q, %q), and plugin %s has no class %s", target, r.Class, target, r.Class)
			}
		}
	}
	return problems
}

func (t *Tool) target(ctx context.Context, plugin string, known map[string]wire.Manifest) (wire.Manifest, error) {
	if m, ok := known[plugin]; ok {
		return m, nil
	}
	if plugin == linuxPlugin {
		return linuxClasses(), nil
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

// linuxPlugin is the name of the plugin that reports what hosts see. Its
// classes are promised by the guide, so that other plugins can name them in
// relations before a host is there.
const linuxPlugin = "linux"

func linuxClasses() wire.Manifest {
	var m wire.Manifest
	for _, n := range []string{
		"ScsiDevice", "UnsharedDevice", "LinuxDeviceNode", "Partition", "MdRaid", "EMCPower",
		"LvmGroup", "LvmVolume", "LvmDeviceNode", "ZfsPool", "ZfsDataset", "ZfsVol", "LocalMount",
	} {
		m.Classes = append(m.Classes, wire.Class{Name: n, Bases: []string{wire.BaseResource}})
	}
	return m
}
