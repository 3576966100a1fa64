package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/faultline-storage/faultline/internal/api/gen"
	"github.com/faultline-storage/faultline/internal/resource"
)

// maxWatched bounds the parameter statistics.
const maxWatched = 1000

// event is one server-sent event, rendered. It moves the position of one of the
// orders, to seq.
type event struct {
	name string
	data []byte
	move func(*position)
	// err says that the order cannot be read on from where it was; late says
	// that it could be at first, and the client has been too slow since.
	err  error
	late bool
}

// GetEvents streams changes.
func (h *handlers) GetEvents(ctx context.Context, req gen.GetEventsRequestObject) (gen.GetEventsResponseObject, error) {
	st := &stream{Server: h.Server, ctx: ctx, at: h.position()}
	last := deref(req.Params.LastEventIDQuery)
	if id := deref(req.Params.LastEventID); id != "" {
		last = id
	}
	if last != "" {
		// A position that cannot be read was given by another version of the server.
		// A browser would never try again after an error, so it is told to start over.
		if at, ok := parsePosition(last); ok {
			st.at = at
		} else {
			st.lost = true
		}
	}
	if len(req.Params.Statistics) > maxWatched {
		return nil, resource.FieldErrorf("statistics", "at most %d resources can be watched", maxWatched)
	}
	for _, id := range req.Params.Statistics {
		if id < 1 {
			return nil, resource.FieldErrorf("statistics", "the ids must be positive integers")
		}
		if st.watched == nil {
			st.watched = map[resource.ID]bool{}
		}
		st.watched[resource.ID(id)] = true
	}
	if h.streams.Add(1) > h.maxStreams {
		h.streams.Add(-1)
		return nil, resource.Errorf(resource.Unavailable, "%d clients follow the events already; try again later", h.maxStreams)
	}
	return st, nil
}

// stream is one client of the events.
type stream struct {
	*Server
	ctx     context.Context // of the request
	at      position        // after the last event that was sent
	lost    bool            // at is not what the client asked for
	watched map[resource.ID]bool

	w   http.ResponseWriter
	rc  *http.ResponseController
	buf []byte
}

// VisitGetEventsResponse sends events until the client goes, is too slow, or
// the server stops.
func (st *stream) VisitGetEventsResponse(w http.ResponseWriter) error {
	defer st.streams.Add(-1)
	ctx, cancel := context.WithCancel(st.ctx)
	defer cancel()
	defer context.AfterFunc(st.stopping, cancel)()

	st.w, st.rc = w, http.NewResponseController(w)
	_ = st.rc.SetReadDeadline(time.Time{}) // the server's limit for reading a request would end the stream
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must not collect events
	w.WriteHeader(http.StatusOK)

	if err := st.send("ready", gen.ReadyEvent{Position: st.at.String()}); err != nil {
		return nil //nolint:nilerr // the client is gone: nobody to tell
	}
	if st.lost {
		if st.reset("the position is not one of this server") != nil {
			return nil
		}
	}
	for ctx.Err() == nil {
		end, err := st.follow(ctx)
		if err != nil || end.err == nil {
			return nil //nolint:nilerr // the client is gone or too slow
		}
		if end.late {
			// A fresh start would only repeat it. The client may come back.
			st.log.Warn("event client cut off", "reason", end.err)
			return nil
		}
		if st.reset(end.err.Error()) != nil {
			return nil
		}
	}
	return nil
}

// follow sends what comes after st.at. It returns the event that ends an order
// if that is no longer kept, and err if the client cannot be written to.
func (st *stream) follow(ctx context.Context) (end event, err error) {
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan event, 16) // a little slack; the feeds hold the rest
	from := st.at
	done := make(chan struct{}, 3)
	go func() { st.readResources(ctx, from.inventory, events); done <- struct{}{} }()
	go func() { st.readAlerts(ctx, from.alerts, events); done <- struct{}{} }()
	go func() { st.readVolumes(ctx, from.volumes, events); done <- struct{}{} }()
	defer func() {
		cancel()
		for range cap(done) {
			<-done
		}
	}()
	beat := time.NewTicker(st.heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return event{}, nil
		case <-beat.C:
			// The id keeps the position of a client to which nothing happens.
			err = st.write(fmt.Appendf(nil, ": still here\nid: %s\n\n", st.at))
		case e := <-events:
			if e.err != nil {
				return e, nil
			}
			if e.move != nil {
				e.move(&st.at)
			}
			err = st.sendRaw(e.name, e.data)
		}
		if err != nil {
			return event{}, err
		}
	}
}

