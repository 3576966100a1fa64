package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/faultline-storage/faultline/sdk/internal/stdio"
	"github.com/faultline-storage/faultline/sdk/wire"
)

type benchArray struct {
	ScannableResource
	Address Hostname `attr:",globalid"`
}

// benchDisk has the 14 attributes of an ordinary disk class.
type benchDisk struct {
	PhysicalDisk
	Serial    string `attr:",globalid"`
	Model     string
	Vendor    string
	Firmware  string
	Status    string `enum:"OK,NEARFAILURE,FAILED"`
	Protocol  string
	MediaType string
	Location  string `attr:",optional"`
	WWN       UUID   `attr:",optional"`
	Slot      int
	Capacity  Bytes
	RPM       *int `attr:",optional"`
	Predicted bool
	Wear      float64
	Temp      Gauge `unit:"C"`
}

type benchPlugin struct {
	n     int
	disks []*benchDisk
}

func disk(i int) *benchDisk {
	return &benchDisk{Serial: fmt.Sprintf("S%08d", i), Model: "Ultra 9000", Vendor: "Acme", Firmware: "1.2.3", Status: "OK",
		Protocol: "SAS", MediaType: "HDD", Location: "shelf 3, bay 14", WWN: "b44f7d8e-a40d-4b96-b241-2ab462b4c1c1",
		Slot: i % 60, Capacity: 18_000_000_000_000, RPM: new(7200), Wear: 0.25}
}

func (p *benchPlugin) InitialScan(_ context.Context, s *Session, _ *benchArray) error {
	for i := range p.n {
		p.disks = append(p.disks, Report(s, disk(i)))
	}
	return nil
}

// benchSession returns a session whose turns can be run without a host.
func benchSession(tb testing.TB, n int) (*Session, *benchPlugin) {
	tb.Helper()
	v := &benchPlugin{n: n}
	p := New("bench", 1, Scans(func() *benchPlugin { return v }), Reports[benchDisk]())
	if _, problems := p.Manifest(); len(problems) > 0 {
		tb.Fatal(problems)
	}
	srv := &server{p: p, conn: stdio.NewConn(nil, io.Discard, func() {}), sessions: map[string]*Session{}}
	srv.conn.SetReady()
	s, err := srv.newSession(wire.OpenParams{Session: "s1", Class: "benchArray", Attributes: map[string]json.RawMessage{"address": json.RawMessage(`"a"`)}})
	if err != nil {
		tb.Fatal(err)
	}
	s.state = stateReady
	return s, v
}

func (s *Session) benchTurn(tb testing.TB, f func()) int64 {
	turn, err := s.hookTurn(false, func() error { f(); return nil })
	if err != nil {
		tb.Fatal(err)
	}
	return turn
}

// BenchmarkInitialScan is the whole SDK side of an initial scan: report, check,
// encode.
func BenchmarkInitialScan(b *testing.B) {
	const n = 100_000
	b.ReportAllocs()
	for b.Loop() {
		s, v := benchSession(b, n)
		if _, err := s.hookTurn(true, func() error { return v.InitialScan(b.Context(), s, nil) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/resource")
}

func BenchmarkUnchangedTurn(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, v := benchSession(b, n)
			s.benchTurn(b, func() { _ = v.InitialScan(b.Context(), s, nil) })
			b.ReportAllocs()
			for b.Loop() {
				if s.benchTurn(b, func() {}) != 0 {
					b.Fatal("something was sent")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/resource")
		})
	}
}

func BenchmarkOnePercentChanged(b *testing.B) {
	const n = 100_000
	s, v := benchSession(b, n)
	s.benchTurn(b, func() { _ = v.InitialScan(b.Context(), s, nil) })
	b.ReportAllocs()
	slot := 0
	for b.Loop() {
		slot++
		s.benchTurn(b, func() {
			for i := 0; i < n; i += 100 {
				v.disks[i].Slot = slot
			}
		})
	}
}

// BenchmarkRereport is an update scan that reports everything again.
func BenchmarkRereport(b *testing.B) {
	const n = 100_000
	s, v := benchSession(b, n)
	s.benchTurn(b, func() { _ = v.InitialScan(b.Context(), s, nil) })
	again := make([]*benchDisk, n)
	for i := range again {
		again[i] = disk(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.benchTurn(b, func() {
			for _, d := range again {
				Report(s, d)
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/resource")
}

// BenchmarkEncode compares the encoding of a turn with the bare work: package
// json on structs of the same content.
func BenchmarkEncode(b *testing.B) {
	const n = 10_000
	s, v := benchSession(b, n)
	s.benchTurn(b, func() { _ = v.InitialScan(b.Context(), s, nil) })
	b.Run("turn", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, d := range v.disks {
				s.changes = append(s.changes, change{n: d.n, op: wire.OpPut})
			}
			if err := s.send(nil, true); err != nil {
				b.Fatal(err)
			}
			s.changes = s.changes[:0]
		}
	})
	type plain struct {
		Serial    string  `json:"serial"`
		Model     string  `json:"model"`
		Vendor    string  `json:"vendor"`
		Firmware  string  `json:"firmware"`
		Status    string  `json:"status"`
		Protocol  string  `json:"protocol"`
		MediaType string  `json:"media_type"`
		Location  string  `json:"location,omitempty"`
		WWN       UUID    `json:"wwn,omitempty"`
		Slot      int     `json:"slot"`
		Capacity  Bytes   `json:"capacity"`
		RPM       *int    `json:"rpm,omitempty"`
		Predicted bool    `json:"predicted"`
		Wear      float64 `json:"wear"`
	}
	type op struct {
		Op         string `json:"op"`
		Handle     int64  `json:"h"`
		Class      string `json:"class"`
		Attributes plain  `json:"attributes"`
	}
	b.Run("json", func(b *testing.B) {
		ops := make([]op, n)
		for i, d := range v.disks {
			ops[i] = op{"put", int64(i + 1), "benchDisk", plain{d.Serial, d.Model, d.Vendor, d.Firmware, d.Status, d.Protocol, d.MediaType,
				d.Location, d.WWN, d.Slot, d.Capacity, d.RPM, d.Predicted, d.Wear}}
		}
		b.ReportAllocs()
		for b.Loop() {
			raw, err := json.Marshal(ops)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Discard.Write(raw)
		}
	})
}
