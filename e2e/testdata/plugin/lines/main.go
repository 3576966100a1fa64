// Command lines is a device plugin for tests: it tells the lines NAME=VALUE of the
// file $WORK/lines, and what changes in them, numbered so that the server's side sees
// whether anything is missing or comes twice.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/agent"
)

func main() {
	agent.Main(os.Getenv("FAULTLINE_PLUGIN"), func(env *agent.Env) agent.Plugin { return &lines{env: env} }, agent.Every(time.Hour))
}

type lines struct {
	env   *agent.Env
	known map[string]string
	n     int
}

type change struct {
	N    int               `json:"n"`
	Set  map[string]string `json:"set"`
	Gone []string          `json:"gone"`
}

// StartSession tells all lines, and watches the file for as long as the session lasts.
func (l *lines) StartSession(ctx context.Context) ([]agent.Message, error) {
	now, raw, err := read()
	if err != nil {
		return nil, err
	}
	l.known = now
	go func() {
		for ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
			if _, next, err := read(); err == nil && !bytes.Equal(next, raw) {
				raw = next
				l.env.Changed()
			}
		}
	}()
	return []agent.Message{{Data: change{Set: now}}}, nil
}

// UpdateSession tells what changed.
func (l *lines) UpdateSession(context.Context) ([]agent.Message, error) {
	now, _, err := read()
	if err != nil {
		return nil, err
	}
	c := change{Set: map[string]string{}}
	for name, value := range now {
		if old, ok := l.known[name]; !ok || old != value {
			c.Set[name] = value
		}
	}
	for name := range l.known {
		if _, ok := now[name]; !ok {
			c.Gone = append(c.Gone, name)
		}
	}
	if len(c.Set) == 0 && len(c.Gone) == 0 {
		return nil, nil
	}
	l.known = now
	l.n++
	c.N = l.n
	return []agent.Message{{Data: c}}, note(fmt.Sprintf("%s %d\n", os.Getenv("FAULTLINE_PLUGIN"), l.n))
}

// note says in the file $WORK/told what this plugin told.
func note(text string) error {
	f, err := os.OpenFile(os.Getenv("WORK")+"/told", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func read() (map[string]string, []byte, error) {
	raw, err := os.ReadFile(os.Getenv("WORK") + "/lines")
	if err != nil {
		return nil, nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[name] = value
		}
	}
	return out, raw, nil
}
