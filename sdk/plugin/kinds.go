package plugin

import "log/slog"

// Bytes is an exact size in bytes.
type Bytes int64

// Hostname is a DNS name or an IP address.
type Hostname string

// UUID is a UUID: 32 hexadecimal digits, with hyphens anywhere or nowhere.
type UUID string

// Path is a POSIX file system path.
type Path string

// Secret is a password. Faultline stores what the class's method
// Encrypt(string) (string, error) makes of what the user typed, and the plugin
// sees that. Printing or logging a Secret shows stars; convert it to string to
// use it.
type Secret string

const stars = "******"

// String hides the secret.
func (Secret) String() string { return stars }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return stars }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(stars) }
