package acme

import _ "embed"

// PythonSource is acme_plugin.py, the plugin in Python, for programs that carry
// it with them. Written to a file of any name ending in .py it is a plugin of
// that name.
//
//go:embed acme_plugin.py
var PythonSource []byte
