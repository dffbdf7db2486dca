package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/cast"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// Bounds of what is kept.
const (
	recordingLimit  = 8 << 20  // bytes of one recording
	recordingsLimit = 64 << 20 // of all of one learner
	recordingsCount = 200      // of one learner
	unsavedLimit    = 1 << 20  // bytes of one that wait for the database
	recordChunk     = 32 << 10
	recordPause     = 2 * time.Second // between two writes: what a killed server may lose
)

// RecordLab switches the recording of the caller's session on or off, for
// shells that are attached to from now on.
func (a Actor) RecordLab(ctx context.Context, ref string, on bool) (s hub.LabRecording, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return s, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.RecordLab(ctx, r.ID, on) })
	return hub.LabRecording{SessionID: r.ID, Recording: on}, err
}

// LabRecording says whether the caller's session is recorded.
func (a Actor) LabRecording(ctx context.Context, ref string) (s hub.LabRecording, err error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return s, err
	}
	s.SessionID = r.ID
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		s.Recording, err = tx.LabRecorded(ctx, r.ID)
		return err
	})
	return s, err
}

// Recordings lists the caller's recordings, the newest first.
func (a Actor) Recordings(ctx context.Context) (rs []hub.Recording, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		rs, err = tx.Recordings(ctx, a.user.ID)
		return err
	})
	return rs, err
}

// Recording returns one of the caller's recordings, as an asciicast.
func (a Actor) Recording(ctx context.Context, id string) (file []byte, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, events, err := tx.Recording(ctx, a.user.ID, id)
		h := cast.Header{Width: r.Columns, Height: r.Rows, Timestamp: r.StartedAt.Unix(), Title: r.Title}
		if r.Term != "" {
			h.Env = map[string]string{"TERM": r.Term}
		}
		file = append(h.Line(), events...)
		return err
	})
	return file, err
}

// RemoveRecording deletes one of the caller's recordings, also while it is
// being made: then it ends.
func (a Actor) RemoveRecording(ctx context.Context, id string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.RemoveRecording(ctx, a.user.ID, id) })
}

// Recorder begins to record a visit to a session's shell, when its learner
// wants that; otherwise it is nil. notice is for the learner, whatever came of
// it. The caller closes it.
func (a *App) Recorder(ctx context.Context, session, term string, columns, rows int) (rec *Recorder, notice string, err error) {
	var on bool
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		on, err = tx.LabRecorded(ctx, session)
		return err
	})
	if err != nil || !on { // most are not, and who attaches waits for the answer
		return nil, "", err
	}
	var r hub.Recording
	user := ""
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		run, err := tx.LabRun(ctx, session)
		if err != nil {
			return err
		}
		user = run.UserID
		// What a killed server began; a shell says something at once.
		if err := tx.RemoveEmptyRecordings(ctx, user, a.now().Add(-time.Hour)); err != nil {
			return err
		}
		n, kept, err := tx.Recorded(ctx, user)
		switch {
		case err != nil:
			return err
		case kept >= recordingsLimit:
			notice = words.Kept("Not recorded: your recordings take all of their 64 MiB. Remove some with: cmh lab recordings delete")
			return nil
		case n >= recordingsCount:
			notice = words.Kept("Not recorded: you have as many recordings as are kept. Remove some with: cmh lab recordings delete")
			return nil
		}
		r = hub.Recording{
			ID: "r-" + strings.ToLower(rand.Text())[:10], SessionID: session, LabID: run.LabID, Title: run.Title,
			Columns: columns, Rows: rows, Term: term, StartedAt: a.now(),
		}
		return tx.AddRecording(ctx, user, r)
	})
	if err != nil || r.ID == "" {
		return nil, notice, err
	}
	rec = &Recorder{app: a, user: user, id: r.ID, began: time.Now(), full: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	go rec.run(context.WithoutCancel(ctx))
	return rec, words.Kept("What this shell prints is recorded. Not any more: cmh lab record off"), nil
}

