// Command hosts is the agent's side: it runs on a storage server, and what it
// returns goes to the server plugin of the same name.
package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/agent"
)

// device is what the server plugin is told of one device.
type device struct {
	Path      string `json:"path"`
	Serial    string `json:"serial"`
	Preferred bool   `json:"preferred"`
}

// hosts is one session: where it looks, and what the server knows.
type hosts struct {
	folder string
	known  []device
}

// StartSession returns all there is.
func (h *hosts) StartSession(context.Context) ([]agent.Message, error) {
	found, err := listDevices(h.folder)
	if err != nil {
		return nil, err
	}
	h.known = found
	return []agent.Message{{Data: found}}, nil
}

// UpdateSession returns what is new, or nothing to send nothing.
func (h *hosts) UpdateSession(context.Context) ([]agent.Message, error) {
	found, err := listDevices(h.folder)
	if err != nil || slices.Equal(found, h.known) {
		return nil, err
	}
	h.known = found
	return []agent.Message{{Data: found, Priority: agent.High}}, nil
}

// listDevices returns the SCSI disks that the folder names by their serial numbers.
func listDevices(folder string) ([]device, error) {
	links, err := filepath.Glob(filepath.Join(folder, "scsi-*"))
	if err != nil {
		return nil, err
	}
	devices := []device{}
	for _, link := range links {
		if strings.Contains(link, "-part") {
			continue
		}
		path, err := filepath.EvalSymlinks(link)
		if os.IsNotExist(err) {
			continue // it has just gone
		}
		if err != nil {
			return nil, err
		}
		devices = append(devices, device{Path: path, Serial: strings.TrimPrefix(filepath.Base(link), "scsi-"), Preferred: true})
	}
	return devices, nil
}

func main() {
	agent.Main("hosts", func(*agent.Env) agent.Plugin { return &hosts{folder: "/dev/disk/by-id"} })
}
