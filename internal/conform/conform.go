package conform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	Skip Status = "skip"
)

// Result is what came of one check.
type Result struct {
	// Name of the check; it never changes.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Holds says what must hold.
	Holds string `json:"holds"`
	// Note says why a check was skipped, or more about one that passed.
	Note string `json:"note,omitempty"`
	// Seen is what was seen of a check that failed.
	Seen []string `json:"seen,omitempty"`
	// Rule is where that is written, Advice what to do about it; of a check that
	// failed.
	Rule    string  `json:"rule,omitempty"`
	Advice  string  `json:"advice,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Figures are what was measured; 0 where it was not.
type Figures struct {
	Resources     int     `json:"resources"`      // that the initial scan reported
	StartSeconds  float64 `json:"start_seconds"`  // from the start of the process to its manifest
	ScanSeconds   float64 `json:"scan_seconds"`   // an initial scan, the middle one of all
	UpdateSeconds float64 `json:"update_seconds"` // an update scan, the middle one of all
	Memory        int64   `json:"memory"`         // resident, in bytes, after all sessions of the check leaks
	Growth        int64   `json:"growth"`         // of the memory, in bytes a session
	Descriptors   int     `json:"descriptors"`
	Threads       int     `json:"threads"`
}

// Report is what came of all checks.
type Report struct {
	Plugin  string   `json:"plugin"`
	Class   string   `json:"class"` // of the root
	Results []Result `json:"checks"`
	Figures Figures  `json:"figures"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
}

// Agent is the data that feeds a plugin in place of scans (guide, "Handling Data
// from Agent Plugins").
type Agent struct {
	HostID int64
	Start  json.RawMessage
	// Continue is what an unchanged host sends later; nil if nothing.
	Continue json.RawMessage
}

// Options say what to test and how. Host and Root are required.
type Options struct {
	// Host says how to start the plugin. OnBatch, OnLog, Tap and LogLevel are set
	// here; CallTimeout is how long a hook may take, 1 min by default.
	Host pluginhost.Options
	// Root returns the class of the root and its attributes as a user typed them,
	// passwords in the clear, after checking them against what the plugin
	// declares. An error ends the run.
	Root func(wire.Manifest) (class string, attributes map[string]json.RawMessage, err error)
	// Agent is set if the plugin is fed by agent data instead of scans.
	Agent *Agent
	// Accept, if set, scans once with all stages of a server, and returns why the
	// server refused what the plugin reported.
	Accept func(context.Context) error
	// Remove, if set, makes the hardware lose something that was reported.
	Remove func(context.Context) error
	// Unreachable are attributes of a root at which nothing answers; nil lets the
	// check work it out.
	Unreachable map[string]json.RawMessage
	// Live says that the hardware changes by itself: what differs between scans
	// is then told, and is no failure.
	Live bool

	Sessions int // of the check leaks; 20 by default
	Parallel int // of the check parallel; 8 by default
	// MaxGrowth is how much memory a session may leave behind, in bytes; 512 KiB by
	// default.
	MaxGrowth int64
	// MaxMemory and MaxScan bound the memory, in bytes, and an initial scan; 0 is
	// no bound.
	MaxMemory int64
	MaxScan   time.Duration

	// Only and Leave name the checks to make and those to leave out. What
	// others build on (handshake, scan) is always made.
	Only, Leave []string
	// OnResult, if set, is called with each result when it is there.
	OnResult func(Result)
}

func (o Options) withDefaults() Options {
	o.Sessions = cmp.Or(o.Sessions, 20)
	o.Parallel = cmp.Or(o.Parallel, 8)
	o.MaxGrowth = cmp.Or(o.MaxGrowth, 512<<10)
	o.Host.CallTimeout = cmp.Or(o.Host.CallTimeout, time.Minute)
	if o.OnResult == nil {
		o.OnResult = func(Result) {}
	}
	return o
}

// Checks returns the names of all checks and what must hold, in the order in
// which they are made.
func Checks() []Result {
	var list []Result
	for _, c := range checks {
		list = append(list, Result{Name: c.name, Holds: c.holds})
	}
	return list
}

func names() (list []string) {
	for _, c := range checks {
		list = append(list, c.name)
	}
	return list
}

// QuestionError says what is wrong with what was asked for.
type QuestionError struct{ Text string }

// Error implements error.
func (e *QuestionError) Error() string { return e.Text }

// Run makes the checks. The error is for what is wrong with the question (a
// *QuestionError, or what Options.Root and Remove return) or for the end of ctx;
// what is wrong with the plugin is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	for _, name := range slices.Concat(o.Only, o.Leave) {
		if !slices.Contains(names(), name) {
			return nil, &QuestionError{fmt.Sprintf("there is no check %q; there are %s", name, strings.Join(names(), ", "))}
		}
	}
	b := &bench{o: o.withDefaults(), rec: newRecorder()}
	defer b.stop(ctx)
	b.report.Plugin = o.Host.Spec.Name
	for _, c := range checks {
		wanted := (len(o.Only) == 0 || slices.Contains(o.Only, c.name)) && !slices.Contains(o.Leave, c.name)
		if !wanted && !c.basis {
			continue
		}
		began := time.Now()
		v := b.do(ctx, c)
		if b.misuse != nil {
			return nil, b.misuse
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !wanted && v.status == Pass {
			continue
		}
		r := Result{Name: c.name, Status: v.status, Holds: c.holds, Note: v.note, Seconds: time.Since(began).Seconds()}
		if v.status == Fail {
			r.Seen, r.Rule, r.Advice = v.seen, c.rule, c.advice
			b.failed[c.name] = true
		}
		b.report.add(r)
		b.o.OnResult(r)
	}
	b.report.Figures = b.figures()
	return &b.report, nil
}

func (r *Report) add(res Result) {
	r.Results = append(r.Results, res)
	switch res.Status {
	case Pass:
		r.Passed++
	case Fail:
		r.Failed++
	case Skip:
		r.Skipped++
	}
}

// verdict is the outcome of a check.
type verdict struct {
	status Status
	note   string
	seen   []string
}

func passed(format string, args ...any) verdict {
	return verdict{status: Pass, note: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) verdict {
	return verdict{status: Skip, note: fmt.Sprintf(format, args...)}
}

// mostSeen is how many findings of one check are told.
const mostSeen = 10

// judge is a failure if anything was seen.
func judge(seen []string, note string) verdict {
	if len(seen) == 0 {
		return verdict{status: Pass, note: note}
	}
	if n := len(seen) - mostSeen; n > 0 {
		seen = append(seen[:mostSeen:mostSeen], fmt.Sprintf("… and %d more", n))
	}
	return verdict{status: Fail, seen: seen}
}

// findings collects what is wrong.
type findings []string

func (f *findings) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }
