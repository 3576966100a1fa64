package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ways of being silent, as Fault.Mode.
const (
	ModeHang  = "hang"  // connections are accepted and get no answer
	ModeReset = "reset" // connections are accepted and reset
)

// A Fault is one order to the array: something breaks, heals or changes. Its
// text form is its name and its arguments with spaces between, as in a script;
// its JSON form is what POST /api/v1/faults takes. A field that the fault of
// that name has no use for must be zero.
type Fault struct {
	// Name is the kind of fault; FaultHelp lists them.
	Name string `json:"fault"`
	// Target is the id of the object at fault, such as "disk-0017". Leading zeros
	// of numbers do not matter.
	Target string `json:"target,omitempty"`
	// Controller is the controller whose path to a LUN is lost.
	Controller string `json:"controller,omitempty"`
	// For is how long it lasts; 0 means the fault's default.
	For Duration `json:"for,omitempty"`
	// Delay is what a slow array adds to each answer.
	Delay Duration `json:"delay,omitempty"`
	// Mode is how a silent array is silent; empty means ModeHang.
	Mode string `json:"mode,omitempty"`
	// Celsius is by how many degrees an enclosure overheats; 0 means 30.
	Celsius int `json:"celsius,omitempty"`
	// Percent is the share of the disks that a firmware upgrade reaches.
	Percent float64 `json:"percent,omitempty"`
}

// A Duration is a time.Duration that reads and writes itself as text, such as "1m30s".
type Duration time.Duration

// MarshalText returns the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads, but no negative duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 500ms, 5s or 2m", text)
	}
	if v < 0 {
		return fmt.Errorf("%q is negative", text)
	}
	*d = Duration(v)
	return nil
}

// A param is one argument of a fault: how it is called in help texts, whether
// it may be missing, and how it gets into a Fault and out of it.
type param struct {
	name     string
	optional bool
	set      func(f *Fault, text string) error
	get      func(f *Fault) string // "" when not given
}

// A verb is one kind of fault.
type verb struct {
	name   string
	params []param
	help   string
	apply  func(a *Array, f *Fault, now time.Time) error // with the lock held
}

var verbs []verb

// init fills the table; a plain initializer would refer to itself through the
// functions it names.
func init() {
	verbs = []verb{
		{"fail-disk", []param{target(kindDisk)}, "the disk is FAILED", (*Array).failDisk},
		{"warn-disk", []param{target(kindDisk)}, "the disk predicts its failure: NEARFAILURE", (*Array).warnDisk},
		{"lose-disk", []param{target(kindDisk)}, "the disk no longer answers: MISSING, but still listed", (*Array).loseDisk},
		{"remove-disk", []param{target(kindDisk)}, "the disk is pulled out and no longer listed", (*Array).removeDisk},
		{"add-disk", []param{optional(target(kindEnclosure))}, "a new spare disk in the first empty bay", (*Array).insertDisk},
		{"rebuild", []param{target(kindPool), duration(true)}, "failed, missing and pulled disks of the pool are replaced and rebuilt in the given time (10s)", (*Array).startRebuild},
		{"overheat", []param{target(kindEnclosure), celsius}, "the enclosure and its disks get hotter by so many degrees (30)", (*Array).overheat},
		{"fail-fan", []param{target(kindFan)}, "the fan stands still", (*Array).failFan},
		{"fail-psu", []param{target(kindPowerSupply)}, "the power supply is FAILED", (*Array).failPowerSupply},
		{"fail-controller", []param{target(kindController)}, "the controller is FAILED and its paths with it", (*Array).failController},
		{"lose-path", []param{target(kindLUN), controllerParam}, "the LUN cannot be reached through the controller", (*Array).losePath},
		{"upgrade-firmware", []param{percent}, "so many percent of the disks, evenly spread, get another firmware", (*Array).upgradeFirmware},
		{"sample", nil, "one statistics sample is taken", (*Array).sampleNow},
		{"slow", []param{delay, duration(true)}, "every answer takes so much longer", (*Array).goSlow},
		{"silent", []param{duration(true), mode}, "no answers: requests hang, or connections are reset", (*Array).goSilent},
		{"garbage", []param{duration(true)}, "answers are nonsense", (*Array).goGarbage},
		{"heal", []param{optional(target(""))}, "the object, or without one everything, is well again", (*Array).heal},
	}
}

