// Package rule is the register of what declarations of plugins must keep: one
// rule for each code of a wire.Problem. Each stands in a file of its own, rules/CODE.txtar,
// from which the constants of the Go SDK and of the Python SDK and docs/validation.md are
// generated (protocol/rulegen), so that a code means one thing on all sides. The
// examples in the files are checked: internal/app runs every one of them.
package rule

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/txtar"
)

//go:embed rules/*.txtar
var files embed.FS

// Rule is one rule. Code and Name never change their meaning; a rule that is given up leaves
// its code unused.
type Rule struct {
	Code string // FL and three digits
	Name string // in the code of the SDKs: wire.Rule + Name
	// Warning says that a plugin that breaks the rule runs all the same.
	Warning bool
	Title   string // what is wrong, in a few words
	// Text explains why that is wrong and what follows from it; paragraphs are parted by an empty line.
	Text string
	// Examples by file name: wrong.py, right.py, wrong.go, right.go; further
	// names are of the tests. A language that does not allow the mistake has none.
	Examples map[string]string
}

// Languages of the examples: the extension of the file and the name for people.
var Languages = []struct{ Ext, Name string }{{"py", "Python"}, {"go", "Go"}}

var header = regexp.MustCompile(`^([A-Z][A-Za-z0-9]*)( \(warning\))?: (\S.*)$`)

// parse reads one file.
func parse(code string, content []byte) (Rule, error) {
	archive := txtar.Parse(content)
	first, text, _ := strings.Cut(string(archive.Comment), "\n")
	m := header.FindStringSubmatch(first)
	if m == nil {
		return Rule{}, fmt.Errorf("%s: the first line is %q; it must be like \"Name: title\" or \"Name (warning): title\"", code, first)
	}
	r := Rule{Code: code, Name: m[1], Warning: m[2] != "", Title: m[3], Text: strings.TrimSpace(text), Examples: map[string]string{}}
	for _, f := range archive.Files {
		r.Examples[f.Name] = string(f.Data)
	}
	return r, nil
}

var all = sync.OnceValues(func() ([]Rule, error) {
	entries, err := files.ReadDir("rules")
	if err != nil {
		return nil, err
	}
	var rules []Rule
	for _, e := range entries {
		content, err := files.ReadFile("rules/" + e.Name())
		if err != nil {
			return nil, err
		}
		r, err := parse(strings.TrimSuffix(e.Name(), ".txtar"), content)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
})

// All returns every rule in the order of the codes. It fails only if a file of
// the register is wrong, which the tests would tell.
func All() ([]Rule, error) { return all() }

// Find returns the rule of a code, in whatever case it is written.
func Find(code string) (Rule, bool) {
	rules, _ := all()
	i := slices.IndexFunc(rules, func(r Rule) bool { return strings.EqualFold(r.Code, code) })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Severity is "error" or "warning".
func (r Rule) Severity() string {
	if r.Warning {
		return "warning"
	}
	return "error"
}
