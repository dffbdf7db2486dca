package testscript

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/offline"
)

// traveller is somebody who learns offline with the real program, which is killed
// now and then.
type traveller struct {
	t       *testing.T
	program string
	hub     *url.URL
	home    string
	token   string
	userID  string
	relay   *httptest.Server

	mu   sync.Mutex
	when func(w http.ResponseWriter, r *http.Request, body []byte) // what happens to the next batch
}

const told = "/v1/users/progress/batch"

func travel(t *testing.T, bin string, h hubServer) *traveller {
	t.Helper()
	name := "k" + strings.ToLower(rand.Text()[:10])
	login, err := client.New(h.api).Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: rand.Text()})
	if err != nil {
		t.Fatal(err)
	}
	v := &traveller{t: t, program: filepath.Join(bin, "cmh"), home: t.TempDir(), token: login.AccessToken, userID: login.User.ID}
	if v.hub, err = url.Parse(h.api); err != nil {
		t.Fatal(err)
	}
	on := httputil.NewSingleHostReverseProxy(v.hub)
	v.relay = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		when := v.when
		v.mu.Unlock()
		if r.URL.Path != told || when == nil {
			on.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		when(w, r, body)
	}))
	t.Cleanup(v.relay.Close)
	return v
}

// pass hands a batch on and returns the hub's answer.
func (v *traveller) pass(r *http.Request, body []byte) []byte {
	on, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, v.hub.String()+told, bytes.NewReader(body))
	if err != nil {
		v.t.Error(err)
		return nil
	}
	on.Header = r.Header.Clone()
	on.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(on)
	if err != nil {
		v.t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.t.Errorf("the hub answers %s: %s, %v", resp.Status, answer, err)
	}
	return answer
}

func (v *traveller) getenv(state string) func(string) string {
	return func(name string) string {
		switch name {
		case "XDG_STATE_HOME":
			return state
		case "CMH_SERVER":
			return v.relay.URL
		case "HOME":
			return v.home
		case "CMH_TOKEN":
			return v.token
		case "CMH_CONFIG_DIR":
			return filepath.Join(v.home, "config")
		}
		return ""
	}
}

func (v *traveller) command(state string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(v.t.Context(), v.program, args...)
	for _, name := range []string{"XDG_STATE_HOME", "CMH_SERVER", "HOME", "CMH_TOKEN", "CMH_CONFIG_DIR"} {
		cmd.Env = append(cmd.Env, name+"="+v.getenv(state)(name))
	}
	cmd.Env = append(cmd.Env, counting()...)
	return cmd
}

