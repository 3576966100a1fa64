package kernel

import (
	"strconv"
	"strings"
)

// Udev is what the udev database knows of a device.
type Udev struct {
	// Links are the symbolic links to the device's node, without the leading "/dev/".
	Links []string
	// Priority says whose a link is if several devices ask for it: the highest one's.
	Priority int
	Props    map[string]string
}

// ReadUdev reads an entry of the database: a file of /run/udev/data, or a paragraph
// of `udevadm info`, whose lines are the same with a blank after the colon.
func ReadUdev(text string) Udev {
	u := Udev{Props: map[string]string{}}
	for line := range lines(text) {
		if len(line) < 2 || line[1] != ':' {
			continue
		}
		rest := strings.TrimPrefix(line[2:], " ")
		switch line[0] {
		case 'S':
			u.Links = append(u.Links, strings.TrimPrefix(rest, "/dev/"))
		case 'L':
			u.Priority, _ = strconv.Atoi(rest)
		case 'E':
			if key, value, ok := strings.Cut(rest, "="); ok {
				u.Props[key] = value
			}
		}
	}
	return u
}

// UdevDecode undoes the \xNN that udev puts in place of characters it does not
// like, as in ID_MODEL_ENC.
func UdevDecode(text string) string {
	if !strings.Contains(text, `\x`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && text[i+1] == 'x' {
			if n, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
