package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The oldest Python that the SDK runs on.
const (
	minPythonMajor = 3
	minPythonMinor = 9
)

// pythons remembers the interpreters that were found good, by the path they
// were found under, since to ask one takes as long as to start it.
var pythons sync.Map // string → string

// findPython returns the real file of an interpreter that is new enough. Launchers
// that choose an interpreter (such as those of pyenv) are seen through, since
// they would cost their time again at every start.
func findPython(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("needs Python %d.%d or newer, but %s is not on the PATH; install it (Debian: apt install python3)", minPythonMajor, minPythonMinor, name)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	if known, ok := pythons.Load(path); ok {
		return known.(string), nil
	}
	program, err := askPython(path)
	if err != nil {
		return "", err
	}
	pythons.Store(path, program)
	return program, nil
}

// askPython runs the interpreter to learn its version and real file. The
// question is written so that Python 2 can answer it as well.
func askPython(path string) (string, error) {
	const question = `import sys; print("%d %d %s" % (sys.version_info[0], sys.version_info[1], sys.executable))`
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-c", question)
	cmd.Env = environment()
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(cut(string(exit.Stderr), 300)))
		}
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	var major, minor int
	line := strings.TrimSpace(string(out))
	if _, err := fmt.Sscanf(line, "%d %d", &major, &minor); err != nil {
		return "", fmt.Errorf("ask %s for its version: it answers %q; is it a Python interpreter?", path, cut(line, 100))
	}
	if major < minPythonMajor || major == minPythonMajor && minor < minPythonMinor {
		return "", fmt.Errorf("needs Python %d.%d or newer, but %s is Python %d.%d", minPythonMajor, minPythonMinor, path, major, minor)
	}
	if fields := strings.SplitN(line, " ", 3); len(fields) == 3 && filepath.IsAbs(fields[2]) {
		return fields[2], nil
	}
	return path, nil
}
