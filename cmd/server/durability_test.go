package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// thorough is how often something is tried: few times whenever tests run, and
// often where promises are.
func thorough(few, often int) int {
	if os.Getenv("CMH_TEST_THOROUGH") != "" {
		return often
	}
	return few
}

// The server is killed at random points while eight learners write progress.
// What was acknowledged is there after each restart.
func TestKillLosesNoAcknowledgedProgress(t *testing.T) {
	t.Parallel()
	killUnderWriters(t, thorough(5, 20), func(s *process) {
		s.kill()
		s.start()
	})
}

// So is it when all of PostgreSQL is killed at once, and the server goes on.
func TestKillOfTheDatabaseLosesNoAcknowledgedProgress(t *testing.T) {
	t.Parallel()
	killUnderWriters(t, thorough(2, 10), func(s *process) {
		killDatabase(s)
		s.eventually("/readyz", http.StatusOK)
	})
}

// killDatabase kills the server's own PostgreSQL, every process of it.
func killDatabase(s *process) {
	s.t.Helper()
	pid := postmaster(s)
	all := append([]int{pid}, children(s.t, pid)...)
	for _, p := range all {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			s.t.Fatal(err)
		}
	}
	until(s.t, "PostgreSQL is started anew", func() bool {
		now, err := readPostmaster(s)
		return err == nil && now != pid
	})
}

func postmaster(s *process) int {
	s.t.Helper()
	pid, err := readPostmaster(s)
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

func readPostmaster(s *process) (int, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(first)
}

func killUnderWriters(t *testing.T, rounds int, killed func(*process)) {
	t.Helper()
	s := newServer(t)
	s.start()
	type place struct {
		learner int
		lesson  string
	}
	var (
		mu       sync.Mutex
		acked    = map[place]int{}
		learners [8]*client.Client
		written  int
		when     = rand.New(rand.NewPCG(52, uint64(rounds)))
	)
	course := firstCourse(t, s.client())
	for i := range learners {
		learners[i] = s.client()
		name := fmt.Sprintf("learner%d", i)
		if _, err := learners[i].Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: password}); err != nil {
			t.Fatal(err)
		}
		if _, err := learners[i].Enroll(t.Context(), course.Slug); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, c := range learners {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					p := place{i, course.Lessons[n%len(course.Lessons)].ID}
					mu.Lock()
					percent := min(acked[p]+1, 99)
					mu.Unlock()
					_, err := c.RecordProgress(ctx, []hub.ProgressEntry{{CourseID: course.Slug, LessonID: p.lesson, ProgressPercentage: percent}})
					if err != nil {
						continue // killed, or on a connection of before the last kill
					}
					mu.Lock()
					acked[p] = max(acked[p], percent)
					written++
					mu.Unlock()
				}
			})
		}
		mu.Lock()
		least := written + 10 + when.IntN(60)
		mu.Unlock()
		until(t, "enough is acknowledged", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return written >= least
		})
		stopped := make(chan struct{})
		go func() { // while the writers go on
			defer close(stopped)
			<-time.After(50 * time.Millisecond)
			stop()
		}()
		killed(s)
		<-stopped
		wg.Wait()
		for i, c := range learners {
			var ps []hub.CourseProgress
			until(t, "progress is told", func() (ok bool) {
				var err error
				ps, err = c.Progress(t.Context())
				return err == nil
			})
			have := map[string]int{}
			for _, p := range ps {
				for _, l := range p.Lessons {
					have[l.LessonID] = l.Percentage
				}
			}
			for p, want := range acked {
				if p.learner == i && have[p.lesson] < want {
					t.Errorf("learner %d, %s: %d %% was acknowledged, %d %% is left", i, p.lesson, want, have[p.lesson])
				}
			}
		}
	}
	t.Logf("%d writes were acknowledged over %d kills", written, rounds)
	if written < 20*rounds/2 {
		t.Errorf("only %d writes were acknowledged: nothing was tested", written)
	}
	s.stop()
}

// Three answers of ten get lost on the way. Whoever repeats with the same
// Idempotency-Key, until one arrives, has done it once.
func TestLostAnswersDuplicateNothing(t *testing.T) {
	t.Parallel()
	db := database(t)
	s := onDatabase(t, db)
	s.start()
	var (
		mu      sync.Mutex
		chance  = rand.New(rand.NewPCG(54, 54))
		dropped atomic.Int64
	)
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header.Clone()
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		lost := chance.Float64() < 0.3
		mu.Unlock()
		if lost {
			dropped.Add(1)
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body)
	}))
	defer lossy.Close()
	l, err := s.client().Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, key, body string) (status int, answer string, err error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, lossy.URL+path, strings.NewReader(body))
		if err != nil {
			return 0, "", err
		}
		req.Header.Set("Authorization", "Bearer "+l.AccessToken)
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	course, lesson := firstQuiz(t, s)
	path := "/v1/courses/" + course + "/lessons/" + lesson + "/quiz"
	const writers, each = 8, 15
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				for tries := 0; ; tries++ {
					status, answer, err := post(path, fmt.Sprintf("attempt-%d-%d", w, n), `{"answers":{}}`)
					if err == nil && status == http.StatusOK {
						break
					}
					if err == nil && status != http.StatusConflict || tries > 100 { // the first is still under way
						t.Errorf("%d %s, %v", status, answer, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := query(t, db, `SELECT count(*) FROM quiz_attempts`)[0]; n != strconv.Itoa(writers*each) {
		t.Errorf("%s attempts are stored, of %d", n, writers*each)
	}
	if dropped.Load() < writers*each/10 {
		t.Errorf("only %d answers were lost: nothing was tested", dropped.Load())
	}
	t.Logf("%d attempts, %d answers lost", writers*each, dropped.Load())
	s.stop()
}

// firstQuiz finds a quiz that anybody may take.
func firstQuiz(t *testing.T, s *process) (course, lesson string) {
	t.Helper()
	c := firstCourse(t, s.client())
	for _, l := range c.Lessons {
		if l.Quiz != nil {
			return c.Slug, l.ID
		}
	}
	t.Fatalf("the course %s has no quiz", c.Slug)
	return "", ""
}

// The database restarts under load: requests fail for a moment, none hangs, and
// the server lives.
func TestDatabaseRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start()
	l, err := s.client().Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu          sync.Mutex
		first, last time.Time // of the failures
		longest     time.Duration
		asked       int
	)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				status, _, body := fetch(t, "GET", s.url+"/v1/users/progress", "", "Authorization", "Bearer "+l.AccessToken)
				took := time.Since(began)
				mu.Lock()
				asked++
				longest = max(longest, took)
				if status != http.StatusOK {
					last = time.Now()
					if first.IsZero() {
						first = last
					}
					var p struct {
						Code hub.Code `json:"code"`
					}
					if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != hub.Unavailable {
						t.Errorf("%d %s", status, body)
					}
				}
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
	until(t, "there is load", func() bool { return count() > 50 })
	killDatabase(s)
	s.eventually("/readyz", http.StatusOK)
	healed := count()
	until(t, "there is load again", func() bool { return count() > healed+200 })
	stop()
	wg.Wait()
	t.Logf("%d requests, failures for %v, the longest took %v", asked, last.Sub(first), longest)
	if os.Getenv("CMH_TEST_THOROUGH") != "" && (last.Sub(first) > 10*time.Second || longest > 5*time.Second) {
		t.Errorf("failures for %v, the longest request took %v", last.Sub(first), longest)
	}
	s.stop()
}
