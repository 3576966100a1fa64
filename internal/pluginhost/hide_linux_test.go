package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHide shows that a plugin of a root host does not see the host's data,
// whoever it runs as, and does see its own.
func TestHide(t *testing.T) {
	t.Parallel()
	u := nobody(t)
	base := openFolder(t)
	data := filepath.Join(base, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(data, "secret.key")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil { // careless on purpose
		t.Fatal(err)
	}
	for name, user := range map[string]*User{"root": nil, "nobody": u} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := filepath.Join(data, "plugin-work", name)
			p := startFake(t, "tells", func(o *Options) { o.User, o.Work, o.Hide = user, work, data })
			var got told
			if err := p.Call(t.Context(), "tell", nil, &got); err != nil {
				t.Fatal(err)
			}
			if got.WriteError != "" || got.Dir != work {
				t.Errorf("%+v", got)
			}
			var seen []string
			if err := p.Call(t.Context(), "list", []string{data}, &seen); err != nil {
				t.Fatal(err)
			}
			if name == "root" && !slices.Equal(seen, []string{"plugin-work"}) || name == "nobody" && len(seen) > 0 {
				t.Errorf("it sees %q in the data", seen)
			}
			if _, err := os.Stat(filepath.Join(work, "kept")); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(secret); err != nil {
				t.Error(err)
			}
			if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// TestAllShared: a view of the mounts is followed as a whole, or it is not.
func TestAllShared(t *testing.T) {
	t.Parallel()
	const (
		root    = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		both    = "23 22 0:21 / /sys rw shared:7 master:1 - sysfs sysfs rw\n"
		slave   = "24 22 8:2 / /srv rw master:2 - ext4 /dev/sda2 rw\n"
		private = "25 22 8:3 / /mnt\\040shared:1 rw,relatime - ext4 /dev/sda3 rw\n"
	)
	for _, tt := range []struct {
		name, mounts string
		want         bool
	}{
		{"systemd", root + both, true}, {"slave", root + slave, false}, {"private", root + private, false}, {"container", private, false},
	} {
		if got := allShared(tt.mounts); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

// TestStrays: what a plugin would keep in use and has no use for, it lets go of.
func TestStrays(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	for _, point := range []string{"/", "/proc", "/home", "/var/lib/acme", "/mnt", `/mnt/two\040words`, "/data", "/data/venv", "/datafile", "/srv"} {
		fmt.Fprintf(&table, "25 22 8:3 / %s rw,relatime - ext4 /dev/sda3 rw\n", point)
	}
	table.WriteString("26 22 8:4 / /follows rw master:3 - ext4 /dev/sda4 rw\n")
	got := strays(table.String(), []string{"/data/venv/bin/python3", "/srv"})
	if want := []string{"/mnt", "/mnt/two words", "/datafile"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		needed, want []string
		ok           bool
	}{
		{[]string{"/data/work/a", "/opt/acme", "/data/python/1", "/database", "/"}, []string{"/data/work/a", "/data/python/1"}, true},
		{[]string{"/opt", "/data"}, nil, false}, // a plugin right among the data
		{[]string{"/data/..b"}, []string{"/data/..b"}, true},
	} {
		if got, ok := shown("/data", tt.needed); ok != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, %v", tt.needed, got, ok)
		}
	}
}
