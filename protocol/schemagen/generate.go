package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// call is a method with the types of its params and its result.
type call struct {
	method         string
	params, result any
}

// empty is the params or the result that holds nothing.
type empty struct{}

var calls = []call{
	{wire.MethodInitialize, wire.InitializeParams{}, wire.InitializeResult{}},
	{wire.MethodSessionOpen, wire.OpenParams{}, empty{}},
	{wire.MethodInitialScan, wire.SessionParams{}, wire.TurnResult{}},
	{wire.MethodUpdateScan, wire.SessionParams{}, wire.TurnResult{}},
	{wire.MethodAgentStart, wire.AgentParams{}, wire.TurnResult{}},
	{wire.MethodAgentContinue, wire.AgentParams{}, wire.TurnResult{}},
	{wire.MethodTeardown, wire.SessionParams{}, empty{}},
	{wire.MethodEncrypt, wire.EncryptParams{}, wire.EncryptResult{}},
	{wire.MethodDefaults, wire.DefaultsParams{}, wire.DefaultsResult{}},
	{wire.MethodDeviceStart, wire.DeviceParams{}, wire.DeviceResult{}},
	{wire.MethodDeviceUpdate, wire.DeviceParams{}, wire.DeviceResult{}},
	{wire.MethodDeviceEnd, wire.DeviceParams{}, empty{}},
	{wire.MethodShutdown, empty{}, empty{}},
}

var notifications = []call{
	{method: wire.NoteBatch, params: wire.Batch{}},
	{method: wire.NoteRejected, params: wire.Rejected{}},
	{method: wire.NoteDeleted, params: wire.Deleted{}},
	{method: wire.NoteLog, params: wire.LogRecord{}},
	{method: wire.NoteLogLevel, params: wire.LogLevel{}},
	{method: wire.NoteDeviceChanged, params: wire.DeviceParams{}},
}

// rules are what the Go types cannot say, by Type.Field.
var rules = map[string]map[string]any{
	"Attribute.Kind": {"enum": []string{wire.KindString, wire.KindInteger, wire.KindFloat, wire.KindBoolean, wire.KindBytes, wire.KindEnum,
		wire.KindHostname, wire.KindUUID, wire.KindPath, wire.KindPassword, wire.KindReference}},
	"Attribute.MaxLength":    {"minimum": 0},
	"Batch.Turn":             {"minimum": 1},
	"Batch.Part":             {"minimum": 0},
	"Class.Bases":            {"minItems": 1},
	"Condition.Kind":         {"enum": []string{wire.ConditionValue, wire.ConditionUpper, wire.ConditionLower}},
	"DeviceInfo.Period":      {"minimum": 0},
	"DeviceMessage.Priority": {"minimum": wire.PriorityHigh, "maximum": wire.PriorityLow},
	"Identifier.Scope":       {"enum": []string{wire.ScopeGlobal, wire.ScopeScoped, wire.ScopeAuto}},
	"LogLevel.Level":         {"enum": []string{"debug", "info", "warning", "error"}},
	"LogRecord.Level":        {"enum": []string{"debug", "info", "warning", "error"}},
	"LogRecord.Source":       {"enum": []string{"log", "stdout", "stderr"}},
	"Op.Op":                  {"enum": []string{wire.OpPut, wire.OpSet, wire.OpLink, wire.OpRemove}},
	"Op.Handle":              {"minimum": 0},
	"Op.Attributes":          {"type": "object"},
	"Relation.Kind":          {"enum": []string{wire.RelationProvide, wire.RelationSubscribe}},
	"Relation.Attributes":    {"minItems": 1},
	"Sample.Handle":          {"minimum": 0},
	"Sample.Value":           {"anyOf": []any{map[string]any{"type": "number"}, map[string]any{"type": "array", "items": map[string]any{"type": "integer", "minimum": 0}}}},
	"Statistic.Kind":         {"enum": []string{wire.KindGauge, wire.KindCounter, wire.KindHistogram}},
	"Statistic.SamplePeriod": {"minimum": 1},
	"TurnResult.Turn":        {"minimum": 0},
}

