package plugin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faultline-storage/faultline/sdk/plugin"
	"github.com/faultline-storage/faultline/sdk/plugintest"
)

func TestIncomplete(t *testing.T) {
	h := scan(t, &fake{initial: func(s *plugin.Session) error {
		s.Every(time.Minute)
		s.Incomplete("shelf %d does not answer", 3)
		s.Incomplete("nor does %d", 4)
		return nil
	}, update: func(s *plugin.Session) error {
		s.Incomplete("shelf 5 is busy")
		return nil
	}})
	h.InitialScan()
	if got := h.Incomplete(); !slices.Equal(got, []string{"shelf 3 does not answer", "nor does 4"}) || h.Complete() {
		t.Errorf("incomplete is %q, complete %v", got, h.Complete())
	}
	h.UpdateScan()
	var logs []string
	for _, r := range h.Logs() {
		logs = append(logs, r.Level+" "+r.Message)
	}
	if want := []string{"warning the scan is incomplete: shelf 3 does not answer", "warning the scan is incomplete: nor does 4",
		"warning the scan is incomplete: shelf 5 is busy"}; !slices.Equal(logs, want) || len(h.Incomplete()) != 2 {
		t.Errorf("logs %q, incomplete %q", logs, h.Incomplete())
	}
	if h.UpdatePeriod() != time.Minute {
		t.Errorf("period %v", h.UpdatePeriod())
	}
}

func TestInvalidUTF8(t *testing.T) {
	h := scan(t, &fake{initial: func(s *plugin.Session) error {
		plugin.Report(s, &Pool{Name: "a\xffb"})
		s.Log.Warn("c\xffd")
		return nil
	}})
	h.InitialScan()
	h.Want("Pool", plugintest.Attrs{"name": "a\ufffdb"})
	if logs := h.Logs(); len(logs) != 1 || logs[0].Message != "c\ufffdd" {
		t.Errorf("logs %v", logs)
	}
}

func TestSecret(t *testing.T) {
	var password plugin.Secret
	h := plugintest.StartProgram(t, scripted, &Array{Address: "a", Password: "s3cret"})
	if got, err := h.Encrypt("password", "abc"); err != nil || got != "cba" {
		t.Errorf("encrypted to %q, %v", got, err)
	}
	password = "s3cret"
	for _, s := range []string{fmt.Sprint(password), fmt.Sprintf("%v %+v %#v %s %q", password, password, password, password, password), password.LogValue().String(),
		fmt.Sprintf("%+v", Array{Password: password}), fmt.Sprintf("%x", struct{ P plugin.Secret }{password})} {
		if strings.Contains(s, "s3cret") || strings.Contains(s, fmt.Sprintf("%x", "s3cret")) {
			t.Errorf("the secret shows in %q", s)
		}
	}
}

func TestConform(t *testing.T) {
	h := scan(t, &fake{initial: func(s *plugin.Session) error { shelfDrive(s, 1); return nil }, update: func(s *plugin.Session) error { shelfDrive(s, 1); return nil }})
	h.Conform()
}
