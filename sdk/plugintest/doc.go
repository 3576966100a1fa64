// Package plugintest runs a plugin in a test, without a Faultline server.
//
//	func TestScan(t *testing.T) {
//		h := plugintest.Start(t, NewAcme, &Array{Address: "10.0.0.1"}, plugin.Reports[Drive]())
//		h.InitialScan()
//		h.Want("Drive", 12)
//		h.Want("Drive", plugintest.Attrs{"slot": 3, "status": "OK"})
//		// … break a drive …
//		h.UpdateScan()
//		h.Want("Drive", plugintest.Attrs{"slot": 3, "status": "FAILED"})
//	}
//
// The plugin runs in the test's own process and talks the real protocol through
// pipes, so that the race detector and the coverage see its code. The harness
// plays the host: it keeps what the plugin reports, checks that every batch
// keeps the rules of the protocol, and sends messages that no plugin knows.
// `faultline plugin test` checks the same plugin from outside, as a process.
package plugintest
