package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// TestMain makes this test binary the plugin itself, if asked to.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestManifest compares what the program declares with the golden manifest,
// which the example in Python has to match as well.
func TestManifest(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "EXAMPLE_TEST_MAIN=1", "FAULTLINE_PLUGIN=example")
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
	if _, err := in.Write([]byte(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"host":{"name":"test"}}}` + "\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var msg struct{ Result wire.InitializeResult }
	if err := json.Unmarshal(line, &msg); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the plugin ended with %v", err)
	}
	got, err := msg.Result.Manifest.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("..", "..", "protocol", "golden", "example.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("not the golden manifest (-want +got):\n%s", diff)
	}
}

func TestScan(t *testing.T) {
	h := plugintest.Start(t, NewExample, &Couplet{Address1: "10.0.0.1", Address2: "10.0.0.2"},
		plugin.Reports[Controller](), plugin.Reports[HardDrive](), plugin.Reports[RaidPool](), plugin.Reports[Lun]())
	h.Conform()
	h.InitialScan()
	h.Want("HardDrive", 0)
}
