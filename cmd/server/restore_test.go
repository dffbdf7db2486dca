package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// A hub of an earlier release has its schema brought up to date by a server that
// is killed half way, and by its successor; whoever had an account there goes on.
func TestReleasedHubIsUpgraded(t *testing.T) {
	t.Parallel()
	db := database(t)
	dump, err := os.ReadFile("../../server/internal/postgres/testdata/released/00006.sql")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	// Somebody reads users, so that its next change waits.
	for _, sql := range []string{string(dump), `RESET ALL`, `BEGIN`, `LOCK TABLE users IN ACCESS SHARE MODE`} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	half := onDatabase(t, db)
	half.launch()
	until(t, "half of the changes are made", func() bool {
		return query(t, db, `SELECT max(version_id) FROM goose_db_version`)[0] != "6" &&
			query(t, db, `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass`)[0] != "0"
	})
	half.kill()
	if _, err := c.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}

	s := onDatabase(t, db)
	s.start()
	ada := s.client()
	if _, err := ada.Login(t.Context(), hub.Credentials{Email: "ada@example.com", Password: password}); err != nil {
		t.Fatal(err)
	}
	ps, err := ada.Progress(t.Context())
	if err != nil || len(ps) != 1 || ps[0].Course != "linux-shell" || !strings.Contains(fmt.Sprint(ps[0].Lessons), "strange-machine") {
		t.Errorf("progress: %+v, %v", ps, err)
	}
	if keys, err := ada.Keys(t.Context()); err != nil || len(keys) != 1 || keys[0].Name != "ada@laptop" {
		t.Errorf("keys: %+v, %v", keys, err)
	}
	if labs, err := ada.LabSessions(t.Context()); err != nil || len(labs) != 1 || labs[0].LabID != "log-triage" {
		t.Errorf("lab sessions: %+v, %v", labs, err)
	}
	s.stop()
}

// pgProgram is one of PostgreSQL's own programs for operators.
func pgProgram(t *testing.T, name string) string {
	t.Helper()
	for _, pattern := range []string{filepath.Join(os.Getenv("CMH_PG_BIN"), name), "/usr/lib/postgresql/*/bin/" + name} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 && filepath.IsAbs(found[0]) {
			return found[len(found)-1]
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// pg runs it as docs/operations.md says, on the server's own database.
func (s *process) pg(name string, args ...string) {
	s.t.Helper()
	if out, err := s.run("", append([]string{"database", name}, args...)...); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// What a learner has made, by which they are known again.
type belongings struct {
	profile  hub.User
	progress []hub.CourseProgress
	signIns  []hub.Session
}

func belongingsOf(t *testing.T, c *client.Client) (b belongings) {
	t.Helper()
	var err error
	if b.profile, err = c.Profile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.progress, err = c.Progress(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.signIns, err = c.Sessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// A hub is dumped while a learner has a lab, and its machine is lost. On another
// one, by docs/operations.md, the learner is signed in still and has what they had;
// the lab has ended, and can be started again.
func TestBackupIsRestored(t *testing.T) {
	t.Parallel()
	lost := newServer(t)
	lost.env = append(lost.env, withLabs()...)
	lost.start()
	ada := lost.client()
	l, err := ada.Register(t.Context(), hub.Registration{Email: "ada@example.com", Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	course := firstCourse(t, ada)
	if _, err := ada.Enroll(t.Context(), course.Slug); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.RecordProgress(t.Context(), []hub.ProgressEntry{{CourseID: course.Slug, LessonID: course.Lessons[0].ID, ProgressPercentage: 73}}); err != nil {
		t.Fatal(err)
	}
	if len(course.Labs) == 0 {
		t.Fatalf("the course %s has no lab", course.Slug)
	}
	lab, err := ada.StartLab(t.Context(), course.Labs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(lost.dir, "ssh_host_ed25519_key"))
	if err != nil {
		t.Fatal(err)
	}
	had := belongingsOf(t, ada)

	dump := filepath.Join(t.TempDir(), "hub.dump")
	lost.pg("pg_dump", "-Fc", "-f", dump)
	kept := map[string][]byte{"ssh_host_ed25519_key": key}
	if kept["node"], err = os.ReadFile(filepath.Join(lost.dir, "node")); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.StopLab(t.Context(), lab.ID); err != nil { // nothing of it is to be left here
		t.Fatal(err)
	}
	lost.stop()

	for _, kind := range []string{"its own PostgreSQL", "another PostgreSQL"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			if err := os.MkdirAll(s.dir, 0o711); err != nil {
				t.Fatal(err)
			}
			for name, b := range kept {
				if err := os.WriteFile(filepath.Join(s.dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if kind == "another PostgreSQL" {
				db := database(t)
				cmd := exec.CommandContext(t.Context(), pgProgram(t, "pg_restore"), "--no-owner", "--single-transaction", "-d", db, dump)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				s.env = append(s.env, "CMH_DATABASE_URL="+db)
			} else {
				s.pg("--new", "pg_restore", "--no-owner", "--single-transaction", "-d", "postgres", dump)
			}
			s.env = append(s.env, withLabs()...)
			s.start()
			again := client.New(s.url, client.Token(l.AccessToken))
			if has := belongingsOf(t, again); !reflect.DeepEqual(has, had) {
				t.Errorf("it was %+v\nand is %+v", had, has)
			}
			if now, err := os.ReadFile(filepath.Join(s.dir, "ssh_host_ed25519_key")); err != nil || string(now) != string(key) {
				t.Errorf("the host key is another, %v", err)
			}
			until(t, "the lab of the lost machine has ended", func() bool {
				was, err := again.LabSession(t.Context(), lab.ID)
				if err != nil {
					t.Fatal(err)
				}
				return hub.Ended(was.State)
			})
			next, err := again.StartLab(t.Context(), course.Labs[0].ID)
			if err != nil || next.ID == lab.ID {
				t.Errorf("a new lab: %+v, %v", next, err)
			} else if _, err := again.StopLab(t.Context(), next.ID); err != nil {
				t.Error(err)
			}
			if status, _, body := fetch(t, "POST", s.url+"/v1/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, l.RefreshToken)); status != http.StatusOK {
				t.Errorf("refresh: %d %s", status, body)
			}
			s.stop()
		})
	}
}
