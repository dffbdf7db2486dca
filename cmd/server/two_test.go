package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client/hub"
)

// until waits for what somebody else brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// database makes an empty database that goes away with the test.
func database(t *testing.T) string {
	t.Helper()
	base := os.Getenv("CMH_TEST_DATABASE_URL")
	if base == "" {
		t.Fatal("CMH_TEST_DATABASE_URL is not set: run the tests with `make test`, which starts a PostgreSQL for them")
	}
	name := "server_" + strings.ToLower(rand.Text())
	query(t, base, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), base)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close(context.Background())
		if _, err := c.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// query runs one statement and returns the first column of its rows.
func query(t *testing.T, db, sql string, args ...any) (values []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, fmt.Sprint(v[0]))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// A spread shares requests out between servers as a load balancer does: in turn,
// to those that say they are ready, and to each only once. While none does, as
// when the database is slow, those are asked that are there at all.
type spread struct {
	*httptest.Server
	mu           sync.Mutex
	ready, there map[string]bool
	next         int
	urls         []string
}

func newSpread(t *testing.T, servers ...*process) *spread {
	t.Helper()
	sp := &spread{ready: map[string]bool{}, there: map[string]bool{}}
	for _, s := range servers {
		sp.urls = append(sp.urls, s.url)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			u, err := url.Parse(sp.pick())
			if err == nil {
				r.SetURL(u)
			}
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	sp.Server = httptest.NewServer(proxy)
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	for _, u := range sp.urls {
		looking.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				status := answer(ctx, u+"/readyz")
				sp.mu.Lock()
				sp.ready[u], sp.there[u] = status == http.StatusOK, status != 0
				sp.mu.Unlock()
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		looking.Wait()
		sp.Close()
	})
	until(t, "all servers are ready", func() bool { return sp.count() == len(servers) })
	return sp
}

// answer is the status of an answer, 0 of none.
func answer(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (sp *spread) count() (n int) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for _, ok := range sp.ready {
		if ok {
			n++
		}
	}
	return n
}

func (sp *spread) pick() string {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for _, fit := range []map[string]bool{sp.ready, sp.there} {
		for range sp.urls {
			sp.next++
			if u := sp.urls[sp.next%len(sp.urls)]; fit[u] {
				return u
			}
		}
	}
	return "http://127.0.0.1:1" // nobody is
}

// Each of two servers is stopped and started again while 200 requests a second
// come in, reads and writes, and none of them fails.
func TestRollingRestartFailsNobody(t *testing.T) {
	t.Parallel()
	db := database(t)
	one, two := onDatabase(t, db, "CMH_DRAIN=15s"), onDatabase(t, db, "CMH_DRAIN=15s")
	one.start()
	two.start()
	sp := newSpread(t, one, two)
	ada := one.client()
	l, err := ada.Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	course := firstCourse(t, ada)
	if _, err := ada.Enroll(t.Context(), course.Slug); err != nil {
		t.Fatal(err)
	}
	var (
		asked, failed atomic.Int64
		first         atomic.Pointer[string]
		load          sync.WaitGroup
	)
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 3 * time.Minute}
	room := make(chan struct{}, 64) // no more at once: a machine that is busy with other things isn't to be flooded
	ask := func(n int64) error {
		method, path, body := http.MethodGet, "/v1/courses", ""
		switch n % 4 {
		case 1:
			path = "/v1/users/progress"
		case 2:
			method, path = http.MethodPost, "/v1/users/progress"
			body = fmt.Sprintf(`{"entries":[{"course_id":%q,"lesson_id":%q,"progress_percentage":%d}]}`, course.Slug, course.Lessons[0].ID, n%100)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, sp.URL+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+l.AccessToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode >= 300 {
			err = fmt.Errorf("%s %s: %s %.200s", method, path, resp.Status, b)
		}
		return err
	}
	ctx, stop := context.WithCancel(t.Context())
	began := time.Now()
	load.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-tick.C:
				select {
				case room <- struct{}{}:
				default:
					continue
				}
				n := asked.Add(1)
				load.Go(func() {
					defer func() { <-room }()
					if err := ask(n); err != nil {
						failed.Add(1)
						text := err.Error()
						first.CompareAndSwap(nil, &text)
					}
				})
			case <-ctx.Done():
			}
		}
	})
	for _, s := range []*process{one, two} {
		before := asked.Load()
		until(t, "there is load", func() bool { return asked.Load() > before+100 })
		s.stop()
		s.start()
		until(t, "both are ready", func() bool { return sp.count() == 2 })
	}
	before := asked.Load()
	until(t, "there was load afterwards", func() bool { return asked.Load() > before+100 })
	stop()
	load.Wait()
	t.Logf("%d requests in %v while two servers were restarted, %d failed", asked.Load(), time.Since(began), failed.Load())
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed; the first: %s", failed.Load(), asked.Load(), *first.Load())
	}
	one.stop()
	two.stop()
}