// run runs cmh to its end and returns what it prints.
func (v *traveller) run(state string, args ...string) []byte {
	v.t.Helper()
	cmd := v.command(state, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("cmh %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return out
}

// waits is what cmh says that the hub hasn't heard of.
func (v *traveller) waits(state string) (lessons []string) {
	v.t.Helper()
	var r struct{ Waiting []hub.LearningEvent }
	if err := json.Unmarshal(v.run(state, "sync", "--dry-run", "--offline", "--json"), &r); err != nil {
		v.t.Fatal(err)
	}
	for _, e := range r.Waiting {
		lessons = append(lessons, e.LessonID)
	}
	return lessons
}

// count asks the hub's database.
func (v *traveller) count(databaseURL, table, where string) (n int) {
	v.t.Helper()
	c, err := pgx.Connect(v.t.Context(), databaseURL)
	if err != nil {
		v.t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(v.t.Context()))
	if err := c.QueryRow(v.t.Context(), "SELECT count(*) FROM "+table+" WHERE user_id = $1"+where, v.userID).Scan(&n); err != nil {
		v.t.Fatal(err)
	}
	return n
}

// cmh is killed while it writes down what was done, as soon as each of its steps
// is seen on the disk: whatever it has said that it kept is there, once, and the
// next command goes on from there.
func TestKilledWhileItWrites(t *testing.T) {
	bin := build(t, "cmh", "cmh-server", "lab-agent")
	h := serve(t, bin)
	v := travel(t, bin, h)
	v.run(t.TempDir(), "course", "enroll", "linux-shell")
	v.run(t.TempDir(), "sync")
	course, err := client.New(h.api).Course(t.Context(), "linux-shell")
	if err != nil || len(course.Lessons) < 2 {
		t.Fatalf("%d lessons, %v", len(course.Lessons), err)
	}
	first, second := course.Lessons[0].ID, course.Lessons[1].ID
	holds := func(path string, size int64) func() bool {
		return func() bool {
			i, err := os.Stat(path)
			return err == nil && i.Size() >= size
		}
	}
	for step := range 5 {
		state := t.TempDir()
		place, err := offline.At(v.relay.URL, v.getenv(state))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(place.State, offline.Account(v.token))
		seen := []func() bool{
			func() bool { return true },
			holds(dir, 0),
			holds(filepath.Join(dir, "lock"), 0),
			holds(filepath.Join(dir, "journal"), 0),
			holds(filepath.Join(dir, "journal"), 1),
		}[step]
		cmd := v.command(state, "lesson", "done", "linux-shell", first, "--offline")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		look := time.NewTicker(time.Millisecond)
		for runs := true; runs; {
			select {
			case err = <-ended:
				runs = false
			case <-look.C:
				if seen() {
					_ = cmd.Process.Kill() // which may come too late
					err, runs = <-ended, false
				}
			}
		}
		look.Stop()
		said := err == nil
		got := v.waits(state)
		if len(got) > 1 || len(got) == 1 && got[0] != first || said && len(got) != 1 {
			t.Errorf("step %d: it has said that it is kept: %v; there is %v", step, said, got)
		}
		v.run(state, "lesson", "done", "linux-shell", second, "--offline")
		if after := v.waits(state); strings.Join(after, " ") != strings.Join(append(got, second), " ") {
			t.Errorf("step %d: after %v there is %v", step, got, after)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "damaged")); found != nil {
			t.Errorf("step %d: half a line is taken for damage", step)
		}
		t.Logf("step %d: killed: %v, kept: %v", step, !said, got)
	}
}

// cmh is killed at each step of telling the hub: before the hub hears of it, when
// it has and nobody knows, in the middle of its answer, and between two batches.
// In the end each thing has happened once.
func TestKilledWhileItTells(t *testing.T) {
	bin := build(t, "cmh", "cmh-server", "lab-agent")
	h := serve(t, bin)
	v := travel(t, bin, h)
	state := t.TempDir()
	v.run(state, "course", "enroll", "linux-shell")
	course, err := client.New(h.api).Course(t.Context(), "linux-shell")
	if err != nil {
		t.Fatal(err)
	}
	var events []hub.LearningEvent
	event := func(kind, lesson string) {
		e := hub.LearningEvent{ID: hub.NewEventID(), Kind: kind, CourseID: "linux-shell", LessonID: lesson, OccurredAt: time.Now().UTC().Truncate(time.Millisecond)}
		if kind == hub.QuizTaken {
			e.Answers = map[string][]string{"owner": {"b"}}
		}
		events = append(events, e)
	}
	event(hub.QuizTaken, "permissions")
	for i := range 120 { // more than one batch
		event(hub.LessonDone, course.Lessons[i%len(course.Lessons)].ID)
	}
	event(hub.LessonDone, "no-such-lesson") // is refused
	place, err := offline.At(v.relay.URL, v.getenv(state))
	if err != nil {
		t.Fatal(err)
	}
	journal := offline.OpenJournal(place, v.token)
	if err := journal.Add(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name  string
		waits int // after
		batch func(kill func(), w http.ResponseWriter, r *http.Request, body []byte)
	}{
		{"before the hub hears", 122, func(kill func(), _ http.ResponseWriter, _ *http.Request, _ []byte) { kill() }},
		{"when it has heard", 122, func(kill func(), _ http.ResponseWriter, r *http.Request, body []byte) {
			v.pass(r, body)
			kill()
		}},
		{"in the middle of its answer", 122, func(kill func(), w http.ResponseWriter, r *http.Request, body []byte) {
			answer := v.pass(r, body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer[:len(answer)/2])
			_ = http.NewResponseController(w).Flush()
			kill()
		}},
		{"between two batches", 22, func(kill func(), w http.ResponseWriter, r *http.Request, body []byte) {
			if !bytes.Contains(body, []byte(events[0].ID)) {
				kill()
				return
			}
			answer := v.pass(r, body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer)
		}},
		{"when it has heard the rest", 22, func(kill func(), _ http.ResponseWriter, r *http.Request, body []byte) {
			v.pass(r, body)
			kill()
		}},
	} {
		cmd := v.command(state, "sync", "--json")
		started, ended := make(chan struct{}), make(chan struct{})
		var killed atomic.Bool
		v.mu.Lock()
		v.when = func(w http.ResponseWriter, r *http.Request, body []byte) {
			step.batch(func() {
				<-started
				killed.Store(true)
				_ = cmd.Process.Kill()
				<-ended
			}, w, r, body)
		}
		v.mu.Unlock()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		_ = cmd.Wait()
		close(ended)
		v.mu.Lock()
		v.when = nil
		v.mu.Unlock()
		if waits := v.waits(state); !killed.Load() || len(waits) != step.waits {
			t.Fatalf("killed %s (%v): %d wait, want %d", step.name, killed.Load(), len(waits), step.waits)
		}
	}
	var last offlineResult
	if err := json.Unmarshal(v.run(state, "sync", "--json"), &last); err != nil {
		t.Fatal(err)
	}
	if len(last.Waiting) != 0 || last.Recorded != 21 || len(last.Refused) != 1 {
		t.Errorf("the last one tells %+v", last)
	}
	kept, err := os.ReadFile(journal.RefusedPath())
	if err != nil || bytes.Count(kept, []byte("\n")) != 1 {
		t.Errorf("refused: %s, %v", kept, err)
	}
	for what, n := range map[[2]string]int{
		{"quiz_attempts", ""}:                             1,
		{"replayed_events", ""}:                           121,
		{"events", " AND type = 'quiz.taken'"}:            1,
		{"events", " AND type = 'lesson.completed'"}:      len(course.Lessons),
		{"events", " AND type = 'course.enrolled'"}:       1,
		{"replayed_events", " AND outcome IS NOT NULL"}:   121,
		{"replayed_events", " AND outcome ? 'quiz'"}:      1,
		{"quiz_attempts", " AND lesson_id='permissions'"}: 1,
	} {
		if got := v.count(h.databaseURL, what[0], what[1]); got != n {
			t.Errorf("%d rows in %s%s, want %d", got, what[0], what[1], n)
		}
	}
}

type offlineResult struct {
	Recorded int
	Refused  []offline.Refused
	Waiting  []hub.LearningEvent
}
