package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// languages are the names that Markdown has for the files' languages.
var languages = map[string]string{
	".go": "go", ".py": "python", ".mjs": "js", ".sh": "sh", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".txt": "text",
}

var (
	marker      = regexp.MustCompile(`^<!-- snippet: (\S+?)(?:#(\S+))? -->$`)
	regionBegin = regexp.MustCompile(`^\s*(?://|#) region (\S+)$`)
	regionEnd   = regexp.MustCompile(`^\s*(?://|#) endregion$`)
)

// pages returns the Markdown files below a folder.
func pages(folder string) (list []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != folder && (name == "node_modules" || name == "dist" || strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".md"):
			list = append(list, path)
		}
		return nil
	})
	return list, err
}

// render returns a page as it stands and as it should.
func render(page string) (old, fresh string, err error) {
	raw, err := os.ReadFile(page)
	if err != nil {
		return "", "", err
	}
	old = string(raw)
	lines := strings.Split(old, "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		m := marker.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		where := fmt.Sprintf("%s:%d", page, i+1)
		body, err := snippet(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1])), m[2])
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", where, err)
		}
		language, ok := languages[filepath.Ext(m[1])]
		if !ok {
			return "", "", fmt.Errorf("%s: docgen does not know the language of %s", where, m[1])
		}
		// What stands there so far goes; a marker without a block gets one.
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "```") {
			end := i + 2
			for ; end < len(lines) && lines[end] != "```"; end++ {
			}
			if end == len(lines) {
				return "", "", fmt.Errorf("%s: the block of this snippet has no end", where)
			}
			i = end
		}
		out = append(out, "```"+language)
		out = append(out, body...)
		out = append(out, "```")
	}
	return old, strings.Join(out, "\n"), nil
}

// snippet returns the lines of a region of a file, or of the whole file without
// the marks of its regions if region is empty.
func snippet(path, region string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []string
	inside, found := region == "", region == ""
	open := "" // the region that the line is in
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		begin := regionBegin.FindStringSubmatch(line)
		switch {
		case begin != nil && open != "":
			return nil, fmt.Errorf("%s:%d: region %s begins within region %s", path, i+1, begin[1], open)
		case begin != nil:
			open = begin[1]
			if open == region {
				if found {
					return nil, fmt.Errorf("%s:%d: region %s is there twice", path, i+1, region)
				}
				inside, found = true, true
			}
		case regionEnd.MatchString(line):
			if open == "" {
				return nil, fmt.Errorf("%s:%d: endregion without a region", path, i+1)
			}
			if open = ""; region != "" {
				inside = false
			}
		case inside:
			lines = append(lines, line)
		}
	}
	switch {
	case open != "":
		return nil, fmt.Errorf("%s: region %s has no end", path, open)
	case !found:
		return nil, fmt.Errorf("%s has no region %s", path, region)
	}
	return dedent(lines), nil
}

// dedent takes the indentation away that all lines share, and empty lines at
// both ends.
func dedent(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	var shared *string
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if shared == nil {
			shared = &indent
		}
		for !strings.HasPrefix(indent, *shared) {
			*shared = (*shared)[:len(*shared)-1]
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		if shared != nil {
			line = strings.TrimPrefix(line, *shared)
		}
		out[i] = strings.TrimRight(line, " \t")
	}
	return out
}
