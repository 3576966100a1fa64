// Package lazyregexp has regular expressions that are compiled when they are first
// needed. Each process of the program, the agent of an idle host among them, runs the
// initialisation of all its packages; what only one device plugin looks for must not
// cost the others memory.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression. Its methods are those of regexp.Regexp, and safe
// for concurrent use.
type Regexp func() *regexp.Regexp

// New returns an expression for a package's variable. One that cannot be compiled
// panics when it is first used, in a test program at once.
func New(expr string) Regexp {
	re := Regexp(sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) }))
	if strings.HasSuffix(os.Args[0], ".test") {
		re()
	}
	return re
}

// MatchString is that of regexp.Regexp.
func (re Regexp) MatchString(s string) bool { return re().MatchString(s) }

// FindString is that of regexp.Regexp.
func (re Regexp) FindString(s string) string { return re().FindString(s) }

// FindStringSubmatch is that of regexp.Regexp.
func (re Regexp) FindStringSubmatch(s string) []string { return re().FindStringSubmatch(s) }

// FindAllStringSubmatch is that of regexp.Regexp.
func (re Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return re().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is that of regexp.Regexp.
func (re Regexp) ReplaceAllString(s, with string) string { return re().ReplaceAllString(s, with) }
