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
	out := map[string]json.RawMessage{}
	lines := bufio.NewReader(c.in)
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, misusef("%q is no name=value", arg)
		}
		if _, ok := out[name]; ok {
			return nil, misusef("attribute %s is given twice", name)
		}
		a, ok := kinds[name]
		if !ok {
			return nil, misusef("class %s has no attribute %q; it has %s", cl.Full, name, attributeNames(cl))
		}
		var err error
		switch {
		case strings.HasPrefix(text, "@@"):
			text = text[1:]
		case strings.HasPrefix(text, "@"):
			b, err := os.ReadFile(text[1:])
			if err != nil {
				return nil, misuse{fmt.Errorf("attribute %s: %w", name, err)}
			}
			text = strings.TrimRight(string(b), "\r\n")
		case text == "-" && a.Kind == gen.Password:
			if text, err = c.readPassword(name, lines); err != nil {
				return nil, misuse{fmt.Errorf("attribute %s: %w", name, err)}
			}
		}
		if out[name], err = encodeValue(a, text); err != nil {
			return nil, misuse{fmt.Errorf("attribute %s: %w", name, err)}
		}
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
