package privatepg_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/privatepg"
)

// child makes the test binary a supervisor of the directory it names.
const child = "CMH_PRIVATEPG_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(child)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := privatepg.Open(ctx, privatepg.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err == nil {
		fmt.Println(db.URL())
		err = db.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestRowsSurviveStopAndStart(t *testing.T) {
	t.Parallel()
	dir := place(t)
	db := open(t, dir)
	write(t, db.URL(), 1)
	durable(t, db.URL())
	stop(t, db)
	if i, err := os.Stat(filepath.Join(dir, "password")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v, %v", i, err)
	}
	db = open(t, dir)
	defer stop(t, db)
	rows(t, db.URL(), 1)
}

func TestNobodyListensOnTheNetwork(t *testing.T) {
	t.Parallel()
	db := open(t, place(t))
	defer stop(t, db)
	c := connect(t, db.URL())
	var got string
	if err := c.QueryRow(t.Context(), "SELECT current_setting('listen_addresses')").Scan(&got); err != nil || got != "" {
		t.Errorf("listens on %q, %v", got, err)
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(db.URL(), "cmh:", "cmh:not-", 1)); err == nil {
		t.Error("any password is taken")
	}
}

func TestKilledPostmasterComesBack(t *testing.T) {
	t.Parallel()
	dir := place(t)
	db := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	write(t, db.URL(), 1)
	killed := postmaster(t, dir)
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		c, err := pgx.Connect(t.Context(), db.URL())
		if err != nil {
			return err
		}
		defer c.Close(t.Context())
		return c.QueryRow(t.Context(), "SELECT n FROM kept").Scan(new(int))
	})
	if now := postmaster(t, dir); now == killed {
		t.Error("the same process answers")
	}
	write(t, db.URL(), 2)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Error("it was not stopped cleanly")
	}
}

// The supervisor is killed, and started again at once, several times.
func TestKilledSupervisorLosesNothing(t *testing.T) {
	t.Parallel()
	dir := place(t)
	for n := 1; n <= 4; n++ {
		cmd, url := supervise(t, dir, nil)
		write(t, url, n)
		if n == 3 { // both at once
			_ = syscall.Kill(postmaster(t, dir), syscall.SIGKILL)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	db := open(t, dir)
	defer stop(t, db)
	rows(t, db.URL(), 4)
}

func TestSecondInstanceIsRefusedAndMayJoin(t *testing.T) {
	t.Parallel()
	dir := place(t)
	db := open(t, dir)
	defer stop(t, db)
	write(t, db.URL(), 1)
	if _, err := privatepg.Open(t.Context(), privatepg.Config{Dir: dir}); !errors.Is(err, privatepg.ErrRunning) {
		t.Fatalf("a second one: %v", err)
	}
	url, done, err := privatepg.Join(t.Context(), privatepg.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	rows(t, url, 1)
	if err := done(t.Context()); err != nil {
		t.Error(err)
	}
	rows(t, db.URL(), 1)
}

func TestStalePidFileOfALivingProcess(t *testing.T) {
	t.Parallel()
	dir := place(t)
	stop(t, open(t, dir))
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n  1 1\nready   \n", os.Getpid(), filepath.Join(dir, "data"), dir)
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o644); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir)
	stop(t, db)
}

func TestHalfMadeDatabaseIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := place(t)
	half := filepath.Join(dir, "data.new")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir)
	defer stop(t, db)
	write(t, db.URL(), 1)
}

// As root, another user runs the whole supervisor; as that user, the other
// tests have shown it already.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		db := open(t, place(t))
		defer stop(t, db)
		durable(t, db.URL())
		return
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	home := filepath.Dir(place(t))
	if err := os.Chown(home, uid, gid); err != nil {
		t.Fatal(err)
	}
	cmd, url := supervise(t, filepath.Join(home, "pg"), &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)})
	write(t, url, 1)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestUnreachableDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // an ordinary user reaches what it owns
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := privatepg.Open(t.Context(), privatepg.Config{Dir: filepath.Join(closed, "pg")})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+closed) {
		t.Errorf("got %v", err)
	}
}

// place is a directory that the user postgres can reach.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmh-privatepg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pg")
}

func open(t *testing.T, dir string) *privatepg.Server {
	t.Helper()
	db, err := privatepg.Open(t.Context(), privatepg.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func stop(t *testing.T, db *privatepg.Server) {
	t.Helper()
	if err := db.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// supervise runs the supervisor in a process of its own.
func supervise(t *testing.T, dir string, as *syscall.Credential) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(filepath.Dir(dir), "supervisor") // where any user may run it
	if _, err := os.Stat(bin); err != nil {
		b, err := os.ReadFile(self)
		if err == nil {
			err = os.WriteFile(bin, b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Env = []string{child + "=" + dir, "PATH=" + os.Getenv("PATH"), "CMH_PG_BIN=" + os.Getenv("CMH_PG_BIN")}
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if line == "" {
		t.Fatalf("the supervisor did not start: %v", cmd.Wait())
	}
	return cmd, strings.TrimSpace(line)
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func write(t *testing.T, url string, n int) {
	t.Helper()
	c := connect(t, url)
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), "INSERT INTO kept VALUES ($1)", n); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, url string, want int) {
	t.Helper()
	c := connect(t, url)
	defer c.Close(t.Context())
	var got int
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&got); err != nil || got != want {
		t.Errorf("%d rows, %v; want %d", got, err, want)
	}
}

func durable(t *testing.T, url string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.New(pool).Durable(t.Context()); err != nil {
		t.Error(err)
	}
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// eventually waits for f to succeed.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal(err)
		}
	}
}
