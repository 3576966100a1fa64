package storetest

import "testing"

var settingRules = []rule{
	{"TheLastValueOfEachSettingIsKept", lastSetting},
}

func lastSetting(t *testing.T, s Store) {
	for _, kv := range [][2]string{{"a", "1"}, {"b", "x\x00ü"}, {"a", "2"}} {
		if err := s.SaveSetting(t.Context(), kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a": "2", "b": "x\x00ü", "c": ""} {
		if got, err := s.Setting(t.Context(), name); err != nil || got != want {
			t.Errorf("setting %s: got %q, %v; want %q", name, got, err, want)
		}
	}
}
