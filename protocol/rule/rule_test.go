package rule

import (
	"regexp"
	"strings"
	"testing"
)

// Each rule can be explained: it has a text, and an example in each language
// that has a wrong and a right side.
func TestRules(t *testing.T) {
	rules, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) == 0 {
		t.Fatal("there are no rules")
	}
	names, titles := map[string]string{}, map[string]string{}
	for _, r := range rules {
		if !regexp.MustCompile(`^FL[1-9][0-9]{2}$`).MatchString(r.Code) {
			t.Errorf("%s is no code: FL and three digits", r.Code)
		}
		if warning := r.Code >= "FL500"; warning != r.Warning {
			t.Errorf("%s: the codes from FL500 on, and no others, are warnings", r.Code)
		}
		if names[r.Name] != "" || titles[r.Title] != "" {
			t.Errorf("%s has the name or title of another rule", r.Code)
		}
		names[r.Name], titles[r.Title] = r.Code, r.Code
		if r.Text == "" {
			t.Errorf("%s has no text", r.Code)
		}
		if strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: a title ends without a full stop", r.Code)
		}
		for _, l := range Languages {
			_, wrong := r.Examples["wrong."+l.Ext]
			_, right := r.Examples["right."+l.Ext]
			if wrong != right {
				t.Errorf("%s: in %s it needs both a wrong and a right example", r.Code, l.Name)
			}
		}
	}
}

func TestFind(t *testing.T) {
	if r, ok := Find("fl213"); !ok || r.Name != "IdentifierUnknown" {
		t.Errorf("got %v, %v", r.Name, ok)
	}
	if _, ok := Find("FL000"); ok {
		t.Error("found FL000")
	}
}

func TestParseFails(t *testing.T) {
	for _, first := range []string{"", "no name", "lower: title", "Name:", "Name (note): title"} {
		if r, err := parse("FL999", []byte(first+"\n")); err == nil {
			t.Errorf("%q is read as %+v", first, r)
		}
	}
}
