package app

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/faultline-storage/faultline/internal/api"
	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/pluginhost"
	"github.com/faultline-storage/faultline/internal/resource"
)

// pluginPlace is a plugin and the runner that hosts it, empty for the server.
type pluginPlace struct{ name, runner string }

func (p pluginPlace) compare(o pluginPlace) int {
	return cmp.Or(cmp.Compare(p.name, o.name), cmp.Compare(p.runner, o.runner))
}

// label is the name of the plugin's node.
func (p pluginPlace) label() string {
	if p.runner == "" {
		return "Plugin " + p.name
	}
	return "Plugin " + p.name + " at " + p.runner
}

// pluginView is a plugin as its node in the graph shows it.
type pluginView struct {
	place  pluginPlace
	plugin api.Plugin
	pluginTrouble
	lost bool              // its runner does not answer
	use  func() *pluginUse // measures, or returns what was measured last; nil if the plugin does not run
}

// trouble reports whether the node would have an alert.
func (v pluginView) trouble() bool { return v.Reason != "" }

// attrs are the attributes of the node.
func (v pluginView) attrs() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"name": quoted(v.place.name), "runner": text(v.place.runner),
		"state": quoted(string(v.plugin.State)), "restarts": json.RawMessage(strconv.Itoa(v.plugin.Restarts)),
		"version": text(v.plugin.Version), "sdk": text(strings.TrimSpace(v.plugin.SDK.Name + " " + v.plugin.SDK.Version)),
		"user": text(v.User), "over_budget": text(v.Over), "failing": json.RawMessage(strconv.FormatBool(v.Failing)), "reason": text(v.Reason),
	}
}

// unknown are the attributes of a node whose runner does not answer: what was last
// known holds until there is news.
func unknown(attrs map[string]json.RawMessage) map[string]json.RawMessage {
	attrs = maps.Clone(attrs)
	attrs["state"] = quoted(stateUnknown)
	return attrs
}

// views are the plugins of the set.
func (s *pluginSet) views() []pluginView {
	var out []pluginView
	for _, p := range s.all() {
		out = append(out, p.view())
	}
	return out
}

// pluginTrouble is what is wrong with a plugin. Runners send it.
type pluginTrouble struct {
	// User is whom the plugin runs as, empty if that is the host's own user.
	User string `json:"user,omitempty"`
	// Over is the budget that it exceeded.
	Over string `json:"over_budget,omitempty"`
	// Failing says that it ends again and again.
	Failing bool `json:"failing,omitempty"`
	// Reason is empty if there is no trouble.
	Reason string `json:"reason,omitempty"`
}

// pluginUse is what a plugin uses. Runners send it.
type pluginUse struct {
	PID int       `json:"pid"`
	At  time.Time `json:"at"` // by the clock of who measured
	// CPU is what it took since its start, in nanoseconds.
	CPU       time.Duration `json:"cpu"`
	Memory    int64         `json:"memory"` // bytes
	Threads   int           `json:"threads"`
	OpenFiles int           `json:"open_files"`
}

// view returns the plugin as its node shows it.
func (p *plugin) view() pluginView {
	v := pluginView{place: pluginPlace{name: p.name}, plugin: p.state()}
	p.mu.Lock()
	version := p.version
	var proc *pluginhost.Process
	if version != nil {
		proc = version.proc
	}
	p.mu.Unlock()
	var st pluginhost.Status
	if version != nil {
		st = version.sup.Status()
	}
	if proc != nil {
		v.User, v.use = proc.User(), func() *pluginUse { return measure(proc) }
	}
	switch {
	case v.plugin.State == gen.PluginState(pluginhost.Stopped): // as somebody wanted
	case st.Over != nil:
		v.Over, v.Reason = st.Over.Budget, st.Over.Error()
	case v.plugin.State == gen.PluginState(pluginhost.Failed):
		v.Reason = reasonText(v.plugin.Error)
	case st.Failures >= crashLoop:
		v.Failing, v.Reason = true, reasonText(v.plugin.Error)
	}
	return v
}

// measure looks at what a plugin uses now; nil if it has ended, or the system does
// not tell.
func measure(proc *pluginhost.Process) *pluginUse {
	use := proc.Use()
	if use.Processes == 0 {
		return nil
	}
	return &pluginUse{PID: proc.Pid(), At: time.Now(), CPU: use.CPU, Memory: use.Memory, Threads: use.Threads, OpenFiles: use.OpenFiles}
}

// longestReason bounds a reason, in characters: it becomes part of an alert.
const longestReason = 300

// reasonText makes an error, which may have the last lines of a process, readable in
// a table.
func reasonText(s string) string { return cutText(s, longestReason) }

// cutText makes a text one line of at most so many characters.
func cutText(s string, most int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return string(r)
}

var null = json.RawMessage("null")

func quoted(s string) json.RawMessage { return resource.AppendJSONString(nil, s) }

// text is a string as an optional attribute: null if there is none.
func text(s string) json.RawMessage {
	if s == "" {
		return null
	}
	return quoted(s)
}

func object(attrs map[string]json.RawMessage) json.RawMessage {
	b, _ := json.Marshal(attrs) // it is made of JSON
	return b
}

// differing returns the attributes that have changed.
func differing(before, after map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, v := range after {
		if string(before[name]) != string(v) {
			out[name] = v
		}
	}
	return out
}
