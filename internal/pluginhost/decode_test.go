package pluginhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// seeds are lines that the fast way decodes, leaves to the slow way, or refuses.
var seeds = []string{
	`{"jsonrpc":"2.0","method":"session/batch","params":{"session":"s1","turn":1,"part":0,"complete":true,"ops":[{"op":"put","h":1,"class":"Drive","attributes":{"shelf":{"$ref":1},"slot":0,"wear":1.5e-3,"name":"a\"\u00e9\ud83d\ude00"},"label":"x\ty","parents":[1,2]},{"op":"set","h":1,"attributes":{"a":null}},{"op":"link","h":2,"add":[3],"remove":[]},{"op":"remove","h":-5}],"samples":[{"h":2,"name":"temperature","t":1700000000000,"v":31.5},{"h":2,"name":"latency","t":1,"v":[1,2]}],"last":true}}`,
	`{"jsonrpc":"2.0","params":{"session":"s1","turn":2,"part":1},"method":"session/batch"}`,
	` { "jsonrpc" : "2.0" , "method" : "session/batch" , "params" : { "ops" : [ ] , "samples" : [ ] , "x-new" : [ { } , "}" ] } } ` + "\r",
	`{"jsonrpc":"2.0","method":"session/batch","params":{"ops":null,"samples":null,"turn":null,"last":null}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"ops":[{"op":"put","h":1,"label":null,"parents":null,"attributes":null},null]}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"Turn":5,"OPS":[{"H":3,"Op":"put"}],"SAMPLES":[{"V":1}]}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"ops":[{"op":"put","op":"set","h":1,"h":2,"parents":[1],"parents":[]}],"ops":[{"class":"X"}]}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":1.0}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":9223372036854775807,"part":-0}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":9223372036854775808}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":01}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"session":"\u0073\n"}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":[1]}`,
	`{"jsonrpc":"2.0","method":"session/batch"}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":null}`,
	`{"jsonrpc":"2.0","method":"session\/batch","params":{"turn":3}}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":1}`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":1}} x`,
	`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":1,}}`,
	`{"jsonrpc":"2.0","method":"log","params":{"level":"warning","message":"` + "\xff" + `"}}`,
	`{"jsonrpc":"2.0","id":7,"result":{"turn":1}}`,
	`{"jsonrpc":"2.0","id":"x","error":{"code":-32001,"message":"no","data":{"kind":"E"}},"extra":[1e5,-0.0,true,false,null]}`,
	`{"jsonrpc":"2.0","id":null,"method":"x-grease-aaaa"}`,
	`{"jsonrpc":"1.0","id":1,"result":{}}`,
	`{"id":1,"result":{}}`,
	`{}`, `{"a":1}`, `[]`, `"x"`, ``, ` `, "\x00", `{"jsonrpc":"2.0"}` + "\x00", `hello`, `oops {"jsonrpc":"2.0","method":"session/batch"}`,
	`{"jsonrpc":"2.0","method":"x","params":{"bad":"\x"}}`,
	`{"jsonrpc":"2.0","method":"x","params":{"bad":"` + "\t" + `"}}`,
	`{"jsonrpc":"2.0","method":"x","params":tru}`,
	`{"jsonrpc":"2.0","method":"x","params":-}`,
	`{"jsonrpc":"2.0","method":"x","params":1.}`,
	`{"jsonrpc":"2.0","method":"x","params":1e}`,
}

