// Command lifecycle shows the life of a session, with an array that answers
// "list" with its drives and "watch" with each change of one, over TCP.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// Array is the root.
type Array struct {
	plugin.ScannableResource
	Address string `attr:",globalid"` // HOST:PORT
}

// Drive is a drive of the array.
type Drive struct {
	plugin.PhysicalDisk
	Serial string `attr:",scopedid"`
	Status string `enum:"OK,FAILED"`
}

// region begin

// Plugin talks to one array. There is one value for each session.
type Plugin struct {
	events net.Conn
	done   chan struct{}
}

// InitialScan reports every drive, then follows the array's events.
func (p *Plugin) InitialScan(ctx context.Context, s *plugin.Session, a *Array) error {
	s.Every(30 * time.Second) // between update scans
	if err := p.UpdateScan(ctx, s, a); err != nil {
		return err
	}
	events, err := ask(ctx, a, "watch")
	if err != nil {
		return err
	}
	p.events, p.done = events, make(chan struct{})
	go p.listen(s)
	return nil
}

// endregion

// region update

// UpdateScan reports how it is now: what is as before is not sent.
func (p *Plugin) UpdateScan(ctx context.Context, s *plugin.Session, a *Array) error {
	found, silent, err := list(ctx, a)
	if err != nil {
		return fmt.Errorf("list the drives of %s: %w", a.Address, err)
	}
	for _, shelf := range silent {
		s.Incomplete("shelf %s does not answer", shelf)
	}
	for serial, status := range found {
		if d := plugin.Report(s, &Drive{Serial: serial, Status: status}); d.Created() {
			s.Log.Info("a drive was found", "serial", serial)
		}
	}
	if len(silent) > 0 {
		return nil // what is missing may be in a shelf that is silent
	}
	for d := range plugin.All[Drive](s) {
		if _, ok := found[d.Serial]; !ok {
			plugin.Remove(d)
		}
	}
	return nil
}

// endregion

// region events

// listen runs on a goroutine of its own. What it changes, it posts.
func (p *Plugin) listen(s *plugin.Session) {
	defer close(p.done)
	lines := bufio.NewScanner(p.events)
	for lines.Scan() {
		serial, status, _ := strings.Cut(lines.Text(), " ")
		s.Post(func() { // a turn: no other code of this session runs at the same time
			if d, ok := plugin.Find(s, &Drive{Serial: serial}); ok {
				d.Status = status
			}
		})
	}
}

// Teardown ends what InitialScan began.
func (p *Plugin) Teardown() error {
	if p.events == nil {
		return nil // the scan failed before
	}
	err := p.events.Close()
	<-p.done
	return err
}

// endregion

// ask opens a connection and sends one request.
func ask(ctx context.Context, a *Array, request string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", a.Address)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(c, request); err != nil {
		return nil, err
	}
	return c, nil
}

// list returns the status of each drive, and which shelves are silent.
func list(ctx context.Context, a *Array) (found map[string]string, silent []string, err error) {
	c, err := ask(ctx, a, "list")
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	found = map[string]string{}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		name, status, _ := strings.Cut(lines.Text(), " ")
		switch {
		case name == ".":
			return found, silent, nil
		case status == "SILENT":
			silent = append(silent, name)
		default:
			found[name] = status
		}
	}
	return nil, nil, fmt.Errorf("the answer has no end: %w", lines.Err())
}

func main() {
	plugin.Main("lifecycle", 1, plugin.Scans(func() *Plugin { return &Plugin{} }), plugin.Reports[Drive]())
}
