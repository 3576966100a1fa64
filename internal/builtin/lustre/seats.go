package lustre

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
)

// seat is where a target ran last.
type seat struct {
	Host    int64  `json:"host"`
	Path    string `json:"path,omitempty"`
	Backend string `json:"backend,omitempty"`
	UUID    string `json:"uuid,omitempty"`
}

// seats remembers where targets ran last, also over a restart of the plugin, in
// a file of its working folder: a host that starts again without one of its
// targets does not know that it ever had it. The file is a help for one thing, to
// tell a target that went away while nobody looked; if it is lost, the
// metadata targets' word remains.
type seats struct {
	of    map[key]seat
	file  string // empty: nothing is kept
	dirty bool
}

// seatLine is a line of the file.
type seatLine struct {
	FS   string `json:"fs"`
	Name string `json:"name"`
	seat
}

func openSeats(file string) *seats {
	s := &seats{of: map[key]seat{}, file: file}
	if file == "" {
		return s
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return s
	}
	var lines []seatLine
	if json.Unmarshal(data, &lines) != nil {
		return s // written anew with the next change
	}
	for _, l := range lines {
		s.of[key{l.FS, l.Name}] = l.seat
	}
	return s
}

// sit notes that the target runs there.
func (s *seats) sit(k key, at seat) {
	if s.of[k] != at {
		s.of[k], s.dirty = at, true
	}
}

func (s *seats) leave(k key) {
	delete(s.of, k)
	s.dirty = true
}

// save writes the file if anything changed. An error is no matter for anybody: the
// next change tries again.
func (s *seats) save() {
	if !s.dirty || s.file == "" {
		return
	}
	var lines []seatLine
	for k, at := range s.of {
		lines = append(lines, seatLine{k.fs, k.name, at})
	}
	slices.SortFunc(lines, func(a, b seatLine) int { return strings.Compare(a.FS+"/"+a.Name, b.FS+"/"+b.Name) })
	data, err := json.Marshal(lines)
	if err != nil {
		return
	}
	next := s.file + ".new"
	if os.WriteFile(next, data, 0o600) == nil && os.Rename(next, s.file) == nil {
		s.dirty = false
	}
}
