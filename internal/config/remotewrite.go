package config

import (
	"errors"
	"fmt"
	"net/url"
)

// RemoteWrites are databases that take samples by Prometheus' remote write
// protocol.
type RemoteWrites []RemoteWrite

// RemoteWrite is one of them. Files are read again when they change.
type RemoteWrite struct {
	// URL is where it takes samples, such as https://mimir:8080/api/v1/push.
	URL string `yaml:"url"`
	// Username with PasswordFile, or TokenFile, says who writes.
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	TokenFile    string `yaml:"token_file"`
	// CAFile has the authority of its certificate in PEM form, if the system does not
	// know that.
	CAFile string `yaml:"ca_file"`
	// Headers are sent along, such as X-Scope-OrgID.
	Headers map[string]string `yaml:"headers"`
}

func (r RemoteWrites) check() error {
	var errs []error
	for i := range r {
		w := &r[i]
		at := fmt.Sprintf("remote_write[%d]", i)
		if u, err := url.Parse(w.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("%s.url: write the address as https://HOST/api/v1/write", at)) // without the value, which may hold a password
		} else if u.User != nil {
			errs = append(errs, fmt.Errorf("%s.url: a password does not belong in the address; use username and password_file", at))
		}
		if (w.Username == "") != (w.PasswordFile == "") {
			errs = append(errs, fmt.Errorf("%s: username and password_file go together", at))
		}
		if w.Username != "" && w.TokenFile != "" {
			errs = append(errs, fmt.Errorf("%s: username and token_file exclude each other", at))
		}
	}
	return errors.Join(errs...)
}
