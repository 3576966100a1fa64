package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

// fakeArray answers as the array does.
type fakeArray struct {
	net.Listener
	answers chan string // one for each "list"
	events  chan net.Conn
}

func newFakeArray(t *testing.T) *fakeArray {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	a := &fakeArray{Listener: l, answers: make(chan string, 10), events: make(chan net.Conn, 10)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			request, _ := bufio.NewReader(c).ReadString('\n')
			if request == "watch\n" {
				a.events <- c
				continue
			}
			fmt.Fprint(c, strings.ReplaceAll(<-a.answers, ",", "\n"))
			c.Close()
		}
	}()
	return a
}

func start(t *testing.T, a *fakeArray) *plugintest.Harness {
	return plugintest.Start(t, func() *Plugin { return &Plugin{} }, &Array{Address: a.Addr().String()}, plugin.Reports[Drive]())
}

func TestLife(t *testing.T) {
	a := newFakeArray(t)
	h := start(t, a)
	a.answers <- "S1 OK,S2 OK,.,"
	h.InitialScan()
	h.Want("Drive", 2)

	// An event is reported without a scan.
	fmt.Fprintln(<-a.events, "S1 FAILED")
	h.Await("Drive", plugintest.Attrs{"serial": "S1", "status": "FAILED"})

	// A silent shelf is no reason to remove what may be in it; an answer without it is.
	a.answers <- "S1 FAILED,shelf2 SILENT,.,"
	h.UpdateScan()
	h.Want("Drive", 2)
	a.answers <- "S1 FAILED,.,"
	h.UpdateScan()
	h.Want("Drive", 1)

	// An answer that is cut off fails the scan.
	a.answers <- "S1 OK,"
	if err := h.TryUpdateScan(); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Errorf("half an answer: %v", err)
	}
	h.Teardown()
}

func TestIncomplete(t *testing.T) {
	a := newFakeArray(t)
	h := start(t, a)
	a.answers <- "S1 OK,shelf2 SILENT,.,"
	h.InitialScan()
	if h.Complete() || len(h.Incomplete()) != 1 {
		t.Errorf("complete %v, incomplete %q", h.Complete(), h.Incomplete())
	}
}
