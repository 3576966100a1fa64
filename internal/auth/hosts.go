package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/resource"
)

// joinPrefix makes a token for agents known on sight.
const joinPrefix = "fla_"

// Host is what the authority knows of a host.
type Host struct {
	Name string
	// Expires is when its latest certificate ends; zero if all were revoked.
	Expires time.Time
	// Revoked is when its certificates were last revoked; zero if never.
	Revoked time.Time

	serial  *big.Int          // of the latest certificate
	key     [sha256.Size]byte // hash of its key
	revoked int64             // certificates made until then are not good; in Unix nanoseconds
}

// good reports whether the host has a certificate that can be used.
func (h Host) good(now time.Time) bool {
	return h.serial != nil && serialTime(h.serial) > h.revoked && now.Before(h.Expires)
}

// line is "NAME SERIAL EXPIRES KEY REVOKED".
func (h Host) line() string {
	return fmt.Sprintf("%s %x %s %s %d", h.Name, h.serial, stamp(h.Expires), hex.EncodeToString(h.key[:]), h.revoked)
}

func readHost(_ int, line string) (h Host, err error) {
	f := strings.Fields(line)
	if len(f) != 5 {
		return h, errors.New("a line has the name of a host, the serial number of its certificate, its end, the hash of its key and when it was revoked")
	}
	h.Name = f[0]
	serial, ok := new(big.Int).SetString(f[1], 16)
	if !ok {
		return h, fmt.Errorf("%q is no serial number", f[1])
	}
	h.serial = serial
	if h.Expires, err = time.Parse(time.RFC3339, f[2]); err != nil {
		return h, err
	}
	if h.key, err = readHash(f[3]); err != nil {
		return h, err
	}
	if h.revoked, err = strconv.ParseInt(f[4], 10, 64); err != nil {
		return h, err
	}
	if h.revoked != 0 {
		h.Revoked = time.Unix(0, h.revoked)
	}
	return h, nil
}

// row returns what is known of a host.
func (a *Authority) row(name string) (Host, error) {
	a.hosts.mu.Lock()
	defer a.hosts.mu.Unlock()
	list, err := a.hosts.all()
	if err != nil {
		return Host{}, err
	}
	if a.byName == nil || a.indexed != a.hosts.loaded {
		a.byName, a.indexed = make(map[string]Host, len(list)), a.hosts.loaded
		for _, h := range list {
			a.byName[h.Name] = h
		}
	}
	return a.byName[name], nil
}

// Good reports whether a host has a certificate that can be used.
func (a *Authority) Good(host string) bool {
	h, err := a.row(host)
	return err == nil && h.good(a.now())
}

// Hosts returns the hosts that were registered, by name.
func (a *Authority) Hosts() ([]Host, error) {
	a.hosts.mu.Lock()
	defer a.hosts.mu.Unlock()
	list, err := a.hosts.all()
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y Host) int { return strings.Compare(x.Name, y.Name) })
	for i := range list {
		if serialTime(list[i].serial) <= list[i].revoked {
			list[i].Expires = time.Time{}
		}
	}
	return list, err
}

// Revoke makes the certificates of a host worthless. A server that runs refuses
// them from the next request on. The host may be registered again.
func (a *Authority) Revoke(host string) error {
	host, err := HostName(host)
	if err != nil {
		return err
	}
	return a.hosts.change(func(list []Host) ([]Host, error) {
		i := slices.IndexFunc(list, func(h Host) bool { return h.Name == host })
		if i < 0 {
			return nil, &resource.Fault{Kind: resource.NotFound, Field: "host", Text: fmt.Sprintf("no host %s was registered; faultline host certificates lists them", host)}
		}
		// A clock that was set back must not leave certificates from the future.
		list[i].revoked = max(a.now().UnixNano(), serialTime(list[i].serial))
		return list, nil
	})
}

// JoinToken lets hosts register.
type JoinToken struct {
	Name    string
	Created time.Time
	Expires time.Time
	// Uses is how many hosts may register with it, Used how many did.
	Uses, Used int
	// Host is the one host that may register with it, also if it is registered
	// already: a machine that was installed anew. Empty for any host that is not.
	Host string
	hash [sha256.Size]byte
}

