// Package api serves Faultline over HTTP: the REST interface that openapi.yaml
// describes, the stream of events, and the files of the web page.
//
// openapi.yaml comes first; gen holds what is generated from it, and a path
// without a handler does not compile. One file of this package holds the
// handlers of one noun. The package states what it needs of the rest of the
// server as small interfaces (source.go) and knows none of its stages.
//
// View turns resources, alerts and classes into the shapes of the interface. It
// works without a server, so that a scan in the terminal prints the same.
package api
