package api

import (
	"fmt"
	"strconv"
	"strings"
)

// position is a place in the order of all changes: the last change of the
// inventory, of the alerts and of the volumes that lie before it. To clients its
// text is opaque.
type position struct{ inventory, alerts, volumes uint64 }

// String returns the text of the position, as the id of an event has it.
func (p position) String() string {
	s := fmt.Sprintf("%d.%d", p.inventory, p.alerts)
	if p.volumes > 0 {
		s += fmt.Sprintf(".%d", p.volumes)
	}
	return s
}

// parsePosition is the inverse of position.String. A position of before there
// were volumes has none of theirs.
func parsePosition(s string) (position, bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return position{}, false
	}
	var n [3]uint64
	for i, text := range parts {
		var err error
		if n[i], err = strconv.ParseUint(text, 10, 64); err != nil {
			return position{}, false
		}
	}
	return position{n[0], n[1], n[2]}, true
}

// position returns the present position. What is read after it holds all
// changes before it.
func (s *Server) position() position {
	// Alerts and volumes first: they follow from changes of the inventory, so the
	// position never holds one without its cause.
	al, vol := s.alerts.Seq(), s.volumes.Seq()
	return position{inventory: s.inventory.Seq(), alerts: al, volumes: vol}
}
