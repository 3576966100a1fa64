package skeleton

import (
	_ "embed"
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

var goodName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// pythonWords are the reserved words of Python; True, False and None cannot be
// names of plugins in any case.
var pythonWords = []string{
	"and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
	"finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
	"return", "try", "while", "with", "yield",
}

// pythonModules are the modules that a plugin in Python must not hide: those of the
// standard library, of all versions that plugins may run with, and of the SDK.
//
//go:embed python_modules.txt
var pythonModules string

// reserved are names that relations know already: of the built-in classes, of the
// server itself, and of the plugins that report what hosts see.
var reserved = []string{"builtin", "faultline", "linux", "lustre"}

const longestName = 50

// checkName checks the name of a plugin. It becomes a file, a Python module and the
// first half of the names of classes.
func checkName(name, lang string) error {
	better := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "_"), "_0123456789")
	switch {
	case !goodName.MatchString(name) && goodName.MatchString(better):
		return fmt.Errorf("%q is no name of a plugin: use lower-case letters, digits and _, such as %s", name, better)
	case !goodName.MatchString(name):
		return fmt.Errorf("%q is no name of a plugin: use lower-case letters, digits and _, beginning with a letter", name)
	case len(name) > longestName:
		return fmt.Errorf("the name %s has %d letters; at most %d, please", name, len(name), longestName)
	case token.IsKeyword(name) || slices.Contains(pythonWords, name):
		return fmt.Errorf("%s cannot be the name of a plugin: it is a word of Go or Python", name)
	case slices.Contains(reserved, name):
		return fmt.Errorf("%s cannot be the name of a plugin: relations name a part of Faultline by it", name)
	case lang == Python && slices.Contains(strings.Fields(pythonModules), name):
		return fmt.Errorf("%s cannot be the name of a plugin in Python: a module that others import has it", name)
	}
	return nil
}
