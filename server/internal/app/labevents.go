package app

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	usersStreams = 8    // of one user at once
	allStreams   = 2000 // of everybody
	eventTick    = 250 * time.Millisecond
	eventBatch   = 100 // of one session in one query
)

// labStreams are the event streams that are open. There is no query for each of
// them: whoever looks next asks for all. Its zero value is ready.
type labStreams struct {
	mu     sync.Mutex
	open   map[*LabStream]struct{}
	of     map[string]int // by user
	asking bool
	asked  time.Time
	closed chan struct{} // made when first needed
}

// A LabStream is the events of one session from some point on. It is used by one
// goroutine, which closes it.
type LabStream struct {
	app     *App
	user    string
	session string

	// Guarded by labStreams.mu.
	after   int64
	pending []hub.LabEvent
	over    bool // nothing comes behind pending
}

// OpenLabEvents opens the events of a session behind the one with that id; 0 is
// from its start.
func (a Actor) OpenLabEvents(ctx context.Context, ref string, after int64) (*LabStream, error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return nil, err
	}
	s := &LabStream{app: a.app, user: a.user.ID, session: r.ID, after: after}
	if err := a.app.streams.add(s); err != nil {
		return nil, err
	}
	// An ended session has all its events; the row was read before them.
	for {
		events, err := a.app.eventsSince(ctx, []postgres.EventCursor{a.app.streams.cursor(s)})
		if err != nil {
			s.Close()
			return nil, err
		}
		a.app.streams.give(s, events)
		if len(events) < eventBatch {
			break
		}
	}
	if r.EndedAt != nil {
		a.app.streams.end(s)
	}
	return s, nil
}

// Over reports whether there is nothing to tell, now and ever.
func (s *LabStream) Over() bool {
	s.app.streams.mu.Lock()
	defer s.app.streams.mu.Unlock()
	return s.over && len(s.pending) == 0
}

// Next returns what has happened, in order, each event once; nothing when
// nothing has for that long. At the end of the session, or of the server, it
// returns io.EOF.
func (s *LabStream) Next(ctx context.Context, within time.Duration) ([]hub.LabEvent, error) {
	st := &s.app.streams
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		if events := st.take(s); len(events) > 0 {
			return events, nil
		}
		if s.Over() {
			return nil, io.EOF
		}
		tick := time.NewTimer(eventTick)
		select {
		case <-tick.C:
			s.app.askForAll(ctx)
		case <-limit.C:
			tick.Stop()
			return nil, nil
		case <-st.closing():
			tick.Stop()
			return nil, io.EOF
		case <-ctx.Done():
			tick.Stop()
			return nil, ctx.Err()
		}
	}
}

// Close lets go of the stream.
func (s *LabStream) Close() {
	st := &s.app.streams
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, ok := st.open[s]; !ok {
		return
	}
	delete(st.open, s)
	if st.of[s.user]--; st.of[s.user] == 0 {
		delete(st.of, s.user)
	}
}

// LabEvents yields the events of a session behind the one with that id, as they
// happen, until the session has ended or yield fails.
func (a Actor) LabEvents(ctx context.Context, ref string, after int64, yield func(hub.LabEvent) error) error {
	s, err := a.OpenLabEvents(ctx, ref, after)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		events, err := s.Next(ctx, time.Minute)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := yield(e); err != nil {
				return err
			}
		}
	}
}

// CloseStreams ends all event streams, as the server does before it waits for
// its requests to finish. Their readers come back with the last id they have.
func (a *App) CloseStreams() {
	closed := a.streams.closing()
	a.streams.mu.Lock()
	defer a.streams.mu.Unlock()
	select {
	case <-closed:
	default:
		close(a.streams.closed)
	}
}

func (a *App) eventsSince(ctx context.Context, since []postgres.EventCursor) (events []hub.LabEvent, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		events, err = tx.SessionEvents(ctx, since, eventBatch)
		return err
	})
	return events, err
}

// askForAll asks once for what every open stream waits for, unless somebody has
// just done so or is at it. What fails is asked again soon.
func (a *App) askForAll(ctx context.Context) {
	st := &a.streams
	st.mu.Lock()
	if st.asking || time.Since(st.asked) < eventTick/2 {
		st.mu.Unlock()
		return
	}
	st.asking = true
	streams := make([]*LabStream, 0, len(st.open))
	since := make([]postgres.EventCursor, 0, len(st.open))
	for s := range st.open {
		if !s.over && len(s.pending) < eventBatch {
			streams, since = append(streams, s), append(since, postgres.EventCursor{Session: s.session, After: s.after})
		}
	}
	st.mu.Unlock()
	// For all of them, also when the one that asks has gone meanwhile.
	events, err := a.eventsSince(context.WithoutCancel(ctx), dedup(since))
	if err != nil {
		a.Log.WarnContext(ctx, "lab events not read yet", "err", err)
	}
	of := map[string][]hub.LabEvent{}
	for _, e := range events {
		of[e.SessionID] = append(of[e.SessionID], e)
	}
	for _, s := range streams {
		st.give(s, of[s.session])
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.asking, st.asked = false, time.Now()
}

// dedup leaves one cursor for each session, the one that is furthest behind.
func dedup(all []postgres.EventCursor) []postgres.EventCursor {
	at := map[string]int{}
	out := all[:0:0]
	for _, c := range all {
		i, ok := at[c.Session]
		if !ok {
			at[c.Session] = len(out)
			out = append(out, c)
			continue
		}
		out[i].After = min(out[i].After, c.After)
	}
	return out
}

func (st *labStreams) add(s *LabStream) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.of[s.user] >= usersStreams || len(st.open) >= allStreams {
		return &hub.Error{Code: hub.Limit, Message: "Too many event streams are open. Close one first.", RetryAfter: time.Minute}
	}
	if st.open == nil {
		st.open, st.of = map[*LabStream]struct{}{}, map[string]int{}
	}
	st.open[s] = struct{}{}
	st.of[s.user]++
	return nil
}

// cursor is where s stands; others give it events as soon as it is added.
func (st *labStreams) cursor(s *LabStream) postgres.EventCursor {
	st.mu.Lock()
	defer st.mu.Unlock()
	return postgres.EventCursor{Session: s.session, After: s.after}
}

// give adds events that s has not got yet.
func (st *labStreams) give(s *LabStream, events []hub.LabEvent) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range events {
		if e.ID <= s.after || s.over {
			continue
		}
		s.after, s.pending = e.ID, append(s.pending, e)
		if state, _ := e.Data["state"].(string); hub.Ended(state) && endings[e.Type] {
			s.over = true
		}
	}
}

// endings are the last events that a session's readers wait for. That its
// sandbox is gone is told later, to those who still ask.
var endings = map[string]bool{"lab.submitted": true, "lab.expired": true, "lab.stopped": true}

func (st *labStreams) take(s *LabStream) []hub.LabEvent {
	st.mu.Lock()
	defer st.mu.Unlock()
	events := s.pending
	s.pending = nil
	return events
}

func (st *labStreams) end(s *LabStream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.over = true
}

// closing is closed when all streams are to end.
func (st *labStreams) closing() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed == nil {
		st.closed = make(chan struct{})
	}
	return st.closed
}
