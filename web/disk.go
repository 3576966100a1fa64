//go:build !embedui

package web

import "io/fs"

// FS reports that this program carries no page: it was built without the tag
// embedui. It is safe for concurrent use.
func FS() (fs.FS, bool) { return nil, false }