// What is ended on one server is over on the other, and both together allow what
// one may, to the last.
func TestTwoServersAreOne(t *testing.T) {
	t.Parallel()
	const most = 300
	db := database(t)
	env := fmt.Sprint("CMH_LIMIT_FREE=", most)
	one, two := onDatabase(t, db, env), onDatabase(t, db, env)
	one.start()
	two.start()
	var l hub.Login
	for i, kind := range []string{"ended", "counted"} {
		name := fmt.Sprint("ada", i)
		var err error
		if l, err = one.client().Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: password}); err != nil {
			t.Fatal(err)
		}
		as := []string{"Authorization", "Bearer " + l.AccessToken}
		if kind == "counted" {
			break
		}
		status := func(s *process) int {
			got, _, _ := fetch(t, "GET", s.url+"/v1/users/profile", "", as...)
			return got
		}
		if status(one) != 200 || status(two) != 200 {
			t.Fatal("it isn't signed in on both")
		}
		if got, _, _ := fetch(t, "POST", one.url+"/v1/auth/logout", fmt.Sprintf(`{"refresh_token":%q}`, l.RefreshToken)); got >= 300 {
			t.Fatalf("sign out: %d", got)
		}
		ended := time.Now()
		until(t, "the other server refuses what was ended", func() bool { return status(two) == http.StatusUnauthorized })
		took := time.Since(ended)
		t.Logf("ended on the other server after %v", took)
		if os.Getenv("CMH_TEST_THOROUGH") != "" && took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		s := []*process{one, two}[i%2]
		wg.Go(func() {
			for {
				got, _, body := fetch(t, "GET", s.url+"/v1/users/profile", "", "Authorization", "Bearer "+l.AccessToken)
				switch got {
				case http.StatusOK:
					allowed.Add(1)
				case http.StatusTooManyRequests:
					return
				default:
					t.Errorf("%d %s", got, body)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != most {
		t.Errorf("%d requests were allowed, of %d", n, most)
	}
	one.stop()
	if got, _, _ := fetch(t, "GET", two.url+"/v1/users/profile", "", "Authorization", "Bearer "+l.AccessToken); got != http.StatusTooManyRequests {
		t.Errorf("after one has stopped: %d", got)
	}
	two.stop()
}

// Servers that start at once on an empty database make one schema of it, though
// one of them is killed at it; and one that is a version behind serves on it.
func TestMigrationsAreRaced(t *testing.T) {
	t.Parallel()
	db := database(t)
	servers := make([]*process, 4)
	for i := range servers {
		servers[i] = onDatabase(t, db)
	}
	victim := onDatabase(t, db)
	victim.launch()
	until(t, "the schema is being made", func() bool {
		return len(query(t, db, `SELECT relname FROM pg_class WHERE relname = 'goose_db_version'`)) > 0
	})
	victim.kill()
	outs := make([]*bufio.Reader, len(servers))
	for i, s := range servers {
		outs[i] = s.launch()
	}
	for i, s := range servers {
		s.await(outs[i])
	}
	versions := query(t, db, `SELECT version_id FROM goose_db_version WHERE is_applied`)
	if once := slices.Compact(slices.Sorted(slices.Values(versions))); len(once) != len(versions) || len(once) < 10 {
		t.Errorf("applied: %v", versions)
	}
	if slugs := query(t, db, `SELECT slug FROM courses`); len(slugs) < 4 {
		t.Errorf("courses: %v", slugs)
	}
	for _, s := range servers {
		s.eventually("/readyz", http.StatusOK)
	}
	for _, s := range servers[1:] {
		s.stop()
	}

	// A newer version has been here: it added what this one doesn't know.
	query(t, db, `ALTER TABLE users ADD COLUMN of_tomorrow text`)
	query(t, db, `CREATE TABLE of_tomorrow (id int)`)
	query(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	old := servers[0]
	old.stop()
	old.start()
	ada := old.client()
	if _, err := ada.Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password}); err != nil {
		t.Errorf("on a newer schema: %v", err)
	}
	if u, err := ada.Profile(t.Context()); err != nil || u.Username != "ada" {
		t.Errorf("on a newer schema: %+v %v", u, err)
	}
	old.stop()
}

// A server that is told to stop says so before it does, and lets go of its
// connections one answer at a time.
func TestLeavingIsTold(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), "CMH_DRAIN=10m", "CMH_LOG_LEVEL=info")
	s.start()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.eventually("/readyz", http.StatusServiceUnavailable)
	s.mustAnswer("/healthz", http.StatusOK)
	s.mustAnswer("/v1/courses", http.StatusOK)
	c := &http.Client{Transport: &http.Transport{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Version string `json:"version"`
	}
	if err := errors.Join(json.NewDecoder(resp.Body).Decode(&v), resp.Body.Close()); err != nil || !resp.Close {
		t.Errorf("it keeps the connection: %v %v", resp.Header, err)
	}
	// A second signal is for those who can't wait.
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}
