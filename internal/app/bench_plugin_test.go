package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/config"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
	"github.com/faultline-storage/faultline/internal/session"
	sdk "github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// turnsArray and turnsDisk are the classes of the plugin "turns", all of whose
// disks change in every update of a busy array, and none in one that is not.
type turnsArray struct {
	sdk.ScannableResource
	Name  string `attr:",globalid"`
	Disks int
	Busy  bool
}

type turnsDisk struct {
	sdk.PhysicalDisk
	Serial   string `attr:",scopedid"`
	Model    string
	Firmware string
	Slot     int
	Capacity sdk.Bytes
	Status   string `enum:"OK,FAILED"`
	Errors   int
}

type turns struct{ disks []*turnsDisk }

func (p *turns) InitialScan(_ context.Context, s *sdk.Session, a *turnsArray) error {
	for i := range a.Disks {
		p.disks = append(p.disks, sdk.Report(s, &turnsDisk{
			Serial: fmt.Sprintf("S%08d", i), Model: "ACME X1", Firmware: "F001", Slot: i % 84, Capacity: 4e12, Status: "OK",
		}))
	}
	return nil
}

func (p *turns) UpdateScan(_ context.Context, _ *sdk.Session, a *turnsArray) error {
	if a.Busy {
		for _, d := range p.disks {
			d.Errors++
		}
	}
	return nil
}

func turnsMain() {
	sdk.Main("turns", 1, sdk.Scans(func() *turns { return &turns{} }), sdk.Reports[turnsDisk]())
}

// turnsPython is the same plugin in Python. Each of its updates also dumps and
// parses the JSON of the ops by hand, and stores in an attribute of the root how
// long that took, in microseconds.
const turnsPython = `
import json, time
from chroma_core.lib.storage_plugin.api import attributes, identifiers, plugin, resources
version = 1
class turnsArray(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('name')
    name = attributes.String()
    disks = attributes.Integer()
    busy = attributes.Boolean()
    bare = attributes.Integer(optional=True, user_read_only=True)
class turnsDisk(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('serial')
    serial = attributes.String()
    model = attributes.String()
    firmware = attributes.String()
    slot = attributes.Integer()
    capacity = attributes.Bytes()
    status = attributes.Enum('OK', 'FAILED')
    errors = attributes.Integer()
class Turns(plugin.Plugin):
    def initial_scan(self, root):
        self.known = [self.update_or_create(turnsDisk, serial='S%08d' % i, model='ACME X1', firmware='F001', slot=i % 84,
                                            capacity=4000000000000, status='OK', errors=0)[0] for i in range(root.disks)]
    def update_scan(self, root):
        for d in self.known:
            d.errors = d.errors + 1
        begin = time.perf_counter()
        ops = [{'op': 'set', 'h': h, 'attributes': {'errors': d.errors}} for h, d in enumerate(self.known, 1)]
        text = json.dumps({'jsonrpc': '2.0', 'method': 'session/batch', 'params': {'session': 's', 'turn': 2, 'part': 0, 'ops': ops}})
        json.loads(text)
        root.bare = int((time.perf_counter() - begin) * 1e6)
`

// swallow is a sink that keeps nothing but the last batch.
type swallow struct{ last *resource.Batch }

func (*swallow) OpenSession(resource.ID, string, func([]resource.Handle)) error { return nil }
func (*swallow) CloseSession(resource.ID, string)                               {}
func (s *swallow) Apply(_ context.Context, b *resource.Batch) error             { s.last = b; return nil }
func (*swallow) SetRootState(context.Context, resource.ID, func(*resource.RootState)) error {
	return nil
}
func (*swallow) Contact(resource.ID, time.Time) {}

