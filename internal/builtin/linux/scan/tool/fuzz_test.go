package tool_test

import (
	"encoding/hex"
	"testing"

	"github.com/faultline-storage/faultline/internal/builtin/linux/scan/tool"
)

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"report":[{"vg":[{"vg_name":"a","vg_size":"1.5g","vg_attr":"wz--n-"}],"pv":[{"pv_name":"/dev/sda","pv_uuid":"u"}],"lv":[{"lv_name":"[x]","vg_name":"a","lv_attr":"-wi-a-----"}],"seg":[{"lv_uuid":"u","segtype":"linear"}]}]}`))
	f.Add([]byte(`{"maps":[{"name":"a","uuid":"3600","path_groups":[{"group":1,"dm_st":"active","paths":[{"dev":"sda","dev_t":"8:0","pri":-1}]}]}]}`))
	f.Add([]byte(`{"pools":{"p":{"name":"p","state":"DEGRADED","vdevs":{"p":{"vdev_type":"root","vdevs":{"a":{"name":"a","read_errors":"1"}}}}}}}`))
	f.Add([]byte(`{"smart_status":{"passed":true},"temperature":{"current":1e400},"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":-1}}]},"nvme_smart_health_information_log":{"critical_warning":255}}`))
	f.Add([]byte(`{"datasets":{"a":{"name":"a","type":"FILESYSTEM","properties":{"used":{"value":1}}}}}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		var l tool.LVM
		_ = l.Read(text)
		_, _ = tool.MultipathJSON(text)
		pools, _ := tool.ZPoolStatusJSON(text)
		tool.ZPoolListJSON(text, pools)
		tool.ZFSListJSON(text)
		_, _ = tool.SmartJSON(text)
	})
}

func FuzzText(f *testing.F) {
	f.Add("mpatha (1IET     00080001) dm-0 IET,VIRTUAL-DISK\nsize=16G features='1 queue_if_no_path' hwhandler='0' wp=rw\n|-+- policy='round-robin 0' prio=1 status=active\n| `- 3:0:0:1 sdb 8:16 active ready running\n")
	f.Add("VG   Attr   Ext   #PV #LV VSize VFree VG UUID\nvg00 wz--n- 4.00m   1   7  279g 5.00g MiuKdK\n")
	f.Add("LV   VG Attr       LSize  Pool Origin\n[a_tdata] vg -wi-a----- 4.00m\n")
	f.Add("  pool: test\n state: DEGRADED\nconfig:\n\n\tNAME  STATE READ WRITE CKSUM\n\ttest DEGRADED 0 0 1.2K\n\t  mirror-0 ONLINE 0 0 0\n\t    sda ONLINE 0 0 0\n\tlogs\n\t  sdb ONLINE 0 0 0\n")
	f.Add("/dev/md0:\n   Raid Level : raid5\n   State : clean, degraded\n    Number Major Minor RaidDevice State\n       0       8      225        0      active sync   /dev/sdo1\n")
	f.Add("SMART overall-health self-assessment test result: PASSED\n  5 Reallocated_Sector_Ct   0x0033   100   100   036    Pre-fail  Always       -       0\n")
	f.Add("Pseudo name=emcpowera\nLogical device ID=6006\n 13 qla2xxx  sda  SP B3 active alive 0 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range tool.MultipathText(text) {
			for _, p := range m.Paths {
				if p.Group < 1 {
					t.Errorf("%q has a path in group %d", text, p.Group)
				}
			}
		}
		var l tool.LVM
		_ = l.Read([]byte(text))
		for _, p := range tool.ZPoolList(text, tool.ZPoolStatusText(text)) {
			for _, v := range p.Vdevs {
				if v.Role == "" || v.Path == "" {
					t.Errorf("%q has the leaf %+v", text, v)
				}
			}
		}
		tool.ZFSList(text)
		for _, m := range tool.MDDetail(text) {
			if m.Path == "" {
				t.Errorf("%q is read as %+v", text, m)
			}
		}
		tool.SmartText(text)
		tool.PowerMT(text)
		tool.Size(text)
	})
}

func FuzzSES(f *testing.F) {
	page := func(digits string) []byte {
		b, err := hex.DecodeString(digits)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(page("0100003400000000" + "1100012c5000000000000001" + "41434d45202020205348454c462020202020202020202020" + "30303031" + "0000000000000000" + "17010000" + "0200001000000000" + "01000000" + "01000000"))
	f.Add([]byte("# a comment\n01 00 00 34 00 00\n02 ff ff ff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := tool.ReadSES(tool.SESPages(data))
		if err != nil {
			return
		}
		for _, e := range s.Elements {
			if e.Type == "" || e.Status == "" {
				t.Errorf("%x has the element %+v", data, e)
			}
		}
	})
}
