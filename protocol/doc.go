// Package protocol holds the plugin protocol in a form that no language owns:
// SPEC.md, schema (JSON Schema of every message, generated from the types of
// sdk/wire), transcripts (example conversations) and golden (manifests). There
// is no code in it; its tests hold the parts together.
package protocol

//go:generate go run ./schemagen ../sdk/wire schema
