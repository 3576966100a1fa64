package lustre

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/capture"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/fact"
	"github.com/faultline-storage/faultline/internal/builtin/lustre/scan"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

// TestACapturedServer goes the whole way of a real server's data, from its files to
// the resources.
func TestACapturedServer(t *testing.T) {
	t.Parallel()
	const captures = "../../../../shared/realdata/dev/lustre"
	h, err := capture.Open(filepath.Join(captures, "hpe_lustrefs_zfs.json"))
	if os.IsNotExist(err) {
		t.Skipf("no captures of real hosts at %s: what comes of a real server's report is not tested", captures)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	now := time.Unix(1510782700, 0)
	sc := scan.New(scan.Options{Files: h.Files, Commands: h.Commands, Host: "mds1", Now: func() time.Time { return now }})
	r := sc.State(t.Context())
	var gaps []fact.Gap
	if r.Usage, gaps = sc.Usage(t.Context(), r); len(r.Gaps)+len(gaps) > 0 {
		t.Errorf("gaps: %v %v", r.Gaps, gaps)
	}
	hn := s.full(7, *r)
	hn.Want("FileSystem", plugintest.Attrs{"name": "lustrefs", "metadata_targets": 1, "object_targets": 7, "missing": 0})
	hn.Want("ManagementTarget", plugintest.Attrs{"filesystem": "lustrefs", "name": "MGS", "path": "mgt/mgt", "state": "mounted"})
	hn.Want("MetadataTarget", plugintest.Attrs{"name": "lustrefs-MDT0000", "backend": "zfs", "recovery": "inactive", "host_id": 7})
	hn.Want("ObjectStoreTarget", 7)
	hn.Want("ObjectStoreTarget", plugintest.Attrs{"name": "lustrefs-OST0004", "path": "ost04/ost04", "active_on": "mds1", "recovery": "complete"})
	// The metadata target reaches those that other hosts have.
	hn.Want("ObjectStoreTarget", plugintest.Attrs{"name": "lustrefs-OST0005", "state": "elsewhere", "host_id": nil})
	hn.Want("TargetMount", 6)
	hn.Want("ClientMount", plugintest.Attrs{"reaches": "all targets", "filesystem": "lustrefs"})
	hn.Want("Server", plugintest.Attrs{"version": "2.10.1", "health": "healthy", "unread": 0})
	if list := hn.Alerts(); len(list) > 0 {
		t.Errorf("a server that is well has alerts: %v", list)
	}
}
