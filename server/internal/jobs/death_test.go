package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/jobs"
	"github.com/cloudmastershub/cmh/server/internal/mail"
	"github.com/cloudmastershub/cmh/server/internal/mail/mailtest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// For a process that works a queue until it is killed: the schema, and the mail
// server that it is to use.
const schemaEnv, mailEnv = "TEST_WORKER_SCHEMA", "TEST_WORKER_MAIL"

// TestMortalWorker is that process.
func TestMortalWorker(t *testing.T) {
	schema := os.Getenv(schemaEnv)
	if schema == "" {
		return // it is for the test below
	}
	cfg, err := pgxpool.ParseConfig(os.Getenv("CMH_TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	work(t.Context(), t, postgres.New(pool), os.Getenv(mailEnv))
}

// work works the queue of db until ctx ends.
func work(ctx context.Context, t *testing.T, db *postgres.DB, mailServer string) {
	t.Helper()
	sender, err := mail.Open(mailServer, "hub@example.com")
	if err != nil {
		t.Error(err)
		return
	}
	a := &app.App{DB: db, Log: slog.New(slog.DiscardHandler), Now: time.Now, Mail: sender}
	j, err := jobs.New(a, a.Log, nil)
	if err == nil {
		err = j.Run(ctx)
	}
	if err != nil {
		t.Error(err)
	}
}

// A worker is killed in the middle of a job. Another does it again, once, within
// two minutes of its beginning; of these the test only waits for all when it has
// the time.
func TestAJobOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	query := func(sql string, into ...any) {
		t.Helper()
		err := db.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			if len(into) == 0 {
				_, err := tx.Exec(ctx, sql)
				return err
			}
			return tx.QueryRow(ctx, sql).Scan(into...)
		})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	var user, schema string
	query(`INSERT INTO users (email, username, password_hash) VALUES ('a@example.com', 'ada', 'x') RETURNING id`, &user)
	query(`SELECT current_schema()`, &schema)
	queue, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.Insert(t.Context(), app.Mail{Text: "password_changed", UserID: user, At: time.Now()}, nil)
	if err != nil {
		t.Fatal(err)
	}

	// A mail server that says nothing, so that its client is in the middle of it.
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mortal := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestMortalWorker$")
	mortal.Env = append(os.Environ(), schemaEnv+"="+schema, mailEnv+"=smtp://"+l.Addr().String())
	if err := mortal.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := mortal.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = mortal.Wait()
	if ws, ok := mortal.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGKILL {
		t.Fatalf("the worker ended by itself: %v", mortal.ProcessState)
	}
	state := func() (s string) {
		query(fmt.Sprintf(`SELECT state::text FROM river_job WHERE id = %d`, job.Job.ID), &s)
		return s
	}
	if got := state(); got != "running" {
		t.Fatalf("its job is %s", got)
	}
	patience := 2 * time.Minute
	if os.Getenv("CMH_TEST_THOROUGH") == "" { // and the machine may have other things to do
		patience = 5 * time.Minute
		query(`UPDATE river_job SET attempted_at = attempted_at - interval '75 seconds' WHERE state = 'running'`)
	}
	sink := mailtest.Start(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work(ctx, t, db, sink.URL)
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); state() != "completed"; <-tick.C {
		if time.Now().After(end) {
			t.Errorf("its job is %s still", state())
			break
		}
	}
	cancel()
	<-ended
	if n := sink.Left(); n != 1 {
		t.Errorf("%d messages were sent", n)
	}
}
