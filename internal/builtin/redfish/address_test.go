package redfish

import (
	"strings"
	"testing"
)

func TestParseSite(t *testing.T) {
	for in, want := range map[string]string{
		"https://bmc":                  "https://bmc",
		"bmc.example.com":              "https://bmc.example.com",
		"10.0.0.1:8443":                "https://10.0.0.1:8443",
		"http://bmc:80/":               "http://bmc",
		"https://BMC:443/redfish/v1/":  "https://bmc",
		"https://[fe80::1]/redfish":    "https://[fe80::1]",
		" https://bmc//redfish//v1// ": "https://bmc",
	} {
		s, err := parseSite(in)
		if err != nil || s.String() != want {
			t.Errorf("parseSite(%q) = %v, %v; want %s", in, s, err, want)
		}
	}
	for in, want := range map[string]string{
		"ftp://bmc":              "ftp",
		"https://":               "names no host",
		"https://u:secret@bmc":   "user=",
		"https://bmc/x/redfish":  "/redfish/v1",
		"https://bmc?x=1":        "leave out",
		"https://bmc:port":       "no address",
		"https://bmc/redfish/v2": "/redfish/v1",
	} {
		_, err := parseSite(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("parseSite(%q): %v; want %q", in, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	s := site{"https", "bmc"}
	for _, tc := range []struct{ link, want string }{
		{"/redfish/v1/Chassis/1", "/redfish/v1/Chassis/1"},
		{"/redfish/v1/Chassis/1/", "/redfish/v1/Chassis/1"},
		{"//redfish", "!"},
		{"/redfish/v1//Chassis/./1", "/redfish/v1/Chassis/1"},
		{"redfish/v1/Chassis/1", "/redfish/v1/Chassis/1"},
		{"/redfish/v1/Chassis/1/Thermal#/Fans/0", "/redfish/v1/Chassis/1/Thermal#/Fans/0"},
		{"/redfish/v1/Chassis/1/Thermal#Fans/0/", "/redfish/v1/Chassis/1/Thermal#/Fans/0"},
		{"/redfish/v1/S?$skip=50", "/redfish/v1/S?$skip=50"},
		{"?$skip=50", "/redfish/v1/Base?$skip=50"},
		{"#/Fans/1", "/redfish/v1/Base#/Fans/1"},
		{"https://BMC:443/redfish/v1/X", "/redfish/v1/X"},
		{"http://bmc/redfish/v1/X", "!"},
		{"https://evil/redfish/v1/X", "!"},
		{"//evil/redfish/v1/X", "!"},
		{"/redfish/v1/A%7eB/%41", "/redfish/v1/A~B/A"},
		{"/redfish/v1/A B", "/redfish/v1/A%20B"},
		{"/redfish/v1/A%20B", "/redfish/v1/A%20B"},
		{"/redfish/v1/A%2fB", "/redfish/v1/A%2FB"},
		{"/redfish/v1/100%", "/redfish/v1/100%25"},
		{"/redfish/v1/Disk.Bay.0:Enclosure,1", "/redfish/v1/Disk.Bay.0:Enclosure,1"},
		{"/redfish/v1/a\x00b", "!"},
		{"../x", "/redfish/v1/x"},
	} {
		a, err := s.resolve("/redfish/v1/Base", tc.link)
		got := a.id()
		if err != nil {
			got = "!"
		}
		if got != tc.want {
			t.Errorf("resolve(%q) = %q (%v), want %q", tc.link, got, err, tc.want)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("/redfish/v1/A%2fB?x#y")
	f.Add("https://bmc:443//a/../b")
	f.Fuzz(func(t *testing.T, link string) {
		s := site{"https", "bmc"}
		a, err := s.resolve("/redfish/v1/Base", link)
		if err != nil {
			return
		}
		if !strings.HasPrefix(a.doc, "/") || !strings.HasPrefix(a.raw, "/") {
			t.Fatalf("%q: %+v", link, a)
		}
		b, err := s.resolve("/redfish/v1/Base", a.id())
		if err != nil || b.id() != a.id() {
			t.Fatalf("%q: %q is not canonical: %q, %v", link, a.id(), b.id(), err)
		}
	})
}