func (k JoinToken) line() string {
	host := k.Host
	if host == "" {
		host = "*"
	}
	return fmt.Sprintf("%s %s %s %d %d %s %s", hex.EncodeToString(k.hash[:]), stamp(k.Created), stamp(k.Expires), k.Uses, k.Used, host, k.Name)
}

func readJoin(_ int, line string) (k JoinToken, err error) {
	f := strings.Fields(line)
	if len(f) != 7 {
		return k, errors.New("a line has a hash, when the token was made and ends, how often it may be used and was, a host or *, and a name")
	}
	if k.hash, err = readHash(f[0]); err != nil {
		return k, err
	}
	var errs [4]error
	k.Created, errs[0] = time.Parse(time.RFC3339, f[1])
	k.Expires, errs[1] = time.Parse(time.RFC3339, f[2])
	k.Uses, errs[2] = strconv.Atoi(f[3])
	k.Used, errs[3] = strconv.Atoi(f[4])
	k.Host, k.Name = strings.TrimPrefix(f[5], "*"), f[6]
	return k, errors.Join(errs[:]...)
}

// Limits of CreateJoin.
const (
	maxJoinLife = 365 * 24 * time.Hour
	maxJoinUses = 100_000
)

// CreateJoin makes a token with which hosts may register: until Expires, as many
// as Uses says. It returns the token, which is not kept anywhere, with the
// authority's fingerprint, by which an agent knows the server. Errors of the
// arguments are resource.Faults of the fields "name", "expires", "uses" and "host".
func (a *Authority) CreateJoin(k JoinToken) (string, error) {
	now := a.now()
	if err := checkTokenName(k.Name); err != nil {
		return "", err
	}
	if k.Host != "" {
		host, err := HostName(k.Host)
		if err != nil {
			return "", err
		}
		k.Host = host
	}
	if left := k.Expires.Sub(now); left <= 0 || left > maxJoinLife {
		return "", resource.FieldErrorf("expires", "a token for agents lasts for up to a year, not until %s", stamp(k.Expires))
	}
	if k.Uses < 1 || k.Uses > maxJoinUses {
		return "", resource.FieldErrorf("uses", "a token for agents is good for 1 to %d hosts, not for %d", maxJoinUses, k.Uses)
	}
	s, err := a.signer()
	if err != nil {
		return "", err
	}
	token := joinPrefix + newSecret()
	err = a.joins.change(func(list []JoinToken) ([]JoinToken, error) {
		list = slices.DeleteFunc(list, func(o JoinToken) bool { return now.Sub(o.Expires) > 30*24*time.Hour })
		if slices.ContainsFunc(list, func(o JoinToken) bool { return o.Name == k.Name }) {
			return nil, tokenExists(k.Name)
		}
		k.Created, k.Used, k.hash = now, 0, sha256.Sum256([]byte(token))
		return append(list, k), nil
	})
	if err != nil {
		return "", err
	}
	return token + "." + fingerprint(s.cert), nil
}

// Joins returns the tokens for agents in the order in which they were made. Those
// that ended are among them for a month.
func (a *Authority) Joins() ([]JoinToken, error) {
	a.joins.mu.Lock()
	defer a.joins.mu.Unlock()
	list, err := a.joins.all()
	return slices.Clone(list), err
}

