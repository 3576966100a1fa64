// Command acme-go is the plugin for Acme disk arrays in Go, as a program of its
// own. See examples/acme/README.md.
package main

import "github.com/faultline-storage/faultline/examples/acme"

func main() { acme.Main() }
