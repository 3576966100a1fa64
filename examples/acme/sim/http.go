package sim

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of the query parameters.
const (
	maxLimit     = 10_000
	defaultLimit = 1_000
	maxWait      = time.Minute
	defaultWait  = 30 * time.Second
	maxEvents    = 10_000 // in one answer
)

// errGone tells a client that it must read everything again.
var errGone = errors.New("the array was restarted, or no longer knows what was removed since that revision; read everything again")

// ServeHTTP answers one request of the interface described in
// examples/acme/README.md.
func (a *Array) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+a.opts.Name+`", charset="UTF-8"`)
		fail(w, http.StatusUnauthorized, "wrong or missing user name and password")
		return
	}
	a.mux.ServeHTTP(w, r)
}

func (a *Array) authorized(r *http.Request) bool {
	if a.opts.Password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	right := subtle.ConstantTimeCompare([]byte(user), []byte(a.opts.User)) & subtle.ConstantTimeCompare([]byte(password), []byte(a.opts.Password))
	return right == 1
}

func (a *Array) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.serveIndex)
	mux.HandleFunc("GET /api/v1/system", a.troubled(a.serveSystem))
	for path, kind := range lists {
		mux.HandleFunc("GET /api/v1/"+path, a.troubled(func(w http.ResponseWriter, r *http.Request) { a.serveList(w, r, kind) }))
	}
	mux.HandleFunc("GET /api/v1/events", a.troubled(a.serveEvents))
	// Faults can be given whatever state the array is in. A browser page from
	// elsewhere must not be able to give them.
	mux.HandleFunc("GET /api/v1/faults", func(w http.ResponseWriter, _ *http.Request) { text(w, FaultHelp()) })
	mux.Handle("POST /api/v1/faults", http.NewCrossOriginProtection().Handler(http.HandlerFunc(a.serveFault)))
	return mux
}

// lists says under which path the objects of which kind are listed.
var lists = map[string]string{
	"controllers": kindController, "enclosures": kindEnclosure, "fans": kindFan, "power-supplies": kindPowerSupply,
	"disks": kindDisk, "pools": kindPool, "luns": kindLUN, "paths": kindPath,
}

func (a *Array) serveIndex(w http.ResponseWriter, _ *http.Request) {
	names := make([]string, 0, len(lists))
	for name := range lists {
		names = append(names, name)
	}
	slices.Sort(names)
	text(w, fmt.Sprintf("Simulated disk array %s.\n\nUnder /api/v1: system, %s, events, faults.\n\nPOST a fault to /api/v1/faults, as JSON or as one of these lines:\n\n%s",
		a.opts.Name, strings.Join(names, ", "), FaultHelp()))
}

func (a *Array) serveSystem(w http.ResponseWriter, r *http.Request) {
	if _, err := query(r, nil); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	a.mu.Lock()
	a.settle(time.Now())
	s := a.summary()
	a.mu.Unlock()
	body, err := json.Marshal(s)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	send(w, body)
}

func (a *Array) serveList(w http.ResponseWriter, r *http.Request, kind string) {
	q, err := query(r, map[string]int64{"offset": 1 << 31, "limit": maxLimit, "since": 1<<63 - 1, "boot": -1})
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	limit := defaultLimit
	if q.has("limit") {
		if limit = int(q.number["limit"]); limit == 0 {
			fail(w, http.StatusBadRequest, "query parameter limit: a page of 0 objects never ends")
			return
		}
	}
	offset, since := int(q.number["offset"]), uint64(q.number["since"])

	a.mu.Lock()
	a.settle(time.Now())
	t := a.lister(kind)
	if q.has("since") && (since > a.revision || since < t.forgotten()) || q.has("boot") && q.text["boot"] != a.opts.Boot {
		a.mu.Unlock()
		fail(w, http.StatusGone, errGone.Error())
		return
	}
	var p page
	if q.has("since") {
		p = t.since(since, offset, limit)
	} else {
		p = t.list(offset, limit)
	}
	revision := a.revision
	a.mu.Unlock()

	body := make([]byte, 0, len(p.items)+256+20*len(p.removed))
	body = a.head(body, revision)
	body = fmt.Appendf(body, `,"total":%d,"size":%d`, p.total, p.size)
	if p.more {
		body = fmt.Appendf(body, `,"next":%d`, p.next)
	}
	if len(p.removed) > 0 {
		removed, _ := json.Marshal(p.removed) // strings always encode
		body = append(append(body, `,"removed":`...), removed...)
	}
	body = append(append(append(body, `,"items":[`...), p.items...), "]}\n"...)
	send(w, body)
}

