package api

// Generated code is checked in: the page builds without Go, and Go without the
// tools. TestGenerated fails when the description has changed since.
//
//go:generate env GOWORK=off go tool -modfile=../../tools/go.mod oapi-codegen -config gen/config.yaml openapi.yaml
//go:generate sh -c "cat openapi.yaml gen/config.yaml | sha256sum >gen/source.sha256"
