package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Command is a tool to run. It must only read.
type Command struct {
	// Name is the tool's own name; where it is installed is the runner's business.
	Name string
	Args []string
	// Topic are the words that make it this question and no other one, such as "show"
	// and "maps": a recording of the tool that has them answers it, whatever else was
	// asked for there.
	Topic []string
	// Limit is how long it may take; 0 is 20 seconds.
	Limit time.Duration
}

func (c Command) String() string { return strings.Join(append([]string{c.Name}, c.Args...), " ") }

// Output is what a command said.
type Output struct {
	Stdout, Stderr []byte
	Code           int // the exit code
}

// Runner runs commands. Safe for concurrent use.
type Runner interface {
	// Run returns what the command said, whatever its exit code. An error is
	// ErrMissing, ErrStuck, or says why there is no output.
	Run(ctx context.Context, c Command) (Output, error)
}

// Errors of a Runner, wrapped with the tool's name.
var (
	// ErrMissing is returned for a tool that is not installed.
	ErrMissing = errors.New("not installed")
	// ErrStuck is returned for a tool that hangs in the kernel, so that not even a kill
	// ends it. It is not started again while that lives.
	ErrStuck = errors.New("hangs in the kernel and cannot be ended")
)

// Recorded is one run of a command that a capture holds.
type Recorded struct {
	Line string // as it was typed: the words with a space between them
	Output
}

// Replay answers with recorded output. Commands that were not recorded are not
// installed.
type Replay []Recorded

// Run is as Runner says: it finds the recording of the same line, or else the
// first one of the same tool that has the command's topic.
func (r Replay) Run(_ context.Context, c Command) (Output, error) {
	var best *Recorded
	for i := range r {
		words := strings.Fields(r[i].Line)
		if len(words) == 0 || path.Base(words[0]) != c.Name {
			continue
		}
		if strings.Join(words[1:], " ") == strings.Join(c.Args, " ") {
			best = &r[i]
			break
		}
		if best == nil && hasAll(words[1:], c.Topic) {
			best = &r[i]
		}
	}
	// A shell's code for a command that it did not find.
	if best == nil || best.Code == 127 {
		return Output{}, fmt.Errorf("%s: %w", c.Name, ErrMissing)
	}
	return best.Output, nil
}

func hasAll(words, topic []string) bool {
next:
	for _, t := range topic {
		for _, w := range words {
			if w == t {
				continue next
			}
		}
		return false
	}
	return true
}
