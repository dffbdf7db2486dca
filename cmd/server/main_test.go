package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/porttest"
)

// asServer makes the test binary the real program.
const asServer = "CMH_TEST_AS_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" || len(os.Args) == 2 && (os.Args[1] == hashPasswords || os.Args[1] == formJSON) {
		main()
		return
	}
	os.Exit(m.Run())
}

const password = "correct horse battery"

func TestServerLifecycle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ssh := "127.0.0.1:" + porttest.Free(t)
	s.env = append(s.env, "CMH_SSH_ADDR="+ssh)
	s.start()
	s.mustAnswer("/healthz", http.StatusOK)
	s.eventually("/readyz", http.StatusOK)

	// Passwords are another process's work, until its server wants no more of it.
	hasher := hasherOf(t, s.cmd.Process.Pid)
	until(t, "the process that hashes ignores what ends its server", func() bool { return ignoresEnds(t, hasher) })

	// Where no labs run nobody waits at SSH's door for somebody to open.
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", ssh); err == nil {
		conn.Close()
		t.Error("somebody listens for SSH, and nobody answers")
	}

	// A second one on the same data is refused, and harms nothing.
	out, err := s.run("", "serve")
	if err == nil || !strings.Contains(out, "another cmh-server") {
		t.Errorf("a second server: %v, %s", err, out)
	}

	// An account is made beside the running server, and signs in.
	out, err = s.run(password+"\n", "admin", "create", "--email", "root@example.com", "--password-stdin")
	if err != nil || !strings.Contains(out, "admin") {
		t.Errorf("admin create: %v, %s", err, out)
	}
	l, err := s.client().Login(t.Context(), hub.Credentials{Email: "root@example.com", Password: password})
	if err != nil || l.User.Role != hub.Admin {
		t.Errorf("sign in: %+v, %v", l.User, err)
	}

	// Nor does it need the process that hashes.
	if err := syscall.Kill(hasher, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) { // it may have been too slow
		t.Fatal(err)
	}
	if _, err := s.client().Login(t.Context(), hub.Credentials{Email: "root@example.com", Password: password}); err != nil {
		t.Errorf("sign in without the process that hashes: %v", err)
	}

	// The database is killed: the server says so, goes on, and heals.
	killed := postmaster(s)
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.mustAnswer("/healthz", http.StatusOK)
	until(t, "PostgreSQL is started anew", func() bool { // before that, "ready" may be an answer of the old one
		now, err := readPostmaster(s)
		return err == nil && now != killed
	})
	s.eventually("/readyz", http.StatusOK)
	if _, err := s.client().Courses(t.Context(), hub.CourseFilter{}); err != nil {
		t.Errorf("after the database came back: %v", err)
	}
	s.stop()

	// And without a running server.
	out, err = s.run(password+"\n", "admin", "create", "--email", "ins@example.com", "--role", "instructor", "--password-stdin")
	if err != nil || !strings.Contains(out, "instructor") {
		t.Errorf("admin create alone: %v, %s", err, out)
	}
	out, err = s.run("short\n", "admin", "create", "--email", "ins2@example.com", "--password-stdin")
	if err == nil || !strings.Contains(out, "password: A password has at least 8 characters.") {
		t.Errorf("a short password: %v, %s", err, out)
	}
}