// head begins an answer with what every answer of lists and events has.
func (a *Array) head(b []byte, revision uint64) []byte {
	return fmt.Appendf(b, `{"boot":%q,"revision":%d`, a.opts.Boot, revision)
}

// serveEvents answers when there is something after the revision that the
// client knows, or with nothing when the wait is over.
func (a *Array) serveEvents(w http.ResponseWriter, r *http.Request) {
	q, err := query(r, map[string]int64{"since": 1<<63 - 1, "boot": -1, "wait": -1})
	if err == nil && !q.has("since") {
		err = errors.New("query parameter since is missing; take the revision of /api/v1/system")
	}
	wait := Duration(defaultWait)
	if err == nil && q.has("wait") {
		if err = wait.UnmarshalText([]byte(q.text["wait"])); err != nil {
			err = fmt.Errorf("query parameter wait: %w", err)
		}
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	since := uint64(q.number["since"])
	end := time.Now().Add(min(time.Duration(wait), maxWait))
	for {
		now := time.Now()
		a.mu.Lock()
		a.settle(now)
		if since > a.revision || q.has("boot") && q.text["boot"] != a.opts.Boot {
			a.mu.Unlock()
			fail(w, http.StatusGone, errGone.Error())
			return
		}
		changes, known := a.log.after(since)
		silent := now.Before(a.trouble.silentUntil)
		if !silent && (len(changes) > 0 || !known || !now.Before(end)) {
			body := a.eventsBody(changes, known)
			a.mu.Unlock()
			send(w, body)
			return
		}
		changed := a.changed
		until := end
		if due, ok := a.nextDue(now); ok && due.Before(until) {
			until = due
		}
		if silent {
			until = a.trouble.silentUntil
		}
		a.mu.Unlock()
		if !sleep(r, changed, until) {
			return
		}
	}
}

// sleep waits for a change or a time; false if the client went away.
func sleep(r *http.Request, changed <-chan struct{}, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-r.Context().Done():
		return false
	}
	return true
}

// eventsBody encodes changes. It must be called with the lock held.
func (a *Array) eventsBody(changes []change, known bool) []byte {
	body := a.head(nil, a.revision)
	if !known || len(changes) > maxEvents {
		return append(body, `,"overflow":true,"events":[]}`+"\n"...)
	}
	body = append(body, `,"events":[`...)
	for i, c := range changes {
		if i > 0 {
			body = append(body, ',')
		}
		t := a.lister(c.kind)
		body = fmt.Appendf(body, `{"revision":%d,"op":%q,"kind":%q,"id":%q`, c.revision, c.op, c.kind, t.idAt(c.pos))
		if !t.goneAt(c.pos) {
			body = append(append(body, `,"object":`...), t.encoded(c.pos)...)
		}
		body = append(body, '}')
	}
	return append(body, "]}\n"...)
}

// serveFault applies a fault given as a JSON object or as its text.
func (a *Array) serveFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		fail(w, http.StatusBadRequest, "read the fault: "+err.Error())
		return
	}
	var f Fault
	if s := strings.TrimSpace(string(body)); strings.HasPrefix(s, "{") {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.DisallowUnknownFields()
		if err = dec.Decode(&f); err == nil && dec.More() {
			err = errors.New("there is more than one JSON value")
		}
	} else {
		f, err = ParseFault(s)
	}
	if err == nil {
		err = a.Apply(f)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	send(w, append(a.head(nil, a.Revision()), "}\n"...))
}

// A queryValues is a checked query.
type queryValues struct {
	url.Values
	number map[string]int64
	text   map[string]string
}

func (q queryValues) has(name string) bool { return q.Values.Has(name) }

// query checks the query parameters of a request. known has the greatest
// allowed number of each parameter, or -1 for one that is text.
func query(r *http.Request, known map[string]int64) (queryValues, error) {
	q := queryValues{r.URL.Query(), map[string]int64{}, map[string]string{}}
	for name, values := range q.Values {
		most, ok := known[name]
		if !ok {
			return q, fmt.Errorf("unknown query parameter %s", name)
		}
		if len(values) > 1 {
			return q, fmt.Errorf("query parameter %s is given twice", name)
		}
		if most < 0 {
			q.text[name] = values[0]
			continue
		}
		n, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil || n < 0 || n > most {
			return q, fmt.Errorf("query parameter %s: %q is no number from 0 to %d", name, values[0], most)
		}
		q.number[name] = n
	}
	return q, nil
}

func send(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) // an error means that the client went away
}

func text(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, s)
}

func fail(w http.ResponseWriter, status int, problem string) {
	body, _ := json.Marshal(map[string]string{"error": problem}) // strings always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
