package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
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

// resolve finds out how to run the plugin at path. The source of a plugin in Go is
// built first, into the user's cache.
func (t *Tool) resolve(path string) (pluginhost.Spec, error) {
	if folder, ok := pluginhost.GoSource(path); ok {
		hash := sha256.Sum256([]byte(folder))
		program, err := pluginhost.BuildGo(context.Background(), folder, filepath.Join(cacheDir(), "built", hex.EncodeToString(hash[:8])))
		if err != nil {
			return pluginhost.Spec{}, err
		}
		path = program
	}
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
	return python.Extract(filepath.Join(cacheDir(), "python"))
}

// cacheDir is where the tool keeps what can be made again.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "faultline")
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