func target(kind string) param {
	return param{
		name: strings.ToUpper(kind),
		set: func(f *Fault, text string) (err error) {
			f.Target, err = canonicalID(kind, text)
			return err
		},
		get: func(f *Fault) string { return f.Target },
	}
}

func optional(p param) param {
	p.optional = true
	return p
}

var controllerParam = param{
	name: "CONTROLLER",
	set: func(f *Fault, text string) (err error) {
		f.Controller, err = canonicalID(kindController, text)
		return err
	},
	get: func(f *Fault) string { return f.Controller },
}

func duration(opt bool) param {
	return param{
		name: "DURATION", optional: opt,
		set: func(f *Fault, text string) error { return positive(&f.For, text) },
		get: func(f *Fault) string { return durationText(f.For) },
	}
}

var delay = param{
	name: "DELAY",
	set:  func(f *Fault, text string) error { return positive(&f.Delay, text) },
	get:  func(f *Fault) string { return durationText(f.Delay) },
}

var mode = param{
	name: "hang|reset", optional: true,
	set: func(f *Fault, text string) error {
		if text != ModeHang && text != ModeReset {
			return fmt.Errorf("%q is no way to be silent; write %s or %s", text, ModeHang, ModeReset)
		}
		f.Mode = text
		return nil
	},
	get: func(f *Fault) string { return f.Mode },
}

var celsius = param{
	name: "DEGREES", optional: true,
	set: func(f *Fault, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 200 {
			return fmt.Errorf("%q is no number of degrees from 1 to 200", text)
		}
		f.Celsius = n
		return nil
	},
	get: func(f *Fault) string {
		if f.Celsius == 0 {
			return ""
		}
		return strconv.Itoa(f.Celsius)
	},
}

var percent = param{
	name: "PERCENT",
	set: func(f *Fault, text string) error {
		v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil || !(v > 0 && v <= 100) {
			return fmt.Errorf("%q is no share of the disks such as 1%% (more than 0, at most 100)", text)
		}
		f.Percent = v
		return nil
	},
	get: func(f *Fault) string {
		if f.Percent == 0 {
			return ""
		}
		return strconv.FormatFloat(f.Percent, 'g', -1, 64) + "%"
	},
}

func positive(d *Duration, text string) error {
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	if *d == 0 {
		return fmt.Errorf("%q is no time at all", text)
	}
	return nil
}

func durationText(d Duration) string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// ParseFault reads the text form of a fault. The error says what is wrong with
// it and what would be right. Whether the target exists is known only when the
// fault is applied.
func ParseFault(text string) (Fault, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Fault{}, fmt.Errorf("no fault; known are %s", strings.Join(faultNames(), ", "))
	}
	v, err := findVerb(words[0])
	if err != nil {
		return Fault{}, err
	}
	f := Fault{Name: v.name}
	args := words[1:]
	for _, p := range v.params {
		if len(args) == 0 {
			if p.optional {
				continue
			}
			return Fault{}, fmt.Errorf("%s lacks its %s; write: %s", v.name, p.name, v.usage())
		}
		if err := p.set(&f, args[0]); err != nil {
			if p.optional && fits(v.params, p, args[0]) {
				continue // it is a later argument, and this one is left out
			}
			return Fault{}, fmt.Errorf("%s: %w; write: %s", v.name, err, v.usage())
		}
		args = args[1:]
	}
	if len(args) > 0 {
		return Fault{}, fmt.Errorf("%s: %q is too much; write: %s", v.name, strings.Join(args, " "), v.usage())
	}
	return f, nil
}

// fits says whether text is right for a parameter that comes after p.
func fits(params []param, p param, text string) bool {
	i := slices.IndexFunc(params, func(q param) bool { return q.name == p.name })
	return slices.ContainsFunc(params[i+1:], func(q param) bool { return q.set(&Fault{}, text) == nil })
}

