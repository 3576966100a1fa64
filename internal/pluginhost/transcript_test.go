package pluginhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// A transcriptLine is one message of protocol/transcripts (SPEC, section 9).
type transcriptLine struct {
	fromHost bool
	text     string
	msg      struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int             `json:"code"`
			Message string          `json:"message"`
			Data    json.RawMessage `json:"data"`
		} `json:"error"`
	}
}

func readTranscript(path string) ([]transcriptLine, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	var lines []transcriptLine
	for _, f := range archive.Files {
		if f.Name != "lines" {
			continue
		}
		for text := range strings.Lines(string(f.Data)) {
			text = strings.TrimSpace(text)
			if text == "" {
				continue
			}
			var l transcriptLine
			var ok bool
			if l.text, ok = strings.CutPrefix(text, "→ "); ok {
				l.fromHost = true
			} else if l.text, ok = strings.CutPrefix(text, "← "); !ok {
				return nil, fmt.Errorf("%s: no arrow in %q", path, text)
			}
			if err := json.Unmarshal([]byte(l.text), &l.msg); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", path, l.text, err)
			}
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// sameJSON compares JSON values.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if len(a) > 0 && json.Unmarshal(a, &x) != nil || len(b) > 0 && json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

// anything stands in for the values that a transcript leaves open.
var anything = strings.NewReplacer(
	`"sdk":"*"`, `"sdk":{"name":"any"}`,
	`"manifest":"*"`, `"manifest":{"api_version":1,"classes":[]}`,
	`"places":"*"`, `"places":{"Lun":{"file":"example.py","line":1}}`,
)

func init() {
	// transcript plays the plugin's side of the transcript that its argument
	// names, and compares what the host sends with it.
	fakes["transcript"] = func(f *fakePlugin) {
		lines, err := readTranscript(f.arg)
		if err != nil {
			f.die("%v", err)
		}
		for _, l := range lines {
			if !l.fromHost {
				f.print(anything.Replace(l.text) + "\n")
				continue
			}
			got := f.next()
			for strings.HasPrefix(got.Method, "x-grease-") && got.Method != l.msg.Method {
				got = f.next()
			}
			if got.Method != l.msg.Method || !sameJSON(got.ID, l.msg.ID) || !sameJSON(got.Params, l.msg.Params) {
				f.die("the host sent %s %s %s, not %s", got.ID, got.Method, got.Params, l.text)
			}
		}
		f.serve(nil) // until shutdown
	}
}

// TestTranscripts has the host hold its end of every transcript.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../protocol/transcripts/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			lines, err := readTranscript(path)
			if err != nil {
				t.Fatal(err)
			}
			replay(t, path, lines)
		})
	}
}

func replay(t *testing.T, path string, lines []transcriptLine) {
	var init wire.InitializeParams
	if lines[0].msg.Method != wire.MethodInitialize {
		t.Skip("does not begin with initialize, as this host always does, so its end was not played")
	}
	if err := json.Unmarshal(lines[0].msg.Params, &init); err != nil {
		t.Fatal(err)
	}
	if own := (wire.VersionRange{Min: wire.MinVersion, Max: wire.Version}); init.Protocol != own {
		t.Skipf("speaks versions %v, this host %v, so its end was not played", init.Protocol, own)
	}

	var mu sync.Mutex
	var batches []wire.Batch
	var records []wire.LogRecord
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := fakeOptions("transcript")
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Spec.Env = append(o.Spec.Env, fakeVar+"_ARG="+abs)
	o.Greeting, o.Check = init.Host, init.Check
	o.LogLevel = slog.LevelDebug // what a plugin may send is a matter of its own transcript
	if bytes.Contains(raw, []byte("-- plugin --\ndevice\n")) {
		o.Role = RoleDevice
	}
	var changed []string
	o.OnChanged = func(session string) {
		mu.Lock()
		defer mu.Unlock()
		changed = append(changed, session)
	}
	o.OnBatch = func(b wire.Batch) {
		mu.Lock()
		defer mu.Unlock()
		batches = append(batches, b)
	}
	o.OnLog = func(r wire.LogRecord) {
		mu.Lock()
		defer mu.Unlock()
		records = append(records, r)
	}
	p, err := Start(t.Context(), o)
	first := answerTo(lines, 0)
	if err != nil {
		compareError(t, first, err)
		return
	}
	defer func() { _ = p.Stop(t.Context()) }()

	want := 0 // batches, log records and changes
	for i, l := range lines {
		switch {
		case i == 0:
		case !l.fromHost:
			if l.msg.Method == wire.NoteBatch || l.msg.Method == wire.NoteLog || l.msg.Method == wire.NoteDeviceChanged {
				want++
			}
		case l.msg.ID == nil:
			if err := p.Notify(l.msg.Method, l.msg.Params); err != nil {
				t.Error(err)
			}
		default:
			var result json.RawMessage
			err := p.Call(t.Context(), l.msg.Method, l.msg.Params, &result)
			switch answer := answerTo(lines, i); {
			case err != nil:
				compareError(t, answer, err)
			case answer.msg.Error != nil || !sameJSON(result, json.RawMessage(anything.Replace(string(answer.msg.Result)))):
				t.Errorf("%s: %s, want %s", l.text, result, answer.text)
			}
		}
	}
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(batches)+len(records)+len(changed) >= want
	})
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}

	mu.Lock()
	defer mu.Unlock()
	var wantBatches []wire.Batch
	var wantRecords []wire.LogRecord
	var wantChanged []string
	for _, l := range lines {
		switch {
		case l.fromHost:
		case l.msg.Method == wire.NoteBatch:
			var b wire.Batch
			if err := json.Unmarshal(l.msg.Params, &b); err != nil {
				t.Fatal(err)
			}
			wantBatches = append(wantBatches, b)
		case l.msg.Method == wire.NoteLog:
			var r wire.LogRecord
			if err := json.Unmarshal(l.msg.Params, &r); err != nil {
				t.Fatal(err)
			}
			wantRecords = append(wantRecords, r)
		case l.msg.Method == wire.NoteDeviceChanged:
			var p wire.DeviceParams
			if err := json.Unmarshal(l.msg.Params, &p); err != nil {
				t.Fatal(err)
			}
			wantChanged = append(wantChanged, p.Session)
		}
	}
	if diff := cmp.Diff(wantBatches, batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantRecords, records); diff != "" {
		t.Errorf("log records (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantChanged, changed); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// answerTo returns the response to the call in line i.
func answerTo(lines []transcriptLine, i int) transcriptLine {
	for _, l := range lines[i+1:] {
		if !l.fromHost && l.msg.Method == "" && string(l.msg.ID) == string(lines[i].msg.ID) {
			return l
		}
	}
	return transcriptLine{}
}

func compareError(t *testing.T, answer transcriptLine, err error) {
	var c *CallError
	if !errors.As(err, &c) || answer.msg.Error == nil {
		t.Errorf("error %v, want %s", err, answer.text)
		return
	}
	var data wire.ErrorData
	if len(answer.msg.Error.Data) > 0 {
		_ = json.Unmarshal(answer.msg.Error.Data, &data)
	}
	if c.Code != answer.msg.Error.Code || c.Message != answer.msg.Error.Message || !cmp.Equal(c.Data, data) {
		t.Errorf("error %+v, want %s", c, answer.text)
	}
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(end) {
			t.Fatal("waited for a minute")
		}
		time.Sleep(time.Millisecond)
	}
}