// A Recorder writes what a shell prints. It never holds up the shell: what
// can't be stored is lost, and the recording ends.
type Recorder struct {
	app   *App
	user  string
	id    string
	began time.Time
	full  chan struct{} // a chunk has come together
	done  chan struct{} // closed by Close
	ended chan struct{}

	mu     sync.Mutex
	buf    bytes.Buffer
	rest   []byte // a character in pieces
	size   int
	over   bool
	closed sync.Once
}

// Write records output. It never fails.
func (r *Recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := append(r.rest, p...)
	n := characters(b)
	r.rest = append([]byte(nil), b[n:]...)
	r.add(cast.Output, string(b[:n]))
	return len(p), nil
}

// characters is how much of b is whole characters.
func characters(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// Resize records the size of the terminal.
func (r *Recorder) Resize(columns, rows int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(cast.Resize, strconv.Itoa(columns)+"x"+strconv.Itoa(rows))
}

func (r *Recorder) add(kind, data string) {
	if r.over || data == "" {
		return
	}
	line := cast.Event{At: time.Since(r.began), Kind: kind, Data: strings.ToValidUTF8(data, "\ufffd")}.Line()
	switch {
	case r.size+len(line) > recordingLimit:
		line, r.over = r.ending("it is as long as one may be"), true
	case r.buf.Len()+len(line) > unsavedLimit:
		line, r.over = r.ending("more was printed than could be stored"), true
	}
	r.size += len(line)
	r.buf.Write(line)
	if r.buf.Len() >= recordChunk {
		select {
		case r.full <- struct{}{}:
		default:
		}
	}
}

// ending is the last event of a recording that ends before its shell.
func (r *Recorder) ending(why string) []byte {
	return cast.Event{At: time.Since(r.began), Kind: cast.Output, Data: "\x1b[m\r\n[The recording ends here: " + why + ".]\r\n"}.Line()
}

// Close writes what is left.
func (r *Recorder) Close() error {
	r.closed.Do(func() { close(r.done) })
	<-r.ended
	return nil
}

// run stores chunks until the recorder is closed. A recording of nothing is not
// kept.
func (r *Recorder) run(ctx context.Context) {
	defer close(r.ended)
	tick := time.NewTicker(recordPause)
	defer tick.Stop()
	number := 0
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-r.full:
		case <-r.done:
			last = true
		}
		r.mu.Lock()
		chunk := bytes.Clone(r.buf.Bytes())
		r.buf.Reset()
		r.mu.Unlock()
		if len(chunk) == 0 {
			continue
		}
		more, err := r.store(ctx, number, chunk)
		number++
		if more {
			continue
		}
		if err != nil && hub.CodeOf(err) != hub.NotFound { // deleted: nobody wants it
			r.app.Log.WarnContext(ctx, "recording not stored", "recording", r.id, "err", err)
		}
		r.mu.Lock()
		r.over = true
		r.buf.Reset()
		r.mu.Unlock()
	}
	if number > 0 {
		return
	}
	err := r.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.RemoveRecording(ctx, r.user, r.id) })
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		r.app.Log.WarnContext(ctx, "empty recording not removed", "recording", r.id, "err", err)
	}
}

// store stores a chunk, or, where the learner's share has no room for it, that
// the recording ends. It reports whether more may follow.
func (r *Recorder) store(ctx context.Context, number int, chunk []byte) (more bool, err error) {
	err = r.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		_, kept, err := tx.Recorded(ctx, r.user)
		if err != nil {
			return err
		}
		data := chunk
		if more = kept+int64(len(chunk)) <= recordingsLimit; !more {
			data = r.ending("your recordings take all of their 64 MiB")
		}
		return tx.AppendRecording(ctx, r.id, number, data, time.Since(r.began))
	})
	return more && err == nil, err
}
