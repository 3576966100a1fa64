package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
)

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// began is the time of the first line; each line is a second later.
var began = time.UnixMilli(1_700_000_000_000).UTC()

// manifest declares a root and a resource with a password each.
func manifest() wire.Manifest {
	password := wire.Attribute{Name: "password", Kind: wire.KindPassword, Default: raw(`"by default"`)}
	return wire.Manifest{APIVersion: 1, Classes: []wire.Class{
		{Name: "Array", Attributes: []wire.Attribute{{Name: "address", Kind: wire.KindString}, password}},
		{Name: "Account", Label: "Account of sesame", Attributes: []wire.Attribute{
			{Name: "name", Kind: wire.KindString, Options: []json.RawMessage{raw(`"sesame"`), raw(`1234`)}},
			{Name: "password", Kind: wire.KindPassword},
		}},
	}}
}

// write records a conversation in which secrets stand everywhere. The user typed
// sesame, of which the plugin makes emases-1.
func write(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	seconds := -1
	clock := func() time.Time { seconds++; return began.Add(time.Duration(seconds) * time.Second) }
	w, err := NewWriter(&b, clock, Header{
		Faultline: "v1", Plugin: "acme", Class: "Array", Updates: 1,
		Attributes: map[string]json.RawMessage{"address": raw(`"http://admin:sesame@a1"`), "password": raw(`"sesame"`)},
	}, wire.InitializeParams{Protocol: wire.VersionRange{Min: 1, Max: 1}}, wire.InitializeResult{Protocol: 1, Plugin: wire.Peer{Name: "acme", Version: "1"}, Manifest: manifest()})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	call := func(method string, params any) int64 {
		t.Helper()
		id, err := w.Call(method, params)
		must(err)
		return id
	}
	id := call(wire.MethodEncrypt, wire.EncryptParams{Class: "Array", Attribute: "password", Value: "sesame"})
	must(w.Answer(id, &wire.EncryptResult{Value: "emases-1"}))
	id = call(wire.MethodSessionOpen, wire.OpenParams{Session: "s", Class: "Array", Attributes: map[string]json.RawMessage{
		"address": raw(`"http://admin:sesame@a1"`), "password": raw(`"emases-1"`),
	}})
	must(w.Answer(id, nil))
	id = call(wire.MethodInitialScan, wire.SessionParams{Session: "s"})
	must(w.Log(wire.LogRecord{Session: "s", Level: "info", Source: "log", Message: `login with "sesame" and emases-1`, Fields: map[string]any{"sesame": []any{"x", map[string]any{"p": "sesame"}}, "n": 5.0}}))
	label := "the account of emases-1"
	must(w.Batch(wire.Batch{Session: "s", Turn: 1, Last: true, Complete: true, Ops: []wire.Op{
		{Op: wire.OpPut, Handle: 1, Class: "Account", Attributes: raw(`{"name":"bob","password":"quietly"}`), Parents: []int64{0}},
		{Op: wire.OpPut, Handle: 2, Class: "Account", Attributes: raw(`{"name":"s\u0065same and quietly","password":"abc","owner":{"$ref":1}}`), Label: &label},
		{Op: wire.OpSet, Handle: 0, Attributes: raw(`{"password":"newer one"}`)},
	}, Samples: []wire.Sample{{Handle: 1, Name: "x", Time: 1234, Value: raw("1.5")}}}))
	must(w.Answer(id, &wire.TurnResult{Turn: 1, Updates: true, Incomplete: []string{"bay 3: GET http://x/?p=sesame: newer%20one, newer+one"}}))
	id = call(wire.MethodUpdateScan, wire.SessionParams{Session: "s"})
	must(w.Fail(id, Failure{Code: wire.CodeScanFailed, Message: "sesame is wrong", Data: wire.ErrorData{Kind: "Error", Detail: "line 1: login('sesame')", Problems: []wire.Problem{{Text: "emases-1"}}}}))
	must(w.Notify(wire.NoteDeleted, wire.Deleted{Session: "s", Handles: []int64{1}}))
	id = call(wire.MethodTeardown, wire.SessionParams{Session: "s"})
	must(w.Fail(id, Failure{Message: "process ended; last lines: sesame", Lost: true, Ended: true}))
	must(w.Close())
	return b.Bytes()
}

