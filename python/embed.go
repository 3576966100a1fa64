// Package python carries Faultline's SDK for plugins written in Python.
//
// The SDK is plain source that uses Python's standard library alone. Extract
// writes it to disk, from where "python3 -m faultline_sdk PATH" runs a plugin.
package python

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Module is the Python module that runs a plugin: python3 -m Module PATH.
const Module = "faultline_sdk"

// Whole folders would bring what Python leaves in them, and leave out
// __init__.py; so the files are named by pattern.
//
//go:embed faultline_sdk/*.py
//go:embed chroma_core/*.py chroma_core/lib/*.py chroma_core/lib/storage_plugin/*.py chroma_core/lib/storage_plugin/api/*.py
//go:embed chroma_agent/*.py
var files embed.FS

//go:generate python3 docgen.py ../docs/python-sdk.md

// Extract writes the SDK into a folder of its own below dir, unless it is there
// already, and returns that folder: the value for PYTHONPATH. The folder is
// named by the SDK's content, so several versions live side by side, and it
// appears complete or not at all, so any number of processes may call Extract
// at the same time. It fails if dir cannot be written.
func Extract(dir string) (pythonPath string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	hash, err := contentHash()
	if err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	target := filepath.Join(dir, hash)
	if intact(target) {
		return target, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	temp, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := write(temp); err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	if err := install(temp, target); err != nil {
		return "", fmt.Errorf("extract the Python SDK: %w", err)
	}
	return target, nil
}

// install moves the complete folder temp to target. Another process that was
// faster is no failure; a damaged target is put aside first.
func install(temp, target string) error {
	if os.Rename(temp, target) == nil || intact(target) {
		return nil
	}
	aside, err := os.MkdirTemp(filepath.Dir(target), ".old-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	if err := os.Rename(target, filepath.Join(aside, "sdk")); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Rename(temp, target); err != nil && !intact(target) {
		return err
	}
	return nil
}

// intact reports whether every file of the SDK is in the folder and has its
// size: a cleaner of temporary files may have been there.
func intact(folder string) bool {
	err := each(func(name string, content []byte) error {
		info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if info.Size() != int64(len(content)) {
			return fmt.Errorf("%s has %d bytes", name, info.Size())
		}
		return nil
	})
	return err == nil
}

func write(folder string) error {
	// MkdirTemp's mode would keep plugins that run as another user out.
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	return each(func(name string, content []byte) error {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, content, 0o644)
	})
}

// contentHash returns a name for exactly this content.
func contentHash() (string, error) {
	h := sha256.New()
	err := each(func(name string, content []byte) error {
		fmt.Fprintf(h, "%s %d\n", name, len(content))
		h.Write(content)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// each calls f for every file of the SDK, in the order of their names.
func each(f func(name string, content []byte) error) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".py") {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		return f(name, content)
	})
}
