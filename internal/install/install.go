// Package install brings the agent to a machine. Local installs it where it runs:
// the program copies itself, writes its settings and a systemd unit, registers the
// host and starts the service. Remote has Local do that on another machine, over
// SSH. Whatever fails, what was done before is undone, also where the connection
// breaks: the machine undoes it itself, unless it is told that all is well.
//
// Registration and first contact are functions that the wiring gives: this package
// knows files, commands and SSH.
package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// State is how far a step is.
type State string

// The states of a Step.
const (
	Planned State = "planned" // of a dry run
	Begun   State = "begun"
	Done    State = "done"
	Kept    State = "kept" // there was nothing to do
	Failed  State = "failed"
	Undone  State = "undone"
	// NotUndone is a step that could not be undone: somebody has to look.
	NotUndone State = "not undone"
)

// Step is one step of an installation.
type Step struct {
	// Name is what programs know the step by, such as "program"; it never changes.
	Name string `json:"name"`
	// Text says what the step does.
	Text  string `json:"text"`
	State State  `json:"state"`
	// Detail is what came of it: the error, where it failed.
	Detail string `json:"detail,omitempty"`
}

// String shows the step as a line.
func (s Step) String() string {
	text := fmt.Sprintf("%-10s %s", s.State, s.Text)
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	return text
}

// action is a step with what it does. Undo is called also if do failed halfway;
// either may be nil.
type action struct {
	name, text string
	do         func(ctx context.Context) (State, string, error)
	undo       func(ctx context.Context) error
}

// undoTime bounds what is undone: nobody waits for it in vain.
const undoTime = 30 * time.Second

// perform does the actions in order. If one fails, it and those before are undone,
// the last one first.
func perform(ctx context.Context, actions []action, say func(Step)) error {
	for i, a := range actions {
		say(Step{a.name, a.text, Begun, ""})
		state, detail, err := a.do(ctx)
		if err == nil {
			say(Step{a.name, a.text, state, detail})
			continue
		}
		say(Step{a.name, a.text, Failed, err.Error()})
		return errors.Join(fmt.Errorf("%s: %w", a.text, err), undo(ctx, actions[:i+1], say))
	}
	return nil
}

// undo undoes actions. What ended ctx does not keep it from that.
func undo(ctx context.Context, actions []action, say func(Step)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var errs []error
	for _, a := range slices.Backward(actions) {
		if a.undo == nil {
			continue
		}
		if err := a.undo(ctx); err != nil {
			say(Step{a.name, a.text, NotUndone, err.Error()})
			errs = append(errs, fmt.Errorf("undo: %s: %w", a.text, err))
			continue
		}
		say(Step{a.name, a.text, Undone, ""})
	}
	return errors.Join(errs...)
}
