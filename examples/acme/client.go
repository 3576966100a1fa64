package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	requestTimeout = 10 * time.Second // for one answer, event waits aside
	eventWait      = 30 * time.Second
	pageSize       = 2_000    // objects in one answer; small enough to decode several at once
	readers        = 4        // requests at a time
	maxAnswer      = 64 << 20 // bytes
)

// errGone ends a session whose array cannot tell what changed.
var errGone = errors.New("the array was restarted or no longer knows what changed; everything must be read anew")

// client speaks to one array. It may be used from several goroutines.
type client struct {
	base, user, password string
	http                 *http.Client
	buffers              sync.Pool // of *bytes.Buffer, for answers
}

func newClient(a *Array) (*client, error) {
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("url %q is no address such as http://127.0.0.1:8080", a.URL)
	}
	c := &client{base: strings.TrimSuffix(a.URL, "/"), user: a.User, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: readers + 1, DisableCompression: true},
	}}
	if a.Password != "" {
		if c.password, err = Reveal(string(a.Password)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// get decodes the answer to one request into v.
func (c *client) get(ctx context.Context, path string, timeout time.Duration, v any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	if c.password != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err // names the address
	}
	defer res.Body.Close()
	body, _ := c.buffers.Get().(*bytes.Buffer)
	if body == nil {
		body = new(bytes.Buffer)
	}
	defer c.buffers.Put(body)
	body.Reset()
	if n := res.ContentLength; n > 0 && n < maxAnswer {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusGone:
		return errGone
	case http.StatusUnauthorized:
		return fmt.Errorf("%s refuses user %q with the given password", c.base, c.user)
	default:
		return fmt.Errorf("read %s: %s: %.200s", path, res.Status, body.Bytes())
	}
	if err := json.Unmarshal(body.Bytes(), v); err != nil {
		return fmt.Errorf("read %s: the answer is no valid JSON of the interface: %w", path, err)
	}
	return nil
}

// The objects of the interface, as far as the plugin needs them.
type (
	systemJSON struct {
		Name     string `json:"name"`
		Model    string `json:"model"`
		Serial   string `json:"serial"`
		Firmware string `json:"firmware"`
		Boot     string `json:"boot"`
		Revision uint64 `json:"revision"`
	}
	controllerJSON struct {
		ID           string  `json:"id"`
		Index        int     `json:"index"`
		Serial       string  `json:"serial"`
		Model        string  `json:"model"`
		Firmware     string  `json:"firmware"`
		Status       Status  `json:"status"`
		TemperatureC float64 `json:"temperature_c"`
	}
	enclosureJSON struct {
		ID           string  `json:"id"`
		Number       int     `json:"number"`
		Serial       string  `json:"serial"`
		Model        string  `json:"model"`
		Bays         int     `json:"bays"`
		TemperatureC float64 `json:"temperature_c"`
		PowerW       float64 `json:"power_w"`
	}
	fanJSON struct {
		ID        string  `json:"id"`
		Enclosure string  `json:"enclosure"`
		Number    int     `json:"number"`
		Status    Status  `json:"status"`
		RPM       float64 `json:"rpm"`
	}
	powerSupplyJSON struct {
		ID        string `json:"id"`
		Enclosure string `json:"enclosure"`
		Number    int    `json:"number"`
		Serial    string `json:"serial"`
		Status    Status `json:"status"`
	}
	diskJSON struct {
		ID            string  `json:"id"`
		Serial        string  `json:"serial"`
		Enclosure     string  `json:"enclosure"`
		Slot          int     `json:"slot"`
		Pool          string  `json:"pool"`
		Vendor        string  `json:"vendor"`
		Model         string  `json:"model"`
		Media         string  `json:"media"`
		RPM           int     `json:"rpm"`
		Firmware      string  `json:"firmware"`
		CapacityBytes int64   `json:"capacity_bytes"`
		Status        Status  `json:"status"`
		TemperatureC  float64 `json:"temperature_c"`
		ReadBytes     float64 `json:"read_bytes"`
		WrittenBytes  float64 `json:"written_bytes"`
	}
	poolJSON struct {
		ID             string `json:"id"`
		Number         int    `json:"number"`
		RAIDType       string `json:"raid_type"`
		CapacityBytes  int64  `json:"capacity_bytes"`
		FreeBytes      int64  `json:"free_bytes"`
		Status         Status `json:"status"`
		RebuildPercent *int   `json:"rebuild_percent"`
	}
	lunJSON struct {
		ID           string  `json:"id"`
		Number       int     `json:"number"`
		Name         string  `json:"name"`
		Pool         string  `json:"pool"`
		SizeBytes    int64   `json:"size_bytes"`
		WWID         string  `json:"wwid"`
		UUID         string  `json:"uuid"`
		Status       Status  `json:"status"`
		LatencyUs    float64 `json:"latency_us"`
		ReadBytes    float64 `json:"read_bytes"`
		WrittenBytes float64 `json:"written_bytes"`
		IOSizes      []int64 `json:"io_sizes"`
	}
	pathJSON struct {
		ID         string `json:"id"`
		LUN        string `json:"lun"`
		Controller string `json:"controller"`
		State      Status `json:"state"`
	}
	// pageJSON is one answer to a list request.
	pageJSON[T any] struct {
		Size    int      `json:"size"`
		Next    int      `json:"next"`
		Removed []string `json:"removed"`
		Items   []T      `json:"items"`
	}
	eventsJSON struct {
		Revision uint64 `json:"revision"`
		Overflow bool   `json:"overflow"`
		Events   []struct {
			Op     string          `json:"op"`
			Kind   string          `json:"kind"`
			ID     string          `json:"id"`
			Object json.RawMessage `json:"object"`
		} `json:"events"`
	}
)

// news is what was read from the array: everything, or what changed.
type news struct {
	system        *systemJSON // nil if not read
	controllers   []controllerJSON
	enclosures    []enclosureJSON
	fans          []fanJSON
	powerSupplies []powerSupplyJSON
	disks         []diskJSON
	pools         []poolJSON
	luns          []lunJSON
	paths         []pathJSON
	removed       []string // ids of any kind
}

// system reads the summary.
func (c *client) system(ctx context.Context) (*systemJSON, error) {
	s := new(systemJSON)
	if err := c.get(ctx, "system", requestTimeout, s); err != nil {
		return nil, err
	}
	if s.Boot == "" {
		return nil, fmt.Errorf("%s is no Acme array: its system has no boot name", c.base)
	}
	return s, nil
}

// read reads all objects, or if since is not 0 those that changed after that
// revision. It fails with errGone if the array's boot is not the system's.
func (c *client) read(ctx context.Context, system *systemJSON, since uint64) (*news, error) {
	n := &news{system: system}
	query := "boot=" + url.QueryEscape(system.Boot)
	if since > 0 {
		query += fmt.Sprintf("&since=%d", since)
	}
	g := newGroup(ctx)
	var mu sync.Mutex // guards n.removed
	removed := func(ids []string) {
		mu.Lock()
		defer mu.Unlock()
		n.removed = append(n.removed, ids...)
	}
	list(g, c, "controllers", query, &n.controllers, removed)
	list(g, c, "enclosures", query, &n.enclosures, removed)
	list(g, c, "fans", query, &n.fans, removed)
	list(g, c, "power-supplies", query, &n.powerSupplies, removed)
	list(g, c, "disks", query, &n.disks, removed)
	list(g, c, "pools", query, &n.pools, removed)
	list(g, c, "luns", query, &n.luns, removed)
	list(g, c, "paths", query, &n.paths, removed)
	if err := g.wait(); err != nil {
		return nil, err
	}
	return n, nil
}

// list reads all pages of one list into out, several at a time. A page stands
// at a fixed position of the list, so that objects that come and go in the
// meantime shift nothing.
func list[T any](g *group, c *client, name, query string, out *[]T, removed func([]string)) {
	page := func(ctx context.Context, offset int, space []T) (p pageJSON[T], err error) {
		p.Items = space
		err = c.get(ctx, fmt.Sprintf("%s?%s&offset=%d&limit=%d", name, query, offset, pageSize), requestTimeout, &p)
		return p, err
	}
	g.run(func(ctx context.Context) error {
		first, err := page(ctx, 0, nil)
		if err != nil {
			return err
		}
		removed(first.Removed)
		*out = first.Items
		if first.Next == 0 {
			return nil
		}
		if first.Next != pageSize { // a list of changes: only its pages know where the next begins
			for p := first; p.Next != 0; {
				if p, err = page(ctx, p.Next, nil); err != nil {
					return err
				}
				*out = append(*out, p.Items...)
			}
			return nil
		}
		// Every page is decoded to its place. Positions of removed objects leave
		// gaps, which are closed in the end.
		all := make([]T, first.Size)
		pages := make([][]T, (first.Size+pageSize-1)/pageSize)
		pages[0] = first.Items
		rest := newGroup(ctx)
		for i := 1; i < len(pages); i++ {
			offset := i * pageSize
			end := min(offset+pageSize, first.Size)
			rest.run(func(ctx context.Context) error {
				p, err := page(ctx, offset, all[offset:offset:end])
				pages[i] = p.Items
				return err
			})
		}
		if err := rest.wait(); err != nil {
			return err
		}
		*out = all[:0]
		for _, items := range pages {
			*out = append(*out, items...)
		}
		return nil
	})
}

// events waits for changes after a revision.
func (c *client) events(ctx context.Context, boot string, since uint64) (*eventsJSON, error) {
	e := new(eventsJSON)
	path := fmt.Sprintf("events?boot=%s&since=%d&wait=%s", url.QueryEscape(boot), since, eventWait)
	return e, c.get(ctx, path, eventWait+requestTimeout, e)
}

// news turns events into what apply takes.
func (e *eventsJSON) news() (*news, error) {
	n := new(news)
	for _, ev := range e.Events {
		var err error
		switch {
		case ev.Op == "remove":
			n.removed = append(n.removed, ev.ID)
		case ev.Kind == "controller":
			err = appendJSON(&n.controllers, ev.Object)
		case ev.Kind == "enclosure":
			err = appendJSON(&n.enclosures, ev.Object)
		case ev.Kind == "fan":
			err = appendJSON(&n.fans, ev.Object)
		case ev.Kind == "psu":
			err = appendJSON(&n.powerSupplies, ev.Object)
		case ev.Kind == "disk":
			err = appendJSON(&n.disks, ev.Object)
		case ev.Kind == "pool":
			err = appendJSON(&n.pools, ev.Object)
		case ev.Kind == "lun":
			err = appendJSON(&n.luns, ev.Object)
		case ev.Kind == "path":
			err = appendJSON(&n.paths, ev.Object)
		}
		if err != nil {
			return nil, fmt.Errorf("event of %s: %w", ev.ID, err)
		}
	}
	return n, nil
}

func appendJSON[T any](to *[]T, raw json.RawMessage) error {
	var v T
	err := json.Unmarshal(raw, &v)
	*to = append(*to, v)
	return err
}
