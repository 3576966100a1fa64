// Command schemagen writes the JSON Schemas of the plugin protocol from the Go
// types in sdk/wire: types and requirements by reflection, descriptions from
// the comments in the source.
//
//	schemagen WIRE_SOURCE_DIR OUTPUT_DIR
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: schemagen WIRE_SOURCE_DIR OUTPUT_DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func write(source, out string) error {
	files, err := generate(source)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
