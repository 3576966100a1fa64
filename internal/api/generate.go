package api

// Generated code is checked in: the page builds without Go, and Go without the
// tools. TestGenerated fails when it is stale.
//
//go:generate env GOWORK=off go tool -modfile=../../tools/go.mod oapi-codegen -config gen/config.yaml openapi.yaml
