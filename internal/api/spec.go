package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var specYAML []byte

// SpecJSON returns the OpenAPI description as JSON.
var SpecJSON = sync.OnceValue(func() []byte {
	b, err := yaml.YAMLToJSON(specYAML)
	if err != nil { // the description is part of the program and tested
		panic(fmt.Sprintf("api: openapi.yaml: %v", err))
	}
	return b
})

// operation is what a request may carry, as openapi.yaml says.
type operation struct {
	query map[string]bool // parameters; true if a list
	body  map[string]bool // fields of the body; nil if there is none
}

// specParam is a parameter object of OpenAPI, or a reference to one.
type specParam struct {
	Ref    string `json:"$ref"`
	Name   string `json:"name"`
	In     string `json:"in"`
	Schema struct {
		Type string `json:"type"`
	} `json:"schema"`
}

// operations reads the operations of the description, by the pattern that the
// generated code registers them under.
var operations = sync.OnceValue(func() map[string]operation {
	var doc struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Parameters map[string]specParam `json:"parameters"`
			Schemas    map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(SpecJSON(), &doc); err != nil {
		panic(fmt.Sprintf("api: openapi.yaml: %v", err))
	}
	out := map[string]operation{}
	for path, item := range doc.Paths {
		var ofPath []specParam // of all its methods
		if raw, ok := item["parameters"]; ok {
			if err := json.Unmarshal(raw, &ofPath); err != nil {
				panic(fmt.Sprintf("api: openapi.yaml: parameters of %s: %v", path, err))
			}
		}
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var op struct {
				Parameters  []specParam `json:"parameters"`
				RequestBody struct {
					Content map[string]struct {
						Schema specParam `json:"schema"`
					} `json:"content"`
				} `json:"requestBody"`
			}
			if err := json.Unmarshal(raw, &op); err != nil {
				panic(fmt.Sprintf("api: openapi.yaml: %s %s: %v", method, path, err))
			}
			o := operation{query: map[string]bool{}}
			for _, p := range slices.Concat(ofPath, op.Parameters) {
				if p.Ref != "" {
					p = doc.Components.Parameters[lastPart(p.Ref)]
				}
				if p.In == "query" {
					o.query[p.Name] = p.Schema.Type == "array"
				}
			}
			if c, ok := op.RequestBody.Content["application/json"]; ok {
				o.body = map[string]bool{}
				for name := range doc.Components.Schemas[lastPart(c.Schema.Ref)].Properties {
					o.body[name] = true
				}
			}
			out[strings.ToUpper(method)+" "+Prefix+path] = o
		}
	}
	return out
})

func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
