package scan

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/faultline-storage/faultline/internal/builtin/linux/fact"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/kernel"
	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// The machine that the test runs on has what its kernel says it has.
func TestThisMachine(t *testing.T) {
	r := New(Options{Commands: &source.Tools{}}).Scan(t.Context())
	t.Logf("%d devices, %d mounts, gaps %v", len(r.Devices), len(r.Mounts), r.Gaps)
	text, err := os.ReadFile("/proc/partitions")
	if err != nil {
		t.Skipf("no list of the kernel's devices to compare with: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "major" {
			continue
		}
		key := fact.Key(f[0] + ":" + f[1])
		d := r.Devices[key]
		if d == nil {
			for _, prefix := range []string{"sr", "fd", "ram", "loop", "zram", "nbd"} {
				if isNumbered(f[3], prefix) {
					key = "" // no storage, or nothing is in it
				}
			}
			if key != "" {
				t.Errorf("no device %s", f[3])
			}
			continue
		}
		if kib := kernel.Int(f[2]); d.Size/1024 != kib {
			t.Errorf("%s has %d bytes, and %d KiB by the kernel", d.Name, d.Size, kib)
		}
	}
	var stat unix.Stat_t
	if err := unix.Stat("/", &stat); err != nil {
		t.Fatal(err)
	}
	root := fact.Key(strings.Join([]string{itoa(unix.Major(stat.Dev)), itoa(unix.Minor(stat.Dev))}, ":"))
	if r.Devices[root] == nil {
		t.Logf("the root file system is on no block device of its own: %s", root)
		return
	}
	for _, m := range r.Mounts {
		if m.Device == root {
			return
		}
	}
	t.Errorf("no mount of %s, which the root file system is on: %+v", root, r.Mounts)
}

func itoa(n uint32) string {
	var b []byte
	for {
		b = append([]byte{byte('0' + n%10)}, b...)
		if n /= 10; n == 0 {
			return string(b)
		}
	}
}

func TestUevent(t *testing.T) {
	kernelSays := "change@/devices/virtual/block/dm-0\x00ACTION=change\x00DEVPATH=/devices/virtual/block/dm-0\x00SUBSYSTEM=block\x00DM_ACTION=PATH_FAILED\x00"
	udevSays := "libudev\x00\xfe\xed\xca\xfe\x28\x00\x00\x00\x28\x00\x00\x00" + strings.Repeat("\x00", 16) + "ACTION=add\x00DEVPATH=/devices/x/block/sda\x00SUBSYSTEM=block\x00ID_FS_TYPE=LVM2_member\x00"
	n := &news{}
	n.event(uevent([]byte(kernelSays)))
	if !n.multipath || !n.lvm || !n.covers("/sys/devices/virtual/block/dm-0") || n.covers("/sys/devices/virtual/block/dm-01") {
		t.Errorf("a failed path is read as %+v", n)
	}
	n = &news{}
	n.event(uevent([]byte(udevSays)))
	if !n.lvm || !n.covers("/sys/devices/x/block/sda/sda1") {
		t.Errorf("a physical volume is read as %+v", n)
	}
	for _, bad := range []string{"", "libudev\x00", "libudev\x00" + strings.Repeat("\xff", 40), "\x00=\x00"} {
		n := &news{}
		if n.event(uevent([]byte(bad))); !n.empty() {
			t.Errorf("%q is read as %+v", bad, n)
		}
	}
}

// awaitNews runs the act and returns the news that it makes.
func awaitNews(t *testing.T, act func() error, wanted func(*news) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan *news, 16)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watch(ctx, slog.New(slog.DiscardHandler), func(n *news) { told <- n })
	}()
	defer func() { cancel(); <-ended }()
	deadline := time.After(20 * time.Second)
	// The watch is not ready at once: act until it has seen it.
	again := time.NewTicker(700 * time.Millisecond)
	defer again.Stop()
	for {
		if err := act(); err != nil {
			t.Skipf("not allowed here, so what a watch is told of it is not tested: %v", err)
		}
		select {
		case n := <-told:
			if wanted(n) {
				return
			}
		case <-again.C:
		case <-deadline:
			t.Fatal("no news")
		}
	}
}

func TestWatchMounts(t *testing.T) {
	dir := t.TempDir()
	awaitNews(t, func() error {
		if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
		return unix.Unmount(dir, 0)
	}, func(n *news) bool { return n.tables })
}

func TestWatchDevices(t *testing.T) {
	names, err := filepath.Glob("/sys/class/block/*/uevent")
	if err != nil || len(names) == 0 {
		t.Skip("no block devices here, so what a watch is told of them is not tested")
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(names[0]))
	if err != nil {
		t.Fatal(err)
	}
	// The kernel repeats the event of a device for whoever asks, as at boot.
	awaitNews(t, func() error { return os.WriteFile(names[0], []byte("change"), 0) }, func(n *news) bool { return n.covers(dir) })
}
