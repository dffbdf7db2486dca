package offline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

func event(lesson string) hub.LearningEvent {
	return hub.LearningEvent{ID: hub.NewEventID(), Kind: hub.LessonDone, CourseID: "one", LessonID: lesson, OccurredAt: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
}

func journal(t *testing.T) Journal {
	t.Helper()
	return OpenJournal(Place{State: t.TempDir()}, "token")
}

func mustWait(t *testing.T, j Journal, want ...hub.LearningEvent) {
	t.Helper()
	got, err := j.Waiting()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what waits (-want +got):\n%s", diff)
	}
}

// A writer may die at any byte of what it writes: all that was acknowledged is
// there, and what comes next is not hurt by what it left.
func TestAJournalThatWasCutAnywhere(t *testing.T) {
	t.Parallel()
	a, b, c := event("a"), event("b"), event("c")
	whole := journal(t)
	for _, e := range []hub.LearningEvent{a, b} {
		if err := whole.Add(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(whole.path())
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(file, '\n') + 1
	for n := range len(file) {
		j := journal(t)
		if err := os.MkdirAll(j.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(j.path(), file[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := j.Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if n < first {
			mustWait(t, j, c)
		} else {
			mustWait(t, j, a, c)
		}
		if n, _ := j.Damaged(); n > 0 {
			t.Fatal("half a line is no damage")
		}
	}
}

// A bad disk takes one line, not the others, and says so.
func TestADamagedLineIsPutAside(t *testing.T) {
	t.Parallel()
	j, a, b, c := journal(t), event("a"), event("b"), event("c")
	if err := j.Add(t.Context(), a, b); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(j.path())
	if err != nil {
		t.Fatal(err)
	}
	file[20] ^= 1
	if err := os.WriteFile(j.path(), file, 0o600); err != nil {
		t.Fatal(err)
	}
	mustWait(t, j, b)
	if err := j.Add(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	mustWait(t, j, b, c)
	if n, _ := j.Damaged(); n != 1 {
		t.Errorf("%d lines put aside, want 1", n)
	}
}

// Many processes write at once, and one tells the hub meanwhile, which drops
// answers: everything is told, each in its order, and settled once.
func TestManyWritersAndOneTeller(t *testing.T) {
	t.Parallel()
	j := journal(t)
	var (
		writers sync.WaitGroup
		told    = map[string]int{}
		calls   int
	)
	tell := func(_ context.Context, events []hub.LearningEvent) ([]hub.EventResult, error) {
		calls++
		results := make([]hub.EventResult, 0, len(events))
		for _, e := range events {
			status := hub.EventApplied
			if told[e.ID]++; told[e.ID] > 1 {
				status = hub.EventDuplicate
			}
			results = append(results, hub.EventResult{ID: e.ID, Status: status})
		}
		if calls%3 == 1 {
			return nil, errors.New("the answer was lost")
		}
		return results, nil
	}
	for w := range 4 {
		writers.Go(func() {
			for i := range 10 {
				if err := j.Add(t.Context(), event(fmt.Sprintf("l-%d-%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	recorded := 0
	for range 5 {
		r, _ := j.Replay(t.Context(), tell)
		recorded += r.Recorded
	}
	writers.Wait()
	for {
		r, err := j.Replay(t.Context(), tell)
		recorded += r.Recorded
		if err == nil {
			break
		}
	}
	if recorded != 40 || len(told) != 40 {
		t.Errorf("%d recorded, %d told, want 40", recorded, len(told))
	}
	mustWait(t, j)
}

// While one process waits for the hub, others write, and tell of the same: all is
// told, and what became of each is reported by one of them.
func TestNobodyWaitsForTheHub(t *testing.T) {
	t.Parallel()
	j, a, b, c := journal(t), event("a"), event("b"), event("c")
	if err := j.Add(t.Context(), a, b); err != nil {
		t.Fatal(err)
	}
	heard := map[string]int{}
	answer := func(events []hub.LearningEvent) (results []hub.EventResult) {
		for _, e := range events {
			status := hub.EventApplied
			if heard[e.ID]++; heard[e.ID] > 1 {
				status = hub.EventDuplicate
			}
			r := hub.EventResult{ID: e.ID, Status: status}
			if e.LessonID == "b" {
				r.Status, r.Problem = hub.EventRefused, &hub.Refusal{Code: hub.Forbidden, Detail: "For premium members."}
			}
			results = append(results, r)
		}
		return results
	}
	var second Replayed
	first, err := j.Replay(t.Context(), func(_ context.Context, events []hub.LearningEvent) ([]hub.EventResult, error) {
		results := answer(events)
		if heard[c.ID] > 0 {
			return results, nil
		}
		if err := j.Add(t.Context(), c); err != nil {
			return nil, err
		}
		var err error
		second, err = j.Replay(t.Context(), func(_ context.Context, events []hub.LearningEvent) ([]hub.EventResult, error) {
			return answer(events), nil
		})
		return results, err
	})
	if err != nil || first.Recorded+second.Recorded != 2 || len(first.Refused)+len(second.Refused) != 1 {
		t.Errorf("the first has told %+v, the second %+v, %v", first, second, err)
	}
	mustWait(t, j)
	if kept, err := os.ReadFile(j.RefusedPath()); err != nil || bytes.Count(kept, []byte("\n")) != 1 {
		t.Errorf("kept: %s, %v", kept, err)
	}
	if heard[a.ID] != 2 || heard[c.ID] != 1 {
		t.Errorf("heard: %v", heard)
	}
}

// A refusal is written where it can be read before it is settled, and one that
// was refused stops no other.
func TestRefusalsAreKept(t *testing.T) {
	t.Parallel()
	j, a, b := journal(t), event("a"), event("b")
	if err := j.Add(t.Context(), a, b); err != nil {
		t.Fatal(err)
	}
	r, err := j.Replay(t.Context(), func(context.Context, []hub.LearningEvent) ([]hub.EventResult, error) {
		return []hub.EventResult{
			{ID: a.ID, Status: hub.EventRefused, Problem: &hub.Refusal{Code: hub.Forbidden, Detail: "For premium members."}}, {ID: b.ID, Status: hub.EventApplied},
		}, nil
	})
	if err != nil || r.Recorded != 1 || len(r.Refused) != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	mustWait(t, j)
	kept, err := os.ReadFile(j.RefusedPath())
	if err != nil || !bytes.Contains(kept, []byte(a.ID)) || !bytes.Contains(kept, []byte("For premium members.")) {
		t.Errorf("kept: %s, %v", kept, err)
	}
}

// One event that the hub won't read is found among the others, and holds none up.
func TestOneThatCannotBeReadStopsNoOther(t *testing.T) {
	t.Parallel()
	j, bad := journal(t), event("bad")
	all := []hub.LearningEvent{event("a"), event("b"), bad, event("c"), event("d")}
	if err := j.Add(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	r, err := j.Replay(t.Context(), func(_ context.Context, some []hub.LearningEvent) (results []hub.EventResult, err error) {
		for _, e := range some {
			if e.ID == bad.ID {
				return nil, hub.Errorf(hub.Invalid, "Nothing was recorded.")
			}
			results = append(results, hub.EventResult{ID: e.ID, Status: hub.EventApplied})
		}
		return results, nil
	})
	if err != nil || r.Recorded != 4 || len(r.Refused) != 1 || r.Refused[0].Event.ID != bad.ID {
		t.Errorf("got %+v, %v", r, err)
	}
	mustWait(t, j)
}

// What ada did is not told as bob's, who signs in elsewhere while it is told.
func TestNothingIsToldAsSomebodyElse(t *testing.T) {
	t.Parallel()
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer srv.Close()
	place := Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}
	ada, bob, calls := token("ada", "1"), token("bob", "1"), 0
	h := New(client.New(srv.URL), client.New(srv.URL), OpenCache(place), place, false, func(context.Context) (string, error) {
		if calls++; calls > 2 {
			return bob, nil
		}
		return ada, nil
	})
	did := event("a")
	if err := OpenJournal(place, ada).Add(t.Context(), did); err != nil {
		t.Fatal(err)
	}
	if r, err := h.Catch(t.Context()); hub.CodeOf(err) != hub.Conflict || r.Recorded != 0 || asked != 0 {
		t.Errorf("got %+v, %v, and the hub was asked %d times", r, err, asked)
	}
	mustWait(t, OpenJournal(place, ada), did)
}

// A hub that answers to something else settles nothing.
func TestAnAnswerThatDoesNotFitSettlesNothing(t *testing.T) {
	t.Parallel()
	j, a := journal(t), event("a")
	if err := j.Add(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for _, results := range [][]hub.EventResult{nil, {{ID: hub.NewEventID(), Status: hub.EventApplied}}} {
		_, err := j.Replay(t.Context(), func(context.Context, []hub.LearningEvent) ([]hub.EventResult, error) { return results, nil })
		if err == nil {
			t.Error("it is believed")
		}
		mustWait(t, j, a)
	}
}

func TestNoPlaceKeepsNothing(t *testing.T) {
	t.Parallel()
	if err := OpenJournal(Place{}, "token").Add(t.Context(), event("a")); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("got %v", err)
	}
}

// Everybody's is counted, whatever the folder is called, and what can't be read is
// no nothing.
func TestWhatWaitsAtAPlace(t *testing.T) {
	t.Parallel()
	p := Place{State: filepath.Join(t.TempDir(), "a[b", "state")}
	if n, err := p.Waiting(); n != 0 || err != nil {
		t.Errorf("where nothing is: %d, %v", n, err)
	}
	for _, who := range []string{"ada", "bob"} {
		if err := OpenJournal(p, token(who, "1")).Add(t.Context(), event(who)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.State, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Waiting(); n != 2 || err != nil {
		t.Errorf("of two: %d, %v", n, err)
	}
	if err := os.MkdirAll(filepath.Join(p.State, "odd", "journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Waiting(); n != 2 || hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("of two and what is no journal: %d, %v", n, err)
	}
	p.State = filepath.Join(p.State, "file")
	if n, err := p.Waiting(); n != 0 || hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("where no folder is: %d, %v", n, err)
	}
}

// The same answers are one attempt, however often they are handed in.
func TestAnswersWaitOnce(t *testing.T) {
	t.Parallel()
	j, a := journal(t), event("a")
	a.Kind, a.Answers = hub.QuizTaken, map[string][]string{"q": {"x"}}
	b := a
	b.ID = hub.NewEventID()
	if err := j.Add(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := j.Add(t.Context(), b); !errors.Is(err, hub.ErrWritten) {
		t.Errorf("got %v", err)
	}
	mustWait(t, j, a)
}

func FuzzJournal(f *testing.F) {
	b, _ := encode(line{Event: &hub.LearningEvent{ID: "x"}})
	f.Add(b)
	f.Add(append(b, "half"...))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, whole, damaged := decode(file)
		if whole > len(file) || len(lines)+len(damaged) != bytes.Count(file, []byte("\n")) || bytes.IndexByte(file[whole:], '\n') >= 0 {
			t.Errorf("%d lines and %d damaged, %d bytes of %q", len(lines), len(damaged), whole, file)
		}
		if n := len(waiting(lines)); n > len(lines) {
			t.Errorf("%d wait in %d lines", n, len(lines))
		}
	})
}
