package app

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestHostsGetTheProgramForAgents: the one that lies beside the server's, and else
// the server's own.
func TestHostsGetTheProgramForAgents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole, small, other := filepath.Join(dir, "faultline"), filepath.Join(dir, smallProgram), filepath.Join(dir, "faultline-plan9-mips")
	place := func(path string) {
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	check := func(system, machine, want string) {
		t.Helper()
		if got, err := programFor(whole, dir, system, machine); got != want || (err == nil) != (want != "") {
			t.Errorf("%s on %s: got %q, %v, want %q", system, machine, got, err, want)
		}
	}
	place(whole)
	check(runtime.GOOS, runtime.GOARCH, whole)
	place(small)
	check(runtime.GOOS, runtime.GOARCH, small)
	check("plan9", "mips", "")
	place(other)
	check("plan9", "mips", other)
}
