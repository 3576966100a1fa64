package link

import (
	"cmp"
	"log/slog"
	"sync"
	"time"
)

// Listening measures silence: for how long nothing was heard of somebody who could
// have been heard. Time in which this process did not keep up is not counted. A
// server that is starved or was stopped for a while, or that lets connections
// wait, has not listened, and what it did not hear says nothing of its peers.
//
// Its methods are safe for concurrent use.
type Listening struct {
	o ListeningOptions

	mu     sync.Mutex
	looked time.Time     // the last look
	behind bool          // the time before it is not counted
	deaf   time.Duration // what is not counted, up to the last look
}

// ListeningOptions configure a Listening. Now and Period are required.
type ListeningOptions struct {
	Now func() time.Time
	// Period is how often somebody looks, and only one does. If a look is late by a
	// second, or by a shorter period, the time since the last one is not counted: a
	// peer's request goes through several hands, each of which comes as late.
	Period time.Duration
	// Behind reports whether peers wait to be heard. The time since the last look is
	// not counted then. Optional.
	Behind func() bool
	Log    *slog.Logger // nil discards
}

// lateLook is how late a look may come.
const lateLook = time.Second

// NewListening returns a Listening that begins now.
func NewListening(o ListeningOptions) *Listening {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Listening{o: o, looked: o.Now()}
}

// Heard is a moment at which somebody was heard of.
type Heard struct {
	At   time.Time
	deaf time.Duration
}

// Heard notes that somebody is heard of now.
func (l *Listening) Heard() Heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Heard{l.o.Now(), l.deaf}
}

// Look decides whether the time since the last look counts.
func (l *Listening) Look() {
	behind := l.o.Behind != nil && l.o.Behind()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	span := now.Sub(l.looked)
	if behind = behind || span > l.o.Period+min(l.o.Period, lateLook); behind {
		l.deaf += span
	}
	if behind && !l.behind {
		l.o.Log.Warn("the server does not keep up with those that call it; nobody is taken for lost meanwhile")
	}
	l.looked, l.behind = now, behind
}

// Silence is how long nothing had been heard since h when somebody looked last.
func (l *Listening) Silence(h Heard) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looked.Sub(h.At) - (l.deaf - h.deaf)
}
