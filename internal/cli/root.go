package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes of the program.
const (
	exitDone    = 0
	exitNotFine = 1 // the thing asked about is not fine, or the work failed
	exitMisuse  = 2
)

// Version is the version of the program; the linker sets it.
var Version = "dev"

// errNotFine ends a command whose answer, already printed, is bad news.
var errNotFine = errors.New("not fine")

// misuse is an error of the one who typed the command.
type misuse struct{ error }

// Unwrap returns what is wrong.
func (m misuse) Unwrap() error { return m.error }

func misusef(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	color    bool // out is a terminal that shows colours
	width    int  // of the terminal; 0 if out is none
}

func newConsole(stdin io.Reader, stdout, stderr io.Writer) *console {
	c := &console{in: stdin, out: stdout, err: stderr}
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			c.width = w
		}
	}
	return c
}

// Main runs the command line and returns the exit code of the process: 0 done,
// 1 the thing asked about is not fine, 2 misuse. args does not hold the name of
// the program. It returns when the work is done or ctx ends.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := newConsole(stdin, stdout, stderr)
	root := newRoot(c)
	root.SetArgs(args)
	started := markStart(root)
	err := root.ExecuteContext(ctx)
	var m misuse
	var p *problemError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNotFine):
		return exitNotFine
	case !*started || errors.As(err, &m) || errors.As(err, &p) && p.misuse():
		fmt.Fprintln(stderr, "faultline:", oneLine(err))
		return exitMisuse
	}
	fmt.Fprintln(stderr, "faultline:", oneLine(err))
	return exitNotFine
}

// newRoot returns the root command with all subcommands.
func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "faultline",
		Short: "Find the fault line: one live graph of storage, from a fan to a file system",
		Long: "Faultline keeps one live graph of storage resources that plugins report, watches\n" +
			"the conditions that they declare, and tells what a fault endangers (impact) and\n" +
			"what makes a resource sick (why).",
		SilenceErrors: true, // Main prints them, on one line
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // group tells which one is wrong
		RunE:          group,
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newGet(c),
		newWhy(c),
		newWhyLinked(c),
		newImpact(c),
		newHistory(c),
		newAdd(c),
		newEdit(c),
		newRm(c),
		newApprove(c),
		newAck(c),
		newUnack(c),
		newToken(c),
		newHost(c),
		newServe(c),
		newRunner(c),
		newAgent(c),
		newBackup(c),
		newRestore(c),
		newPlugin(c),
		newDemo(c),
		newBuiltin(),
		newVersion(c),
	)
	return root
}

// markStart makes every command note that it began to run. What fails before
// that is misuse: cobra has found the flags or arguments wrong.
func markStart(root *cobra.Command) *bool {
	started := new(bool)
	var mark func(*cobra.Command)
	mark = func(cmd *cobra.Command) {
		if run := cmd.RunE; run != nil {
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				*started = true
				return run(cmd, args)
			}
		}
		for _, sub := range cmd.Commands() {
			mark(sub)
		}
	}
	mark(root)
	return started
}

// exactArgs asks for one argument for each name.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s is missing; usage: %s", names[len(args)], cmd.UseLine())
		}
		if len(args) > len(names) {
			return fmt.Errorf("unexpected argument %q; usage: %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// group is the RunE of a command that only has subcommands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misusef("unknown command %q; see %s --help", args[0], cmd.CommandPath())
	}
	return cmd.Help()
}

// oneLine keeps an error on one line, for those who read logs by line.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
