package plugin_test

import (
	"os"
	"testing"

	"github.com/faultline-storage/faultline/sdk/internal/transcript"
	"github.com/faultline-storage/faultline/sdk/plugin"
)

// asPlugin is set in the environment of this test binary to make it a plugin.
const asPlugin = "FAULTLINE_TEST_PLUGIN"

func TestMain(m *testing.M) {
	switch os.Getenv(asPlugin) {
	case "scripted":
		scripted().Main()
	case "example":
		example().Main()
	case "odd":
		oddProgram().Main()
	case "broken":
		brokenProgram().Main()
	}
	os.Exit(m.Run())
}

func programs() map[string]func(...plugin.Option) *plugin.Program {
	return map[string]func(...plugin.Option) *plugin.Program{"scripted": scripted, "example": example}
}

// TestTranscripts replays the transcripts, in this process and against processes of
// their own.
func TestTranscripts(t *testing.T) {
	all := map[string]func() transcript.Program{}
	for name, program := range programs() {
		all[name] = func() transcript.Program { return program() }
	}
	transcript.Run(t, asPlugin, all)
}
