package pluginhost

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Reasons for which the host ends a process. They are found in Process.Err, and
// in the errors of calls that were running, by errors.Is.
var (
	// ErrDeadline says that a call was still running at its deadline.
	ErrDeadline = errors.New("did not answer in time")
	// ErrGarbage says that too many lines on standard output were no messages.
	ErrGarbage = errors.New("too many lines on standard output are no protocol messages")
	// ErrLineTooLong says that a line exceeded MaxLine.
	ErrLineTooLong = errors.New("a line on standard output is longer than 16 MiB")
	// ErrBadBatch says that a session/batch could not be decoded, so that a
	// part of the truth is lost.
	ErrBadBatch = errors.New("sent a batch that cannot be decoded")
	// ErrNotReading says that the process does not read its standard input.
	ErrNotReading = errors.New("does not read its standard input")
	// ErrOutputClosed says that the process closed its standard output and
	// went on running.
	ErrOutputClosed = errors.New("closed its standard output")
	// ErrOverBudget says that the process, or what it started, used more than
	// Options.Limits allow; the error is a *BudgetError.
	ErrOverBudget = errors.New("over budget")
)

// Budgets, as BudgetError names them.
const (
	BudgetMemory    = "memory"
	BudgetCPU       = "cpu"
	BudgetOpenFiles = "open_files"
	BudgetProcesses = "processes"
)

// A BudgetError says which of its budgets a plugin broke.
type BudgetError struct {
	Budget string // one of the constants
	Limit  float64
	// Use is what was seen: bytes, cores, descriptors of one process, or
	// processes and threads. It is 0 if the kernel kept the limit.
	Use float64
	// Window is the time that CPU was averaged over.
	Window time.Duration
}

// Error implements error: "over its memory budget: 70 MiB of 64 MiB".
func (e *BudgetError) Error() string {
	show := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	unit := ""
	switch e.Budget {
	case BudgetMemory:
		show = mebibytes
	case BudgetCPU:
		show = func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
		unit = fmt.Sprintf(" cores over %v", e.Window)
	case BudgetProcesses:
		unit = " processes and threads"
	case BudgetOpenFiles:
		unit = " in one process"
	}
	name := strings.ReplaceAll(e.Budget, "_", " ")
	if e.Use == 0 {
		return fmt.Sprintf("over its %s budget of %s%s", name, show(e.Limit), unit)
	}
	return fmt.Sprintf("over its %s budget: %s of %s%s", name, show(e.Use), show(e.Limit), unit)
}

// Is makes every BudgetError an ErrOverBudget.
func (e *BudgetError) Is(target error) bool { return target == ErrOverBudget }

func mebibytes(v float64) string {
	return strconv.FormatFloat(math.Round(10*v/(1<<20))/10, 'f', -1, 64) + " MiB"
}

// ErrEnded is what errors.Is finds in the error of every call that failed
// because the process is gone, whatever the reason.
var ErrEnded = errors.New("process ended")

// CallError is a plugin's own error answer to a call. The process is alive.
type CallError struct {
	Plugin  string
	Method  string // as in package wire
	Code    int    // a standard JSON-RPC code or one of package wire
	Message string
	Data    wire.ErrorData // zero if the answer has none, or none that can be read

	cause *jrpc2.Error
}

// Error implements error.
func (e *CallError) Error() string {
	msg := e.Message
	if msg == "" {
		msg = jrpc2.Code(e.Code).String()
	}
	if n := len(e.Data.Problems); n > 0 && e.Code == wire.CodeBadPlugin {
		// The plugin's own words would say the same again.
		msg = "its declarations are wrong: " + e.Data.Problems[0].String()
		if n > 1 {
			msg += fmt.Sprintf(" (and %d more)", n-1)
		}
		return fmt.Sprintf("plugin %s: %s", e.Plugin, msg)
	}
	return fmt.Sprintf("plugin %s: %s: %s", e.Plugin, shortMethod(e.Method), msg)
}

// Unwrap returns the *jrpc2.Error, or nil if the host itself found the answer
// wrong.
func (e *CallError) Unwrap() error {
	if e.cause == nil {
		return nil
	}
	return e.cause
}

// ExitError says why and how a process ended.
type ExitError struct {
	Plugin string
	// Reason is why the host ended the process, or nil if it ended by itself.
	Reason error
	// State is the exit in words, such as "exit status 1" or "signal: killed".
	State string
	// Stderr holds the last lines that it wrote on standard error, oldest first.
	Stderr []string
}

// Error implements error.
func (e *ExitError) Error() string { return "plugin " + e.Plugin + ": " + e.text() }

// text is the error without the plugin's name.
func (e *ExitError) text() string {
	text := fmt.Sprintf("process ended by itself (%s)", e.State)
	if e.Reason != nil {
		text = e.Reason.Error() + "; process ended"
	}
	if len(e.Stderr) > 0 {
		text += "; last lines of its standard error:\n\t" + strings.Join(e.Stderr, "\n\t")
	}
	return text
}

// Unwrap returns the reason.
func (e *ExitError) Unwrap() error { return e.Reason }

// Is makes every ExitError an ErrEnded.
func (e *ExitError) Is(target error) bool { return target == ErrEnded }

// A lostCall is the error of a call that the end of the process left without an
// answer.
type lostCall struct {
	method string
	exit   *ExitError
}

func (e *lostCall) Error() string {
	return "plugin " + e.exit.Plugin + ": " + shortMethod(e.method) + ": " + e.exit.text()
}

func (e *lostCall) Unwrap() error { return e.exit }

// A deadlineError is an ErrDeadline that says of which call.
type deadlineError struct {
	method  string
	timeout time.Duration
}

func (e *deadlineError) Error() string {
	return fmt.Sprintf("%s did not answer within %v", shortMethod(e.method), e.timeout)
}

func (e *deadlineError) Is(target error) bool { return target == ErrDeadline }

// Permanent reports whether err, from Start, will come again as long as the
// plugin's files are as they are: its declarations are wrong, or it speaks
// another version of the protocol.
func Permanent(err error) bool {
	var c *CallError
	return errors.As(err, &c) && c.Method == wire.MethodInitialize &&
		(c.Code == wire.CodeBadPlugin || c.Code == wire.CodeBadVersion)
}

// Problems returns what a plugin said is wrong with its declarations, if err
// holds such an answer.
func Problems(err error) []wire.Problem {
	var c *CallError
	if errors.As(err, &c) {
		return c.Data.Problems
	}
	return nil
}

// shortMethod is the name of a method as people know it.
func shortMethod(method string) string {
	return strings.TrimPrefix(strings.TrimPrefix(method, "session/"), "device/")
}
