package app

import (
	"fmt"
	"os"
	"testing"
)

// TestMain makes this test program the built-in plugins, too: servers in tests
// start them from it.
func TestMain(m *testing.M) {
	builtins["bench"], builtins["shelf"], builtins["turns"] = benchMain, shelfMain, turnsMain
	builtins["crates"], builtins["clouds"] = cratesMain, cloudsMain
	if len(os.Args) == 3 && os.Args[1] == "__plugin" {
		if err := RunBuiltin(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "__fleet" {
		if err := fleetMain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
