package plugin

import (
	"fmt"
	"strings"

	"github.com/faultline-storage/faultline/sdk/wire"
)

// problem is something wrong with the declarations, while they are checked.
type problem struct{ wire.Problem }

func newProblem(rule wire.Rule, at caller, where, format string, args ...any) *problem {
	p := &problem{wire.Problem{File: at.file, Line: at.line, Where: where, Text: fmt.Sprintf(format, args...), Code: rule}}
	if s := rule.Severity(); s != wire.SeverityError {
		p.Severity = s
	}
	return p
}

// fix says what to do about the problem.
func (p *problem) fix(format string, args ...any) { p.Fix = fmt.Sprintf(format, args...) }

// wireProblems returns problems as they are told.
func wireProblems(problems []*problem) []wire.Problem {
	list := make([]wire.Problem, 0, len(problems))
	for _, p := range problems {
		list = append(list, p.Problem)
	}
	return list
}

// suggestID makes an id of what a condition watches for, for an author who
// needs one.
func suggestID(w wire.Condition) string {
	for _, states := range [][]string{texts(w.ErrorStates), texts(w.WarnStates), texts(w.InfoStates)} {
		if len(states) > 0 {
			return snakeWord(states[0])
		}
	}
	s := severities(w)
	return w.Attribute + "_" + s[len(s)-1]
}

func texts[T ~[]byte](raw []T) []string {
	var out []string
	for _, r := range raw {
		out = append(out, string(r))
	}
	return out
}

// snakeWord makes a name of any text.
func snakeWord(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r < 128 && isAlnum(byte(r)):
			return r
		case r == '"':
			return -1
		}
		return '_'
	}, s)
	return strings.ToLower(name)
}

// places says where the classes and their members are declared. A program does
// not know the lines of its types, so it names the types, and the lines of what
// was declared by calls.
func (p *Program) places() map[string]wire.Place {
	places := map[string]wire.Place{}
	for _, c := range p.classes {
		places[c.Name] = wire.Place{File: c.caller.file, Line: c.caller.line, Symbol: symbol(c.typ.PkgPath(), c.typ.Name())}
		for i := range c.fields {
			f := &c.fields[i]
			places[c.Name+"."+f.Name] = wire.Place{Symbol: symbol(f.in.PkgPath(), f.in.Name(), f.goName)}
		}
		for i := range c.stats {
			st := &c.stats[i]
			places[c.Name+"."+st.Name] = wire.Place{Symbol: symbol(st.in.PkgPath(), st.in.Name(), st.goName)}
		}
		for i, at := range c.conditionsAt {
			places[fmt.Sprintf("%s.alert_conditions.%d", c.Name, i)] = wire.Place{File: at.file, Line: at.line}
		}
		for i, at := range c.relationsAt {
			places[fmt.Sprintf("%s.relations.%d", c.Name, i)] = wire.Place{File: at.file, Line: at.line}
		}
		for i, at := range c.chartsAt {
			places[fmt.Sprintf("%s.charts.%d", c.Name, i)] = wire.Place{File: at.file, Line: at.line}
		}
	}
	return places
}

func symbol(pkg string, names ...string) string { return pkg + "." + strings.Join(names, ".") }
