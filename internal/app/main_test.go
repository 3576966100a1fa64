package app_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/faultline-storage/faultline/internal/app"
)

// TestMain makes this test program the built-in plugins, too: servers in tests
// start them from it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "__plugin" {
		if err := app.RunBuiltin(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
