package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// offersBasic reports whether an answer offers basic authentication.
func offersBasic(h http.Header) bool {
	return slices.ContainsFunc(h.Values("WWW-Authenticate"), func(s string) bool {
		return strings.Contains(strings.ToLower(s), "basic")
	})
}

// logIn opens a Redfish session, for services that refuse basic authentication.
// used is the token of the request that was refused: if another request has
// logged in since, that session will do.
func (c *client) logIn(ctx context.Context, used string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != used {
		return nil
	}
	denied := &deniedError{c.opts.user}
	if c.opts.user == "" {
		return denied
	}
	body, err := json.Marshal(map[string]string{"UserName": c.opts.user, "Password": c.opts.password})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.site.String()+c.sessions, bytes.NewReader(body))
	if err != nil {
		return err
	}
	c.prepare(req)
	req.Header.Set("Content-Type", "application/json")
	req.GetBody = nil // a redirect must not carry the password on
	res, err := c.http.Do(req)
	if err != nil {
		return &transportError{err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return &transportError{err}
	}
	token := res.Header.Get("X-Auth-Token")
	if res.StatusCode < 200 || res.StatusCode > 299 || token == "" {
		return denied
	}
	// The answer is the session, which says whose it is. One that is nobody's is
	// no proof that the password is right.
	if o, err := decode(answer); err == nil && !strings.EqualFold(o.text("UserName"), c.opts.user) {
		return denied
	}
	c.token = token
	c.session = ""
	if a, err := c.site.resolve(c.sessions, res.Header.Get("Location")); err == nil && res.Header.Get("Location") != "" {
		c.session = a.raw
	}
	return nil
}

// close logs out, if the client logged in, and lets go of its connections.
func (c *client) close(ctx context.Context) {
	c.mu.Lock()
	token, session := c.token, c.session
	c.token, c.session = "", ""
	c.mu.Unlock()
	if token != "" && session != "" {
		if req, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.site.String()+session, nil); err == nil {
			c.prepare(req)
			req.Header.Set("X-Auth-Token", token)
			if res, err := c.http.Do(req); err == nil {
				res.Body.Close()
			}
		}
	}
	c.http.CloseIdleConnections()
}
