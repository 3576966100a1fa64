package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// parseValues reads arguments of the form name=value into attributes as the
// class has them. `@FILE` is the content of a file (`@@` starts a value with @),
// and `-` for a password asks for it, or reads one line if the input is no
// terminal. An empty value of an attribute that is no text is null.
func (c *console) parseValues(cl *gen.Class, args []string) (map[string]json.RawMessage, error) {
	kinds := map[string]gen.ClassAttribute{}
	for _, a := range cl.Attributes {
		kinds[a.Name] = a
	}
	given, err := c.assignments(args, func(name string) (bool, error) {
		a, ok := kinds[name]
		if !ok {
			return false, misusef("class %s has no attribute %q; it has %s", cl.Full, name, attributeNames(cl))
		}
		return a.Kind == gen.Password, nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(given))
	for _, g := range given {
		if out[g.name], err = encodeValue(kinds[g.name], g.text); err != nil {
			return nil, misuse{fmt.Errorf("attribute %s: %w", g.name, err)}
		}
	}
	return out, nil
}

// textValues reads arguments as parseValues does where there is no server to
// ask for the class: as text, whose meaning is for the class to say. `-` reads a
// line for any attribute.
func (c *console) textValues(args []string) (map[string]json.RawMessage, error) {
	given, err := c.assignments(args, func(string) (bool, error) { return true, nil })
	if err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(given))
	for _, g := range given {
		if out[g.name], err = json.Marshal(g.text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// assignment is an argument name=value with what @FILE and - stand for.
type assignment struct{ name, text string }

// assignments reads arguments of the form name=value. asks tells whether - asks
// for the value of the attribute; its errors are returned.
func (c *console) assignments(args []string, asks func(name string) (bool, error)) ([]assignment, error) {
	out := make([]assignment, 0, len(args))
	seen := map[string]bool{}
	lines := bufio.NewReader(c.in)
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, misusef("%q is no name=value", arg)
		}
		if seen[name] {
			return nil, misusef("attribute %s is given twice", name)
		}
		seen[name] = true
		ask, err := asks(name)
		if err != nil {
			return nil, err
		}
		switch {
		case strings.HasPrefix(text, "@@"):
			text = text[1:]
		case strings.HasPrefix(text, "@"):
			b, err := os.ReadFile(text[1:])
			if err != nil {
				return nil, misuse{fmt.Errorf("attribute %s: %w", name, err)}
			}
			text = strings.TrimRight(string(b), "\r\n")
		case text == "-" && ask:
			if text, err = c.readPassword(name, lines); err != nil {
				return nil, misuse{fmt.Errorf("attribute %s: %w", name, err)}
			}
		}
		out = append(out, assignment{name, text})
	}
	return out, nil
}

// readPassword asks without echo on a terminal, and else reads a line.
func (c *console) readPassword(name string, lines *bufio.Reader) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(c.err, "%s: ", name)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		return string(b), err
	}
	line, err := lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("the input holds no password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// encodeValue turns text into the JSON of a value of the attribute. Whether the
// value obeys the attribute's rules is the server's to say.
func encodeValue(a gen.ClassAttribute, text string) (json.RawMessage, error) {
	null := json.RawMessage("null")
	switch a.Kind {
	case gen.Integer, gen.Bytes, gen.Reference:
		if text == "" {
			return null, nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no integer", text)
		}
		return strconv.AppendInt(nil, n, 10), nil
	case gen.Float:
		if text == "" {
			return null, nil
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return json.Marshal(f)
	case gen.Boolean:
		switch strings.ToLower(text) {
		case "":
			return null, nil
		case "true", "yes", "on", "1":
			return json.RawMessage("true"), nil
		case "false", "no", "off", "0":
			return json.RawMessage("false"), nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	case gen.Enum:
		return encodeOption(a, text)
	}
	return json.Marshal(text)
}

// encodeOption finds the option that reads as the text: options may be numbers.
func encodeOption(a gen.ClassAttribute, text string) (json.RawMessage, error) {
	var names []string
	for _, o := range a.Options {
		raw, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		name, isText := o.(string)
		if !isText {
			name = string(raw)
		}
		if name == text {
			return raw, nil
		}
		names = append(names, name)
	}
	if text == "" && a.Optional {
		return json.RawMessage("null"), nil
	}
	return nil, fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
}

func attributeNames(cl *gen.Class) string {
	var names []string
	for _, a := range cl.Attributes {
		names = append(names, a.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
