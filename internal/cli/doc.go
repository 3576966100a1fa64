// Package cli is the command line of Faultline. Main runs it; every subcommand
// has a file of its own, and root.go lists them.
//
// Client commands talk to a server over its HTTP interface and nothing else.
// They print tables for people and JSON or YAML, in the shapes of the
// interface, for programs.
package cli