// RevokeJoin ends a token for agents. Hosts that registered with it stay.
func (a *Authority) RevokeJoin(name string) error {
	return a.joins.change(func(list []JoinToken) ([]JoinToken, error) {
		i := slices.IndexFunc(list, func(k JoinToken) bool { return k.Name == name })
		if i < 0 {
			return nil, noSuchToken(name)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// findJoin returns the token in a list that somebody shows, if a host may use it
// now.
func (a *Authority) findJoin(list []JoinToken, token, host string) (int, error) {
	token, _, _ = strings.Cut(token, ".") // what follows is for the agent
	hash := sha256.Sum256([]byte(token))
	found := -1
	for i := range list {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], list[i].hash[:]), i, found)
	}
	if found < 0 {
		return 0, resource.FieldErrorf("token", "the server does not know this token; make one with faultline token create NAME --agent")
	}
	k := list[found]
	switch now := a.now(); {
	case now.After(k.Expires):
		return 0, resource.FieldErrorf("token", "token %s ended at %s; make another one with faultline token create NAME --agent", k.Name, stamp(k.Expires))
	case k.Host != "" && k.Host != host:
		return 0, resource.FieldErrorf("token", "token %s is for host %s, not for %s", k.Name, k.Host, host)
	}
	return found, nil
}

// Registration is what a host shows to get its first certificate.
type Registration struct {
	Token string    `json:"token"`
	Host  string    `json:"host"`
	CSR   []byte    `json:"csr"`  // DER
	Clock time.Time `json:"time"` // of the host
}

// Certificate is what a host gets. Both are in PEM.
type Certificate struct {
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
}

// Register gives a host a certificate. Errors of kind Invalid and Conflict are
// for who registers. What was answered in vain may be asked for again with the same
// key: that costs no second use of the token.
func (a *Authority) Register(r Registration) (c Certificate, token string, err error) {
	host, err := HostName(r.Host)
	if err != nil {
		return c, "", err
	}
	joins, err := a.Joins()
	if err != nil {
		return c, "", err
	}
	i, err := a.findJoin(joins, r.Token, host)
	if err != nil {
		return c, "", err
	}
	token = joins[i].Name
	now := a.now()
	if skew := now.Sub(r.Clock); skew.Abs() > MaxSkew {
		return c, token, resource.FieldErrorf("time", "the clock of host %s says %s, and that of the server %s; set them, for example by NTP, and register again", host, stamp(r.Clock), stamp(now))
	}
	csr, err := readRequest(r.CSR)
	if err != nil {
		return c, token, err
	}
	c, err = a.issue(host, csr, func(had Host) error {
		again := had.good(now) && sameKey(csr, had.key)
		if had.good(now) && !again && joins[i].Host == "" {
			return &resource.Fault{Kind: resource.Conflict, Field: "host", Text: fmt.Sprintf("there is a host %s already, with a certificate of its own; if this machine takes its place, revoke that one first (faultline host revoke %s), or make a token for it (faultline token create NAME --agent --host %s); else give this one another name (--name)", host, host, host)}
		}
		return a.joins.change(func(list []JoinToken) ([]JoinToken, error) {
			i, err := a.findJoin(list, r.Token, host)
			if err != nil {
				return nil, err
			}
			switch k := &list[i]; {
			case again:
			case k.Used >= k.Uses:
				return nil, resource.FieldErrorf("token", "token %s was used %d times, and more are not allowed; make another one with faultline token create NAME --agent", k.Name, k.Used)
			default:
				k.Used++
			}
			return list, nil
		})
	})
	return c, token, err
}

// Renew gives a host another certificate, whose present one has been found to be
// good.
func (a *Authority) Renew(host string, der []byte) (Certificate, error) {
	csr, err := readRequest(der)
	if err != nil {
		return Certificate{}, err
	}
	return a.issue(host, csr, func(Host) error { return nil })
}

// issue signs a certificate and notes it, if may allows it for what the host had.
func (a *Authority) issue(host string, csr *x509.CertificateRequest, may func(had Host) error) (Certificate, error) {
	s, err := a.signer()
	if err != nil {
		return Certificate{}, err
	}
	var cert *x509.Certificate
	err = a.hosts.change(func(list []Host) ([]Host, error) {
		i := slices.IndexFunc(list, func(h Host) bool { return h.Name == host })
		if i < 0 {
			i, list = len(list), append(list, Host{Name: host})
		}
		if err := may(list[i]); err != nil {
			return nil, err
		}
		var err error
		if cert, err = a.sign(s, host, csr, list[i].revoked); err != nil {
			return nil, err
		}
		list[i].serial, list[i].Expires, list[i].key = cert.SerialNumber, cert.NotAfter, sha256.Sum256(csr.RawSubjectPublicKeyInfo)
		return list, nil
	})
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		Authority:   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})),
	}, nil
}
