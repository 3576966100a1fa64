package acme

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/faultline-storage/faultline/examples/acme/sim"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// BenchmarkScan measures the plugin and the simulator together, without a
// host that does anything with the batches: the initial scan of 100,000 disks
// (163,341 resources), an update of an unchanged array, and one of an array of
// which 1 % of the disks changed.
func BenchmarkScan(b *testing.B) {
	array, url := simulate(b, sim.Options{Disks: sim.MaxDisks})
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Program().Serve(context.Background(), inR, outW)
		outW.Close()
	}()
	lines := bufio.NewReaderSize(outR, 1<<20)
	id := 0
	// call returns the number of bytes of batches that came before the answer.
	call := func(method string, params any) (batches int64) {
		id++
		line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
		if err != nil {
			b.Fatal(err)
		}
		go inW.Write(append(line, '\n'))
		for begin := true; ; {
			line, err := lines.ReadSlice('\n')
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				b.Fatal(err)
			}
			if begin && !bytes.Contains(line[:min(len(line), 100)], []byte(`"method"`)) {
				if bytes.Contains(line, []byte(`"error"`)) {
					b.Fatalf("%s: %s", method, line)
				}
				return batches
			}
			batches += int64(len(line))
			begin = err == nil
		}
	}
	session := 0
	open := func() wire.SessionParams {
		session++
		p := wire.SessionParams{Session: fmt.Sprint(session)}
		call(wire.MethodSessionOpen, map[string]any{"session": p.Session, "class": "Array", "attributes": root(url)})
		return p
	}
	call(wire.MethodInitialize, wire.InitializeParams{Protocol: wire.VersionRange{Min: 1, Max: 1}})
	resources := float64(1 + 2 + 1191 + 4764 + 2382 + 100_000 + 10_000 + 15_000 + 30_000)

	b.Run("initial", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			p := open()
			b.StartTimer()
			b.SetBytes(call(wire.MethodInitialScan, p))
			b.StopTimer()
			call(wire.MethodTeardown, p)
			b.StartTimer()
		}
		b.ReportMetric(resources*float64(b.N)/b.Elapsed().Seconds(), "resources/s")
	})
	p := open()
	call(wire.MethodInitialScan, p)
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			if n := call(wire.MethodUpdateScan, p); n > 1000 { // the SDK may grease
				b.Fatalf("%d bytes about nothing", n)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/resources, "ns/resource")
	})
	b.Run("1%changed", func(b *testing.B) {
		for b.Loop() {
			strike(b, array, "upgrade-firmware 1%")
			b.SetBytes(call(wire.MethodUpdateScan, p))
		}
	})
	inW.Close()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
