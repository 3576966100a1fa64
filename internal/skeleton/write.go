package skeleton

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrExists says that a file of the project is there already.
var ErrExists = errors.New("nothing was written")

// Write writes the files, and all or none: if one is there already, whatever is in
// it, the error wraps ErrExists and names it.
func (p *Project) Write() (err error) {
	var there []string
	for _, name := range p.Files {
		if _, err := os.Lstat(filepath.Join(p.Dir, name)); err == nil {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		return exists(p.Dir, there)
	}
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				_ = os.Remove(path) // it is ours, and new
			}
		}
	}()
	for i, name := range p.Files {
		path := filepath.Join(p.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) { // somebody was quicker
			return exists(p.Dir, []string{name})
		}
		if err != nil {
			return err
		}
		written = append(written, path)
		_, err = f.Write(p.content[i])
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func exists(dir string, names []string) error {
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return fmt.Errorf("%s %s in %s already: %w", strings.Join(names, ", "), verb, dir, ErrExists)
}
