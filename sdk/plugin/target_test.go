package plugin_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// Polite declares its target as it should be.
type Polite struct {
	plugin.ScannableResource
	Address plugin.Hostname `attr:",globalid"`
	Port    int
}

func (p *Polite) Describe(c *plugin.Class) {
	c.Target(&p.Address).Concurrency(1).MinInterval(1500 * time.Millisecond)
}

// Rude has every mistake that a target can have.
type Rude struct {
	plugin.ScannableResource
	Address string `attr:",globalid"`
	Port    int
}

var rude func(r *Rude, c *plugin.Class)

func (r *Rude) Describe(c *plugin.Class) { rude(r, c) }

// RudeFan is no class that anybody scans.
type RudeFan struct {
	plugin.Fan
	Address string `attr:",globalid"`
}

func (r *RudeFan) Describe(c *plugin.Class) { c.Target(&r.Address).Concurrency(1) }

type politeScans struct{}

func (politeScans) InitialScan(context.Context, *plugin.Session, *Polite) error { return nil }

type rudeScans struct{}

func (rudeScans) InitialScan(context.Context, *plugin.Session, *Rude) error { return nil }

func TestTarget(t *testing.T) {
	m, problems := plugin.New("x", 1, plugin.Scans(func() politeScans { return politeScans{} })).Manifest()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := json.Marshal(m.Classes[0].Target)
	if err != nil || string(got) != `{"attribute":"address","concurrency":1,"min_interval":1.5}` {
		t.Errorf("got %s, %v", got, err)
	}

	var number int
	for _, tt := range []struct {
		rude func(r *Rude, c *plugin.Class)
		want string
	}{
		{func(r *Rude, c *plugin.Class) { c.Target(&r.Address) }, "no bound"},
		{func(r *Rude, c *plugin.Class) { c.Target(&r.Port).Concurrency(1) }, "no text"},
		{func(_ *Rude, c *plugin.Class) { c.Target(&number).Concurrency(1) }, "does not point to an attribute"},
		{func(r *Rude, c *plugin.Class) { c.Target(&r.Address).Concurrency(0).MinInterval(time.Second) }, "must be at least 1"},
		{func(r *Rude, c *plugin.Class) { c.Target(&r.Address).Concurrency(1).MinInterval(-time.Second) }, "more than 0"},
		{func(r *Rude, c *plugin.Class) { c.Target(&r.Address).MinInterval(25 * time.Hour) }, "a day at most"},
	} {
		rude = tt.rude
		_, problems := plugin.New("x", 1, plugin.Scans(func() rudeScans { return rudeScans{} })).Manifest()
		if !slices.ContainsFunc(problems, func(p wire.Problem) bool {
			return p.Code == wire.RuleTargetWrong && strings.Contains(p.Text, tt.want) && p.Line > 0
		}) {
			t.Errorf("%s: got %+v", tt.want, problems)
		}
	}
	_, problems = plugin.New("x", 1, plugin.Scans(func() politeScans { return politeScans{} }), plugin.Reports[RudeFan]()).Manifest()
	if len(problems) != 1 || problems[0].Code != wire.RuleTargetWrong || !strings.Contains(problems[0].Text, "nobody scans") {
		t.Errorf("got %+v", problems)
	}
}
