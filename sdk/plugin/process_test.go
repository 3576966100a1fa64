package plugin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// odd is a plugin that does what processes should survive.
type odd struct{}

func (p *odd) InitialScan(ctx context.Context, s *plugin.Session, a *Array) error {
	s.Log.Warn("entered")
	switch a.Scenario {
	case "child":
		cmd := exec.Command("sh", "-c", "echo from a child; printf 'without an end'")
		cmd.Stdout = os.Stdout
		return cmd.Run()
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	case "stuck":
		select {}
	case "flood":
		for i := range 20_000 {
			fmt.Println("line", i)
		}
	}
	return nil
}

func (p *odd) Teardown() error {
	fmt.Fprintln(os.Stderr, "torn down")
	return nil
}

func oddProgram() *plugin.Program {
	return plugin.New("odd", 1, plugin.Version("1.2"), plugin.Scans(func() *odd { return &odd{} }))
}

// process is a plugin in a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr strings.Builder
}

func start(t *testing.T, name string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), asPlugin+"="+name, "FAULTLINE_PLUGIN="+name, "FAULTLINE_LOG_LEVEL=debug", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 16<<20)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.in.Close(); _ = p.cmd.Process.Kill() })
	return p
}

func (p *process) send(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
}

// until reads lines until the answer with the id, and returns all of them.
func (p *process) until(id int) (lines []string) {
	p.t.Helper()
	for p.out.Scan() {
		lines = append(lines, p.out.Text())
		var m struct{ ID *int }
		if err := json.Unmarshal(p.out.Bytes(), &m); err != nil {
			p.t.Fatalf("no message: %s", p.out.Text())
		}
		if m.ID != nil && *m.ID == id {
			return lines
		}
	}
	p.t.Fatalf("the plugin ended before it answered %d: %s", id, p.stderr.String())
	return nil
}

func (p *process) scan(scenario string) {
	p.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"host":{"name":"h"}}}`)
	p.until(1)
	p.send(`{"jsonrpc":"2.0","id":2,"method":"session/open","params":{"session":"s","class":"Array","attributes":{"address":"a","scenario":%q}}}`, scenario)
	p.until(2)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"session/initial_scan","params":{"session":"s"}}`)
}

func TestPrintsOfChildren(t *testing.T) {
	p := start(t, "odd")
	p.scan("child")
	text := strings.Join(p.until(3), "\n")
	for _, want := range []string{`"level":"warning"`, `"source":"stdout"`, `"message":"from a child"`, `"message":"without an end"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestPrintFlood(t *testing.T) {
	p := start(t, "odd")
	p.scan("flood")
	if n := strings.Count(strings.Join(p.until(3), "\n"), `"source":"stdout"`); n != 20_000 {
		t.Errorf("%d records", n)
	}
}

func TestHostGone(t *testing.T) {
	for scenario, status := range map[string]int{"": 0, "hang": 0, "stuck": 1} {
		t.Run("scenario "+scenario, func(t *testing.T) {
			t.Parallel()
			p := start(t, "odd")
			p.scan(scenario)
			if scenario == "" {
				p.until(3)
			} else {
				for p.out.Scan() && !strings.Contains(p.out.Text(), "entered") {
				}
				p.send(`{"jsonrpc":"2.0","id":4,"method":"session/open","params":{"session":"t","class":"Array","attributes":{"address":"a"}}}`)
				p.until(4) // the scan hangs, but the process does not
			}
			began := time.Now()
			p.in.Close()
			for p.out.Scan() {
			}
			err := p.cmd.Wait()
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
			if got := p.cmd.ProcessState.ExitCode(); got != status {
				t.Errorf("exit status %d, want %d: %v", got, status, err)
			}
			if torn := strings.HasPrefix(p.stderr.String(), "torn down\n"); torn != (status == 0) {
				t.Errorf("torn down: %v; %s", torn, p.stderr.String())
			}
		})
	}
}

func TestStartedByHand(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), asPlugin+"=broken")
	out, err := cmd.CombinedOutput()
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.ExitCode() != 2 {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"Faultline plugin broken", "plugin validate", "NoIdentity: has no identity", "process_test.go:"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func brokenProgram() *plugin.Program {
	return plugin.New("broken", 1, plugin.Scans(func() *odd { return &odd{} }),
		plugin.Reports[NoIdentity](),
		plugin.Reports[BadType]())
}

func TestWrongDeclarations(t *testing.T) {
	p := start(t, "broken")
	p.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"host":{"name":"h"}}}`)
	lines := p.until(1)
	var m struct {
		Error struct {
			Code int
			Data wire.ErrorData
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Error.Code != wire.CodeBadPlugin || len(m.Error.Data.Problems) != 3 || m.Error.Data.Problems[0].Line == 0 {
		t.Errorf("got %+v", m.Error)
	}
}

func TestGarbageFromHost(t *testing.T) {
	p := start(t, "odd")
	p.send("this is no JSON")
	p.send(`[{"jsonrpc":"2.0","id":7,"method":"initialize"}]`)
	p.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"host":{"name":"h"}},"extra":true}`)
	p.until(1)
	p.send(`{"jsonrpc":"2.0","id":2,"method":"session/open","params":{"session":7}}`)
	if lines := p.until(2); !strings.Contains(lines[len(lines)-1], "-32602") {
		t.Errorf("got %s", lines)
	}
}

// TestFootprint holds the promise about an idle plugin.
func TestFootprint(t *testing.T) {
	if raceEnabled {
		t.Skip("skipped: the race detector needs memory of its own")
	}
	began := time.Now()
	p := start(t, "odd")
	p.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"host":{"name":"h"}}}`)
	p.until(1)
	t.Logf("ready after %v", time.Since(began))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Skip("skipped: there is no /proc to read the resident size from")
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			t.Logf("%d KiB resident", kib)
			if kib > 15<<10 {
				t.Errorf("an idle plugin takes %d KiB", kib)
			}
		}
	}
}
