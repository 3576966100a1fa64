package config

import (
	"errors"
	"fmt"
	"net/url"
)

// Remotes are other places that take all samples of statistics.
type Remotes []Remote

// Remote is one of them. Files are read again when they change.
type Remote struct {
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

// check returns all that is wrong with the places of a key. The example is an
// address as they have it; whole says that it must have a path, and no query.
func (r Remotes) check(key, example string, whole bool) error {
	var errs []error
	for i := range r {
		w := &r[i]
		at := fmt.Sprintf("%s[%d]", key, i)
		u, err := url.Parse(w.URL)
		switch { // without the value, which may hold a password
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			errs = append(errs, fmt.Errorf("%s.url: write the address as %s", at, example))
		case u.User != nil:
			errs = append(errs, fmt.Errorf("%s.url: a password does not belong in the address; use username and password_file", at))
		case whole && (u.Path == "" || u.Path == "/" || u.RawQuery != ""):
			errs = append(errs, fmt.Errorf("%s.url: write the whole path, and no query, as in %s", at, example))
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
