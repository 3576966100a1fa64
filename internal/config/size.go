package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Size is a number of bytes that is written with a unit: "512MiB", "2GiB", "0".
type Size int64

var sizeUnits = []struct {
	name  string
	bytes float64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n >= 0) || n*u.bytes >= 1<<62 {
			break
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is no size; write it as 512MiB or 2GiB", text)
}

// UnmarshalYAML implements yaml.NodeUnmarshaler, for errors that say where.
func (s *Size) UnmarshalYAML(n ast.Node) error {
	at := n.GetToken()
	if err := s.UnmarshalText([]byte(at.Value)); err != nil {
		return fmt.Errorf("[%d:%d] %w", at.Position.Line, at.Position.Column, err)
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) {
	for _, u := range sizeUnits {
		if n := int64(u.bytes); int64(s) >= n && int64(s)%n == 0 {
			return fmt.Appendf(nil, "%d%s", int64(s)/n, u.name), nil
		}
	}
	return []byte("0"), nil
}
