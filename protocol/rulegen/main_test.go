package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/faultline-storage/faultline/protocol/rule"
)

// TestFresh fails if what is generated is not that of the register.
func TestFresh(t *testing.T) {
	rules, err := rule.All()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range generate(rules) {
		got, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil || string(got) != want {
			t.Errorf("%s is stale: run go generate ./protocol", name)
		}
	}
}

func TestConstant(t *testing.T) {
	for name, want := range map[string]string{"IdentifierUnknown": "IDENTIFIER_UNKNOWN", "IDNotNeeded": "ID_NOT_NEEDED", "AutoIDNotRoot": "AUTO_ID_NOT_ROOT", "Python2": "PYTHON2", "NoRoot": "NO_ROOT"} {
		if got := constant(name); got != want {
			t.Errorf("constant(%q) = %q, want %q", name, got, want)
		}
	}
}