// BenchmarkTurn measures what the protocol costs: a turn of 10,000 changed
// resources, from the call of update_scan until the host has it read, checked and
// ready to be applied, beside encoding and decoding the same JSON in a loop in the
// plugin's language. Higher is better; 1 would be a protocol that costs nothing.
func BenchmarkTurn(b *testing.B) {
	python := filepath.Join(b.TempDir(), "turns.py")
	if err := os.WriteFile(python, []byte(turnsPython), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, language := range []struct{ name, path string }{{"go", "builtin:turns"}, {"python", python}} {
		b.Run(language.name, func(b *testing.B) {
			for b.Loop() {
				took, bare := busyTurns(b, language.path)
				b.ReportMetric(bare.Seconds()/took.Seconds(), "bare-to-turn")
				b.ReportMetric(took.Seconds()*1000, "ms/turn")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// busyTurns returns the median time of a turn and of the bare work.
func busyTurns(b *testing.B, path string) (took, bare time.Duration) {
	b.Helper()
	const disks, rounds = 10_000, 9
	tool := &Tool{}
	spec, err := tool.resolve(path)
	if err != nil {
		b.Fatal(err)
	}
	set := newPluginSet(setOptions{})
	var parts []wire.Batch
	o := tool.options(spec)
	o.OnBatch = func(in wire.Batch) {
		if in.Turn > 1 {
			parts = append(parts, in)
		}
		set.deliver(in)
	}
	p, err := pluginhost.Start(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Stop(context.WithoutCancel(b.Context())) //nolint:errcheck // it is of no more interest
	classes, err := session.Classes("turns", p.Info().Manifest)
	if err != nil {
		b.Fatal(err)
	}
	class := func(name string) *resource.Class {
		return classes[slices.IndexFunc(classes, func(c *resource.Class) bool { return c.Name == name })]
	}
	sink := &swallow{}
	s := session.New(session.Options{
		ID: 1, Plugin: "turns",
		Root: func() (session.Root, error) {
			return session.Root{Class: "turnsArray", Attributes: map[string]json.RawMessage{
				"name": json.RawMessage(`"a"`), "disks": fmt.Append(nil, disks), "busy": json.RawMessage("true"),
			}}, nil
		},
		Wait:  func(context.Context) (session.Plugin, error) { return borrowed(p), nil },
		Class: class, Seal: func(s string) string { return s },
		Sink: sink, Route: set.route, Log: slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
	})
	var turnsTook, bareTook []time.Duration
	err = s.Drive(b.Context(), func(hook func(string) (wire.TurnResult, error)) error {
		if _, err := hook(wire.MethodInitialScan); err != nil {
			return err
		}
		for range rounds {
			parts = parts[:0]
			start := time.Now()
			if _, err := hook(wire.MethodUpdateScan); err != nil {
				return err
			}
			whole := time.Since(start)
			if n := len(sink.last.Ops); n < disks {
				return fmt.Errorf("the turn has %d ops", n)
			}
			own := bareOf(b, parts)
			if i := class("turnsArray").Attr("bare"); i >= 0 { // the plugin did it, within the turn
				own = bareInPlugin(sink.last, i)
				whole -= own
			}
			turnsTook, bareTook = append(turnsTook, whole), append(bareTook, own)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(turnsTook)
	slices.Sort(bareTook)
	return turnsTook[rounds/2], bareTook[rounds/2]
}

// bareOf encodes and decodes the parts of a turn with the standard library.
func bareOf(b *testing.B, parts []wire.Batch) time.Duration {
	b.Helper()
	start := time.Now()
	for i := range parts {
		text, err := json.Marshal(&parts[i])
		if err != nil {
			b.Fatal(err)
		}
		var again wire.Batch
		if err := json.Unmarshal(text, &again); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// bareInPlugin is what the plugin measured of the same work.
func bareInPlugin(last *resource.Batch, attribute int) (took time.Duration) {
	for i := range last.Ops {
		for _, set := range last.Ops[i].Set {
			if op := &last.Ops[i]; op.Handle == 0 && set.Index == attribute {
				us, _ := set.Value.Int()
				took = time.Duration(us) * time.Microsecond
			}
		}
	}
	return took
}

// BenchmarkIdle measures a plugin's process that does nothing: how long until it
// has declared itself, and its memory.
func BenchmarkIdle(b *testing.B) {
	for _, language := range []struct{ name, path string }{
		{"go", "../../examples/example"}, {"python", "../../examples/example_plugin.py"},
	} {
		b.Run(language.name, func(b *testing.B) {
			tool := &Tool{}
			spec, err := tool.resolve(language.path)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				start := time.Now()
				p, err := pluginhost.Start(b.Context(), tool.options(spec))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(start).Milliseconds()), "ready-ms")
				memory, _ := p.Usage()
				b.ReportMetric(float64(memory)/(1<<20), "MiB")
				b.ReportMetric(0, "ns/op")
				if err := p.Stop(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkThousandRoots measures 1,000 scannables of ten disks each in the runner
// of one server: how long until all of them are live, and what it costs then to
// look at each every five seconds.
func BenchmarkThousandRoots(b *testing.B) {
	const roots, watched = 1000, 20 * time.Second
	for b.Loop() {
		cfg := config.Default()
		cfg.Data, cfg.Listen, cfg.Plugins = b.TempDir(), "127.0.0.1:0", []string{"builtin:turns"}
		s, err := Start(b.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		if err != nil {
			b.Fatal(err)
		}
		api := "http://" + s.Addr().String() + "/api/v1"
		start := time.Now()
		for i := 0; i < roots; {
			resp, err := http.Post(api+"/resources", "application/json", strings.NewReader(
				fmt.Sprintf(`{"plugin":"turns","class":"turnsArray","attributes":{"name":"a%d","disks":10,"busy":false}}`, i)))
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusCreated {
				i++
			} else if time.Since(start) > time.Minute {
				b.Fatalf("root %d: %s", i, resp.Status)
			}
		}
		for pluginAt(b, api).Sessions < roots {
			if time.Since(start) > 5*time.Minute {
				b.Fatal("not all roots are live")
			}
			time.Sleep(50 * time.Millisecond) // a look by the API, which is part of what is measured
		}
		b.ReportMetric(time.Since(start).Seconds(), "live-s")
		server, plugin := cpuTime(b), pluginAt(b, api)
		time.Sleep(watched)
		now := pluginAt(b, api)
		b.ReportMetric(100*(cpuTime(b)-server).Seconds()/watched.Seconds(), "server-cpu-%")
		b.ReportMetric(100*(now.CPU-plugin.CPU)/watched.Seconds(), "plugin-cpu-%")
		b.ReportMetric(now.Memory/(1<<20), "plugin-MiB")
		b.ReportMetric(0, "ns/op")
		if err := s.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// pluginState is what the API says of a plugin.
type pluginState struct {
	Name        string
	Sessions    int
	CPU, Memory float64
}

func pluginAt(b *testing.B, api string) (p pluginState) {
	b.Helper()
	resp, err := http.Get(api + "/plugins")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Items []pluginState }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Items) != 1 {
		b.Fatal(len(list.Items), err)
	}
	return list.Items[0]
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
