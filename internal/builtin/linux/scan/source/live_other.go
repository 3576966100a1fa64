//go:build !linux

package source

import "os"

// System is the running system. Only Linux has the files that a scan reads; the
// package is built elsewhere so that captures can be read there.
func System() Files {
	files, err := Folder("/")
	if err != nil {
		return NewTree()
	}
	return files
}

func beneath(*os.Root) Files { return nil }
