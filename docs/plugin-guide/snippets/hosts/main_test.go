package main

import (
	"testing"

	"github.com/faultline-storage/faultline/sdk/plugintest"
)

func TestScan(t *testing.T) {
	h := plugintest.StartProgram(t, declare, &Box{Address: "box.example.com"})
	h.InitialScan()
	h.Want("Machine", plugintest.Attrs{"number": 0, "address": "192.168.1.11", "box": plugintest.Resource{}})
}

func TestAgent(t *testing.T) {
	h := plugintest.StartProgram(t, declare, &Server{HostID: 7})
	if err := h.AgentStart(7, []map[string]any{
		{"path": "/dev/sda", "serial": "600A", "preferred": true}, {"path": "/dev/sdb", "serial": "600A", "preferred": false},
	}); err != nil {
		t.Fatal(err)
	}
	lun := h.Get("Lun", plugintest.Attrs{"serial": "600A"})
	node := h.Get("Node", plugintest.Attrs{"path": "/dev/sda", "host_id": 7, "logical_drive": lun})
	path := h.Get("Path", plugintest.Attrs{"device": "/dev/sda", "weight": 10})
	h.WantParents(node, path)
	h.WantParents(path, lun)

	if err := h.AgentContinue(7, []map[string]any{{"path": "/dev/sdb", "serial": "600A", "preferred": true}}); err != nil {
		t.Fatal(err)
	}
	h.Want("Node", 1)
}