// generate returns the content of every schema file by name, and of index.json,
// which says what file describes which message.
func generate(source string) (map[string][]byte, error) {
	comments, err := readComments(source)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	g := generator{comments: comments, used: map[string]bool{}}
	file := func(v any) (string, error) {
		t := reflect.TypeOf(v)
		name := t.Name() + ".json"
		if t == reflect.TypeFor[empty]() {
			name = "Empty.json"
		}
		var err error
		files[name], err = g.file(t, name)
		return name, err
	}
	index := map[string]map[string]any{"calls": {}, "notifications": {}}
	for _, c := range append(calls, notifications...) {
		params, err := file(c.params)
		if err != nil {
			return nil, err
		}
		if c.result == nil {
			index["notifications"][c.method] = params
			continue
		}
		result, err := file(c.result)
		if err != nil {
			return nil, err
		}
		index["calls"][c.method] = map[string]string{"params": params, "result": result}
	}
	data, err := file(wire.ErrorData{})
	if err != nil {
		return nil, err
	}
	index["error"] = map[string]any{"data": data}
	if files["index.json"], err = indent(index); err != nil {
		return nil, err
	}
	for rule := range rules {
		if !g.used[rule] {
			return nil, fmt.Errorf("the rule for %s applies to no field", rule)
		}
	}
	return files, nil
}

type generator struct {
	comments map[string]string // by Type and by Type.Field
	used     map[string]bool   // rules that were applied
	defs     map[string]any    // of the file at hand
}

func (g *generator) file(t reflect.Type, name string) ([]byte, error) {
	g.defs = map[string]any{}
	s, err := g.object(t)
	if err != nil {
		return nil, err
	}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = strings.TrimSuffix(name, ".json")
	if len(g.defs) > 0 {
		s["$defs"] = g.defs
	}
	return indent(s)
}

func indent(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// object describes a struct. Members that it does not know are allowed, since
// both sides of the protocol ignore such.
func (g *generator) object(t reflect.Type) (map[string]any, error) {
	properties, required := map[string]any{}, []string{}
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, err := g.schema(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		key := t.Name() + "." + f.Name
		for k, v := range rules[key] {
			p[k] = v
			g.used[key] = true
		}
		if c := g.comments[key]; c != "" {
			p["description"] = c
		}
		properties[name] = p
		if !strings.Contains(opts, "omitempty") {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if c := g.comments[t.Name()]; c != "" {
		s["description"] = c
	}
	return s, nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

func (g *generator) schema(t reflect.Type) (map[string]any, error) {
	switch {
	case t == rawMessage, t.Kind() == reflect.Interface:
		return map[string]any{}, nil // any value
	case t.Kind() == reflect.Pointer:
		return g.schema(t.Elem())
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}, nil
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case t.Kind() == reflect.Slice:
		items, err := g.schema(t.Elem())
		return map[string]any{"type": "array", "items": items}, err
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		values, err := g.schema(t.Elem())
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case t.Kind() == reflect.Struct:
		if _, ok := g.defs[t.Name()]; !ok {
			g.defs[t.Name()] = nil // for types that hold themselves
			def, err := g.object(t)
			if err != nil {
				return nil, err
			}
			g.defs[t.Name()] = def
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}, nil
	}
	return nil, fmt.Errorf("no schema for the type %s", t)
}

// readComments returns the comments of types and fields in a package.
func readComments(dir string) (map[string]string, error) {
	comments := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				typ := spec.(*ast.TypeSpec)
				comments[typ.Name.Name] = text(gen.Doc, typ.Doc)
				st, ok := typ.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range st.Fields.List {
					for _, name := range field.Names {
						comments[typ.Name.Name+"."+name.Name] = text(field.Doc, field.Comment)
					}
				}
			}
		}
	}
	if len(comments) == 0 {
		return nil, fmt.Errorf("%s holds no Go types", dir)
	}
	return comments, nil
}

// text joins comments to one line.
func text(groups ...*ast.CommentGroup) string {
	var words []string
	for _, g := range groups {
		words = append(words, strings.Fields(g.Text())...)
	}
	return strings.Join(words, " ")
}
