package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// document is what the JSON documents have among them.
type document struct {
	// Files are contents by absolute name, Links targets of symbolic links. The names
	// may have a folder of the capture before them.
	Files map[string]string `json:"files"`
	Links map[string]string `json:"links"`
	// Commands are outputs by the line that gave them.
	Commands map[string]struct {
		Stdout string `json:"stdout"`
		Stderr string `json:"stderr"`
		Exit   int    `json:"exit"`
	} `json:"commands"`
}

// Document reads a JSON document: a tree of files and links, recordings of
// commands with some files.
func Document(text []byte) (*Host, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("not a capture in JSON: %w", err)
	}
	h := &Host{Files: source.NewTree()}
	if len(d.Files)+len(d.Links)+len(d.Commands) == 0 {
		return nil, errors.New("holds nothing of a capture: neither files nor commands")
	}
	for name, text := range d.Files {
		h.Files.Put(absolute(name), []byte(text))
	}
	for name, to := range d.Links {
		h.Files.PutLink(absolute(name), to)
	}
	for line, c := range d.Commands {
		h.Commands = append(h.Commands, source.Recorded{Line: line, Output: source.Output{Stdout: []byte(c.Stdout), Stderr: []byte(c.Stderr), Code: c.Exit}})
	}
	slices.SortFunc(h.Commands, func(a, b source.Recorded) int { return strings.Compare(a.Line, b.Line) })
	return h, nil
}

// absolute is the name on the captured host: from its first part on that is a
// folder of every system.
func absolute(name string) string {
	parts := strings.Split(strings.TrimPrefix(path.Clean(name), "/"), "/")
	for i, part := range parts {
		switch part {
		case "sys", "proc", "run", "dev", "etc":
			return "/" + strings.Join(parts[i:], "/")
		}
	}
	return "/" + strings.Join(parts, "/")
}
