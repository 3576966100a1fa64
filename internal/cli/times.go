package cli

import (
	"errors"
	"time"
)

// whenLayout is how times are shown, in UTC.
const whenLayout = "2006-01-02 15:04:05Z"

// when prints a time to the second, in UTC as the server's log has it.
func when(t time.Time) string { return t.UTC().Format(whenLayout) }

// moment is the value of a flag: a time, or how long ago it is.
type moment time.Time

// String implements pflag.Value.
func (m *moment) String() string {
	if time.Time(*m).IsZero() {
		return ""
	}
	return time.Time(*m).Format(time.RFC3339)
}

// Type implements pflag.Value.
func (m *moment) Type() string { return "time" }

// Set implements pflag.Value.
func (m *moment) Set(s string) error {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		*m = moment(time.Now().Add(-d))
		return nil
	}
	for _, layout := range []string{time.RFC3339, whenLayout} {
		if t, err := time.Parse(layout, s); err == nil {
			*m = moment(t)
			return nil
		}
	}
	return errors.New("give a time as 2026-03-01T12:00:00Z, or how long ago as 90m or 36h")
}
