package acme

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// PythonName is the name of the plugin in Python: that of its folder.
const PythonName = "acme_python"

// Python is the plugin in Python: the folder PythonName with its modules.
//
//go:embed acme_python/*.py
var Python embed.FS

// WritePython writes the plugin in Python into an existing directory and
// returns the path of its folder, for programs that carry it with them. Files
// of that folder that stand there already are written over.
func WritePython(dir string) (string, error) {
	path := filepath.Join(dir, PythonName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", fmt.Errorf("write the plugin: %w", err)
	}
	files, err := fs.ReadDir(Python, PythonName)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		text, err := fs.ReadFile(Python, PythonName+"/"+f.Name())
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(path, f.Name()), text, 0o644); err != nil {
			return "", fmt.Errorf("write the plugin: %w", err)
		}
	}
	return path, nil
}
