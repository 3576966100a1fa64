package redfish

import (
	"reflect"
	"slices"

	"github.com/faultline-storage/faultline/sdk/plugin"
)

// hardware is a resource of this plugin.
type hardware interface {
	plugin.Any
	// report reports the resource and its readings and returns the session's
	// own pointer for it.
	report(s *plugin.Session) plugin.Any
	facts() facts
	// readings points to the fields that hold readings, in a fixed order.
	readings() []**float64
}

// facts is what matching and merging look at.
type facts struct {
	path                         *string
	health                       *Health
	name, serial, location, mode string // mode is the State
}

// node is one object on its way from the service to the session.
type node struct {
	res     hardware
	alias   []string // ids under which links may name it, its path among them
	same    []string // paths of other sights of it, from which it was put together
	sources []string // documents that list it
	member  string   // its Id or MemberId
	device  bool     // known from SimpleStorage only
	// under and over are its parents and children, as ids. home is where it is
	// if no chassis is among the former: several guesses, best first.
	under, over []string
	home        [][]string
}

func (n *node) path() string { return *n.res.facts().path }

func (n *node) addAlias(ids ...string) {
	for _, id := range ids {
		if id != "" && !slices.Contains(n.alias, id) {
			n.alias = append(n.alias, id)
		}
	}
}

// absorb takes over what another sight of the same object adds. Where both
// pass a verdict the worse one counts, except on what is absent.
func (n *node) absorb(o *node) {
	a, b := n.res.facts(), o.res.facts()
	worse := b.health.rank() > a.health.rank()
	fill(n.res, o.res)
	if a.mode == absent {
		*a.health = ""
	} else if worse {
		*a.health = *b.health
	}
	n.addAlias(o.alias...)
	if o.path() != n.path() {
		n.same = append(n.same, o.path())
	}
	n.same = append(n.same, o.same...)
	n.addSources(o.sources...)
	n.under = append(n.under, o.under...)
	n.over = append(n.over, o.over...)
	n.home = append(n.home, o.home...)
}

func (n *node) addSources(docs ...string) {
	for _, d := range docs {
		if !slices.Contains(n.sources, d) {
			n.sources = append(n.sources, d)
		}
	}
}

// fill gives every attribute and reading of dst that has no value the one of
// src. Both are of one class.
func fill(dst, src hardware) {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	if d.Type() != s.Type() {
		return
	}
	for i := range d.NumField() {
		f := d.Type().Field(i)
		if f.Anonymous || !f.IsExported() || f.Type == reflect.TypeFor[plugin.Gauge]() {
			continue
		}
		if d.Field(i).IsZero() {
			d.Field(i).Set(s.Field(i))
		}
	}
	from := src.readings()
	for i, r := range dst.readings() {
		if *r == nil {
			*r = *from[i]
		}
	}
}

// snapshot copies the attributes of a resource.
func snapshot(r hardware) hardware {
	c := reflect.New(reflect.TypeOf(r).Elem()).Interface().(hardware)
	fill(c, r)
	for _, v := range c.readings() {
		*v = nil
	}
	return c
}

// sample records a reading, if there is one.
func sample(g *plugin.Gauge, v *float64) {
	if v != nil {
		g.Set(*v)
	}
}

func (x *Chassis) report(s *plugin.Session) plugin.Any { return plugin.Report(s, x) }
func (x *Chassis) readings() []**float64               { return nil }
func (x *Chassis) facts() facts {
	return facts{&x.Path, &x.Health, x.Name, x.SerialNumber, x.Location, x.State}
}

func (x *Controller) report(s *plugin.Session) plugin.Any { return plugin.Report(s, x) }
func (x *Controller) readings() []**float64               { return nil }
func (x *Controller) facts() facts {
	return facts{&x.Path, &x.Health, x.Name, x.SerialNumber, x.Location, x.State}
}

func (x *Drive) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.Temperature, x.celsius)
	sample(&r.MediaLifeLeft, x.lifeLeft)
	return r
}
func (x *Drive) readings() []**float64 { return []**float64{&x.celsius, &x.lifeLeft} }
func (x *Drive) facts() facts {
	return facts{&x.Path, &x.Health, x.Name, x.SerialNumber, x.Location, x.State}
}

func (x *Pool) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.Used, x.used)
	sample(&r.Remaining, x.remaining)
	return r
}
func (x *Pool) readings() []**float64 { return []**float64{&x.used, &x.remaining} }
func (x *Pool) facts() facts {
	return facts{path: &x.Path, health: &x.Health, name: x.Name, mode: x.State}
}

func (x *Volume) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.Used, x.used)
	sample(&r.Remaining, x.remaining)
	return r
}
func (x *Volume) readings() []**float64 { return []**float64{&x.used, &x.remaining} }
func (x *Volume) facts() facts {
	return facts{path: &x.Path, health: &x.Health, name: x.Name, mode: x.State}
}

func (x *Fan) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.SpeedRPM, x.rpm)
	sample(&r.SpeedPercent, x.percent)
	return r
}
func (x *Fan) readings() []**float64 { return []**float64{&x.rpm, &x.percent} }
func (x *Fan) facts() facts {
	return facts{&x.Path, &x.Health, x.Name, x.SerialNumber, x.Location, x.State}
}

func (x *TemperatureSensor) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.Temperature, x.celsius)
	return r
}
func (x *TemperatureSensor) readings() []**float64 { return []**float64{&x.celsius} }
func (x *TemperatureSensor) facts() facts {
	return facts{path: &x.Path, health: &x.Health, name: x.Name, mode: x.State}
}

func (x *PowerSupply) report(s *plugin.Session) plugin.Any {
	r := plugin.Report(s, x)
	sample(&r.OutputPower, x.watts)
	sample(&r.InputVoltage, x.volts)
	return r
}
func (x *PowerSupply) readings() []**float64 { return []**float64{&x.watts, &x.volts} }
func (x *PowerSupply) facts() facts {
	return facts{&x.Path, &x.Health, x.Name, x.SerialNumber, x.Location, x.State}
}
