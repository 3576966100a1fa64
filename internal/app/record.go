package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/record"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// recorder is a plugin whose conversation is written down as it goes. What it
// writes takes its place only when it is whole; see keep.
type recorder struct {
	session.Plugin // nil before begin
	to             string
	file           *os.File // beside to, until it takes its place

	mu    sync.Mutex
	w     *record.Writer   // nil before begin
	early []wire.LogRecord // logged before begin
}

// newRecorder opens a new file beside the one that is to be written. The one may be
// there already if it is a recording too.
func newRecorder(to string) (*recorder, error) {
	if err := replaceable(to); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &recorder{to: to, file: f}, nil
}

// replaceable returns an error if a file is there that is no recording: somebody
// has mistyped its name.
func replaceable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer f.Close()
	head := make([]byte, 32)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || !record.IsRecording(head[:n]) {
		return resource.FieldErrorf("record", "%s is there already, and is no recording; give a new file", path)
	}
	return nil
}

// begin writes the header and the handshake.
func (r *recorder) begin(p session.Plugin, h record.Header, asked wire.InitializeParams, answer wire.InitializeResult) error {
	w, err := record.NewWriter(r.file, time.Now, h, asked, answer)
	if err != nil {
		return &resource.Fault{Kind: resource.Invalid, Text: "the scan cannot be recorded", Cause: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Plugin, r.w = p, w
	for _, rec := range r.early {
		_ = w.Log(rec) // an error is told by Close
	}
	return nil
}

// Call implements session.Plugin. If the call cannot be written, it is not made.
func (r *recorder) Call(ctx context.Context, method string, params, result any) error {
	id, err := r.w.Call(method, params)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := r.Plugin.Call(ctx, method, params, result); err != nil {
		if werr := r.w.Fail(id, failureOf(err)); werr != nil {
			return fmt.Errorf("record: %w", werr)
		}
		return err
	}
	return wrapped("record", r.w.Answer(id, result))
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Notify implements session.Plugin.
func (r *recorder) Notify(method string, params any) error {
	_ = r.w.Notify(method, params) // an error is told by Close
	return r.Plugin.Notify(method, params)
}

func (r *recorder) batch(b wire.Batch) { _ = r.w.Batch(b) } // an error is told by Close

func (r *recorder) log(rec wire.LogRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.w == nil {
		r.early = append(r.early, rec)
		return
	}
	_ = r.w.Log(rec) // an error is told by Close
}

// failureOf is the form in which an error of a call is recorded.
func failureOf(err error) record.Failure {
	var call *pluginhost.CallError
	if errors.As(err, &call) {
		return record.Failure{Code: call.Code, Message: call.Message, Data: call.Data}
	}
	return record.Failure{Message: err.Error(), Lost: true, Ended: errors.Is(err, pluginhost.ErrEnded)}
}

// read ends the recording and reads it back.
func (r *recorder) read() (*record.Recording, error) {
	if err := r.w.Close(); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return record.Read(r.file, r.to)
}

// keep puts the file in its place.
func (r *recorder) keep() error {
	err := r.file.Chmod(0o644) // it holds no secrets, and is made to be shared
	if err == nil {
		err = r.file.Sync()
	}
	if err == nil {
		err = os.Rename(r.file.Name(), r.to)
	}
	return wrapped("record", err)
}

// drop removes what was not kept.
func (r *recorder) drop() {
	_ = r.file.Close()
	_ = os.Remove(r.file.Name()) // unless it has been renamed
}
