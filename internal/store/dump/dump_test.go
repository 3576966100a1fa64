package dump_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/internal/store/dump"
)

func write(t *testing.T, h dump.Header, to ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := dump.NewWriter(&b, h, to...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		w.Table("a", []string{"x", "y"}),
		w.Row([]any{int64(-1 << 63), "a\x00ü\n"}),
		w.Row([]any{nil, []byte{}}),
		w.Row([]any{[]byte{0, 255}, ""}),
		w.Table("b", []string{"z"}),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func read(b []byte, ids ...age.Identity) (*dump.Reader, []dump.Item, error) {
	r, err := dump.NewReader(bytes.NewReader(b), ids...)
	if err != nil {
		return nil, nil, err
	}
	var items []dump.Item
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, items, nil
		}
		if err != nil {
			return r, items, err
		}
		items = append(items, item)
	}
}

var written = []dump.Item{
	{Table: "a", Columns: []string{"x", "y"}}, {Values: []any{int64(-1 << 63), "a\x00ü\n"}}, {Values: []any{nil, []byte{}}},
	{Values: []any{[]byte{0, 255}, ""}}, {Table: "b", Columns: []string{"z"}},
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	r, items, err := read(write(t, dump.Header{Schema: 3, Program: "1.2"}))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(written, items); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if r.Header.Schema != 3 || r.Header.Program != "1.2" || r.Header.Format != dump.Format || r.Rows("a") != 3 || r.Rows("b") != 0 {
		t.Errorf("%+v", r.Header)
	}
}

func TestAnEncryptedBackupHoldsTheKey(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b := write(t, dump.Header{Schema: 3, Key: "the key"}, id.Recipient())
	if bytes.Contains(b, []byte("the key")) || !dump.IsEncrypted(b) {
		t.Error("it is not encrypted")
	}
	r, items, err := read(b, id)
	if err != nil || r.Header.Key != "the key" || len(items) != len(written) {
		t.Errorf("got %d items, %v", len(items), err)
	}
	if _, _, err := read(b); err == nil || !strings.Contains(err.Error(), "is encrypted") {
		t.Errorf("without identity: got %v", err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(b, other); err == nil {
		t.Error("another identity opened it")
	}
	if _, err := dump.NewWriter(io.Discard, dump.Header{Key: "the key"}); err == nil {
		t.Error("a key went into a backup in clear")
	}
}

// TestAnyDamageIsFound cuts a backup anywhere and changes each of its bytes.
func TestAnyDamageIsFound(t *testing.T) {
	whole := write(t, dump.Header{Schema: 3})
	for i := range whole {
		if _, _, err := read(whole[:i]); !errors.Is(err, dump.ErrDamaged) {
			t.Errorf("cut at %d: got %v", i, err)
		}
		if i >= 3 && i < 10 { // flags, time and system of the compression, which mean nothing
			continue
		}
		b := bytes.Clone(whole)
		b[i] ^= 0x10
		if _, _, err := read(b); !errors.Is(err, dump.ErrDamaged) {
			t.Errorf("byte %d changed: got %v", i, err)
		}
	}
	if _, _, err := read(append(bytes.Clone(whole), "more"...)); !errors.Is(err, dump.ErrDamaged) {
		t.Errorf("something after it: got %v", err)
	}
}

func TestWrongLinesAreFound(t *testing.T) {
	const head = `{"faultline_backup":1,"schema":3}` + "\n"
	for text, want := range map[string]error{
		"":                              dump.ErrDamaged,
		"hello\n":                       dump.ErrDamaged,
		"{}\n":                          dump.ErrDamaged,
		`{"faultline_backup":2}` + "\n": dump.ErrNewer,
		head:                            dump.ErrDamaged,
		head + "\n":                     dump.ErrDamaged,
		head + "[1]\n":                  dump.ErrDamaged,
		head + `{"table":"a","columns":["x"]}` + "\n[1,2]\n":                                   dump.ErrDamaged,
		head + `{"table":"a","columns":["x"]}` + "\n[1.5]\n":                                   dump.ErrDamaged,
		head + `{"table":"a","columns":["x"]}` + "\n[true]\n":                                  dump.ErrDamaged,
		head + `{"table":"a","columns":["x"]}` + "\n" + `{"table":"a","columns":["x"]}` + "\n": dump.ErrDamaged,
		head + `{"end":{"rows":1,"sha256":""}}` + "\n":                                         dump.ErrDamaged,
		head + `{"end":{"rows":0,"sha256":""}}` + "\n":                                         dump.ErrDamaged,
	} {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err := io.WriteString(w, text)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(z.Bytes()); !errors.Is(err, want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"faultline_backup":1,"schema":3}` + "\n" + `{"table":"a","columns":["x"]}` + "\n[{\"b64\":\"AA==\"}]\n" + `{"end":{"rows":1,"sha256":""}}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(z.Bytes()); err != nil && !errors.Is(err, dump.ErrDamaged) && !errors.Is(err, dump.ErrNewer) {
			t.Errorf("got %v", err)
		}
	})
}