// String returns the fault as ParseFault reads it.
func (f Fault) String() string {
	words := []string{f.Name}
	if v, err := findVerb(f.Name); err == nil {
		for _, p := range v.params {
			if s := p.get(&f); s != "" {
				words = append(words, s)
			}
		}
	}
	return strings.Join(words, " ")
}

// check brings a fault that did not come from ParseFault into the form that
// ParseFault gives it, and refuses fields that its name has no use for.
func (f Fault) check() (Fault, *verb, error) {
	v, err := findVerb(f.Name)
	if err != nil {
		return f, nil, err
	}
	if f.For < 0 || f.Delay < 0 {
		return f, nil, fmt.Errorf("%s: a duration is negative", f.Name)
	}
	clean := Fault{Name: f.Name}
	for _, p := range v.params {
		text := p.get(&f)
		if text == "" {
			if !p.optional {
				return f, nil, fmt.Errorf("%s lacks its %s; write: %s", f.Name, p.name, v.usage())
			}
			continue
		}
		if err := p.set(&clean, text); err != nil {
			return f, nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	rest := f
	rest.Target, rest.Controller = clean.Target, clean.Controller // may have been spelled otherwise
	if f.Target != "" && clean.Target == "" || f.Controller != "" && clean.Controller == "" || rest != clean {
		return f, nil, fmt.Errorf("%s has an argument that it does not take; it is written: %s", f.Name, v.usage())
	}
	return clean, v, nil
}

// FaultHelp returns one line for each fault: how it is written, and what it does.
func FaultHelp() string {
	var b strings.Builder
	for i := range verbs {
		fmt.Fprintf(&b, "%-36s %s\n", verbs[i].usage(), verbs[i].help)
	}
	return b.String()
}

func (v *verb) usage() string {
	var s strings.Builder
	s.WriteString(v.name)
	for _, p := range v.params {
		name := p.name
		if name == "" {
			name = "OBJECT"
		}
		if p.optional {
			name = "[" + name + "]"
		}
		s.WriteString(" " + name)
	}
	return s.String()
}

func findVerb(name string) (*verb, error) {
	for i := range verbs {
		if verbs[i].name == name {
			return &verbs[i], nil
		}
	}
	return nil, fmt.Errorf("unknown fault %q; known are %s", name, strings.Join(faultNames(), ", "))
}

func faultNames() []string {
	names := make([]string, len(verbs))
	for i := range verbs {
		names[i] = verbs[i].name
	}
	return names
}

// idShapes says how many numbers follow the kind in an id, and how the id is written.
var idShapes = map[string]struct {
	numbers int
	format  string
}{
	kindController:  {1, "controller-%d"},
	kindEnclosure:   {1, "enclosure-%d"},
	kindFan:         {2, "fan-%d-%d"},
	kindPowerSupply: {2, "psu-%d-%d"},
	kindDisk:        {1, "disk-%04d"},
	kindPool:        {1, "pool-%02d"},
	kindLUN:         {1, "lun-%d"},
}

// canonicalID returns the id as the array writes it. An empty kind means any.
func canonicalID(kind, text string) (string, error) {
	if l, c, ok := strings.Cut(text, "/"); ok && kind == "" {
		l, lErr := canonicalID(kindLUN, l)
		c, cErr := canonicalID(kindController, c)
		if lErr != nil || cErr != nil {
			return "", fmt.Errorf("%q is no path such as lun-4/controller-1", text)
		}
		return l + "/" + c, nil
	}
	parts := strings.Split(text, "-")
	shape, known := idShapes[parts[0]]
	bad := fmt.Errorf("%q is no object such as %s", text, example(kind))
	if !known || kind != "" && kind != parts[0] || len(parts) != shape.numbers+1 {
		return "", bad
	}
	numbers := make([]any, 0, 2)
	for _, s := range parts[1:] {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return "", bad
		}
		numbers = append(numbers, n)
	}
	return fmt.Sprintf(shape.format, numbers...), nil
}

func example(kind string) string {
	if kind == "" {
		kind = kindDisk
	}
	if idShapes[kind].numbers == 2 {
		return fmt.Sprintf(idShapes[kind].format, 1, 2)
	}
	return fmt.Sprintf(idShapes[kind].format, 1)
}
