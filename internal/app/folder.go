package app

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// mostFiles bounds what is looked at of one plugin and of the plugin folder.
const mostFiles = 5000

// pluginFiles lists what in a folder can be a plugin: Python files, Python
// packages and programs. Hidden files, backups and data files are none.
func pluginFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(entries) > mostFiles {
		return nil, fmt.Errorf("%s holds %d files; that is no folder of plugins", dir, len(entries))
	}
	var out []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if aside(e.Name()) {
			continue
		}
		info, err := os.Stat(path) // a link counts as what it leads to
		if err != nil {
			continue // it has just gone
		}
		switch {
		case info.IsDir():
			if _, err := os.Stat(filepath.Join(path, "__init__.py")); err != nil {
				continue
			}
		case !info.Mode().IsRegular():
			continue
		case filepath.Ext(path) != "" && filepath.Ext(path) != ".py" && info.Mode()&0o111 == 0:
			continue // such as a README.md
		}
		out = append(out, path)
	}
	slices.Sort(out)
	return out, nil
}

// aside reports whether a file is hidden, a backup, or half of something.
func aside(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") || name == "__pycache__" ||
		slices.Contains([]string{".bak", ".old", ".orig", ".rej", ".swp", ".tmp", ".part", ".new", ".pyc", ".dpkg-new", ".dpkg-old", ".rpmnew", ".rpmsave"}, filepath.Ext(name))
}

// vet refuses a plugin of the folder that somebody else than the server's own
// user, or root, can change: the server would run it.
func vet(path string) error {
	if err := vetFile(filepath.Dir(path)); err != nil {
		return err
	}
	return walkPlugin(path, func(file string, _ fs.FileInfo) error { return vetFile(file) })
}

func vetFile(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, and the server would run it as its own; make it the server's (user %d) or root's", file, st.Uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("%s can be written by everybody, and the server would run it; take that away with `chmod o-w %s`", file, file)
	}
	return nil
}

// fingerprint tells two states of a plugin's files apart; it is empty for a
// plugin that has none.
func fingerprint(path string) string {
	if strings.HasPrefix(path, "builtin:") {
		return ""
	}
	h := fnv.New128a()
	err := walkPlugin(path, func(file string, info fs.FileInfo) error {
		_, err := fmt.Fprintln(h, file, info.Size(), info.ModTime().UnixNano(), info.Mode())
		return err
	})
	if err != nil {
		return "gone: " + err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// walkPlugin calls f with every file of a plugin that is not set aside.
func walkPlugin(path string, f func(file string, info fs.FileInfo) error) error {
	n := 0
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file != root && aside(e.Name()) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if n++; n > mostFiles {
			return fmt.Errorf("%s has more than %d files; that is no plugin", path, mostFiles)
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		return f(file, info)
	})
}
