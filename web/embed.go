//go:build embedui

package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built page, rooted at its index.html, and whether this
// program carries one. It is safe for concurrent use.
func FS() (fs.FS, bool) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil { // "dist" is a valid path, which is all that Sub checks
		panic(err)
	}
	return sub, true
}
