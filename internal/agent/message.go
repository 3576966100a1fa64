package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// errEnded is the end of a wait that is no failure of anybody's hook.
var errEnded = errors.New("it has ended")

// Caller calls methods of a plugin.
type Caller interface {
	Call(ctx context.Context, method string, params, result any) error
}

// Ask has a plugin run a hook and returns what it says, in the order in which it is
// sent.
func Ask(ctx context.Context, c Caller, method, session string) ([]wire.DeviceMessage, error) {
	var res wire.DeviceResult
	if err := c.Call(ctx, method, wire.DeviceParams{Session: session}, &res); err != nil {
		return nil, err
	}
	for i, m := range res.Messages {
		if err := check(m); err != nil {
			return nil, fmt.Errorf("message %d of %s: %w", i, hookOf(method), err)
		}
	}
	if method == wire.MethodDeviceStart {
		// The first message opens the session, so it is one of the most urgent.
		slices.SortStableFunc(res.Messages, func(a, b wire.DeviceMessage) int { return cmp.Compare(a.Urgency(), b.Urgency()) })
	}
	return res.Messages, nil
}

// check refuses a message that breaks the protocol.
func check(m wire.DeviceMessage) error {
	if len(m.Data) == 0 || string(m.Data) == "null" {
		return errors.New("it has no data (protocol/SPEC.md, section 11)")
	}
	if u := m.Urgency(); u < wire.PriorityHigh || u > wire.PriorityLow {
		return fmt.Errorf("it has the priority %d; there are 0, 1 and 2", u)
	}
	return nil
}

// hookOf is the author's name of what a method runs.
func hookOf(method string) string { return strings.TrimPrefix(method, "device/") }
