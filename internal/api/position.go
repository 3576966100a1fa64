package api

import (
	"fmt"
	"strconv"
	"strings"
)

// position is a place in the order of all changes: the last change of the
// inventory and of the alerts that lie before it. To clients its text is opaque.
type position struct{ inventory, alerts uint64 }

// String returns the text of the position, as the id of an event has it.
func (p position) String() string { return fmt.Sprintf("%d.%d", p.inventory, p.alerts) }

// parsePosition is the inverse of position.String.
func parsePosition(s string) (position, bool) {
	a, b, ok := strings.Cut(s, ".")
	if !ok {
		return position{}, false
	}
	inv, err1 := strconv.ParseUint(a, 10, 64)
	al, err2 := strconv.ParseUint(b, 10, 64)
	return position{inv, al}, err1 == nil && err2 == nil
}

// position returns the present position. What is read after it holds all
// changes before it.
func (s *Server) position() position {
	// Alerts first: they follow from changes of the inventory, so the position
	// never holds an alert without its cause.
	al := s.alerts.Seq()
	return position{inventory: s.inventory.Seq(), alerts: al}
}
