package install

import (
	"fmt"
	"path/filepath"
)

// ServiceName is the name of the agent's systemd unit.
const ServiceName = "faultline-agent.service"

// Paths are where things are on a machine, below a root.
type Paths struct {
	Program string // this program
	Config  string // the agent's settings
	Data    string // its folder
	Unit    string // the systemd unit
}

// PathsBelow returns the paths of a machine whose root folder that is; empty is /.
func PathsBelow(root string) Paths {
	at := func(path string) string { return filepath.Join("/", root, path) }
	return Paths{
		Program: at("usr/local/bin/faultline"), Config: at("etc/faultline/agent.yaml"),
		Data: at("var/lib/faultline-agent"), Unit: at("etc/systemd/system/" + ServiceName),
	}
}

// Unit is the systemd unit of the agent. It keeps the agent and its device plugins
// within bounds that a storage server does not notice, has the kernel end them
// before anything else if memory runs out, and lets them write nowhere but to the
// agent's own folder. It has to be root, for that is who may ask devices.
func Unit(p Paths) string {
	return fmt.Sprintf(`[Unit]
Description=Faultline agent: tells the manager server what this host has
Documentation=https://github.com/faultline-storage/faultline/blob/main/docs/operating.md
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=%s agent run --config %s
Restart=always
RestartSec=5
TimeoutStopSec=30
KillMode=mixed

# Bounds of the agent with its device plugins. Nothing here is worth a server's work.
MemoryHigh=384M
MemoryMax=512M
CPUQuota=50%%
CPUWeight=20
IOWeight=20
Nice=10
TasksMax=512
LimitNOFILE=4096
OOMScoreAdjust=800
# Plugins have groups of their own below this one.
Delegate=yes

# It looks and does not touch.
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelModules=yes
ProtectClock=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ReadWritePaths=%s

[Install]
WantedBy=multi-user.target
`, p.Program, p.Config, p.Data)
}

// Config is the agent's settings as an installation writes them.
func Config(p Paths) string {
	return fmt.Sprintf("# Settings of the agent; docs/operating.md has all of them.\ndata: %s\n", p.Data)
}
