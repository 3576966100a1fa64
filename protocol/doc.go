// Package protocol holds the plugin protocol in a form that no language owns:
// SPEC.md, schema (JSON Schema of every message, generated from the types of
// sdk/wire), transcripts (example conversations), golden (manifests) and rule (what
// declarations must keep). There is no code in the package itself; its tests hold the
// parts together.
package protocol

//go:generate go run ./rulegen ..
//go:generate go run ./schemagen ../sdk/wire schema