// With its database away, the server waits for it instead of giving up.
func TestServerStartsBeforeItsDatabase(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.env = append(s.env, "CMH_DATABASE_URL=postgres://nobody@127.0.0.1:1/none?connect_timeout=1", "CMH_API_ADDR=127.0.0.1:"+porttest.Free(t))
	s.url = "http://" + strings.TrimPrefix(s.env[len(s.env)-1], "CMH_API_ADDR=")
	s.launch()
	s.eventually("/healthz", http.StatusOK)
	s.mustAnswer("/readyz", http.StatusServiceUnavailable)
	s.mustAnswer("/v1/courses", http.StatusServiceUnavailable)
	s.stop()
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, args := range [][]string{{"serve", "--log-level", "loud"}, {"serve", "--lab-driver", "magic"}, {"--config", "/nowhere.yaml", "doctor"}, {"admin", "create"}} {
		if out, err := s.run("", args...); err == nil || !strings.Contains(out, "cmh-server: ") {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
	if out, err := s.run("", "doctor"); err != nil || !strings.Contains(out, "database") {
		t.Errorf("doctor: %v, %s", err, out)
	}
	if out, err := s.run("", "version"); err != nil || !strings.Contains(out, client.Version) {
		t.Errorf("version: %v, %s", err, out)
	}
}

func firstCourse(t *testing.T, c *client.Client) hub.Course {
	t.Helper()
	p, err := c.Courses(t.Context(), hub.CourseFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, summary := range p.Items {
		if full, err := c.Course(t.Context(), summary.Slug); err == nil && full.Free && len(full.Lessons) > 0 {
			return full
		}
	}
	t.Fatal("there is no free course")
	return hub.Course{}
}

// process is a cmh-server process and its directory.
type process struct {
	t    *testing.T
	dir  string
	env  []string
	cmd  *exec.Cmd
	url  string
	line string // that it is ready
	log  bytes.Buffer
}

func newServer(t *testing.T) *process {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmh-server-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	heirtest.Leave(t, dir)
	if err := os.Chmod(dir, 0o711); err != nil { // the database's user passes through
		t.Fatal(err)
	}
	s := &process{t: t, dir: filepath.Join(dir, "data")}
	s.env = []string{
		asServer + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CMH_PG_BIN=" + os.Getenv("CMH_PG_BIN"), "CMH_DATA_DIR=" + s.dir,
		"CMH_API_ADDR=127.0.0.1:" + porttest.Free(t), "CMH_SSH_ADDR=127.0.0.1:0", "CMH_LAB_DRIVER=none",
		"GOCOVERDIR=" + dir, // or a build that measures coverage has something to say
	}
	return s
}

func (s *process) client() *client.Client {
	return client.New(s.url)
}

var readyLine = regexp.MustCompile(`^cmh-server ready: API (https?://\S+?),`)

// launch starts the process.
func (s *process) launch() *bufio.Reader {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.CommandContext(s.t.Context(), self, "serve")
	s.cmd.Env, s.cmd.Stderr = append([]string{"CMH_LIMIT_GUEST=0", "CMH_LIMIT_FREE=0", "CMH_LIMIT_SIGN_IN=0", "CMH_LAB_MINUTES=0"}, s.env...), &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return bufio.NewReader(out)
}

// start starts the process and waits for its one line. Later starts listen
// where the first did.
func (s *process) start() {
	s.t.Helper()
	s.await(s.launch())
}

func (s *process) await(out *bufio.Reader) {
	s.t.Helper()
	line, err := out.ReadString('\n')
	s.line = line
	m := readyLine.FindStringSubmatch(line)
	if m == nil {
		s.t.Fatalf("the server did not start: %q, %v: %v\n%s", line, err, s.cmd.Wait(), &s.log)
	}
	if s.url == "" {
		s.url = m[1]
		s.env = append(s.env, "CMH_API_ADDR="+strings.TrimPrefix(strings.TrimPrefix(s.url, "http://"), "https://"))
	}
}

func (s *process) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}

func (s *process) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("stop: %v\n%s", err, &s.log)
	}
}

// run runs another command on the same data.
func (s *process) run(stdin string, args ...string) (string, error) {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), self, args...)
	cmd.Env = append(s.env[:len(s.env):len(s.env)], "CMH_API_ADDR=127.0.0.1:0")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *process) status(path string) int {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return 0
	}
	return resp.StatusCode
}

func (s *process) mustAnswer(path string, want int) {
	s.t.Helper()
	if got := s.status(path); got != want {
		s.t.Errorf("%s answers %d, want %d", path, got, want)
	}
}

func (s *process) eventually(path string, want int) {
	s.t.Helper()
	limit := time.After(3 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for s.status(path) != want {
		select {
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("%s never answers %d\n%s", path, want, &s.log)
		}
	}
}
