package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
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
	// Blockdev is what libudev knows of the devices, by path; it may be one level down.
	prober
	Storage *prober `json:"storage"`
	// Nodes are block devices by number, as an agent of another program reported them.
	Nodes map[string]agentNode `json:"block_device_nodes"`
}

// Document reads a JSON document: a tree of files and links, recordings of
// commands with some files, a dump of libudev's properties and attributes, or a list
// of block devices with their serial numbers; or else an archive in ttar's text. A value
// of a wrong type is taken for empty, and is among the problems.
func Document(text []byte) (*Host, error) {
	h := &Host{Files: source.NewTree()}
	if bytes.Contains(text, []byte("\nPath: ")) {
		h.ttar(string(text))
		return h, nil
	}
	var d document
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(text, &d); {
	case errors.As(err, &wrong): // the rest is there nevertheless
		before := text[:min(wrong.Offset, int64(len(text)))]
		h.Problems = append(h.Problems, fmt.Errorf("line %d, byte %d: a value of %s is %s, which is no %s, and perhaps not the only one: taken for empty",
			1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n')-1, wrong.Field, wrong.Value, wrong.Type))
	case err != nil:
		return nil, fmt.Errorf("not a capture in JSON: %w", err)
	}
	p := &d.prober
	if d.Storage != nil {
		p = d.Storage
	}
	if len(d.Files)+len(d.Links)+len(d.Commands)+len(p.Blockdev)+len(d.Nodes) == 0 {
		none := errors.New("holds nothing of a capture: neither files nor commands nor devices")
		return nil, errors.Join(append(h.Problems, none)...)
	}
	for name, text := range d.Files {
		if !strings.Contains(name, "/../") {
			h.Files.Put(absolute(name), []byte(text))
		}
	}
	for name, to := range d.Links {
		h.Files.PutLink(absolute(name), to)
	}
	for line, c := range d.Commands {
		h.Commands = append(h.Commands, source.Recorded{Line: line, Output: source.Output{Stdout: []byte(c.Stdout), Stderr: []byte(c.Stderr), Code: c.Exit}})
	}
	slices.SortFunc(h.Commands, func(a, b source.Recorded) int { return strings.Compare(a.Line, b.Line) })
	h.fromUdevadm()
	h.fromDetours(d.Files)
	h.fromProber(p)
	h.fromAgent(d.Nodes)
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

// fromUdevadm makes devices of recorded `udevadm info` lines.
func (h *Host) fromUdevadm() {
	for _, c := range h.Commands {
		words := strings.Fields(c.Line)
		if len(words) < 2 || path.Base(words[0]) != "udevadm" || words[1] != "info" {
			continue
		}
		// One paragraph for each device; `--export-db` has them all.
		for text := range strings.SplitSeq(string(c.Stdout), "\n\n") {
			h.paragraph(text)
		}
	}
}

func (h *Host) paragraph(text string) {
	d := device{props: map[string]string{}}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
		if !ok {
			continue
		}
		switch key {
		case "P":
			d.dir = value
		case "S":
			d.links = append(d.links, value)
		case "L":
			d.priority = value
		case "E":
			if name, value, ok := strings.Cut(value, "="); ok {
				d.props[name] = value
			}
		}
	}
	if d.props["SUBSYSTEM"] != "block" || d.props["MAJOR"] == "" {
		return
	}
	d.key = d.props["MAJOR"] + ":" + d.props["MINOR"]
	h.put(d)
}

// fromDetours makes links of files whose names go through a link: what
// ".../bcache/../dev" holds is the number of the device that "bcache" leads to.
func (h *Host) fromDetours(files map[string]string) {
	for name, text := range files {
		link, ok := strings.CutSuffix(name, "/../dev")
		if !ok {
			continue
		}
		to, err := h.Files.Link("/sys/dev/block/" + strings.TrimSpace(text))
		if err != nil {
			continue
		}
		target := path.Join(path.Join("/sys/dev/block", to), "bcache")
		link = absolute(link)
		// The attributes that were captured through the link belong to its target.
		names, _ := h.Files.List(link)
		h.Files.PutFolder(target)
		for _, attr := range names {
			if value, err := h.Files.Read(path.Join(link, attr)); err == nil {
				h.Files.Put(path.Join(target, attr), value)
			}
		}
		h.Files.PutLink(link, target)
	}
}

// ttar reads an archive in the text format of that name.
func (h *Host) ttar(text string) {
	lines := strings.SplitAfter(text, "\n")
	name := ""
	for i := 0; i < len(lines); i++ {
		key, value, ok := strings.Cut(strings.TrimRight(lines[i], "\r\n"), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Path":
			name = value
		case "SymlinkTo":
			h.Files.PutLink(absolute(name), value)
		case "Lines":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > len(lines)-i-1 {
				continue
			}
			content := strings.Join(lines[i+1:i+1+n], "")
			content = strings.ReplaceAll(content, "NULLBYTE", "\x00")
			// Its mark for a last line without an end.
			content = strings.TrimSuffix(content, "EOF\n")
			h.Files.Put(absolute(name), []byte(content))
			i += n
		}
	}
}
