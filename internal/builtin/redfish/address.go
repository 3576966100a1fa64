package redfish

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// rootPath is where every Redfish service begins.
const rootPath = "/redfish/v1"

// site is the one host that a client talks to. Links that lead elsewhere are
// refused, so that no credentials leave for a host that the user did not name.
type site struct {
	scheme, host string // host in lower case, without the scheme's own port
}

// parseSite reads the url attribute of a Service. It may name the host alone,
// and may end in /redfish or /redfish/v1.
func parseSite(raw string) (site, error) {
	s := strings.TrimSpace(raw)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return site{}, fmt.Errorf("url %q is no address: write it as https://HOST or https://HOST:PORT", raw)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return site{}, fmt.Errorf("url %q: %s is no scheme of Redfish: use https:// or http://", raw, u.Scheme)
	case u.Hostname() == "":
		return site{}, fmt.Errorf("url %q names no host: write it as https://HOST or https://HOST:PORT", raw)
	case u.User != nil:
		// The password is kept out of the message: it goes to the log.
		return site{}, fmt.Errorf("url of host %s holds a user or password: give them as user= and password=", u.Host)
	}
	switch p := strings.Trim(path.Clean("/"+u.Path), "/"); {
	case u.RawQuery != "" || u.Fragment != "":
		return site{}, fmt.Errorf("url %q: leave out what follows ? or #", raw)
	case p != "" && p != "redfish" && p != "redfish/v1":
		return site{}, fmt.Errorf("url %q: a Redfish service begins at /redfish/v1: give https://HOST or https://HOST:PORT only", raw)
	}
	return site{u.Scheme, normalHost(u)}, nil
}

func normalHost(u *url.URL) string {
	h := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(h, ":443")
	case "http":
		return strings.TrimSuffix(h, ":80")
	}
	return h
}

func (s site) String() string { return s.scheme + "://" + s.host }

// same reports whether u stays on the site.
func (s site) same(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, s.scheme) && normalHost(u) == s.host
}

var errForeign = errors.New("the link leads to another host, which is not followed")

// address is a link resolved on the site.
type address struct {
	doc      string // canonical path of the document, with its query if it has one
	fragment string // what stands behind #, always with a leading slash; empty if nothing
	raw      string // path and query to ask for, as the service wrote them
}

// id is the canonical name of what the address leads to.
func (a address) id() string {
	if a.fragment == "" {
		return a.doc
	}
	return a.doc + "#" + a.fragment
}

// resolve reads a link that stands in the document base. Services write links
// with and without leading slash, with trailing and doubled slashes, with and
// without percent encoding; all spellings of one address get one id.
func (s site) resolve(base, link string) (address, error) {
	link = strings.TrimSpace(link)
	link, fragment, _ := strings.Cut(link, "#")
	fragment = strings.TrimRight(fragment, "/")
	if fragment != "" && !strings.HasPrefix(fragment, "/") {
		fragment = "/" + fragment
	}
	if strings.Contains(link, "://") || strings.HasPrefix(link, "//") {
		u, err := url.Parse(link)
		if err != nil {
			return address{}, fmt.Errorf("the link is no address: %w", err)
		}
		if u.Scheme == "" {
			u.Scheme = s.scheme
		}
		if !s.same(u) {
			return address{}, errForeign
		}
		link = u.EscapedPath()
		if u.RawQuery != "" {
			link += "?" + u.RawQuery
		}
	}
	p, query, hasQuery := strings.Cut(link, "?")
	switch {
	case p == "" && !hasQuery:
		p, query, hasQuery = strings.Cut(base, "?")
	case p == "":
		p, _, _ = strings.Cut(base, "?")
	case strings.HasPrefix(p, "/"):
	case strings.HasPrefix(strings.ToLower(p), "redfish/"):
		p = "/" + p // a missing slash, not an address below the document
	default:
		b, _, _ := strings.Cut(base, "?")
		p = b + "/" + p
	}
	if !utf8Printable(p) || !utf8Printable(query) {
		return address{}, errors.New("the link holds control characters")
	}
	a := address{doc: canonicalPath(p), fragment: fragment, raw: escapePath(p)}
	if hasQuery {
		q := strings.ReplaceAll(query, " ", "%20")
		a.doc += "?" + q
		a.raw += "?" + q
	}
	return a, nil
}

func utf8Printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xfffd }) < 0
}

// canonicalPath cleans dots, doubled and trailing slashes, and spells percent
// encoding in one way (RFC 3986, 6.2.2: unreserved characters in clear,
// hexadecimal digits in capitals).
func canonicalPath(p string) string {
	return path.Clean("/" + escapePath(p))
}

func escapePath(p string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' && i+2 < len(p) && isHex(p[i+1]) && isHex(p[i+2]) {
			c = unhex(p[i+1])<<4 | unhex(p[i+2])
			i += 2
			if unreserved(c) {
				b.WriteByte(c)
			} else {
				b.WriteByte('%')
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			}
			continue
		}
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}%", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
