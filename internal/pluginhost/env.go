package pluginhost

import (
	"log/slog"
	"os"
	"slices"
	"strings"
)

// passedOn are the variables of the host's environment that a plugin sees.
// The list is closed, since secrets are handed to services by environment.
var passedOn = []string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR",
	// Certificates and proxies: plugins talk to services.
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy",
	"GORACE", "GOTRACEBACK", // what the Go runtime tells of faults
	"HOST_ROOT", // where an agent in a container sees the files of its host
}

// environment returns the part of the host's own environment that children see.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(passedOn, name) || strings.HasPrefix(name, "LC_") {
			env = append(env, kv)
		}
	}
	return env
}

// markVar has a value of its own in every plugin process, and so in whatever it
// starts: where there are no control groups, that is how the host finds what is
// left of a process.
const markVar = "FAULTLINE_PROCESS"

// pluginEnvironment returns the whole environment of a plugin process that runs
// as the user. Of a name that stands twice the last one counts (os/exec sees to
// that).
func pluginEnvironment(o Options, u *User, mark string) ([]string, error) {
	env := o.contained(environment(), u)
	for _, name := range o.PassEnv {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	env = append(env,
		"FAULTLINE_PLUGIN="+o.Spec.Name,
		"FAULTLINE_LOG_LEVEL="+levelName(o.LogLevel.Level()),
		markVar+"="+mark,
	)
	if o.Spec.Kind == Python {
		// A module search path that the operator set for the host is meant for
		// the plugins: the host itself is no Python program.
		path := os.Getenv("PYTHONPATH")
		if o.PythonPath != nil {
			sdk, err := o.PythonPath()
			if err != nil {
				return nil, err
			}
			if path != "" {
				sdk += string(os.PathListSeparator) + path
			}
			path = sdk
		}
		env = append(env,
			"PYTHONPATH="+path,
			"PYTHONUNBUFFERED=1",
			"PYTHONDONTWRITEBYTECODE=1",
			"PYTHONUTF8=1",
		)
	}
	return append(env, o.Spec.Env...), nil
}

// levelName is a level as FAULTLINE_LOG_LEVEL and wire.LogRecord spell it.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	default:
		return "error"
	}
}

// parseLevel is the inverse of levelName. A level it does not know is a warning,
// so that it is seen.
func parseLevel(s string) slog.Level {
	switch s {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "error", "critical":
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}
