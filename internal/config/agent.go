package config

import (
	"errors"
	"time"
)

// DevicePluginDir is where an agent looks for device plugins unless it is told
// otherwise.
const DevicePluginDir = "/usr/lib/faultline/device_plugins"

// Agent is the settings of `faultline agent`, in the form of Config.
type Agent struct {
	// Data is the folder of everything that the agent keeps: what it shows to the
	// server, and working folders of its plugins.
	Data string `yaml:"data"`
	// DevicePlugins are Python files, Python packages, executables and builtin:NAME.
	DevicePlugins []string `yaml:"device_plugins"`
	// DevicePluginDir is a folder whose plugins are run too. One that is not there is
	// an empty one.
	DevicePluginDir string `yaml:"device_plugin_dir"`
	// DevicePeriod is the pause between two updates of plugins that do not set their
	// own.
	DevicePeriod Duration `yaml:"device_period"`
	// DebugPlugins, and those that follow, are as in Config.
	DebugPlugins []string     `yaml:"debug_plugins"`
	PluginLimits PluginLimits `yaml:"plugin_limits"`
	// PluginUser is whom device plugins run as; empty is the agent's own user, who
	// may look at devices.
	PluginUser   string   `yaml:"plugin_user"`
	PluginEnv    []string `yaml:"plugin_env"`
	PluginCgroup string   `yaml:"plugin_cgroup"`
	// CallTimeout is how long a device plugin may take to answer.
	CallTimeout Duration `yaml:"call_timeout"`
	LogLevel    string   `yaml:"log_level"`
	LogFormat   string   `yaml:"log_format"`
}

// DefaultAgent returns the settings of an agent that was told nothing.
func DefaultAgent() Agent {
	return Agent{
		Data:            defaultData() + "-agent",
		DevicePlugins:   []string{"builtin:linux", "builtin:lustre"},
		DevicePluginDir: DevicePluginDir,
		DevicePeriod:    Duration(10 * time.Second),
		PluginCgroup:    "auto",
		CallTimeout:     Duration(5 * time.Minute),
		LogLevel:        "info",
		LogFormat:       "text",
	}
}

// LoadAgent is Load for an agent.
func LoadAgent(file string, getenv func(string) string) (Agent, error) {
	c := DefaultAgent()
	return c, load(&c, file, getenv)
}

// Check is as Config.Check.
func (c *Agent) Check() error {
	errs := []error{
		checkLog(c.LogLevel, c.LogFormat), checkCgroup(c.PluginCgroup), c.PluginLimits.check(), checkEnv(c.PluginEnv),
	}
	if c.Data == "" {
		errs = append(errs, errors.New("data: the agent needs a folder for what it shows to the server"))
	}
	if c.DevicePeriod < Duration(time.Second) {
		errs = append(errs, errors.New("device_period must be 1s at least"))
	}
	if c.CallTimeout <= 0 {
		errs = append(errs, errors.New("call_timeout must be more than 0"))
	}
	return errors.Join(errs...)
}
