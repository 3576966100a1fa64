package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/agent"
	"github.com/faultline-storage/faultline/sdk/internal/transcript"
)

// asPlugin is set in the environment of this test binary to make it a device plugin.
const asPlugin = "FAULTLINE_TEST_DEVICE"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		device().Main()
	}
	os.Exit(m.Run())
}

func TestTranscripts(t *testing.T) {
	transcript.Run(t, asPlugin, map[string]func() transcript.Program{"device": func() transcript.Program { return device() }})
}

// device is the device plugin of protocol/transcripts/README.md.
func device() *agent.Program {
	sessions := 0
	return agent.New("device", func(e *agent.Env) agent.Plugin {
		sessions++
		return &devicePlugin{env: e, session: sessions}
	}, agent.Every(2500*time.Millisecond))
}

type devicePlugin struct {
	env              *agent.Env
	session, updates int
}

func (d *devicePlugin) StartSession(context.Context) ([]agent.Message, error) {
	return []agent.Message{
		{Data: map[string]any{"devices": []string{"/dev/sda", "/dev/sdb"}}},
		{Data: map[string]any{"failing": "/dev/sdb"}, Priority: agent.High},
		{Data: nil},
		{Data: "a", Priority: agent.Low},
		{Data: 2.5, Priority: agent.Low},
	}, nil
}

func (d *devicePlugin) UpdateSession(context.Context) ([]agent.Message, error) {
	d.updates++
	switch d.updates {
	case 1:
		if d.session == 2 {
			var other sync.WaitGroup
			other.Go(func() {
				d.env.Changed()
				d.env.Changed()
			})
			other.Wait()
		}
	case 2:
		d.env.Log.Warn("sdb is hot")
		fmt.Println("hello")
		return []agent.Message{{Data: []any{"/dev/sdc", nil}}}, nil
	case 3:
		return nil, errors.New("sdc does not answer")
	}
	return nil, nil
}
