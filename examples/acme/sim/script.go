package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Script is a list of faults with the times at which they strike.
type Script struct {
	// Name is the name of the file the script came from, for messages.
	Name string
	// Steps are in the order of their times.
	Steps []Step
}

// A Step is one line of a script.
type Step struct {
	// At is the time since the start of the script.
	At    time.Duration
	Fault Fault
	// Line is the line in the script, from 1.
	Line int
}

// A LineError is one thing wrong with a script.
type LineError struct {
	Name string // of the script
	Line int    // from 1
	Err  error
}

// Error returns "name:line: text".
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// ParseScript reads a script. A line is
//
//	at TIME FAULT
//
// such as "at 2s fail-disk disk-0017". Times are durations since the start and
// may stand in any order; lines of the same time keep theirs. Empty lines and
// what follows a # are comments. The error joins a *LineError for every line that is wrong.
func ParseScript(name, text string) (Script, error) {
	s := Script{Name: name}
	var errs []error
	line := 0
	for raw := range strings.SplitSeq(text, "\n") {
		line++
		step, ok, err := parseLine(raw)
		if err != nil {
			errs = append(errs, &LineError{name, line, err})
		} else if ok {
			step.Line = line
			s.Steps = append(s.Steps, step)
		}
	}
	if len(errs) > 0 {
		return Script{}, errors.Join(errs...)
	}
	slices.SortStableFunc(s.Steps, func(x, y Step) int { return cmp.Compare(x.At, y.At) })
	return s, nil
}

func parseLine(raw string) (step Step, ok bool, err error) {
	raw, _, _ = strings.Cut(raw, "#")
	words := strings.Fields(raw)
	if len(words) == 0 {
		return Step{}, false, nil
	}
	if words[0] != "at" || len(words) < 3 {
		return Step{}, false, fmt.Errorf("%q is no step; write: at TIME FAULT, such as: at 2s fail-disk disk-0017", strings.Join(words, " "))
	}
	var at Duration
	if err := at.UnmarshalText([]byte(words[1])); err != nil {
		return Step{}, false, err
	}
	step.At = time.Duration(at)
	step.Fault, err = ParseFault(strings.Join(words[2:], " "))
	return step, err == nil, err
}

// Run applies the steps of the script at their times, counted from the call,
// and returns after the last. After each step it calls onStep, unless that is
// nil. It stops at the first step that fails, with a *LineError, and with
// ctx.Err() when ctx ends. What a step has begun, such as a rebuild, goes on
// after Run returned.
func (a *Array) Run(ctx context.Context, script Script, onStep func(Step)) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, step := range script.Steps {
		timer.Reset(time.Until(start.Add(step.At)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := a.Apply(step.Fault); err != nil {
			return &LineError{script.Name, step.Line, err}
		}
		if onStep != nil {
			onStep(step)
		}
	}
	return nil
}
