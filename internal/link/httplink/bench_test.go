package httplink_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
	"github.com/faultline-storage/faultline/internal/link/linktest"
	"github.com/faultline-storage/faultline/internal/resource"
)

// nothing is an inventory that costs nothing.
type nothing struct{ *linktest.Inventory }

func (nothing) Apply(context.Context, *resource.Batch) error { return nil }

// BenchmarkApply is what the link adds to a turn: from the sink in the runner to
// the inventory of the server, and the acknowledgement back, on one machine.
func BenchmarkApply(b *testing.B) {
	disk := &resource.Class{
		Plugin: "acme", Name: "Disk", Bases: []string{resource.BaseResource}, IDScope: resource.Scoped, IDNames: []string{"serial"},
		Attributes: []resource.Attribute{
			{Name: "serial", Kind: resource.String}, {Name: "model", Kind: resource.String}, {Name: "size", Kind: resource.Bytes},
			{Name: "slot", Kind: resource.Integer}, {Name: "status", Kind: resource.String}, {Name: "wwn", Kind: resource.String},
		},
	}
	disk.Index()
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			hub := link.NewHub(link.HubOptions{Now: time.Now, After: time.After, Accept: func(_ link.Hello, _ link.Origin, c *link.Conn) (link.Peer, []byte, error) {
				return &intakePeer{link.NewIntake(link.IntakeOptions{
					Conn: c, Inventory: nothing{&linktest.Inventory{}},
					Owns:  func(resource.ID) (string, error) { return "acme", nil },
					Class: func(string, string) *resource.Class { return disk },
					Seal:  func(s string) string { return s },
				})}, nil, nil
			}})
			srv := httptest.NewServer(handler(hub))
			defer srv.Close()
			sinks := make(chan *link.Sink, 1)
			client := link.NewClient(link.ClientOptions{
				Transport: &httplink.Transport{Server: srv.URL, Client: srv.Client()}, Now: time.Now, After: time.After,
				Hello: func() link.Hello { return link.Hello{Kind: "runner", Name: "r", Instance: "i"} },
				Open: func(c *link.Conn, _ link.Welcome) (link.Receiver, func()) {
					sinks <- link.NewSink(c)
					return func(context.Context, link.Message, func([]byte, error)) {}, func() {}
				},
			})
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- client.Run(ctx) }()
			defer func() { cancel(); <-ended; hub.Close() }()
			sink := <-sinks
			batch := &resource.Batch{Root: 1, Session: "s", Plugin: "acme", Turn: 1}
			for i := range n {
				batch.Ops = append(batch.Ops, resource.Op{Kind: resource.Put, Handle: resource.Handle(i + 1), Class: disk, Parents: []resource.Handle{0}, Values: []resource.Value{
					resource.StringValue(fmt.Sprintf("S%012d", i*7919)), resource.StringValue("AX-1200"), resource.IntValue(4 << 40),
					resource.IntValue(int64(i)), resource.StringValue("OK"), resource.StringValue(fmt.Sprintf("5000c500%08x", i)),
				}})
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := sink.Apply(ctx, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

type intakePeer struct{ *link.Intake }

func (p *intakePeer) Receive(ctx context.Context, m link.Message, answer func([]byte, error)) {
	p.Intake.Receive(ctx, m, answer)
}
func (*intakePeer) Lost(time.Time) {}
func (*intakePeer) Back()          {}
func (*intakePeer) Gone(error)     {}
