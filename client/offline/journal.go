package offline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
)

// Journal is what one account has done and the hub hasn't heard of, in order. It
// is only added to, a line at a time, and each line is on the disk before its
// writer goes on. Processes share it.
type Journal struct{ dir string }

// OpenJournal returns the journal of whoever has token; at the zero place it
// refuses what is added. Nothing is made yet.
func OpenJournal(p Place, token string) Journal {
	if p.State == "" {
		return Journal{}
	}
	return Journal{filepath.Join(p.State, Account(token))}
}

// Waiting counts what everybody has done at a place that the hub hasn't heard of.
func (p Place) Waiting() (n int, err error) {
	all, err := os.ReadDir(p.State)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		err = notRead(err)
	}
	for _, account := range all {
		if account.Type().IsRegular() {
			continue
		}
		events, e := Journal{filepath.Join(p.State, account.Name())}.Waiting()
		n, err = n+len(events), errors.Join(err, e)
	}
	return n, err
}

// A Refused is an event that the hub has refused, and why.
type Refused struct {
	Event   hub.LearningEvent `json:"event"`
	Problem hub.Refusal       `json:"problem"`
	At      time.Time         `json:"at"`
}

// line is one line of the journal: an event, or that some are settled.
type line struct {
	Event   *hub.LearningEvent `json:"event,omitempty"`
	Settled []string           `json:"settled,omitempty"` // ids
}

const (
	mostWaiting = 10_000
	mostLine    = 1 << 20
)

// encode writes l as a line: its checksum, a space, JSON.
func encode(l line) ([]byte, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(b), b), nil
}

// decode reads lines. whole is how many bytes of file they are; what is behind
// was being written when its writer died, who has told nobody that it was done.
// damaged are lines that something else has happened to.
func decode(file []byte) (lines []line, whole int, damaged [][]byte) {
	for {
		text, rest, ok := bytes.Cut(file[whole:], []byte("\n"))
		if !ok {
			return lines, whole, damaged
		}
		var l line
		sum, body, cut := bytes.Cut(text, []byte(" "))
		n, err := strconv.ParseUint(string(sum), 16, 32)
		if !cut || len(sum) != 8 || err != nil || len(body) > mostLine || crc32.ChecksumIEEE(body) != uint32(n) || json.Unmarshal(body, &l) != nil {
			damaged = append(damaged, text)
		} else {
			lines = append(lines, l)
		}
		whole = len(file) - len(rest)
	}
}

// waiting are the events that nobody has settled, each once.
func waiting(lines []line) []hub.LearningEvent {
	settled := map[string]bool{}
	for _, l := range lines {
		for _, id := range l.Settled {
			settled[id] = true
		}
	}
	var all []hub.LearningEvent
	for _, l := range lines {
		if l.Event != nil && !settled[l.Event.ID] {
			settled[l.Event.ID] = true
			all = append(all, *l.Event)
		}
	}
	return all
}

func (j Journal) path() string { return filepath.Join(j.dir, "journal") }

// RefusedPath is the file that says what was refused, a line of JSON for each.
func (j Journal) RefusedPath() string { return filepath.Join(j.dir, "refused.jsonl") }

func (j Journal) damagedPath() string { return filepath.Join(j.dir, "damaged") }

func read(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, nil // of a journal that is nowhere
	}
	file, err := lockfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

func (j Journal) lock(ctx context.Context) (func(), error) {
	if j.dir == "" {
		return nil, notWritten(errors.New("there is no home folder"))
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, notWritten(err)
	}
	unlock, err := lockfile.Lock(ctx, filepath.Join(j.dir, "lock"))
	if err != nil {
		return nil, notWritten(err)
	}
	return unlock, nil
}

func notWritten(err error) error {
	return hub.Wrap(err, hub.Unavailable, "What you do offline can't be kept on this machine.")
}

func notRead(err error) error {
	return hub.Wrap(err, hub.Unavailable, "What you did offline can't be read.")
}

// Waiting returns the events that the hub hasn't heard of, in order.
func (j Journal) Waiting() ([]hub.LearningEvent, error) {
	file, err := read(j.path())
	if err != nil {
		return nil, notRead(err)
	}
	lines, _, _ := decode(file)
	return waiting(lines), nil
}

// Add writes events down. They are on the disk when it returns nil.
func (j Journal) Add(ctx context.Context, events ...hub.LearningEvent) error {
	unlock, err := j.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	lines, err := j.mend()
	if err != nil {
		return err
	}
	before := waiting(lines)
	for _, e := range events {
		if slices.ContainsFunc(before, func(w hub.LearningEvent) bool { return sameAttempt(w, e) }) {
			return written()
		}
	}
	if len(before)+len(events) > mostWaiting {
		return hub.Errorf(hub.Limit, "%d changes wait for the hub already. Let it hear of them first: cmh sync", mostWaiting)
	}
	var all []byte
	for _, e := range events {
		b, err := encode(line{Event: &e})
		if err != nil {
			return notWritten(err)
		}
		all = append(all, b...)
	}
	return appendTo(j.path(), all)
}

func written() error {
	return hub.Wrap(hub.ErrWritten, hub.Unavailable, "Your answers are kept on this machine. The hub marks them when it can be reached: cmh sync shows how they did.")
}

// sameAttempt reports whether two events are one quiz handed in twice.
func sameAttempt(a, b hub.LearningEvent) bool {
	return a.Kind == hub.QuizTaken && b.Kind == hub.QuizTaken && a.CourseID == b.CourseID && a.LessonID == b.LessonID &&
		maps.EqualFunc(a.Answers, b.Answers, slices.Equal[[]string])
}

