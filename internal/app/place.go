package app

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// place finds the line of a Python plugin that declares something of a class
// and names it in quotes; if there is none, the line of the class. A manifest
// has no lines, and what is wrong with it only in company of other plugins is
// found after the plugin's own checks. It returns no file for other plugins.
func place(path, class, named string) (file string, line int) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", 0
	}
	var files []string
	if strings.HasSuffix(abs, ".py") {
		files = []string{abs}
	} else {
		files, _ = filepath.Glob(filepath.Join(abs, "*.py")) // the pattern is a good one
	}
	for _, f := range files {
		if n := lineIn(f, class, named); n > 0 {
			return f, n
		}
	}
	return "", 0
}

// lineIn is place in one file. It returns 0 if the file does not define the
// class.
func lineIn(file, class, named string) (line int) {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // it was only read
	begin := regexp.MustCompile(`^(\s*)class\s+` + regexp.QuoteMeta(class) + `\b`)
	inside, indent := 0, ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if inside == 0 {
			if m := begin.FindStringSubmatch(text); m != nil {
				inside, indent = n, m[1]
			}
			continue
		}
		if strings.TrimSpace(text) != "" && len(text)-len(strings.TrimLeft(text, " \t")) <= len(indent) && !strings.HasPrefix(strings.TrimSpace(text), "#") {
			break // the class is over
		}
		if strings.Contains(text, "'"+named+"'") || strings.Contains(text, `"`+named+`"`) {
			return n
		}
	}
	return inside
}
