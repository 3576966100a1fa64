package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository's folder, seen from this one.
const root = "../.."

// TestPagesAreFresh is what scripts/verify.sh finds too, with a diff.
func TestPagesAreFresh(t *testing.T) {
	for _, page := range allPages(t) {
		old, fresh, err := render(page)
		if err != nil {
			t.Error(err)
		} else if old != fresh {
			t.Errorf("%s has old snippets: run `make generate`\n%s", page, cmp.Diff(old, fresh))
		}
	}
}

func allPages(t *testing.T) []string {
	t.Helper()
	list, err := pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d pages found", len(list))
	}
	return list
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	blocks  = regexp.MustCompile("(?ms)^```.*?^```$")
	spans   = regexp.MustCompile("`[^`\n]*`")
)

// TestLinks follows every relative link of every page, also to headings.
func TestLinks(t *testing.T) {
	count := 0
	for _, page := range allPages(t) {
		for _, m := range link.FindAllStringSubmatch(prose(t, page), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: link %s: %v", page, m[1], err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			count++
			target := page
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(u.Path))
			}
			info, err := os.Stat(target)
			switch {
			case err != nil:
				t.Errorf("%s links to %s, which does not exist", page, m[1])
			case u.Fragment != "" && (info.IsDir() || !anchors(t, target)[u.Fragment]):
				t.Errorf("%s links to %s, but there is no such heading", page, m[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d links found", count)
	}
}

// prose returns a page without its code.
func prose(t *testing.T, page string) string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return spans.ReplaceAllStringFunc(blocks.ReplaceAllString(string(raw), ""), func(s string) string {
		return strings.NewReplacer("](", "] (").Replace(s)
	})
}

// anchors returns the names that a page's headings have as targets of links.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(prose(t, page), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r > 127:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		out[name] = true
	}
	return out
}

func TestSnippet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.py")
	text := "import os\n\n# region one\nclass A:\n    pass\n# endregion\n\ndef f():\n    # region two\n    if x:\n        y\n\n    z\n    # endregion\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for region, want := range map[string]string{
		"":    "import os\n\nclass A:\n    pass\n\ndef f():\n    if x:\n        y\n\n    z",
		"one": "class A:\n    pass",
		"two": "if x:\n    y\n\nz",
	} {
		got, err := snippet(file, region)
		if err != nil || strings.Join(got, "\n") != want {
			t.Errorf("region %q is %q, %v; want %q", region, got, err, want)
		}
	}
	if _, err := snippet(file, "three"); err == nil || !strings.Contains(err.Error(), "no region three") {
		t.Errorf("a region that is not there: %v", err)
	}
}

func TestRender(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "p.md")
	for name, text := range map[string]string{
		"a.go": "package a\n",
		"p.md": "# P\n\n<!-- snippet: a.go -->\n```go\nold\nolder\n```\n\n<!-- snippet: a.go -->\nend\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := "# P\n\n<!-- snippet: a.go -->\n```go\npackage a\n```\n\n<!-- snippet: a.go -->\n```go\npackage a\n```\nend\n"
	for range 2 { // what it wrote it leaves as it is
		_, fresh, err := render(page)
		if d := cmp.Diff(want, fresh); d != "" || err != nil {
			t.Fatal(d, err)
		}
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
	}
	for text, problem := range map[string]string{
		"<!-- snippet: b.go -->\n":            "b.go: no such file",
		"<!-- snippet: a.go -->\n```go\nx\n":  "no end",
		"x\n<!-- snippet: a.go#missing -->\n": "p.md:2: ",
		"<!-- snippet: p.md -->\n":            "language",
	} {
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := render(page); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v, want %q", text, err, problem)
		}
	}
}
