// Package plugin is the Go SDK for Faultline plugins.
//
// A plugin tells Faultline about storage hardware. It declares resource
// classes, which are plain structs that embed a base class, and one plugin type
// with at least the method InitialScan. Main runs it:
//
//	type Array struct {
//		plugin.ScannableResource
//		Address plugin.Hostname `attr:",globalid"`
//	}
//
//	type Drive struct {
//		plugin.PhysicalDisk
//		Serial      string `attr:",scopedid"`
//		Capacity    plugin.Bytes
//		Temperature plugin.Gauge `unit:"C"`
//	}
//
//	type Acme struct{}
//
//	func (*Acme) InitialScan(ctx context.Context, s *plugin.Session, a *Array) error {
//		d := plugin.Report(s, &Drive{Serial: "S1", Capacity: 4e12})
//		d.Temperature.Set(31)
//		return nil
//	}
//
//	func main() {
//		plugin.Main("acme", 1,
//			plugin.Scans(func() *Acme { return new(Acme) }),
//			plugin.Reports[Drive](),
//		)
//	}
//
// # Classes
//
// An exported field of a class is an attribute, or a statistic if its type is
// Gauge, Counter, Histogram or BytesHistogram. Its Go type decides the kind:
//
//	string, named string types      string
//	int… and uint… types            integer
//	float64                         float
//	bool                            boolean
//	Bytes Hostname UUID Path Secret  the kind of that name (Secret: password)
//	any of these with an enum tag   enum
//	*Class or Any                   reference to a resource
//	*T of a kind above              the same, with nil for "no value"
//
// Tags say the rest: attr:"name,option,…" with the options globalid, scopedid,
// optional, hidden and readonly (and autoid, on the embedded
// ScannableResource); label:, min:, max:, maxlen:, default:, enum: and was: for
// attributes; label:, unit:, every: and bins: for statistics. attr:"-" leaves a
// field out. The name defaults to the field's in snake case. Anything unknown
// is an error at start, and all errors are shown at once.
//
// A new version of a plugin may rename an attribute: was:"old" lets stored resources
// keep their values, was:"old,older" where it was renamed before.
//
// What tags cannot say, a class says in a method Describe(*Class), which names
// fields by pointer. A method Label() string names an instance; it is asked
// again when an attribute of the instance changed.
//
// A mandatory attribute whose field has the zero value gets its default, if it
// has one; give it a pointer type if zero is a value of its own. An optional
// attribute whose field has the zero value has no value.
//
// # Sessions and turns
//
// The SDK makes one plugin value and one Session for each root. The hooks and
// the functions given to Post are turns: they run one after the other on the
// session's own goroutine, so plugin code needs no locks. During a turn, read
// and assign fields of reported resources freely. At its end the SDK compares
// every resource to what it last sent, checks the values, and sends what
// changed in one batch. Only Set of a statistic, Session.Post and Session.Log
// may be used from other goroutines.
package plugin
