package resource

import (
	"errors"
	"fmt"
)

// ErrorKind is what a program can do about an error.
type ErrorKind uint8

// The kinds of error.
const (
	Internal ErrorKind = iota // a defect or a failing machine; details belong in the log
	Invalid                   // the request is wrong; Field says where
	NotFound
	Conflict // the request is fine but the present state does not allow it
	Unavailable
)

// Fault is an error with a kind for machines and words for people.
type Fault struct {
	Kind ErrorKind
	// Field is the attribute, parameter or body field at fault, or empty.
	Field string
	Text  string
	Cause error
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Cause != nil {
		return f.Text + ": " + f.Cause.Error()
	}
	return f.Text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Errorf makes a Fault without a field.
func Errorf(k ErrorKind, format string, args ...any) *Fault {
	return &Fault{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// FieldErrorf makes an Invalid fault of a field.
func FieldErrorf(field, format string, args ...any) *Fault {
	return &Fault{Kind: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first Fault in err's chain, or Internal.
func KindOf(err error) ErrorKind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}
