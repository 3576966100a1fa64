package plugindoc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/faultline-storage/faultline/internal/resource"
)

// Mark begins every text that Markdown writes, so that nobody's own work is taken
// for one.
const Mark = "<!-- Written by `faultline plugin docs`: changes will be lost. -->\n"

// Markdown describes a plugin by its classes. What users add comes first, then the
// rest, by name.
func Markdown(plugin string, classes []*resource.Class) []byte {
	classes = slices.SortedFunc(slices.Values(classes), func(a, b *resource.Class) int {
		if a.Scannable() != b.Scannable() {
			if a.Scannable() {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	w := &writer{}
	w.b.WriteString(Mark)
	w.line("# Plugin %s", text(plugin))
	w.line("")
	w.line("What the plugin `%s` reports, what it watches, and what it needs.", plugin)
	w.add(classes)
	w.overview(classes)
	w.diagram(classes)
	for _, c := range classes {
		w.class(c)
	}
	return w.b.Bytes()
}

type writer struct{ b bytes.Buffer }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// section begins a section after an empty line.
func (w *writer) section(level int, title string) {
	w.line("")
	w.line("%s %s", strings.Repeat("#", level), title)
	w.line("")
}

// table writes a table, and nothing if it has no rows.
func (w *writer) table(header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	w.line("| %s |", strings.Join(header, " | "))
	w.line("|%s", strings.Repeat("---|", len(header)))
	for _, row := range rows {
		w.line("| %s |", strings.Join(row, " | "))
	}
}

// add tells how to add what users add.
func (w *writer) add(classes []*resource.Class) {
	w.section(2, "Add a controller")
	scannable := slices.DeleteFunc(slices.Clone(classes), func(c *resource.Class) bool { return !c.Scannable() })
	if len(scannable) == 0 {
		w.line("Nothing is added by hand: the agents of hosts send what this plugin reports.")
		return
	}
	for i, c := range scannable {
		if i > 0 {
			w.line("")
		}
		w.line("%s:", text(c.Label()))
		w.line("")
		w.line("```")
		command := []string{"faultline add", c.FullName()}
		var rows [][]string
		for j := range c.Attributes {
			a := &c.Attributes[j]
			if a.ReadOnly {
				continue
			}
			if needed(a) || a.Kind == resource.Password {
				command = append(command, a.Name+"="+placeholder(a))
			}
			rows = append(rows, []string{code(a.Name), text(a.Label()), kind(a), need(a)})
		}
		w.line("%s", strings.Join(command, " "))
		w.line("```")
		w.line("")
		w.table([]string{"argument", "is", "kind", ""}, rows)
	}
	if slices.ContainsFunc(scannable, hasPassword) {
		w.line("")
		w.line("`=-` asks for a password, so that it stands in no history of commands.")
	}
}

func hasPassword(c *resource.Class) bool {
	return slices.ContainsFunc(c.Attributes, func(a resource.Attribute) bool { return a.Kind == resource.Password && !a.ReadOnly })
}

// needed reports whether a user has to give a value.
func needed(a *resource.Attribute) bool {
	return !a.Optional && a.Default.IsNull() && !a.DefaultComputed
}

func need(a *resource.Attribute) string {
	switch {
	case needed(a):
		return "required"
	case a.Optional:
		return "optional"
	}
	return fallback(a)
}

// fallback tells the default of an attribute; nothing if it has none.
func fallback(a *resource.Attribute) string {
	switch {
	case a.DefaultComputed:
		return "default: computed by the plugin"
	case a.Default.IsNull():
		return ""
	case a.Kind == resource.Password:
		return "has a default"
	}
	return "default: " + text(a.Format(a.Default, nil))
}

// placeholder stands for a value in a command.
func placeholder(a *resource.Attribute) string {
	switch a.Kind {
	case resource.Password:
		return "-"
	case resource.Boolean:
		return "true"
	case resource.Enum:
		if len(a.Options) > 0 {
			return shellWord(a.Options[0].String())
		}
	}
	return strings.ToUpper(a.Kind.String())
}

// shellWord quotes what a shell would not leave alone.
func shellWord(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-./:,", r) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}

func (w *writer) overview(classes []*resource.Class) {
	w.section(2, "Classes")
	var rows [][]string
	for _, c := range classes {
		rows = append(rows, []string{
			fmt.Sprintf("[%s](#%s)", text(c.Name), anchor(c.Name)), text(c.Label()), meaning(c).name,
			identity(c), counted(len(c.Attributes), "column"), counted(len(c.Statistics), "statistic"), counted(alerts(c), "alert"),
		})
	}
	w.table([]string{"class", "shown as", "is", "identified by", "", "", ""}, rows)
}

// alerts counts what can be raised: each severity of a condition is an alert.
func alerts(c *resource.Class) int {
	n := 0
	for i := range c.Conditions {
		n += len(c.Conditions[i].States) + len(c.Conditions[i].Bounds)
	}
	return n
}

func counted(n int, thing string) string {
	switch n {
	case 0:
		return "–"
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// identity tells how resources of the class are told apart.
func identity(c *resource.Class) string {
	names := make([]string, len(c.IDNames))
	for i, n := range c.IDNames {
		names[i] = code(n)
	}
	list := strings.Join(names, " and ")
	switch c.IDScope {
	case resource.Auto:
		return "a number that Faultline gives it"
	case resource.Scoped:
		return list + " within its controller"
	}
	return list
}

// class writes the section of a class.
func (w *writer) class(c *resource.Class) {
	w.section(3, text(c.Name))
	is := meaning(c)
	w.line("%s. %s", capital(is.name), is.text)
	w.line("Its full name is `%s`%s. It is identified by %s.", c.FullName(), shownAs(c), identity(c))
	var own []string
	for _, base := range c.Bases {
		if bases[base].name == "" {
			own = append(own, code(base))
		}
	}
	if len(own) > 0 {
		w.line("It inherits from %s.", strings.Join(own, ", "))
	}
	w.columns(c)
	w.statistics(c)
	w.conditions(c)
	w.charts(c)
	w.relations(c)
}

func shownAs(c *resource.Class) string {
	if c.OwnLabel == "" {
		return ""
	}
	return ", shown as “" + text(c.OwnLabel) + "”"
}

func (w *writer) columns(c *resource.Class) {
	if len(c.Attributes) == 0 {
		return
	}
	w.line("")
	var rows [][]string
	for i := range c.Attributes {
		a := &c.Attributes[i]
		var notes []string
		add := func(is bool, note string) {
			if is && note != "" {
				notes = append(notes, note)
			}
		}
		add(slices.Contains(c.IDNames, a.Name), "identifies")
		add(a.Optional, "may be empty")
		add(true, fallback(a))
		add(a.Hidden, "not in tables")
		add(a.Kind == resource.Password, "never shown")
		add(c.Scannable() && a.ReadOnly, "read from the hardware")
		rows = append(rows, []string{text(a.Label()), code(a.Name), kind(a), strings.Join(notes, ", ")})
	}
	w.table([]string{"column", "attribute", "kind", ""}, rows)
}

// kind describes the values of an attribute.
func kind(a *resource.Attribute) string {
	s := kinds[a.Kind]
	if len(a.Options) > 0 {
		options := make([]string, len(a.Options))
		for i, o := range a.Options {
			options[i] = text(o.String())
		}
		return "one of " + strings.Join(options, ", ")
	}
	switch {
	case a.Min != nil && a.Max != nil:
		s += " from " + bound(a, *a.Min) + " to " + bound(a, *a.Max)
	case a.Min != nil:
		s += ", at least " + bound(a, *a.Min)
	case a.Max != nil:
		s += ", at most " + bound(a, *a.Max)
	}
	if a.MaxLength != nil {
		s += fmt.Sprintf(" of at most %d characters", *a.MaxLength)
	}
	return s
}

func bound(a *resource.Attribute, v float64) string {
	if a.Kind == resource.Bytes {
		return resource.FormatBytes(int64(v))
	}
	return number(v)
}

func (w *writer) statistics(c *resource.Class) {
	if len(c.Statistics) == 0 {
		return
	}
	w.line("")
	var rows [][]string
	for i := range c.Statistics {
		s := &c.Statistics[i]
		unit := text(s.Unit)
		if len(s.Bins) > 0 {
			ranges := make([]string, len(s.Bins))
			for j, bin := range s.Bins {
				ranges[j] = binRange(bin)
			}
			unit = strings.TrimSpace(unit + " in the bins " + strings.Join(ranges, ", "))
		}
		rows = append(rows, []string{text(s.Label()), code(s.Name), statKinds[s.Kind], unit, fmt.Sprintf("%d s", s.SamplePeriod)})
	}
	w.table([]string{"statistic", "name", "kind", "unit", "sampled every"}, rows)
}

func binRange(bin []int64) string {
	switch len(bin) {
	case 1:
		return fmt.Sprintf("%d and more", bin[0])
	case 2:
		return fmt.Sprintf("%d–%d", bin[0], bin[1])
	}
	return ""
}

// charts lists declared charts; without them each statistic has one, which needs no
// words.
func (w *writer) charts(c *resource.Class) {
	if len(c.Charts) == 0 {
		return
	}
	w.line("")
	w.line("Charts:")
	w.line("")
	for _, chart := range c.Charts {
		names := make([]string, len(chart.Series))
		for i, name := range chart.Series {
			names[i] = text(name)
			if n := c.Stat(name); n >= 0 {
				names[i] = text(c.Statistics[n].Label())
			}
		}
		w.line("- %s: %s", text(chart.Title), strings.Join(names, ", "))
	}
}

func (w *writer) relations(c *resource.Class) {
	if len(c.Relations) == 0 {
		return
	}
	w.line("")
	w.line("Relations:")
	w.line("")
	for _, r := range c.Relations {
		by := make([]string, len(r.Attributes))
		for i, name := range r.Attributes {
			by[i] = code(name)
		}
		match := "the same " + strings.Join(by, " and ")
		if r.IgnoreCase {
			match += ", in upper or lower case"
		}
		target := code(targetName(c.Plugin, r))
		if r.Provide {
			w.line("- A problem with it is a problem with each %s that has %s.", target, match)
		} else {
			w.line("- A problem with any %s that has %s is a problem with it.", target, match)
		}
	}
}

// targetName is the class that a relation is to, as people write it.
func targetName(plugin string, r resource.Relation) string {
	switch r.Plugin {
	case "", plugin, "builtin":
		return r.Class
	}
	return r.Plugin + "." + r.Class
}
