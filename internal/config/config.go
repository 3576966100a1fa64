// Package config reads the server's settings: defaults, then a YAML file, then
// FAULTLINE_ variables of the environment. Flags come last and are the
// command line's business. It imports nothing of ours.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Config is the settings of `faultline serve`. Each has a key in the YAML file
// and a variable FAULTLINE_KEY in the environment, in which lists are separated
// by commas.
type Config struct {
	// Data is the folder of everything that the server keeps.
	Data string `yaml:"data"`
	// Store is the PostgreSQL database of the graph, the alerts and the change
	// log, as postgres://...; if it is empty, SQLite keeps them in Data. It may
	// hold a password, so it goes into no log.
	Store string `yaml:"store"`
	// Listen is the address of the API and the page.
	Listen string `yaml:"listen"`
	// Plugins are Python files, Python packages, executables and builtin:NAME.
	Plugins []string `yaml:"plugins"`
	// HostPlugins are the built-in plugins for what agents on hosts report. They need
	// not be listed among Plugins, and no process runs for them until a host reports.
	HostPlugins []string `yaml:"host_plugins"`
	// PluginDir is a folder whose plugins are loaded too, as soon as they are there;
	// empty is the folder plugins in Data.
	PluginDir string `yaml:"plugin_dir"`
	// PluginAutoReload takes changed plugins of that folder in by itself.
	PluginAutoReload bool `yaml:"plugin_auto_reload"`
	// DebugPlugins are the names of plugins whose whole log is kept, not only
	// warnings and errors.
	DebugPlugins []string `yaml:"debug_plugins"`
	// PluginLimits are the budgets of plugins.
	PluginLimits PluginLimits `yaml:"plugin_limits"`
	// PluginTargets tightens what plugins declare about the addresses that they
	// talk to, by plugin or plugin.Class.
	PluginTargets PluginTargets `yaml:"plugin_targets"`
	// PluginUser is whom plugins run as if the server is root; if it is empty, an
	// unprivileged user is chosen.
	PluginUser string `yaml:"plugin_user"`
	// PluginEnv names variables of the server's environment that plugins see beside
	// the few that all do.
	PluginEnv []string `yaml:"plugin_env"`
	// PluginCgroup is where the control groups of plugins are made: "auto", "off"
	// or a group's path.
	PluginCgroup string `yaml:"plugin_cgroup"`
	// TLSCert and TLSKey are files in PEM form. A server that listens off
	// loopback needs them.
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	// Runner says whether this server runs the plugins itself.
	Runner bool `yaml:"runner"`
	// RunnerGrace is after how much silence a runner is lost, and how long a server
	// that starts waits for its runners before it misses them.
	RunnerGrace Duration `yaml:"runner_grace"`
	// AgentGrace is after how much silence the contact to a host is lost, and how long
	// a server that starts waits for its hosts before it misses them.
	AgentGrace Duration `yaml:"agent_grace"`
	// AgentServer is the address that agents come to, such as https://manager:8700; if
	// it is empty, it is made of Listen and the name of this machine.
	AgentServer string `yaml:"agent_server"`
	// AgentPrograms is a folder with this program for other systems, named
	// faultline-SYSTEM-MACHINE as in faultline-linux-arm64, for machines of that kind.
	AgentPrograms string `yaml:"agent_programs"`
	// AgentRoot is the folder on a machine in place of / in which an agent is
	// installed; for images, and to try it out.
	AgentRoot string `yaml:"agent_root"`
	// SSHKey is the private key, or SSHAgent the socket of an SSH agent, with which the
	// server installs agents, as SSHUser. Without either it installs none.
	SSHKey   string `yaml:"ssh_key"`
	SSHAgent string `yaml:"ssh_agent"`
	SSHUser  string `yaml:"ssh_user"`
	// SSHPort is where machines listen whose address says no port.
	SSHPort int `yaml:"ssh_port"`
	// SSHKnownHosts has the keys by which machines are recognised; if it is empty,
	// ~/.ssh/known_hosts.
	SSHKnownHosts string `yaml:"ssh_known_hosts"`
	// CallTimeout is how long a plugin may take to answer a call, a scan
	// included.
	CallTimeout Duration `yaml:"call_timeout"`
	// UpdatePeriod is the pause between the update scans of plugins that do not
	// set their own.
	UpdatePeriod Duration `yaml:"update_period"`
	// MassDeleteGuard holds the removals of a scan that lacks more than half of
	// what a root had, if that was more than 20 resources, until a second scan
	// agrees or a user approves them.
	MassDeleteGuard bool `yaml:"mass_delete_guard"`
	// HAClusters are the high-availability clusters of hosts, their members by name.
	HAClusters HAClusters `yaml:"ha_clusters"`
	// ChangeLogKeep is how long changes are kept.
	ChangeLogKeep Duration `yaml:"change_log_keep"`
	// ChangeLogSize bounds the change log in bytes; 0 does not.
	ChangeLogSize Size `yaml:"change_log_size"`
	// SamplesKeep is how long the samples of statistics are kept with the changes.
	SamplesKeep Duration `yaml:"samples_keep"`
	// StatisticsKeep is how long statistics are kept for charts and queries;
	// StatisticsSize bounds what they take of the disk, in bytes; 0 does not.
	StatisticsKeep Duration `yaml:"statistics_keep"`
	StatisticsSize Size     `yaml:"statistics_size"`
	// RemoteWrite are other databases that all statistics are sent to by Prometheus'
	// remote write protocol, OTLP those that take OpenTelemetry's over HTTP.
	RemoteWrite Remotes `yaml:"remote_write"`
	OTLP        Remotes `yaml:"otlp"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
	// LogFormat is text or json.
	LogFormat string `yaml:"log_format"`
}

// Duration is a time.Duration that is written as in Go: "5s", "1m30s".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; write it as 30s or 5m", text)
	}
	*d = Duration(v)
	return nil
}

// UnmarshalYAML implements yaml.NodeUnmarshaler, for errors that say where.
func (d *Duration) UnmarshalYAML(n ast.Node) error {
	at := n.GetToken()
	if err := d.UnmarshalText([]byte(at.Value)); err != nil {
		return fmt.Errorf("[%d:%d] %w", at.Position.Line, at.Position.Column, err)
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Default returns the settings of a server that was told nothing.
func Default() Config {
	return Config{
		Data:         defaultData(),
		Listen:       "127.0.0.1:8700",
		Plugins:      []string{"builtin:redfish"},
		HostPlugins:  []string{"linux", "lustre"},
		PluginCgroup: "auto",
		Runner:       true,
		RunnerGrace:  Duration(30 * time.Second),
		AgentGrace:   Duration(time.Minute),
		SSHUser:      "root",
		SSHPort:      22,
		CallTimeout:  Duration(5 * time.Minute),
		UpdatePeriod: Duration(5 * time.Second),

		PluginAutoReload: true,
		MassDeleteGuard:  true,

		ChangeLogKeep: Duration(7 * 24 * time.Hour),
		SamplesKeep:   Duration(15 * time.Minute),

		StatisticsKeep: Duration(90 * 24 * time.Hour),

		LogLevel:  "info",
		LogFormat: "text",
	}
}

func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/faultline"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "faultline")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "faultline-data"
	}
	return filepath.Join(home, ".local", "state", "faultline")
}

// Load returns the defaults, changed by the file (none if its name is empty)
// and by the environment. All problems are returned at once; a problem of the
// file names its line.
func Load(file string, getenv func(string) string) (Config, error) {
	c := Default()
	return c, load(&c, file, getenv)
}

// LoadRunner is Load for a runner, which has the settings that are about plugins,
// about the log, and data. It runs no plugin that it is not told of, and its data
// are apart from those of a server on the same machine.
func LoadRunner(file string, getenv func(string) string) (Config, error) {
	c := Default()
	c.Plugins, c.Data = nil, c.Data+"-runner"
	return c, load(&c, file, getenv)
}

// load changes settings, a pointer to a struct, by the file and the environment, and
// checks them.
func load(c interface{ Check() error }, file string, getenv func(string) string) error {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
			return fmt.Errorf("configuration %s: %s", file, yaml.FormatError(err, false, false))
		}
	}
	return errors.Join(fromEnv(c, getenv), c.Check())
}

// fromEnv changes settings, a pointer to a struct, by the environment.
func fromEnv(c any, getenv func(string) string) error {
	var errs []error
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := "FAULTLINE_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		text := getenv(name)
		if text == "" {
			continue
		}
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f = text
		case *[]string:
			*f = strings.Split(text, ",")
		case *int:
			n, err := strconv.Atoi(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %q is no number", name, text))
				continue
			}
			*f = n
		case *bool:
			switch text {
			case "true", "1":
				*f = true
			case "false", "0":
				*f = false
			default:
				errs = append(errs, fmt.Errorf("%s: %q is neither true nor false", name, text))
			}
		case *PluginLimits:
			if err := f.fromText(text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		case *HAClusters:
			if err := f.fromText(text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		case *Remotes:
			errs = append(errs, fmt.Errorf("%s: databases for statistics stand in the configuration file", name))
		case *PluginTargets:
			errs = append(errs, fmt.Errorf("%s: bounds of single plugins stand in the configuration file", name))
		case encoding.TextUnmarshaler:
			if err := f.UnmarshalText([]byte(text)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Check returns all that is wrong with the settings. Load has checked what it
// returns; settings that were changed since need it again.
func (c *Config) Check() error {
	var errs []error
	errs = append(errs, checkLog(c.LogLevel, c.LogFormat))
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, errors.New("tls_cert and tls_key go together"))
	}
	if c.SSHPort < 1 || c.SSHPort > 65535 {
		errs = append(errs, fmt.Errorf("ssh_port: %d is no port; it is a number from 1 to 65535", c.SSHPort))
	}
	if c.Store != "" && !strings.HasPrefix(c.Store, "postgres://") && !strings.HasPrefix(c.Store, "postgresql://") {
		errs = append(errs, errors.New("store: the address of a database begins with postgres://; leave store out to keep all in the data folder")) // without the value, which may hold a password
	}
	errs = append(errs, c.PluginLimits.check(), checkEnv(c.PluginEnv), c.PluginTargets.check(), c.HAClusters.check())
	errs = append(errs, checkCgroup(c.PluginCgroup))
	if c.CallTimeout <= 0 {
		errs = append(errs, errors.New("call_timeout must be more than 0"))
	}
	if time.Duration(c.AgentGrace) < time.Second {
		errs = append(errs, errors.New("agent_grace must be 1s at least"))
	}
	if time.Duration(c.RunnerGrace) < time.Second {
		errs = append(errs, errors.New("runner_grace must be 1s at least"))
	}
	if c.UpdatePeriod <= 0 {
		errs = append(errs, errors.New("update_period must be more than 0"))
	}
	if c.ChangeLogKeep <= 0 {
		errs = append(errs, errors.New("change_log_keep must be more than 0"))
	}
	if c.StatisticsKeep <= 0 {
		errs = append(errs, errors.New("statistics_keep must be more than 0"))
	}
	errs = append(errs, c.RemoteWrite.check("remote_write", "https://HOST/api/v1/write", false), c.OTLP.check("otlp", "http://HOST:4318/v1/metrics", true))
	if c.SamplesKeep < 0 {
		errs = append(errs, errors.New("samples_keep must not be negative"))
	}
	return errors.Join(errs...)
}

func checkLog(level, format string) error {
	var errs []error
	oneOf := func(key, value string, allowed ...string) {
		if slices.Contains(allowed, value) {
			return
		}
		errs = append(errs, fmt.Errorf("%s: %q is not one of %s", key, value, strings.Join(allowed, ", ")))
	}
	oneOf("log_level", level, "debug", "info", "warn", "error")
	oneOf("log_format", format, "text", "json")
	return errors.Join(errs...)
}

func checkCgroup(g string) error {
	if g != "auto" && g != "off" && !strings.HasPrefix(g, "/") {
		return fmt.Errorf("plugin_cgroup: %q is not auto, off, or the path of a control group such as /faultline.slice", g)
	}
	return nil
}