// FuzzDecode holds the fast way to what encoding/json says.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add(bytes.Repeat([]byte(`[`), 2000))
	f.Fuzz(func(t *testing.T, line []byte) {
		if !utf8.Valid(line) {
			// Its repair comes before both ways.
			line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
		}
		var d decoder
		fast, ok := d.fast(scanner{b: line})
		if !ok {
			return
		}
		slow, err := d.slow(line)
		if err != nil {
			t.Fatalf("the fast way accepts what encoding/json does not: %v", err)
		}
		// A null message part is none, whichever way it is kept.
		for _, m := range []*message{&fast, &slow} {
			for _, raw := range []*json.RawMessage{&m.id, &m.params, &m.result, &m.fault} {
				if string(*raw) == "null" {
					*raw = nil
				}
			}
		}
		if !reflect.DeepEqual(fast, slow) {
			t.Errorf("fast %+v\nslow %+v\n%s", fast, slow, cmp.Diff(slow.batch, fast.batch))
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var d decoder
	tests := []struct {
		line string
		want string // how it is taken
	}{
		{seeds[0], "batch"},
		{seeds[1], "batch"},
		{seeds[2], "batch"},
		{seeds[3], "batch"},
		{`{"jsonrpc":"2.0","method":"session/batch"}`, "lost"},
		{`{"jsonrpc":"2.0","method":"session/batch","params":[1]}`, "lost"},
		{`{"jsonrpc":"2.0","method":"session/batch","params":{"turn":"x"}}`, "lost"},
		{`{"jsonrpc": "2.0", "method": "session/batch", "par`, "lost"},
		{`oops {"jsonrpc":"2.0","method":"session/batch","params":{}}`, "lost"},
		{`{"jsonrpc":"2.0","id":7,"result":{}}`, "response"},
		{`{"jsonrpc":"2.0","id":7,"method":"x"}`, "call"},
		{`{"jsonrpc":"2.0","method":"x"}`, "note"},
		{`{"id":7,"result":{}}`, "garbage"},
		{`{"session/batch":1}`, "garbage"},
		{`[{"jsonrpc":"2.0"}]`, "garbage"},
		{`hello`, "garbage"},
		{``, "garbage"},
	}
	for _, tt := range tests {
		m, err := d.decode([]byte(tt.line))
		got := "note"
		switch {
		case errors.Is(err, ErrBadBatch):
			got = "lost"
		case err != nil:
			got = "garbage"
		case m.batch != nil:
			got = "batch"
		case m.method == "":
			got = "response"
		case m.id != nil:
			got = "call"
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.line, got, tt.want)
		}
	}
}

// TestDecodeDoesNotMix decodes many batches with one decoder and looks at all of
// them at the end: what one shares with the next must not change.
func TestDecodeDoesNotMix(t *testing.T) {
	t.Parallel()
	var d decoder
	var got, want []wire.Batch
	for i := range 50 {
		line := batchLine(i*7, int64(i))
		m, err := d.decode(line)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *m.batch)
		var env struct{ Params wire.Batch }
		if err := json.Unmarshal(line, &env); err != nil {
			t.Fatal(err)
		}
		want = append(want, env.Params)
	}
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Errorf("batch %d is not what encoding/json makes of it", i)
		}
	}
}

// batchLine makes a batch of n drives as an SDK sends it.
func batchLine(n int, turn int64) []byte {
	b := wire.Batch{Session: "s1", Turn: turn, Complete: true, Last: true, Ops: []wire.Op{}}
	for i := range n {
		h := int64(i + 1)
		attributes := fmt.Sprintf(`{"shelf":{"$ref":%d},"slot":%d,"status":"OK","capacity":4000000000000,"serial_number":"ZA1%08X","model":"ST4000NM0023","firmware":"SN05","wwn":"5000c500%08x","rpm":7200,"locate":false,"wear":0.25}`,
			i/24+1, i%24, i, i)
		b.Ops = append(b.Ops, wire.Op{Op: wire.OpPut, Handle: h, Class: "Drive", Attributes: json.RawMessage(attributes), Parents: []int64{int64(i/24 + 1)}})
		b.Samples = append(b.Samples, wire.Sample{Handle: h, Name: "temperature", Time: 1_700_000_000_000, Value: json.RawMessage("31.5")})
	}
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": wire.NoteBatch, "params": b})
	if err != nil {
		panic(err)
	}
	return line
}

// BenchmarkDecodeBatch measures the decoding of a batch of 3,000 drives (about 1
// MiB) against a bare json.Unmarshal of the same params, in one run: "x bare" is
// how many times faster it is.
func BenchmarkDecodeBatch(b *testing.B) {
	line := batchLine(3000, 1)
	var params struct {
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(line, &params); err != nil {
		b.Fatal(err)
	}
	const rounds = 20
	began := time.Now()
	for range rounds {
		var batch wire.Batch
		if err := json.Unmarshal(params.Params, &batch); err != nil {
			b.Fatal(err)
		}
	}
	bare := time.Since(began) / rounds
	var d decoder
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if m, err := d.decode(line); err != nil || len(m.batch.Ops) != 3000 {
			b.Fatal(err)
		}
	}
	perBatch := float64(b.Elapsed()) / float64(b.N)
	b.ReportMetric(float64(bare)/perBatch, "x_bare")
	b.ReportMetric(perBatch/3000, "ns/resource")
}
