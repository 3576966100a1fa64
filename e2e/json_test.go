package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// at returns what a JSON text has at a path, as plain text: a string as it is,
// anything else as JSON. See the package comment for paths.
func at(text []byte, path string) (string, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("no JSON: %w", err)
	}
	steps, err := pathSteps(path)
	if err != nil {
		return "", err
	}
	v, err = follow(v, steps)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(v)
	return strings.TrimSpace(b.String()), err
}

var stepForm = regexp.MustCompile(`^(?:\.?([^.\[\]]+)|\[([^\]]*)\])`)

// pathSteps takes a path apart. A step in brackets keeps its bracket.
func pathSteps(path string) ([]string, error) {
	var steps []string
	for rest := path; rest != ""; {
		m := stepForm.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q is no path", path)
		}
		rest = rest[len(m[0]):]
		if m[1] != "" {
			steps = append(steps, m[1])
		} else {
			steps = append(steps, "["+m[2])
		}
	}
	return steps, nil
}

func follow(v any, steps []string) (any, error) {
	if len(steps) == 0 {
		return v, nil
	}
	step, rest := steps[0], steps[1:]
	if step == "[*" {
		list, ok := v.([]any)
		if !ok {
			return nil, errors.New("* needs a list")
		}
		out := []any{}
		for _, e := range list {
			e, err := follow(e, rest)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	}
	next, err := child(v, step)
	if err != nil {
		return nil, err
	}
	return follow(next, rest)
}

// errAbsent says that there is nothing at a path.
var errAbsent = errors.New("there is none")

func child(v any, step string) (any, error) {
	choice, bracket := strings.CutPrefix(step, "[")
	switch v := v.(type) {
	case map[string]any:
		switch {
		case step == "len()":
			return json.Number(strconv.Itoa(len(v))), nil
		case step == "keys()":
			return slices.Sorted(maps.Keys(v)), nil
		case bracket:
			var err error
			if step, err = strconv.Unquote(choice); err != nil {
				return nil, fmt.Errorf("[%s]: an object needs a quoted name", choice)
			}
		}
		if e, ok := v[step]; ok {
			return e, nil
		}
		return nil, fmt.Errorf("%s: %w, only %q", step, errAbsent, slices.Sorted(maps.Keys(v)))
	case []any:
		if step == "len()" {
			return json.Number(strconv.Itoa(len(v))), nil
		}
		if name, want, ok := strings.Cut(choice, "="); ok {
			for _, e := range v {
				if o, ok := e.(map[string]any); ok && fmt.Sprint(o[name]) == want {
					return e, nil
				}
			}
			return nil, fmt.Errorf("[%s]: %w", choice, errAbsent)
		}
		i, err := strconv.Atoi(choice)
		if err != nil {
			return nil, fmt.Errorf("%s: a list needs [INDEX] or [NAME=VALUE]", step)
		}
		if i < 0 || i >= len(v) {
			return nil, fmt.Errorf("[%d]: %w, the list has %d", i, errAbsent, len(v))
		}
		return v[i], nil
	}
	return nil, fmt.Errorf("%s: %w, in %v", step, errAbsent, v)
}

// matches reports whether a value is as wanted.
func matches(got, want string) (bool, error) {
	if len(want) > 1 && strings.HasPrefix(want, "/") && strings.HasSuffix(want, "/") {
		re, err := regexp.Compile(want[1 : len(want)-1])
		return err == nil && re.MatchString(got), err
	}
	return got == want, nil
}

func TestAt(t *testing.T) {
	const text = `{"items":[{"name":"a","n":1.50,"deep":{"x.y":[]}},{"name":"b","n":null}],"next":"<c>"}`
	for path, want := range map[string]string{
		"items.len()": "2", "items[1].name": "b", "items[name=a].n": "1.50", "items[1].n": "null",
		"items[*].name": `["a","b"]`, `items[0].deep["x.y"]`: "[]", "next": "<c>", "keys()": `["items","next"]`,
	} {
		if got, err := at([]byte(text), path); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"item", "items[2]", "items[name=c]", "next.x", "items.name", "items[0"} {
		if got, err := at([]byte(text), path); err == nil {
			t.Errorf("%s: %q, want an error", path, got)
		}
	}
}
