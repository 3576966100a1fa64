package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// statusOf is the one place where kinds of error become statuses.
var statusOf = map[resource.ErrorKind]int{
	resource.Internal:    http.StatusInternalServerError,
	resource.Invalid:     http.StatusBadRequest,
	resource.NotFound:    http.StatusNotFound,
	resource.Conflict:    http.StatusConflict,
	resource.Unavailable: http.StatusServiceUnavailable,
}

// Refusals whose status no kind of error has.
var (
	errMediaType = errors.New("send the body as application/json")
	errTooLarge  = fmt.Errorf("the body is larger than %d bytes", maxBody)
)

// problem turns an error into a problem document (RFC 9457). The text of an
// internal error stays in the log.
func problem(err error) gen.Problem {
	var f *resource.Fault
	if !errors.As(err, &f) {
		f = badRequest(err)
	}
	status, ok := statusOf[f.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	p := problemOf(status, f.Error())
	p.Field = f.Field
	if status == http.StatusInternalServerError {
		p.Detail, p.Field = "the server failed; its log says why", ""
	}
	return p
}

func problemOf(status int, detail string) gen.Problem {
	return gen.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// badRequest finds the parameter or field at fault in an error of the
// generated code or of the JSON decoder. Any other error is an internal one.
func badRequest(err error) *resource.Fault {
	var (
		format   *gen.InvalidParamFormatError
		many     *gen.TooManyValuesForParamError
		required *gen.RequiredParamError
		wrong    *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &format):
		return resource.FieldErrorf(format.ParamName, "%s: %s", format.ParamName, reason(format.Err))
	case errors.As(err, &many):
		return resource.FieldErrorf(many.ParamName, "%s is given %d times; give it once", many.ParamName, many.Count)
	case errors.As(err, &required):
		return resource.FieldErrorf(required.ParamName, "%s is missing", required.ParamName)
	case errors.As(err, &wrong):
		return resource.FieldErrorf(wrong.Field, "%s cannot be a %s", wrong.Field, wrong.Value)
	}
	return &resource.Fault{Kind: resource.Internal, Text: "unexpected error", Cause: err}
}

// reason cuts the words of the parameter binder down to what is wrong.
func reason(err error) string {
	text := err.Error()
	for _, mark := range []string{"parsing ", "parameter: ", "to type: "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			return "not valid: " + text[i+len(mark):]
		}
	}
	return text
}

func writeProblem(w http.ResponseWriter, p gen.Problem) {
	body, err := json.Marshal(p)
	if err != nil { // a problem holds strings and a number
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone; nobody else cares
}

// fail answers a request with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // nobody waits for the answer
	}
	p := problem(err)
	if p.Status == http.StatusInternalServerError {
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	writeProblem(w, p)
}

func notFound(format string, args ...any) error {
	return resource.Errorf(resource.NotFound, "%s", fmt.Sprintf(format, args...))
}
