package plugin

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// ValueError says that a resource has a value that its class does not allow.
// It is the cause of the failure of the turn (code -32006 of the protocol).
type ValueError struct {
	Class     string // name of the class
	Identity  string // the identifying values, for people
	Attribute string // the attribute or statistic at fault
	Problem   string // what is wrong and what would be right
}

// Error names class, identity and attribute.
func (e *ValueError) Error() string {
	id := e.Identity
	if id != "" {
		id = " " + id
	}
	return fmt.Sprintf("%s%s: attribute %s: %s", e.Class, id, e.Attribute, e.Problem)
}

// checkHostname returns what is wrong with s as a DNS name or an IP address, or
// "" if nothing is.
func checkHostname(s string) string {
	if s == "" {
		return "has no value: give a host name or an IP address"
	}
	if strings.ContainsRune(s, ':') {
		if _, err := netip.ParseAddr(s); err != nil {
			return fmt.Sprintf("%s is no IPv6 address", quote(s))
		}
		return ""
	}
	if len(s) > 253 {
		return fmt.Sprintf("a host name has at most 253 characters, not %d", len(s))
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Sprintf("%s is no host name: its parts have 1 to 63 characters and no hyphen at either end", quote(s))
		}
		for i := range len(label) {
			if c := label[i]; !isAlnum(c) && c != '-' {
				return fmt.Sprintf("%s is no host name: it may have letters, digits, hyphens and dots only", quote(s))
			}
		}
	}
	// No top-level domain is a number, so what ends in one is meant as an
	// address.
	if last := s[strings.LastIndexByte(s, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		if _, err := netip.ParseAddr(s); err != nil {
			return fmt.Sprintf("%s is no IPv4 address, and the last part of a host name is no number", quote(s))
		}
	}
	return ""
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// checkUUID returns what is wrong with s as a UUID, or "".
func checkUUID(s string) string {
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
			digits++
		default:
			return fmt.Sprintf("%s is no UUID: it may have hexadecimal digits and hyphens only", quote(s))
		}
	}
	if digits != 32 {
		return fmt.Sprintf("%s is no UUID: it has %d hexadecimal digits, not 32", quote(s), digits)
	}
	return ""
}

// quote shows a value in an error, cut to a readable length.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return fmt.Sprintf("%q…", s[:cut])
	}
	return fmt.Sprintf("%q", s)
}