func TestNoSecretStands(t *testing.T) {
	t.Parallel()
	text := string(write(t))
	for _, secret := range []string{"sesame", "emases", "quietly", "abc", "newer", "by default"} {
		for i, line := range strings.Split(text, "\n") {
			if strings.Contains(line, secret) {
				t.Errorf("line %d has %q: %s", i+1, secret, line)
			}
		}
	}
	// What is no secret stands as it was.
	for _, part := range []string{`"name":"bob"`, `{"$ref":1}`, `"t":1234`, "http://admin:REDACTED@a1", "bay 3", `"password"`, "the account of REDACTED"} {
		if !strings.Contains(text, part) {
			t.Errorf("the recording lacks %s", part)
		}
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	t.Parallel()
	text := write(t)
	r, err := Read(bytes.NewReader(text), "f")
	if err != nil {
		t.Fatal(err)
	}
	if r.Plugin != "acme" || r.Class != "Array" || r.Updates != 1 || r.Version != Version || !r.Began.Equal(began) {
		t.Errorf("the header is %+v, at %v", r.Header, r.Began)
	}
	if last := began.Add(time.Duration(bytes.Count(text, []byte("\n"))-1) * time.Second); !r.Ended.Equal(last) {
		t.Errorf("it ended at %v, want %v", r.Ended, last)
	}
	if r.Initialize.Manifest.Classes[1].Name != "Account" || r.Initialize.Protocol != 1 {
		t.Errorf("the handshake is %+v", r.Initialize)
	}
	var got []string
	for _, e := range r.Entries {
		switch {
		case e.Call != nil:
			got = append(got, fmt.Sprintf("%d call %s", e.Line, e.Call.Method))
		case e.Reply != nil && e.Reply.Failure != nil:
			got = append(got, fmt.Sprintf("%d failure %s %t %t", e.Line, e.Reply.Failure.Message, e.Reply.Failure.Lost, e.Reply.Failure.Ended))
		case e.Reply != nil:
			got = append(got, fmt.Sprintf("%d result %s", e.Line, e.Reply.Result))
		case e.Batch != nil:
			got = append(got, fmt.Sprintf("%d batch %d %d %t", e.Line, len(e.Batch.Ops), len(e.Batch.Samples), e.Batch.Complete))
		case e.Log != nil:
			got = append(got, fmt.Sprintf("%d log %s %v", e.Line, e.Log.Message, e.Log.Fields["n"]))
		}
	}
	want := []string{
		"4 call encrypt", `5 result {"value":"REDACTED"}`, "6 call session/open", "7 result {}", "8 call session/initial_scan",
		`9 log login with "REDACTED" and REDACTED 5`, "10 batch 3 1 true",
		`11 result {"turn":1,"updates":true,"incomplete":["bay 3: GET http://x/?p=REDACTED: REDACTED, REDACTED"]}`,
		"12 call session/update_scan", "13 failure REDACTED is wrong false false",
		"15 call session/teardown", "16 failure process ended; last lines: REDACTED true true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestShortPasswords(t *testing.T) {
	t.Parallel()
	_, err := NewWriter(&bytes.Buffer{}, time.Now, Header{Class: "Array", Attributes: map[string]json.RawMessage{"password": raw(`"abc"`)}},
		wire.InitializeParams{}, wire.InitializeResult{Manifest: manifest()})
	if err == nil || !strings.Contains(err.Error(), "attribute password: ") || !strings.Contains(err.Error(), "only 3 characters") || strings.Contains(err.Error(), "abc") {
		t.Errorf("got %v", err)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		secrets  []string
		in, want string
	}{
		{[]string{"pass"}, `{"pass":"pass","a":["pässe","xpassx"]}`, `{"pass":"REDACTED","a":["pässe","xREDACTEDx"]}`},
		{[]string{"pass", "password"}, `"a password, a pass"`, `"a REDACTED, a REDACTED"`}, // the longer one first
		{[]string{`a"b\c`}, `{"raw":"a\"b\\c","quoted":"a\\\"b\\\\c"}`, `{"raw":"REDACTED","quoted":"REDACTED"}`},
		{[]string{"a b&c"}, `"http://u:a%20b&c@h http://h?p=a+b%26c"`, `"http://u:REDACTED@h http://h?p=REDACTED"`},
		{[]string{"größe"}, `"gr\u00f6\u00dfe gr%C3%B6%C3%9Fe"`, `"REDACTED REDACTED"`},
		{[]string{"<&>x"}, `"\u003c\u0026\u003ex"`, `"REDACTED"`},
		{[]string{"1234"}, `{"pin":1234,"more":[12345,-1234,1234.5,"id 1234"],"r":{"$ref":1234}}`, `{"pin":0,"more":[12345,-1234,1234.5,"id REDACTED"],"r":{"$ref":1234}}`},
		{[]string{"REDACTED", ""}, `"REDACTED"`, `"REDACTED"`},
		{nil, `{"a":1}`, `{"a":1}`},
	} {
		var s secrets
		for _, secret := range tc.secrets {
			if err := s.add(secret); err != nil {
				t.Fatal(err)
			}
		}
		if got := string(s.json(raw(tc.in), false)); got != tc.want {
			t.Errorf("%q in %s: got %s, want %s", tc.secrets, tc.in, got, tc.want)
		}
	}
	var s secrets
	if err := s.add("pass"); err != nil {
		t.Fatal(err)
	}
	if got := string(s.json(raw(`{"pass":1}`), true)); got != `{"REDACTED":1}` {
		t.Errorf("a secret name of a field: %s", got)
	}
}

// TestChangedFiles: whatever is done to a recording, the error names the line.
func TestChangedFiles(t *testing.T) {
	t.Parallel()
	text := write(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	want := func(what string, changed []byte, line int, part string) {
		t.Helper()
		_, err := Read(bytes.NewReader(changed), "f")
		var at *LineError
		if !errors.As(err, &at) {
			t.Errorf("%s: got %v", what, err)
			return
		}
		if line > 0 && at.Line != line || !strings.Contains(at.Text, part) || !strings.HasPrefix(err.Error(), fmt.Sprintf("f:%d: ", at.Line)) {
			t.Errorf("%s: got %v, want line %d and %q", what, err, line, part)
		}
	}
	concat := func(list [][]byte) []byte { return bytes.Join(list, nil) }
	for i := range lines {
		edited := append([][]byte{}, lines...)
		edited[i] = bytes.Replace(lines[i], []byte(`"t":1`), []byte(`"t":2`), 1)
		want(fmt.Sprintf("line %d edited", i+1), concat(edited), i+1, "changed")

		without := append(append([][]byte{}, lines[:i]...), lines[i+1:]...)
		switch i {
		case len(lines) - 1:
			want("without the last line", concat(without), i, "truncated")
		default:
			want(fmt.Sprintf("without line %d", i+1), concat(without), i+1, "changed")
		}
		if i > 0 {
			swapped := append([][]byte{}, lines...)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			want(fmt.Sprintf("line %d swapped", i), concat(swapped), i, "changed")
		}
		twice := append(append([][]byte{}, lines[:i+1]...), lines[i:]...)
		want(fmt.Sprintf("line %d twice", i+1), concat(twice), i+2, "")
		spaced := append(append(append([][]byte{}, lines[:i]...), []byte("\n")), lines[i:]...)
		want(fmt.Sprintf("an empty line before line %d", i+1), concat(spaced), i+1, "")
	}
	for n := range text {
		if n%17 > 0 && text[n] != '\n' && (n == 0 || text[n-1] != '\n') {
			continue
		}
		line := bytes.Count(text[:n], []byte("\n")) + 1
		if n > 0 && text[n-1] == '\n' {
			line--
		}
		want(fmt.Sprintf("the first %d bytes", n), text[:n], max(line, 1), "")
	}
	want("a foreign file", []byte("{\"hello\":1}\n"), 1, "no recording")
	want("text", []byte("hello"), 1, "no recording")
	want("nothing", nil, 1, "empty")
	want("more", append(append([]byte{}, text...), "x\n"...), len(lines)+1, "ended")
	want("a very long line", append([]byte(prefix), bytes.Repeat([]byte("a"), maxLine+1<<20)...), 1, "longer")
}

// sealed returns lines, each an object without its sum, with the right sums.
func sealed(bodies []string) []byte {
	var b bytes.Buffer
	sum := seed
	for _, body := range bodies {
		rest := strings.TrimPrefix(body, "{")
		sum = sumOf(sum, rest)
		b.WriteString(prefix + sum + `",` + rest + "\n")
	}
	return b.Bytes()
}

// unsealed is the inverse of sealed.
func unsealed(text []byte) (bodies []string) {
	for line := range strings.Lines(string(text)) {
		bodies = append(bodies, "{"+strings.TrimSuffix(line[len(prefix)+sumLength+2:], "\n"))
	}
	return bodies
}

// TestWrongContent: lines that are whole, and make no sense.
func TestWrongContent(t *testing.T) {
	t.Parallel()
	good := unsealed(write(t))
	for _, tc := range []struct {
		line int
		body string
		want string
	}{
		{1, `{"t":1,"recording":{"version":2,"plugin":"acme","class":"Array"}}`, "version 2"},
		{1, `{"t":1,"recording":{"version":1,"plugin":"a b","class":"Array"}}`, "no plugin"},
		{1, `{"t":1,"recording":{"version":1,"plugin":"acme"}}`, "no class"},
		{1, `{"t":1,"recording":{"version":1,"plugin":"acme","class":"A","updates":-1}}`, "below 0"},
		{1, `{"t":1,"host":{}}`, "what was recorded"},
		{2, `{"t":1,"host":{"id":1,"method":"session/open"}}`, "session/open is not"},
		{2, `{"t":1,"end":{"lines":2}}`, "before its handshake"},
		{3, `{"t":1,"plugin":{"id":1,"error":{"code":1,"message":"no"}}}`, "not answered"},
		{3, `{"t":1,"plugin":{"id":7,"result":{}}}`, "answers no call"},
		{3, `{"t":1,"plugin":{"method":"log","params":{}}}`, "handshake"},
		{3, `{"t":1,"plugin":{"id":1,"result":[]}}`, "cannot unmarshal"},
		{4, `{"host":{"id":2,"method":"encrypt"}}`, "no time"},
		{4, `{"t":-5,"host":{"id":2,"method":"encrypt"}}`, "no time"},
		{4, `{"t":999999999999999999,"host":{"id":2,"method":"encrypt"}}`, "no time"},
		{4, `{"t":1}`, "no message"},
		{4, `{"t":1,"host":{"id":2}}`, "no method"},
		{4, `{"t":1,"host":{"id":2,"method":"initialize"}}`, "initialize is not"},
		{4, `{"t":1,"host":[]}`, "cannot unmarshal"},
		{4, `{"t":1,"plugin":{"method":"x-grease-1"}}`, "unknown method"},
		{4, `{"t":1,"plugin":{"method":"session/batch","params":7}}`, "cannot unmarshal"},
		{4, `{"t":1,"plugin":{"id":2,"result":{}}}`, "answers no call"},
		{6, `{"t":1,"host":{"id":2,"method":"a"}}{"t":1}`, "invalid character"},
		{17, `{"t":1,"end":{"lines":9}}`, "has 9 lines"},
	} {
		bodies := append([]string{}, good...)
		bodies[tc.line-1] = tc.body
		_, err := Read(bytes.NewReader(sealed(bodies)), "f")
		var at *LineError
		if !errors.As(err, &at) || at.Line != tc.line || !strings.Contains(at.Text, tc.want) {
			t.Errorf("line %d as %s: got %v, want %q", tc.line, tc.body, err, tc.want)
		}
	}
	if _, err := Read(bytes.NewReader(sealed(good)), "f"); err != nil {
		t.Error(err)
	}
}

// FuzzRead reads any lines at all, with right sums. It must not panic, and an error
// about the content names a line of the file.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"t":1,"recording":{"version":1,"plugin":"acme","class":"Array"}}`+"\n"+`{"t":1,"host":{"id":1,"method":"initialize"}}`+"\n"+
		`{"t":1,"plugin":{"id":1,"result":{}}}`+"\n"+`{"t":2,"plugin":{"method":"session/batch","params":{"turn":1}}}`+"\n"+`{"t":3,"end":{"lines":5}}`), true)
	f.Add([]byte(`{"sum":"0123456789abcdef","t":1}`), false)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		text := data
		if seal {
			text = sealed(strings.Split(string(data), "\n"))
		}
		r, err := Read(bytes.NewReader(text), "f")
		if (r == nil) == (err == nil) {
			t.Fatalf("%v, %v", r, err)
		}
		var at *LineError
		if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Line > bytes.Count(text, []byte("\n"))+1) {
			t.Fatalf("the error names no line: %v", err)
		}
		if err == nil && len(r.Entries) > bytes.Count(text, []byte("\n"))+1 {
			t.Fatal("more entries than lines")
		}
	})
}