func (st *stream) readResources(ctx context.Context, from uint64, to chan<- event) {
	late := false
	for ch, err := range st.inventory.Since(ctx, from) {
		if err != nil {
			put(ctx, to, event{err: err, late: late})
			return
		}
		late = true
		seq := ch.Seq
		move := func(p *position) { p.inventory = seq }
		// A turn may bring nothing but samples. They are not part of the order
		// that clients see, but the position must pass them.
		if len(ch.Created)+len(ch.Updated)+len(ch.Deleted) > 0 {
			if !put(ctx, to, event{name: "resources", data: st.marshal(st.view.changes(ch)), move: move}) {
				return
			}
		} else if !put(ctx, to, event{move: move}) {
			return
		}
		if ev := st.view.samples(ch.Samples, st.watched); len(ev.Items) > 0 &&
			!put(ctx, to, event{name: "statistics", data: st.marshal(ev)}) {
			return
		}
	}
}

func (st *stream) readAlerts(ctx context.Context, from uint64, to chan<- event) {
	late := false
	for list, err := range st.alerts.Since(ctx, from) {
		if err != nil {
			put(ctx, to, event{err: err, late: late})
			return
		}
		late = true
		ev := st.view.alertsEvent(list)
		move := func(p *position) { p.alerts = max(p.alerts, uint64(ev.Seq)) }
		if !put(ctx, to, event{name: "alerts", data: st.marshal(ev), move: move}) {
			return
		}
	}
}

// readVolumes sends what changed of volumes. What is no longer kept, or was never
// kept because it was before the server started, is one event that says so: the
// other orders need not be begun anew for it.
func (st *stream) readVolumes(ctx context.Context, from uint64, to chan<- event) {
	for ctx.Err() == nil {
		for ch, err := range st.volumes.Since(ctx, from) {
			if err != nil {
				break
			}
			if !put(ctx, to, event{name: "volumes", data: st.marshal(st.view.volumesEvent(ch)), move: func(p *position) { p.volumes = ch.Seq }}) {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		from = st.volumes.Seq()
		now := from
		if !put(ctx, to, event{name: "volumes", data: st.marshal(gen.VolumesEvent{Seq: int64(now), Bulk: true}), move: func(p *position) { p.volumes = now }}) {
			return
		}
	}
}

func put(ctx context.Context, to chan<- event, e event) bool {
	select {
	case to <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// reset tells the client to read its lists again, and goes on from now.
func (st *stream) reset(reason string) error {
	st.at = st.position()
	return st.send("reset", gen.ResetEvent{Position: st.at.String(), Reason: reason})
}

func (st *stream) send(name string, v any) error { return st.sendRaw(name, st.marshal(v)) }

// sendRaw sends one event. Without a name there is nothing to tell.
func (st *stream) sendRaw(name string, data []byte) error {
	if name == "" {
		return nil
	}
	st.buf = fmt.Appendf(st.buf[:0], "event: %s\nid: %s\ndata: ", name, st.at)
	st.buf = append(append(st.buf, data...), "\n\n"...)
	return st.write(st.buf)
}

func (st *stream) write(b []byte) error {
	if err := st.rc.SetWriteDeadline(time.Now().Add(st.slowClient)); err != nil {
		return err
	}
	if _, err := st.w.Write(b); err != nil {
		return err
	}
	return st.rc.Flush()
}

func (st *stream) marshal(v any) []byte {
	b, err := json.Marshal(v) // one line: JSON escapes line ends
	if err != nil {           // the view leaves out what JSON cannot say
		panic(fmt.Sprintf("api: event: %v", err))
	}
	return b
}
