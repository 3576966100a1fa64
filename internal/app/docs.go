package app

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/faultline-storage/faultline/internal/plugindoc"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
)

// Docs returns what a plugin declares as Markdown, for operators. The same
// declarations give the same bytes, whatever the plugin is written in.
func (t *Tool) Docs(ctx context.Context, path string) ([]byte, error) {
	spec, err := t.resolve(path)
	if err != nil {
		return nil, err
	}
	m, err := t.manifest(ctx, spec)
	if err != nil {
		return nil, err
	}
	classes, err := session.Classes(spec.Name, m)
	if err != nil {
		return nil, err
	}
	return plugindoc.Markdown(spec.Name, classes), nil
}

// WriteDocs writes what Docs returned into a file. A file that is there already is
// replaced if it was written so too.
func WriteDocs(path string, docs []byte) error {
	before, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	case !bytes.HasPrefix(before, []byte(plugindoc.Mark)):
		return resource.FieldErrorf("out", "%s is there already, and was not written by this command; give a new file", path)
	}
	return os.WriteFile(path, docs, 0o644)
}
