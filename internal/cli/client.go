package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/faultline-storage/faultline/internal/api/gen"
)

// defaultServer is where a server listens that was told nothing.
const defaultServer = "http://127.0.0.1:8700"

// connection is how a client command finds its server.
type connection struct{ server, token, ca string }

func (n *connection) flags(f *pflag.FlagSet) {
	f.StringVar(&n.server, "server", "", "address of the server (env FAULTLINE_SERVER, default "+defaultServer+")")
	f.StringVar(&n.token, "token", "", "token to show to the server; better in env FAULTLINE_TOKEN, where other users cannot see it")
	f.StringVar(&n.ca, "ca", "", "file of the certificate authorities to trust, in PEM form")
}

// client speaks to one server.
type client struct {
	*gen.Client
	server string
}

// dial makes a client. It does not connect yet.
func (n *connection) dial() (*client, error) {
	server, u, err := n.address()
	if err != nil {
		return nil, err
	}
	token := cmp.Or(n.token, os.Getenv("FAULTLINE_TOKEN"))
	if token != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, misusef("the token would cross the network in clear; use https for %s", server)
	}
	t, err := n.transport()
	if err != nil {
		return nil, err
	}
	c, err := gen.NewClient(server+"/api/v1",
		gen.WithHTTPClient(&http.Client{Transport: t, Timeout: 2 * time.Minute}),
		gen.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.Header.Set("User-Agent", "faultline/"+Version)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			return nil
		}))
	if err != nil {
		return nil, err
	}
	return &client{c, server}, nil
}

// address is that of the server.
func (n *connection) address() (string, *url.URL, error) {
	server := strings.TrimRight(cmp.Or(n.server, os.Getenv("FAULTLINE_SERVER"), defaultServer), "/")
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", nil, misusef("server %q is no address; write it as http://HOST:PORT or https://HOST:PORT", server)
	}
	return server, u, nil
}

// transport makes connections that trust what they should.
func (n *connection) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if n.ca != "" {
		pem, err := os.ReadFile(n.ca)
		if err != nil {
			return nil, misuse{fmt.Errorf("--ca: %w", err)}
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, misusef("--ca: %s holds no certificate", n.ca)
		}
	}
	return t, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// problemError is a problem document of the server.
type problemError struct{ gen.Problem }

// Error implements error.
func (p *problemError) Error() string {
	text := cmp.Or(p.Detail, p.Title)
	if p.Field != "" && !strings.Contains(text, p.Field) {
		return p.Field + ": " + text
	}
	return text
}

// misuse reports whether the request was wrong in itself.
func (p *problemError) misuse() bool { return p.Status == http.StatusBadRequest }

// answer reads an answer of the server into a T and also returns it as it came.
// It is meant around a call: answer[gen.Resource](c.GetResource(ctx, 5)).
func answer[T any](resp *http.Response, err error) (v T, raw json.RawMessage, _ error) {
	if err != nil {
		return v, nil, connectError(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	raw, err = io.ReadAll(resp.Body)
	if err != nil {
		return v, nil, fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		p := problemError{gen.Problem{Title: resp.Status, Status: resp.StatusCode}}
		_ = json.Unmarshal(raw, &p.Problem) // what is no problem document keeps the status
		return v, nil, &p
	}
	if len(raw) == 0 {
		return v, raw, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, nil, fmt.Errorf("the answer is not that of a Faultline server: %w", err)
	}
	return v, raw, nil
}

// connectError says what to do when there is no server.
func connectError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		server := u.URL
		if p, e := url.Parse(u.URL); e == nil {
			server = p.Scheme + "://" + p.Host
		}
		return fmt.Errorf("no answer from %s: %w (is the server running? see --server)", server, u.Err)
	}
	return err
}

// find returns the resource that an argument names: an ID, or a name that only
// one resource has.
func (c *client) find(ctx context.Context, arg string) (gen.Resource, json.RawMessage, error) {
	if id, err := strconv.ParseInt(arg, 10, 64); err == nil {
		return answer[gen.Resource](c.GetResource(ctx, id))
	}
	var found []gen.Resource
	limit := 1000
	all := true
	params := gen.ListResourcesParams{Q: &arg, Limit: &limit, Internal: &all}
	for {
		list, _, err := answer[gen.ResourceList](c.ListResources(ctx, &params))
		if err != nil {
			return gen.Resource{}, nil, err
		}
		for _, r := range list.Items {
			if r.Name == arg || r.Label == arg {
				found = append(found, r)
			}
		}
		if list.Next == "" {
			break
		}
		params.Cursor = &list.Next
	}
	switch len(found) {
	case 0:
		return gen.Resource{}, nil, fmt.Errorf("there is no resource named %q", arg)
	case 1:
		return answer[gen.Resource](c.GetResource(ctx, found[0].ID))
	}
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = fmt.Sprintf("%d (%s.%s)", r.ID, r.Plugin, r.Class)
	}
	return gen.Resource{}, nil, misusef("%d resources are named %q; give the ID: %s", len(found), arg, strings.Join(ids, ", "))
}

// class returns a class, or nil if there is none.
func (c *client) class(ctx context.Context, plugin, name string) (*gen.Class, error) {
	list, _, err := answer[gen.ClassList](c.ListClasses(ctx, &gen.ListClassesParams{Plugin: &plugin, Class: &name}))
	if err != nil || len(list.Items) == 0 {
		return nil, err
	}
	return &list.Items[0], nil
}
