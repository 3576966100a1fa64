package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/pflag"
)

// format is the value of -o.
type format string

func (f *format) flag(fs *pflag.FlagSet) {
	*f = "table"
	fs.VarP(f, "output", "o", "`format` of the output: table, json or yaml")
}

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *format) Type() string { return "format" }

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	switch s {
	case "table", "json", "yaml":
		*f = format(s)
		return nil
	}
	return fmt.Errorf("there are table, json and yaml")
}

// raw prints an answer of the server as JSON or YAML. It reports false for a
// table, which is the caller's work.
func (c *console) raw(f format, answer json.RawMessage) (bool, error) {
	switch f {
	case "json":
		var b bytes.Buffer
		if err := json.Indent(&b, answer, "", "  "); err != nil {
			return true, err
		}
		b.WriteByte('\n')
		_, err := c.out.Write(bytes.TrimLeft(b.Bytes(), "\n"))
		return true, err
	case "yaml":
		b, err := yaml.JSONToYAML(answer)
		if err != nil {
			return true, err
		}
		_, err = c.out.Write(b)
		return true, err
	}
	return false, nil
}

// table returns a writer of a table without lines, as terminals like it.
func (c *console) table(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(c.out)
	st := table.StyleDefault
	st.Options = table.OptionsNoBordersAndSeparators
	st.Box.PaddingLeft = ""
	st.Box.PaddingRight = "  "
	st.Format.Header = text.FormatUpper
	if c.width > 0 {
		st.Size.WidthMax = c.width
	}
	t.SetStyle(st)
	t.SuppressTrailingSpaces()
	if len(header) > 0 {
		t.AppendHeader(header)
	}
	return t
}

// severity colours a state of health.
func (c *console) severity(s string) string {
	if !c.color {
		return s
	}
	return colored(s, s)
}

// colored gives a text the colour of a severity.
func colored(severity, s string) string {
	switch severity {
	case "error":
		return text.FgRed.Sprint(s)
	case "warning":
		return text.FgYellow.Sprint(s)
	case "info":
		return text.FgCyan.Sprint(s)
	case "ok":
		return text.FgGreen.Sprint(s)
	}
	return s
}

// health is the state of a resource as a table shows it.
func (c *console) health(state string, stale bool) string {
	if stale {
		return c.severity(state) + " (stale)"
	}
	return c.severity(state)
}

// clean keeps control characters of names and values, which come from hardware,
// away from the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return clean(s)
}
