package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// small gives the server a data directory on a file system of its own.
func (s *process) small(size string) {
	s.t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			s.t.Fatal("only root mounts file systems: run the tests as root")
		}
		s.t.Skip("only root mounts file systems")
	}
	if err := os.Mkdir(s.dir, 0o711); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mount("cmh-test", s.dir, "tmpfs", 0, "mode=711,size="+size); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := syscall.Unmount(s.dir, syscall.MNT_DETACH); err != nil {
			s.t.Error(err)
		}
	})
}

// fill takes all the room there is, and is told again when more comes free. What
// it returns gives it back.
func (s *process) fill() (empty func()) {
	s.t.Helper()
	name := filepath.Join(s.dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	block := bytes.Repeat([]byte("x"), 1<<20)
	for len(block) > 0 {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			s.t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			s.t.Error(err)
		}
	}
}

// The disk of the server and of its database is full. Who writes is told to come
// again, with when; who reads is answered; nothing that was acknowledged is lost; and
// when there is room, it goes on by itself.
func TestFullDiskIsNobodysLoss(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.small("256m")
	s.start()
	course := firstCourse(t, s.client())
	const writers = 4
	var (
		learners [writers]*client.Client
		tokens   [writers]string
		acked    [writers]int
		refused  atomic.Int64
	)
	for i := range learners {
		learners[i] = s.client()
		l, err := learners[i].Register(t.Context(), hub.Registration{Email: fmt.Sprintf("learner%d@example.com", i), Username: fmt.Sprintf("learner%d", i), Password: password})
		if err != nil {
			t.Fatal(err)
		}
		tokens[i] = l.AccessToken
		if _, err := learners[i].Enroll(t.Context(), course.Slug); err != nil {
			t.Fatal(err)
		}
	}
	_, lesson := firstQuiz(t, s)
	path := "/v1/courses/" + course.Slug + "/lessons/" + lesson + "/quiz"
	// Each attempt is a row that isn't there yet, and tells of itself in another.
	attempt := func(i int) (ok bool) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(`{"answers":{}}`))
		if err != nil {
			t.Error(err)
			return false
		}
		req.Header.Set("Authorization", "Bearer "+tokens[i])
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return false
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
			return false
		}
		switch resp.StatusCode {
		case http.StatusOK:
			return true
		case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
			var p struct {
				Code hub.Code `json:"code"`
			}
			if err := json.Unmarshal(b, &p); err != nil || p.Code != hub.Unavailable || resp.Header.Get("Retry-After") == "" || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("it is refused with %v %s", resp.Header, b)
			}
			refused.Add(1)
		default:
			t.Errorf("%s %s", resp.Status, b)
		}
		return false
	}
	for i := range writers {
		if !attempt(i) {
			t.Fatal("nobody can write, on an empty disk")
		}
		acked[i]++
	}

	empty := s.fill()
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for refused.Load() < 40 && !t.Failed() {
				if attempt(i) {
					acked[i]++
				}
			}
		})
	}
	wg.Wait()
	s.mustAnswer("/healthz", http.StatusOK)
	if got := s.status("/v1/courses"); got != http.StatusOK && got != http.StatusServiceUnavailable {
		t.Errorf("who reads: %d", got)
	}

	// Its log can't grow either: all that serve in PostgreSQL end, and begin anew.
	until(t, "PostgreSQL ends", func() bool {
		c, err := pgx.Connect(t.Context(), s.ownDatabase())
		if err != nil {
			return true
		}
		defer c.Close(t.Context())
		_, err = c.Exec(t.Context(), `SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000)), pg_switch_wal()`)
		return err != nil && c.IsClosed()
	})
	if attempt(0) {
		acked[0]++
	}
	s.mustAnswer("/healthz", http.StatusOK)
	empty()

	until(t, "there is room, and it is used", func() bool {
		if attempt(0) {
			acked[0]++
			return true
		}
		return t.Failed()
	})
	for i, c := range learners {
		var got []string
		until(t, "attempts are counted", func() bool {
			n, err := attempts(t, c)
			got = []string{fmt.Sprint(n)}
			return err == nil
		})
		if got[0] != fmt.Sprint(acked[i]) {
			t.Errorf("learner %d made %d attempts that were acknowledged, and has %s", i, acked[i], got[0])
		}
	}
	t.Logf("acknowledged %v, refused %d", acked, refused.Load())
	s.stop()
}

// Where sandboxes are kept there is no room for another. Who starts a lab is told to
// come again, and can, once there is some; nothing half made is left.
func TestLabOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := onDatabase(t, database(t), withLabs()...)
	s.small("1300m") // more than a lab may write, or none would be tried
	s.start()
	ada := s.client()
	l, err := ada.Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	course := firstCourse(t, ada)
	if _, err := ada.Enroll(t.Context(), course.Slug); err != nil {
		t.Fatal(err)
	}
	lab := course.Labs[0].ID
	empty := s.fill()
	for range 3 {
		status, head, body := fetch(t, "POST", s.url+"/v1/labs/"+lab+"/start", "", "Authorization", "Bearer "+l.AccessToken)
		if status != http.StatusServiceUnavailable && status != http.StatusInsufficientStorage || head.Get("Retry-After") == "" || !strings.Contains(body, `"code":"unavailable"`) {
			t.Errorf("a lab without room: %d %v %s", status, head, body)
		}
	}
	s.eventually("/readyz", http.StatusOK)
	empty()
	started, err := ada.StartLab(t.Context(), lab)
	if err != nil {
		t.Fatalf("with room: %v\n%s", err, &s.log)
	}
	if _, err := ada.StopLab(t.Context(), started.ID); err != nil {
		t.Error(err)
	}
	if out, err := s.run("", "labs", "list"); err != nil || strings.Contains(out, "s-") {
		t.Errorf("what is left: %v %s", err, out)
	}
	s.stop()
}

// ownDatabase is how to connect to it.
func (s *process) ownDatabase() string {
	s.t.Helper()
	pg := filepath.Join(s.dir, "postgres")
	secret, err := os.ReadFile(filepath.Join(pg, "password"))
	if err != nil {
		s.t.Fatal(err)
	}
	return "postgres://cmh:" + strings.TrimSpace(string(secret)) + "@/postgres?connect_timeout=5&host=" + url.QueryEscape(filepath.Join(pg, "run"))
}

// attempts counts the quizzes that somebody has taken, in all that the hub has of
// them.
func attempts(t *testing.T, c *client.Client) (int, error) {
	t.Helper()
	all, err := c.Export(t.Context())
	if err != nil {
		return 0, err
	}
	var rows []json.RawMessage
	err = json.Unmarshal(all.Data["quiz_attempts"], &rows)
	return len(rows), err
}
