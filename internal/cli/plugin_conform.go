package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faultline-storage/faultline/internal/app"
	"github.com/faultline-storage/faultline/internal/conform"
)

// conformFlags are the flags of plugin test.
type conformFlags struct {
	app.TestOptions
	set, unreachable         []string
	output                   string
	verbose                  bool
	timeout                  time.Duration
	remove                   string
	maxGrowth, maxMemory     byteSize
	hostID                   int64
	agentStart, agentUpdates string
}

func newPluginTest(c *console) *cobra.Command {
	var o conformFlags
	cmd := &cobra.Command{
		Use:   "test PATH --class CLASS --set NAME=VALUE...",
		Short: "Test a plugin against the protocol and the guide, as a host would see it",
		Long: "Start a plugin, in whatever language it is written, and test what every plugin must\n" +
			"do: identities that stay, updates that send changes only, removal, failures, the ends\n" +
			"of sessions and processes, many sessions at once, leaks, secrets. The root is given as\n" +
			"to `plugin run`, and should be hardware that stays as it is meanwhile.\n\n" +
			"A check that fails says what was seen, which rule that breaks, and what to do. The exit\n" +
			"code is 1 if one fails. One scan is made with a wrong password (--leave secrets makes\n" +
			"none) and one at an address where nothing answers.\n\n" +
			"The checks:\n" + checkList(),
		Example: "  faultline plugin test acme.py --set address=array.example.com --set password=-\n" +
			"  faultline plugin test ./faultline-plugin-acme --class Array --set url=http://127.0.0.1:8080 \\\n" +
			"    --remove 'curl -sd \"remove-disk disk-7\" http://127.0.0.1:8080/api/v1/faults'",
		Args: exactArgs("PATH"),
	}
	f := cmd.Flags()
	f.StringVar(&o.Class, "class", "", "`class` of the root; may be left out if there is only one")
	f.StringArrayVar(&o.set, "set", nil, "attribute of the root as `name=value` (name=- reads a password from standard input, name=@file a file); repeatable")
	f.StringVarP(&o.output, "output", "o", "text", "`format` of the output: text or json")
	f.StringSliceVar(&o.Conform.Only, "only", nil, "make this `check` only; repeatable")
	f.StringSliceVar(&o.Conform.Leave, "leave", nil, "leave this `check` out; repeatable")
	f.BoolVar(&o.Conform.Live, "live", false, "the hardware changes by itself: differences between scans are no failures")
	f.StringVar(&o.remove, "remove", "", "shell `command` that makes the hardware lose something, for the check removal")
	f.StringArrayVar(&o.unreachable, "unreachable", nil, "attribute of a root at which nothing answers, as `name=value`; repeatable (default: worked out from the root)")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long one hook may take")
	f.IntVar(&o.Conform.Sessions, "sessions", 20, "`number` of sessions of the check leaks")
	f.IntVar(&o.Conform.Parallel, "parallel", 8, "`number` of sessions at once of the check parallel")
	o.maxGrowth = 512 << 10
	f.Var(&o.maxGrowth, "max-growth", "most memory that a session may leave behind, such as 512KiB")
	f.Var(&o.maxMemory, "max-memory", "most memory of the process, such as 200MiB (default: no bound)")
	f.DurationVar(&o.Conform.MaxScan, "max-scan", 0, "longest initial scan (default: no bound)")
	f.StringVar(&o.agentStart, "agent-data", "", "`file` with JSON that an agent plugin sends at the start: feeds the plugin with it instead of scanning")
	f.StringVar(&o.agentUpdates, "agent-update", "", "`file` with JSON that the agent plugin of an unchanged host sends later")
	f.Int64Var(&o.hostID, "host-id", 1, "`number` of the host that agent data is from")
	f.BoolVar(&o.verbose, "verbose", false, "print the plugin's log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Path = args[0]
		return o.run(cmd.Context(), c)
	}
	return cmd
}

func checkList() string {
	var b strings.Builder
	for _, k := range conform.Checks() {
		fmt.Fprintf(&b, "  %-18s %s\n", k.Name, k.Holds)
	}
	return strings.TrimRight(b.String(), "\n")
}

