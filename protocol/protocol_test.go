package protocol

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// index says what schema describes which message.
type index struct {
	Calls map[string]struct {
		Params string `json:"params"`
		Result string `json:"result"`
	} `json:"calls"`
	Notifications map[string]string `json:"notifications"`
	Error         struct {
		Data string `json:"data"`
	} `json:"error"`
}

type schemas struct {
	t *testing.T
	c *jsonschema.Compiler
	index
}

func loadSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{t: t, c: jsonschema.NewCompiler()}
	raw, err := os.ReadFile(filepath.Join("schema", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &s.index); err != nil {
		t.Fatal(err)
	}
	return s
}

// check validates a value, given as Go types of JSON.
func (s *schemas) check(file string, v any) error {
	sch, err := s.c.Compile(filepath.Join("schema", file))
	if err != nil {
		s.t.Fatal(err)
	}
	return sch.Validate(v)
}

// TestTranscripts validates every line of every transcript, and that each
// transcript can be followed: that answers belong to calls, and that every call
// is answered.
func TestTranscripts(t *testing.T) {
	s := loadSchemas(t)
	paths, err := filepath.Glob(filepath.Join("transcripts", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, ok := strings.Cut(string(raw), "-- plugin --\n")
			plugin, text, ok2 := strings.Cut(rest, "\n-- lines --\n")
			if !ok || !ok2 || !slices.Contains([]string{"example", "scripted", "device"}, plugin) {
				t.Fatal("wants the files plugin (example, scripted or device) and lines")
			}
			pending := map[string]string{} // method by id
			for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
				if err := checkLine(s, plugin, line, pending, seen); err != nil {
					t.Errorf("line %d of lines: %v", i+1, err)
				}
			}
			for id, method := range pending {
				t.Errorf("call %s of %s is not answered", id, method)
			}
		})
	}
	for method := range s.Calls {
		if !seen[method] {
			t.Errorf("no transcript calls %s", method)
		}
	}
	for method := range s.Notifications {
		if !seen[method] {
			t.Errorf("no transcript has the notification %s", method)
		}
	}
}

func checkLine(s *schemas, plugin, line string, pending map[string]string, seen map[string]bool) error {
	side, text, _ := strings.Cut(line, " ")
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	msg, ok := v.(map[string]any)
	if !ok || msg["jsonrpc"] != "2.0" {
		return fmt.Errorf("is no JSON-RPC message")
	}
	id, hasID := msg["id"]
	method, hasMethod := msg["method"].(string)
	switch {
	case side == "→" && hasID && hasMethod:
		pending[fmt.Sprint(id)] = method
		seen[method] = true
		if c, ok := s.Calls[method]; ok {
			return s.check(c.Params, msg["params"])
		}
		return nil
	case hasMethod && !hasID:
		seen[method] = true
		if note, ok := s.Notifications[method]; ok {
			return s.check(note, concrete(msg["params"], plugin))
		}
		return nil
	case side == "←" && hasID:
		method, ok := pending[fmt.Sprint(id)]
		if !ok {
			return fmt.Errorf("answers no call")
		}
		delete(pending, fmt.Sprint(id))
		if e, ok := msg["error"].(map[string]any); ok {
			if data, ok := e["data"]; ok {
				return s.check(s.Error.Data, concrete(data, plugin))
			}
			return nil
		}
		return s.check(s.Calls[method].Result, concrete(msg["result"], plugin))
	}
	return fmt.Errorf("no call, notification or answer, or from the wrong side")
}

// concrete puts values in the place of what a transcript leaves open.
func concrete(v any, plugin string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			switch {
			case x == "*" && k == "manifest" && plugin == "device":
				v[k] = map[string]any{"api_version": json.Number("1"), "classes": []any{}}
			case x == "*" && k == "manifest":
				raw, err := os.ReadFile(filepath.Join("golden", plugin+".json"))
				if err != nil {
					return err
				}
				v[k], err = jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
				if err != nil {
					return err
				}
			case x == "*" && k == "places":
				v[k] = map[string]any{"Lun": map[string]any{"file": "example.py", "line": json.Number("1")}}
			case x == "*" && k == "sdk":
				v[k] = map[string]any{"name": "go"}
			default:
				v[k] = concrete(x, plugin)
			}
		}
		_, isSample := v["v"]
		_, isLog := v["level"]
		if _, ok := v["t"]; !ok && (isSample || isLog) {
			v["t"] = json.Number("0")
		}
	case []any:
		for i := range v {
			v[i] = concrete(v[i], plugin)
		}
	}
	return v
}

// TestSchemasRefuse makes sure that the schemas are not satisfied by anything.
func TestSchemasRefuse(t *testing.T) {
	s := loadSchemas(t)
	for file, text := range map[string]string{
		"Batch.json":            `{"session":"s","turn":0,"part":0}`,
		"LogRecord.json":        `{"level":"fatal","t":1,"source":"log","message":"x"}`,
		"OpenParams.json":       `{"session":"s","class":"C"}`,
		"TurnResult.json":       `{"turn":"1"}`,
		"InitializeResult.json": `{"protocol":1,"plugin":{"name":"x"},"sdk":{"name":"go"},"manifest":{"api_version":1,"classes":[{"name":"A","bases":[],"identifier":{"scope":"global"}}]}}`,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if s.check(file, v) == nil {
			t.Errorf("%s accepts %s", file, text)
		}
	}
}
