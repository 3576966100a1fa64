package conform

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/sdk/wire"
)

// endings watches one process for the answers to teardown: what
// comes behind them on the line comes too late, however soon. It is safe for
// concurrent use.
type endings struct {
	rec *recorder

	mu       sync.Mutex
	sessions map[string]string // of teardown calls, by id
}

func newEndings(rec *recorder) *endings { return &endings{rec: rec, sessions: map[string]string{}} }

// answerLength is how long the answer to a call that ends something may be.
const answerLength = 4 << 10

func (e *endings) tap(from pluginhost.Stream, line []byte) {
	if from == pluginhost.Stderr || len(line) > answerLength || from == pluginhost.Stdout && bytes.Contains(line, []byte(`"method"`)) {
		return
	}
	var m struct {
		ID     json.RawMessage    `json:"id"`
		Method string             `json:"method"`
		Params wire.SessionParams `json:"params"`
	}
	if json.Unmarshal(line, &m) != nil {
		return
	}
	id := string(m.ID)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case from == pluginhost.Stdin && m.Method == wire.MethodTeardown:
		e.sessions[id] = m.Params.Session
	case from == pluginhost.Stdin:
	case e.sessions[id] != "":
		e.rec.close(e.sessions[id])
		delete(e.sessions, id)
	}
}
