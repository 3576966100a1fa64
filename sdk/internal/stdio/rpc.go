package stdio

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// Serve answers the calls that come in on conn with the handlers of methods until
// ctx or the connection ends. stop ends ctx; it is called when the connection
// ends. Last, Serve calls end and returns what went wrong there or with the
// connection.
func Serve(ctx context.Context, stop func(), conn *Conn, methods jrpc2.Assigner, end func() error) error {
	rpc := jrpc2.NewServer(methods, &jrpc2.ServerOptions{
		DisableBuiltin: true,
		Concurrency:    math.MaxInt32, // a call that takes long must not keep another from its start
	})
	rpc.Start(conn)
	ended := make(chan error, 1)
	go func() {
		ended <- rpc.Wait()
		stop()
	}()
	<-ctx.Done()
	err := end()
	select {
	case rpcErr := <-ended:
		err = errors.Join(rpcErr, err)
	default:
		// The server ends by itself when its reader does. To stop it from here
		// would race with a message that comes in just now.
		conn.Shut()
	}
	return err
}

// Handle makes a JSON-RPC handler of a function with typed params and result.
// toRPC gives its errors their form on the wire; see Fault.
func Handle[P, R any](f func(P) (R, error), toRPC func(error) error) jrpc2.Handler {
	return func(_ context.Context, r *jrpc2.Request) (any, error) {
		var params P
		if r.HasParams() {
			if err := r.UnmarshalParams(&params); err != nil {
				var je *jrpc2.Error
				if errors.As(err, &je) {
					return nil, InvalidParams("%s: %s", r.Method(), strings.Trim(string(je.Data), `"`))
				}
				return nil, InvalidParams("%s: %v", r.Method(), err)
			}
		}
		res, err := f(params)
		if err != nil {
			return nil, toRPC(err)
		}
		return res, nil
	}
}

// Unknown handles a method that the plugin does not know: a call is refused, a
// notification ignored.
func Unknown(ctx context.Context, method string) jrpc2.Handler {
	if r := jrpc2.InboundRequest(ctx); r != nil && r.IsNotification() {
		return func(context.Context, *jrpc2.Request) (any, error) { return nil, nil }
	}
	return func(context.Context, *jrpc2.Request) (any, error) {
		return nil, jrpc2.Errorf(jrpc2.MethodNotFound, "this plugin knows no method %.100q", method)
	}
}

// InvalidParams is the error of a call whose params are wrong.
func InvalidParams(format string, args ...any) error {
	return jrpc2.Errorf(jrpc2.InvalidParams, format, args...)
}

// Fault gives an error of a hook its form on the wire: the code, and data with
// the kind and, of a panic, the stack.
func Fault(code int, err error, data wire.ErrorData) error {
	var je *jrpc2.Error
	if errors.As(err, &je) {
		return je
	}
	data.Kind = ErrorKind(err)
	var pe *PanicError
	if errors.As(err, &pe) {
		data.Detail = pe.Stack
	}
	msg := strings.ToValidUTF8(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "), "\ufffd")
	if len(msg) > MaxMessage {
		msg = msg[:MaxMessage] + "…"
	}
	return (&jrpc2.Error{Code: jrpc2.Code(code), Message: msg}).WithData(data)
}

// Negotiate returns the protocol version to speak with a host, or the error that
// says that there is none.
func Negotiate(host wire.VersionRange) (int, error) {
	version := min(host.Max, wire.Version)
	if version < host.Min || version < wire.MinVersion {
		return 0, jrpc2.Errorf(wire.CodeBadVersion, "no protocol version in common: the host speaks %d to %d, this plugin %d to %d",
			host.Min, host.Max, wire.MinVersion, wire.Version)
	}
	return version, nil
}

// PanicError is a panic of the author's code.
type PanicError struct {
	Value any
	Stack string
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the error that the code panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Protect runs the author's code and turns a panic into a *PanicError.
func Protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: string(debug.Stack())}
		}
	}()
	return f()
}

// ErrorKind names the type of an error, for the log.
func ErrorKind(err error) string {
	var pe *PanicError
	if errors.As(err, &pe) {
		if re, ok := pe.Value.(runtime.Error); ok {
			return reflect.TypeOf(re).String()
		}
		return "panic"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return reflect.TypeOf(err).String()
		}
		err = inner
	}
}