// options turns what was typed into options.
func (o *conformFlags) options(c *console) (err error) {
	if o.output != "text" && o.output != "json" {
		return misusef("-o %s: there are text and json", o.output)
	}
	if o.Conform.Sessions < 1 || o.Conform.Parallel < 1 {
		return misusef("--sessions and --parallel must be 1 or more")
	}
	if o.Attributes, err = c.textValues(o.set); err != nil {
		return err
	}
	if len(o.unreachable) > 0 {
		if o.Unreachable, err = c.textValues(o.unreachable); err != nil {
			return err
		}
	}
	o.Conform.MaxGrowth, o.Conform.MaxMemory = int64(o.maxGrowth), int64(o.maxMemory)
	if o.agentStart != "" {
		a := &conform.Agent{HostID: o.hostID}
		if a.Start, err = jsonFile("--agent-data", o.agentStart); err != nil {
			return err
		}
		if o.agentUpdates != "" {
			if a.Continue, err = jsonFile("--agent-update", o.agentUpdates); err != nil {
				return err
			}
		}
		o.Conform.Agent = a
	} else if o.agentUpdates != "" {
		return misusef("--agent-update needs --agent-data")
	}
	if o.remove != "" {
		o.Conform.Remove = func(ctx context.Context) error {
			cmd := exec.CommandContext(ctx, "sh", "-c", o.remove)
			cmd.Stdout, cmd.Stderr = c.err, c.err
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("--remove: %w", err)
			}
			return nil
		}
	}
	return nil
}

func jsonFile(flag, name string) (json.RawMessage, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, misuse{fmt.Errorf("%s: %w", flag, err)}
	}
	if !json.Valid(b) {
		return nil, misusef("%s: %s is no JSON", flag, name)
	}
	return b, nil
}

func (o *conformFlags) run(ctx context.Context, c *console) error {
	if err := o.options(c); err != nil {
		return err
	}
	tool := app.Tool{Version: Version, Timeout: o.timeout}
	if o.verbose {
		tool.Log, tool.Level = pluginLog(c, slog.LevelDebug), slog.LevelDebug
	}
	if o.output == "text" {
		o.Conform.OnResult = c.checkResult
	}
	report, err := tool.Test(ctx, o.TestOptions)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case app.WrongInput(err):
		return misuse{err}
	case err != nil:
		return err
	}
	if o.output == "json" {
		e := json.NewEncoder(c.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		fmt.Fprintf(c.out, "%s: %d passed, %d failed, %d skipped\n", report.Plugin, report.Passed, report.Failed, report.Skipped)
	}
	if err == nil && report.Failed > 0 {
		return errNotFine
	}
	return err
}

// checkResult prints one result when it is there.
func (c *console) checkResult(r conform.Result) {
	word, color := "pass", text.FgGreen
	switch r.Status {
	case conform.Fail:
		word, color = "FAIL", text.FgRed
	case conform.Skip:
		word, color = "skip", text.FgYellow
	}
	if c.color {
		word = color.Sprint(word)
	}
	fmt.Fprintf(c.out, "%s  %-18s %s\n", word, r.Name, clean(cmp.Or(r.Note, r.Holds)))
	if r.Status != conform.Fail {
		return
	}
	for _, seen := range r.Seen {
		fmt.Fprintf(c.out, "      seen:   %s\n", indented(seen))
	}
	fmt.Fprintf(c.out, "      rule:   %s\n      to do:  %s\n", r.Rule, r.Advice)
}

// indented keeps further lines of a finding, such as those of a stack, under it.
func indented(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(strings.ReplaceAll(lines[i], "\t", "  "))
	}
	return strings.Join(lines, "\n              ")
}

// byteSize is the value of a flag that takes a size such as 512KiB.
type byteSize int64

// String implements pflag.Value.
func (s *byteSize) String() string {
	n, unit := int64(*s), "B"
	for _, next := range []string{"KiB", "MiB", "GiB"} {
		if n < 1024 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, next
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d%s", n, unit)
}

// Type implements pflag.Value.
func (s *byteSize) Type() string { return "size" }

// Set implements pflag.Value.
func (s *byteSize) Set(given string) error {
	for unit, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "": 1} {
		digits, ok := strings.CutSuffix(given, unit)
		if !ok || unit == "" && strings.HasSuffix(given, "B") {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || fmt.Sprint(n) != digits || n < 0 || n > 1<<40 {
			continue
		}
		*s = byteSize(n * factor)
		return nil
	}
	return errors.New("a size is a number with KiB, MiB or GiB, such as 512KiB")
}
