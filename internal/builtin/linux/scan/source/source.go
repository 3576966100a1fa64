// Package source is where the facts of a host are read: files, of the running
// system or of a folder that holds what was captured of another one, and the
// output of commands, run or replayed. Nothing here writes to anything.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// MaxFile is how much of a file is read, in bytes.
const MaxFile = 1 << 20

// Files are the files of one system. Names are absolute, with "/" between their
// parts; symbolic links are followed within the system. Safe for concurrent use.
type Files interface {
	// Read returns the content of a file, at most MaxFile of it. A file that is not
	// there is fs.ErrNotExist, one that may not be read fs.ErrPermission.
	Read(name string) ([]byte, error)
	// List returns the names in a folder, sorted.
	List(name string) ([]string, error)
	// Link returns what a symbolic link holds.
	Link(name string) (string, error)
}

// Text reads a file that holds one short text, such as an attribute in /sys. It is
// empty for a file that cannot be read.
func Text(files Files, name string) string {
	b, err := files.Read(name)
	if err != nil {
		return ""
	}
	return Trim(b)
}

// Trim is the text of an attribute: without the line's end, blanks and NULs
// around it.
func Trim(b []byte) string { return strings.Trim(string(b), " \t\r\n\x00") }

// Exists says whether there is a file or folder of the name.
func Exists(files Files, name string) bool {
	if _, err := files.List(name); err == nil {
		return true
	}
	_, err := files.Read(name)
	return err == nil
}

// Resolve follows the symbolic link of the name, once, and returns where it leads:
// an absolute name.
func Resolve(files Files, name string) (string, error) {
	to, err := files.Link(name)
	if err != nil {
		return "", err
	}
	if !path.IsAbs(to) {
		to = path.Join(path.Dir(name), to)
	}
	return path.Clean(to), nil
}

// Folder returns the system whose files lie below a folder, as a capture unpacked
// them. What its links point at outside the folder is not there.
func Folder(dir string) (Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder that holds a system's files: %w", err)
	}
	if f := beneath(root); f != nil {
		return f, nil
	}
	return folder{root}, nil
}

type folder struct{ root *os.Root }

func inside(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name == "" {
		return "."
	}
	return name
}

func (f folder) Read(name string) ([]byte, error) {
	file, err := f.root.Open(inside(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxFile))
}

func (f folder) List(name string) ([]string, error) {
	file, err := f.root.Open(inside(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := file.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (f folder) Link(name string) (string, error) { return f.root.Readlink(inside(name)) }

// Denied says that an error comes from a lack of rights rather than from a file
// that is not there.
func Denied(err error) bool { return errors.Is(err, fs.ErrPermission) }