// mend reads the journal, cuts off what a writer that died has left, and puts
// damaged lines aside. The lock is held.
func (j Journal) mend() ([]line, error) {
	file, err := read(j.path())
	if err != nil {
		return nil, notWritten(err)
	}
	lines, whole, damaged := decode(file)
	if len(damaged) > 0 {
		aside := append(bytes.Join(damaged, []byte("\n")), '\n')
		if err := appendTo(j.damagedPath(), aside); err != nil {
			return nil, err
		}
		if err := j.rewrite(lines); err != nil {
			return nil, err
		}
		return lines, nil
	}
	if whole < len(file) {
		if err := os.Truncate(j.path(), int64(whole)); err != nil {
			return nil, notWritten(err)
		}
	}
	return lines, nil
}

// rewrite replaces the journal by what still waits in it.
func (j Journal) rewrite(lines []line) error {
	var all []byte
	for _, e := range waiting(lines) {
		b, err := encode(line{Event: &e})
		if err != nil {
			return notWritten(err)
		}
		all = append(all, b...)
	}
	if err := replace(j.path(), all); err != nil {
		return notWritten(err)
	}
	return syncDir(j.dir)
}

// Damaged counts lines of the journal that could not be read and were put aside,
// and says where.
func (j Journal) Damaged() (int, string) {
	file, _ := read(j.damagedPath())
	return bytes.Count(file, []byte("\n")), j.damagedPath()
}

func appendTo(path string, b []byte) error {
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return notWritten(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(b); err != nil {
		return notWritten(err)
	}
	if err := f.Sync(); err != nil {
		return notWritten(err)
	}
	if fresh {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

// syncDir makes a new name in a folder last. Not every system can.
func syncDir(dir string) error {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// A Replayed is what became of what had waited.
type Replayed struct {
	Recorded int                        // events that the hub has, now or since before
	Refused  []Refused                  // in this replay
	Quizzes  map[string]*hub.QuizResult // by "course lesson", of those that were marked
}

const batch = 100 // events, the most that the hub takes at once

// Replay tells the hub of what waits, in order, and settles what it answers to.
// Nothing is locked while the hub is asked: other processes go on, and may tell
// of the same, which happens once all the same. It may be called when nothing
// waits.
func (j Journal) Replay(ctx context.Context, tell func(context.Context, []hub.LearningEvent) ([]hub.EventResult, error)) (Replayed, error) {
	done := Replayed{Quizzes: map[string]*hub.QuizResult{}}
	events, err := j.Waiting()
	if err != nil || len(events) == 0 {
		return done, err
	}
	for size := batch; len(events) > 0; {
		some := events[:min(len(events), size)]
		results, err := tell(ctx, some)
		if hub.CodeOf(err) == hub.Invalid {
			// One that the hub won't even read must not hold up the others.
			if len(some) > 1 {
				size = len(some) / 2
				continue
			}
			results, err = []hub.EventResult{{ID: some[0].ID, Status: hub.EventRefused, Problem: &hub.Refusal{Code: hub.Invalid, Detail: hub.MessageOf(err)}}}, nil
		}
		if err != nil {
			return done, err
		}
		size = batch
		if !slices.EqualFunc(some, results, func(e hub.LearningEvent, r hub.EventResult) bool { return e.ID == r.ID }) {
			return done, hub.Errorf(hub.Internal, "The hub did not say what became of everything. Nothing is lost: it will be told again.")
		}
		if events, err = j.settle(ctx, some, results, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

// settle writes down what the hub has answered to events, and returns what waits
// then. What another process has settled meanwhile, it has reported too.
func (j Journal) settle(ctx context.Context, events []hub.LearningEvent, results []hub.EventResult, done *Replayed) ([]hub.LearningEvent, error) {
	// The answer is here: who gives up now would only have to ask again.
	unlock, err := j.lock(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	defer unlock()
	lines, err := j.mend()
	if err != nil {
		return nil, err
	}
	before := map[string]bool{}
	for _, e := range waiting(lines) {
		before[e.ID] = true
	}
	var (
		refused []byte
		ids     []string
		news    Replayed
	)
	for i, e := range events {
		if !before[e.ID] {
			continue
		}
		ids = append(ids, e.ID)
		if results[i].Status != hub.EventRefused {
			news.Recorded++
			if q := results[i].Quiz; q != nil {
				done.Quizzes[e.CourseID+" "+e.LessonID] = q
			}
			continue
		}
		r := Refused{Event: e, At: time.Now().UTC().Truncate(time.Second)}
		if p := results[i].Problem; p != nil {
			r.Problem = *p
		}
		b, err := json.Marshal(r)
		if err != nil {
			return nil, notWritten(err)
		}
		refused = append(append(refused, b...), '\n')
		news.Refused = append(news.Refused, r)
	}
	// Refusals first, so that none is lost if this process dies before the second
	// line.
	if len(refused) > 0 {
		if err := appendTo(j.RefusedPath(), refused); err != nil {
			return nil, err
		}
	}
	lines = append(lines, line{Settled: ids})
	left := waiting(lines)
	if len(left) == 0 {
		err = j.rewrite(nil)
	} else if len(ids) > 0 {
		var b []byte
		if b, err = encode(line{Settled: ids}); err == nil {
			err = appendTo(j.path(), b)
		}
	}
	if err != nil {
		return nil, err
	}
	done.Recorded += news.Recorded
	done.Refused = append(done.Refused, news.Refused...)
	return left, nil
}
