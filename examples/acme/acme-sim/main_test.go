package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServesUntilStopped(t *testing.T) {
	script := filepath.Join(t.TempDir(), "faults")
	if err := os.WriteFile(script, []byte("at 0s fail-disk disk-3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-disks", "20", "-still", "-script", script}, w, io.Discard)
		w.CloseWithError(io.EOF)
		done <- err
	}()
	lines := bufio.NewScanner(r)
	lines.Scan()
	base := lines.Text()
	lines.Scan()
	if !strings.HasSuffix(lines.Text(), "  fail-disk disk-0003") {
		t.Errorf("second line: %q", lines.Text())
	}
	res, err := http.Get(base + "/api/v1/system")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !strings.Contains(string(body), `"status":"DEGRADED"`) {
		t.Errorf("the system is %s", body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestScriptThatFailsEndsTheProgram(t *testing.T) {
	script := filepath.Join(t.TempDir(), "faults")
	if err := os.WriteFile(script, []byte("\nat 0s fail-disk disk-21\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-disks", "20", "-script", script}, io.Discard, io.Discard)
	if want := script + ":2: fail-disk: the array has no disk-0021; it has 20 of that kind"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMisuse(t *testing.T) {
	for args, want := range map[string]string{
		"-disks 2":             "2 disks: an array has 4 to 100000",
		"-listen 0.0.0.0:0":    "-listen 0.0.0.0:0 can be reached from other machines; give a -password, or listen on 127.0.0.1",
		"-listen :0":           "-listen :0 can be reached from other machines; give a -password, or listen on 127.0.0.1",
		"-listen 127.0.0.1":    "-listen 127.0.0.1: address 127.0.0.1: missing port in address",
		"-script /nonexistent": "read the fault script: open /nonexistent: no such file or directory",
		"now":                  `unexpected argument "now"; see acme-sim -help`,
	} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
	var help strings.Builder
	if err := run(t.Context(), []string{"-help"}, io.Discard, &help); !errors.Is(err, errUsage) || !strings.Contains(help.String(), "lose-path LUN CONTROLLER") {
		t.Errorf("-help: %v, %s", err, help.String())
	}
}
