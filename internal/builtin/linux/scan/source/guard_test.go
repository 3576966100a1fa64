package source_test

import (
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/source"
)

// A read that hangs is left alone until it returns, and holds up nothing else.
func TestGuarded(t *testing.T) {
	var g source.Guard
	release := make(chan struct{})
	hang := func() int { <-release; return 1 }
	if _, err := source.Guarded(&g, "sda", 20*time.Millisecond, hang); err == nil {
		t.Fatal("a read that hangs gives no error")
	}
	ran := false
	if _, err := source.Guarded(&g, "sda", time.Minute, func() int { ran = true; return 2 }); err == nil || ran {
		t.Errorf("it is read again while it hangs: %v", err)
	}
	if v, err := source.Guarded(&g, "sdb", time.Minute, func() int { return 3 }); err != nil || v != 3 {
		t.Errorf("another one gives %d, %v", v, err)
	}
	close(release)
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		v, err := source.Guarded(&g, "sda", time.Minute, func() int { return 4 })
		if err == nil && v == 4 {
			return
		}
		if time.Since(start) > 10*time.Second {
			t.Fatalf("it is not read after it has returned: %d, %v", v, err)
		}
	}
}
