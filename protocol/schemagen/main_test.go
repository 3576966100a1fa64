package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFresh fails if the schemas are not those of the types.
func TestFresh(t *testing.T) {
	files, err := generate(filepath.Join("..", "..", "sdk", "wire"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "schema")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := files[e.Name()]; !ok {
			t.Errorf("schema/%s is of no use any more: remove it", e.Name())
		}
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("schema/%s is stale: run go generate ./protocol", name)
		}
	}
}
