// Command rulegen writes, from the register in protocol/rule, what is made of
// it: the constants of both SDKs and the documentation.
//
//	rulegen REPOSITORY
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/faultline-storage/faultline/protocol/rule"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rulegen REPOSITORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "rulegen:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	rules, err := rule.All()
	if err != nil {
		return err
	}
	for name, content := range generate(rules) {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
