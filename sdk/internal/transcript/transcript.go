// Package transcript replays protocol/transcripts against a plugin, in the tests of
// the SDK's packages.
package transcript

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script is a file of protocol/transcripts.
type script struct {
	name, plugin string
	lines        []string
}

func read(t *testing.T) []script {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "protocol", "transcripts", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Skip("skipped: protocol/transcripts is not there; the sdk module stands alone")
	}
	var list []script
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tr := script{name: strings.TrimSuffix(filepath.Base(path), ".txtar")}
		_, rest, ok1 := strings.Cut(string(b), "-- plugin --\n")
		name, lines, ok2 := strings.Cut(rest, "-- lines --\n")
		if !ok1 || !ok2 {
			t.Fatalf("%s: wants files plugin and lines", path)
		}
		tr.plugin = strings.TrimSpace(name)
		tr.lines = strings.Split(strings.TrimSpace(lines), "\n")
		list = append(list, tr)
	}
	return list
}

// Program is a plugin that can be served in this process.
type Program interface {
	Serve(ctx context.Context, in io.Reader, out io.Writer) error
}

// Run replays every transcript that is played against one of programs: in this
// process, and against a process of its own, which is this test binary with the
// plugin's name in the variable env. The tests of package in a folder of sdk call it.
func Run(t *testing.T, env string, programs map[string]func() Program) {
	for _, tr := range read(t) {
		program := programs[tr.plugin]
		if program == nil {
			continue // another package plays it
		}
		t.Run(tr.name+"/process", func(t *testing.T) {
			t.Parallel()
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), env+"="+tr.plugin, "FAULTLINE_PLUGIN="+tr.plugin, "FAULTLINE_LOG_LEVEL=", "GORACE=atexit_sleep_ms=0")
			cmd.Stderr = os.Stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			play(t, tr, in, out)
			if err := cmd.Wait(); err != nil {
				t.Errorf("the plugin ended with %v", err)
			}
		})
		if strings.Contains(strings.Join(tr.lines, "\n"), `"source":"stdout"`) {
			continue // only a process can have its standard output captured
		}
		t.Run(tr.name+"/inprocess", func(t *testing.T) {
			t.Parallel()
			hostIn, pluginOut := io.Pipe()
			pluginIn, hostOut := io.Pipe()
			served := make(chan error, 1)
			go func() {
				served <- program().Serve(t.Context(), pluginIn, pluginOut)
				pluginOut.Close()
			}()
			play(t, tr, hostOut, hostIn)
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
	}
}

// play sends the host's lines and compares what comes with the plugin's lines.
func play(t *testing.T, tr script, in io.WriteCloser, out io.Reader) {
	t.Helper()
	got := make(chan string)
	go func() {
		defer close(got)
		sc := bufio.NewScanner(out)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			if !strings.Contains(sc.Text(), `"method":"x-grease-`) {
				got <- sc.Text()
			}
		}
	}()
	next := func() (string, bool) {
		select {
		case line, ok := <-got:
			return line, ok
		case <-time.After(10 * time.Second):
			return "nothing within 10 s", false
		}
	}
	for i, line := range tr.lines {
		side, msg, _ := strings.Cut(line, " ")
		if strings.Contains(msg, `"method":"x-grease-`) && side == "←" {
			continue
		}
		switch side {
		case "→":
			if _, err := io.WriteString(in, msg+"\n"); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
		case "←":
			line, ok := next()
			if !ok {
				t.Fatalf("line %d: %s, want %s", i+1, line, msg)
			}
			if diff := matchJSON(t, msg, line); diff != "" {
				t.Fatalf("line %d: %s\n got %s\nwant %s", i+1, diff, line, msg)
			}
		default:
			t.Fatalf("line %d begins with %q", i+1, side)
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	for {
		line, ok := next()
		if !ok {
			break
		}
		if !strings.Contains(line, `"message":"teardown"`) { // sessions that the transcript left open
			t.Errorf("after the last line: %s", line)
		}
	}
}

func parseJSON(t *testing.T, s string) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func matchJSON(t *testing.T, want, got string) string {
	t.Helper()
	return match("", parseJSON(t, want), parseJSON(t, got))
}

// match compares by the rules of SPEC.md, section 9.
func match(path string, want, got any) string {
	if want == "*" {
		return ""
	}
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return path + " is no object"
		}
		for k, w := range want {
			g, ok := got[k]
			if !ok {
				return path + "." + k + " is missing"
			}
			if d := match(path+"."+k, w, g); d != "" {
				return d
			}
		}
		for k := range got {
			switch k {
			case "t", "detail", "sdk", "version", "file":
				continue
			}
			if _, ok := want[k]; !ok {
				return path + "." + k + " is too much"
			}
		}
		return ""
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return path + " has another length"
		}
		for i := range want {
			if d := match(fmt.Sprintf("%s[%d]", path, i), want[i], got[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if want != got {
		return fmt.Sprintf("%s is %v, want %v", path, got, want)
	}
	return ""
}
