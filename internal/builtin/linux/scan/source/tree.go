package source

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Tree is a system whose files are in memory, as a capture tells them. It is built
// by Put and PutLink, and safe for concurrent use when that is done.
type Tree struct{ root *treeNode }

type treeNode struct {
	data    []byte
	link    string
	entries map[string]*treeNode // of a folder
}

// NewTree returns a system without files.
func NewTree() *Tree { return &Tree{root: &treeNode{entries: map[string]*treeNode{}}} }

// maxLinks is how many symbolic links are followed in one name, as in the kernel.
const maxLinks = 40

// Put makes a file, in the place of what was there, and the folders above it.
func (t *Tree) Put(name string, data []byte) {
	t.place(name).set(path.Base(path.Clean(name)), &treeNode{data: data})
}

// PutLink makes a symbolic link.
func (t *Tree) PutLink(name, to string) {
	t.place(name).set(path.Base(path.Clean(name)), &treeNode{link: to})
}

// PutFolder makes a folder, if it is not there.
func (t *Tree) PutFolder(name string) { t.place(path.Join(name, "x")) }

func (n *treeNode) set(name string, to *treeNode) { n.entries[name] = to }

// place returns the folder that holds the name, and makes it if it must.
func (t *Tree) place(name string) *treeNode {
	at := t.root
	for part := range strings.SplitSeq(inside(path.Dir(path.Clean(name))), "/") {
		if part == "." {
			continue
		}
		next := at.entries[part]
		if next == nil || next.entries == nil {
			next = &treeNode{entries: map[string]*treeNode{}}
			at.entries[part] = next
		}
		at = next
	}
	return at
}

// find follows the name to its node. The last part is not followed if it is a
// link and follow is false.
func (t *Tree) find(op, name string, follow bool) (*treeNode, error) {
	links := 0
	var walk func(from string, follow bool) (*treeNode, string, error)
	walk = func(name string, follow bool) (*treeNode, string, error) {
		at, where := t.root, "/"
		parts := strings.Split(inside(name), "/")
		for i, part := range parts {
			if part == "." {
				continue
			}
			if at.entries == nil {
				return nil, "", syscall.ENOTDIR
			}
			next := at.entries[part]
			if next == nil {
				return nil, "", fs.ErrNotExist
			}
			to := path.Join(where, part)
			if next.link != "" && (follow || i < len(parts)-1) {
				if links++; links > maxLinks {
					return nil, "", syscall.ELOOP
				}
				target := next.link
				if !path.IsAbs(target) {
					target = path.Join(where, target)
				}
				var err error
				if next, to, err = walk(target, true); err != nil {
					return nil, "", err
				}
			}
			at, where = next, to
		}
		return at, where, nil
	}
	node, _, err := walk(path.Clean(name), follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return node, nil
}

// Read is as Files says.
func (t *Tree) Read(name string) ([]byte, error) {
	node, err := t.find("read", name, true)
	switch {
	case err != nil:
		return nil, err
	case node.entries != nil:
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	return node.data[:min(len(node.data), MaxFile)], nil
}

// List is as Files says.
func (t *Tree) List(name string) ([]string, error) {
	node, err := t.find("list", name, true)
	switch {
	case err != nil:
		return nil, err
	case node.entries == nil:
		return nil, &fs.PathError{Op: "list", Path: name, Err: syscall.ENOTDIR}
	}
	return slices.Sorted(maps.Keys(node.entries)), nil
}

// Link is as Files says.
func (t *Tree) Link(name string) (string, error) {
	node, err := t.find("readlink", name, false)
	switch {
	case err != nil:
		return "", err
	case node.link == "":
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	return node.link, nil
}

// Remove takes a file, a link or a folder with all that is in it away.
func (t *Tree) Remove(name string) {
	if name = path.Clean(name); name == "/" {
		return
	}
	delete(t.place(name).entries, path.Base(name))
}
