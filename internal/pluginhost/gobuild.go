package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// GoSource reports whether path is the source of a plugin in Go, a folder or one
// of its files, and returns the folder.
func GoSource(path string) (folder string, ok bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return "", false
	case !info.IsDir():
		return filepath.Dir(abs), filepath.Ext(abs) == ".go"
	}
	if _, err := os.Stat(filepath.Join(abs, "__init__.py")); err == nil {
		return "", false
	}
	files, _ := filepath.Glob(filepath.Join(abs, "*.go")) // the pattern is a good one
	return abs, len(files) > 0
}

// BuildError says why Go source does not make a plugin.
type BuildError struct {
	Folder   string
	Messages []BuildMessage // at least one
}

// BuildMessage is one message of the compiler.
type BuildMessage struct {
	File string // absolute; empty if the message is about no file
	Line int
	Text string
}

// Error implements error.
func (e *BuildError) Error() string {
	m := e.Messages[0]
	where := e.Folder
	if m.File != "" {
		where = fmt.Sprintf("%s:%d", m.File, m.Line)
	}
	return "plugin " + where + ": " + m.Text
}

// BuildGo compiles the plugin whose source is in folder and puts the program into
// the folder out, under a name from which Resolve makes the plugin's: that of the
// source's folder. It returns the program's path. A fault of the source is a
// *BuildError. Nothing of the plugin runs.
func BuildGo(ctx context.Context, folder, out string) (program string, err error) {
	name := strings.TrimPrefix(filepath.Base(folder), executablePrefix)
	if err := checkName(folder, name); err != nil {
		return "", err
	}
	if pkg, err := build.ImportDir(folder, 0); err == nil && pkg.Name != "main" {
		return "", fmt.Errorf("plugin %s: the Go package there is no program; give the folder of a package main that calls plugin.Main", folder)
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(out, ".build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // it is a cache
	built, program := filepath.Join(temp, name), filepath.Join(out, executablePrefix+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", built, ".")
	cmd.Dir = folder
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("plugin %s: is Go source, and the command go is not on the PATH to build it; install it, or give the built program", folder)
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", buildError(folder, output.String(), err)
	}
	// Renamed, so that a program of before that still runs is not disturbed.
	return program, os.Rename(built, program)
}

var buildLine = regexp.MustCompile(`^(?:vet: )?(\S[^:]*\.go):(\d+)(?::\d+)?: (.*)$`)

func buildError(folder, output string, cause error) error {
	e := &BuildError{Folder: folder}
	var rest []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		m := buildLine.FindStringSubmatch(line)
		switch {
		case m != nil:
			file, n := m[1], 0
			if !filepath.IsAbs(file) {
				file = filepath.Join(folder, file)
			}
			n, _ = strconv.Atoi(m[2]) // digits, by the pattern
			e.Messages = append(e.Messages, BuildMessage{file, n, m[3]})
		case strings.HasPrefix(line, "\t") && len(e.Messages) > 0: // more of the message before
			e.Messages[len(e.Messages)-1].Text += " " + strings.TrimSpace(line)
		case line != "" && !strings.HasPrefix(line, "#"):
			rest = append(rest, strings.TrimSpace(line))
		}
	}
	if len(e.Messages) == 0 {
		text := strings.Join(rest, " ")
		if text == "" {
			text = cause.Error()
		}
		e.Messages = []BuildMessage{{Text: "go build: " + text}}
	}
	return e
}
