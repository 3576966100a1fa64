package simhost

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/faultline-storage/faultline/internal/auth"
	"github.com/faultline-storage/faultline/internal/link"
	"github.com/faultline-storage/faultline/internal/link/httplink"
)

// period is how often a device plugin of a simulated host looks.
const period = time.Second

// Serve is the agent of the host that was registered as id, of the given version,
// until ctx ends: it speaks to the server as a real one does. An error is the
// server's, which refuses the host.
func (s *Site) Serve(ctx context.Context, id *auth.Identity, version string) error {
	const up = 40 * 24 * time.Hour
	hello := link.AgentHello{Boot: rand.Text(), Machine: id.Host(), Started: up, Booted: s.now().Add(-up), Plugins: []string{"linux", "lustre"}}
	agent := link.NewAgent(link.AgentOptions{
		Transport: &httplink.Transport{Server: id.Server(), Client: &http.Client{Transport: id}, Agent: "faultline-simhost"},
		Name:      id.Host(), Version: version, Instance: rand.Text(), Log: slog.New(slog.DiscardHandler), Now: time.Now, After: time.After,
		Hello: func() link.AgentHello { return hello },
	})
	parts := []func(context.Context) error{
		agent.Run,
		func(ctx context.Context) error {
			return keepSaying(ctx, agent, "linux", func() any { return s.Linux(id.Host()) })
		},
		func(ctx context.Context) error {
			return keepSaying(ctx, agent, "lustre", func() any { return s.Lustre(id.Host()) })
		},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() { ended <- part(ctx) }()
	}
	var all error
	for range parts {
		if err := <-ended; ctx.Err() == nil { // what comes after the first is no news
			all = err
		}
		cancel()
	}
	return all
}

// keepSaying is a device plugin: it sends its report when that has changed, whole,
// in one session after another.
func keepSaying(ctx context.Context, agent *link.Agent, plugin string, report func() any) error {
	for ctx.Err() == nil {
		s, err := agent.Open(ctx, plugin)
		if err != nil {
			return nil //nolint:nilerr // ctx has ended
		}
		if err := say(ctx, s, report); err != nil {
			return err
		}
	}
	return nil
}

// say sends reports in a session until it ends.
func say(ctx context.Context, s *link.AgentSession, report func() any) error {
	last := ""
	for {
		b, err := json.Marshal(report())
		if err != nil {
			return err
		}
		if string(b) != last {
			if err := s.Send(ctx, b, link.Normal); err != nil {
				return nil //nolint:nilerr // the session has ended, and the next one begins
			}
			last = string(b)
		}
		select {
		case <-time.After(period):
		case <-s.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
