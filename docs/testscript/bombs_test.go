package testscript

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// thoroughEnv is what `make test-security` sets: each bomb goes off for half a
// minute, and the neighbour's times are held against what they are at rest. The
// short ones of `make test` only show that everybody goes on.
const thoroughEnv = "CMH_TEST_THOROUGH"

// Each goes on until it is killed. What it must say to the learner who typed
// it says why it gets no further.
var bombs = []struct{ name, command, says string }{
	{"forks", `bomb() { bomb | bomb & }; bomb; while :; do (sleep 1) || sleep 1; done`, `fork|temporarily unavailable`},
	{"memory", `while :; do tail -c 4G /dev/zero | tail -c 4G | tail -c 4G >/dev/null; echo ended with ${PIPESTATUS[*]}; done`, `Killed|137`},
	{"CPU", `for i in 1 2 3 4 5 6 7 8; do sh -c 'while :; do :; done' & done; echo busy; wait`, `busy`},
	{"disk", `while :; do head -c 3G /dev/zero >/root/fill; rm -f /root/fill; done`, `No space left`},
	{"inodes", `cd /root; while :; do mkdir -p n; (cd n; seq 200000 | xargs touch 2>&1 | head -n 1); rm -rf n; done`, `No space left`},
	{"descriptors", `ulimit -n $(ulimit -Hn); for i in $(seq 100); do python3 -c '
import os, time
held = []
while True:
    try: held += os.pipe()
    except OSError as why:
        print(why, flush=True)
        time.sleep(60)' & done; wait`, `Too many open files`},
	{"output", `yes "$(head -c 4000 /dev/zero | tr '\0' y)"`, `yyyy`},
}

// One learner sets bombs off in a lab. A neighbour types, and programs ask the
// API meanwhile: they don't notice. The server doesn't grow, the one who did
// it is told why it stops there, and a stop ends it.
func TestBombsBesideANeighbour(t *testing.T) {
	last, strict := time.Second, os.Getenv(thoroughEnv) != ""
	if strict {
		last = 30 * time.Second
	}
	h := serve(t, build(t, "cmh-server", "lab-agent"))
	s := square{t: t, neighbour: join(t, h), bomber: join(t, h), pid: h.pid, last: last, strict: strict}
	s.key = s.neighbour.typist(s.neighbour.start())
	s.ask = func() error { return readyz(t.Context(), h.api) }
	s.memory = rss(t, h.pid)
	for _, b := range bombs {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			var wrong []string
			// What else this machine does meanwhile isn't ours to bound: it
			// won't do it three times.
			for range 3 {
				if wrong = s.try(b.command, regexp.MustCompile(b.says)); len(wrong) == 0 {
					return
				}
			}
			t.Error(strings.Join(wrong, "\n"))
		})
	}
}

// A square is where it goes off, and who lives there.
type square struct {
	t                 *testing.T
	neighbour, bomber resident
	key, ask          func() error
	pid               int
	memory            int64 // the server's, before any
	last              time.Duration
	strict            bool
}

// try sets one bomb off, and returns what was wrong beside it.
func (s square) try(command string, says *regexp.Regexp) (wrong []string) {
	t := s.t
	restKey, restAsk := p95(times(t, s.last/3, s.key)), p95(times(t, s.last/3, s.ask))
	lab := s.bomber.start()
	said, off := s.bomber.sets(lab, command)
	if !said.await(says) {
		wrong = append(wrong, fmt.Sprintf("the learner isn't told: %.300q", said))
	}
	peak := watch(t, s.pid)
	var withAsk []time.Duration
	var both sync.WaitGroup
	both.Go(func() { withAsk = times(t, s.last, s.ask) })
	withKey := p95(times(t, s.last, s.key))
	both.Wait()
	grown := (peak() - s.memory) >> 20
	stop := time.Now()
	if _, err := s.bomber.StopLab(t.Context(), lab); err != nil {
		t.Fatalf("stop: %v", err)
	}
	stopped := time.Since(stop)
	off()
	// Normal again within half a minute, and what that is now.
	after := p95(times(t, s.last/3, s.key))
	for end := time.Now().Add(30 * time.Second); after > s.bound(restKey, 1.5) && time.Now().Before(end); {
		after = p95(times(t, s.last/3, s.key))
	}
	t.Logf("a key: %v, beside it %v, after it %v; the API: %v, beside it %v; the server grew by %d MiB; stopped in %v",
		restKey, withKey, after, restAsk, p95(withAsk), grown, stopped.Round(time.Millisecond))

	hold := func(what string, got, bound time.Duration) {
		if got > bound {
			wrong = append(wrong, fmt.Sprintf("%s: %v, and at most %v may it be", what, got, bound))
		}
	}
	hold("a neighbour's key", withKey, s.bound(max(restKey, after), 1.5))
	hold("the API", p95(withAsk), s.bound(restAsk, 2))
	hold("a key half a minute later", after, s.bound(restKey, 1.5))
	hold("the stop", stopped, map[bool]time.Duration{true: 10 * time.Second, false: time.Minute}[s.strict])
	if grown > 64 {
		wrong = append(wrong, fmt.Sprintf("the server grew by %d MiB", grown))
	}
	return wrong
}

func (s square) bound(rest time.Duration, times float64) time.Duration {
	if !s.strict {
		return 30 * time.Second
	}
	return max(time.Duration(times*float64(rest)), rest+quantum)
}

// quantum is what one turn of somebody else's takes on a CPU: a key that has
// to wait for it now and then has not been starved.
const quantum = 4 * time.Millisecond

type resident struct {
	*client.Client
	t      *testing.T
	addr   string
	signer ssh.Signer
}

// join signs somebody up, with a key.
func join(t *testing.T, h hubServer) resident {
	t.Helper()
	name := "b" + strings.ToLower(rand.Text()[:10])
	login, err := client.New(h.api).Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: rand.Text()})
	if err != nil {
		t.Fatal(err)
	}
	r := resident{Client: client.New(h.api, client.Token(login.AccessToken)), t: t, addr: net.JoinHostPort(h.sshHost, h.sshPort)}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if r.signer, err = ssh.NewSignerFromKey(key); err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddKey(t.Context(), hub.NewKey{Name: "mine", PublicKey: string(ssh.MarshalAuthorizedKey(r.signer.PublicKey()))}); err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts a lab and waits until it is ready.
func (r resident) start() (session string) {
	r.t.Helper()
	s, err := r.StartLab(r.t.Context(), "log-triage")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ; err == nil && s.State != hub.Ready; <-tick.C {
		if s.EndedAt != nil {
			r.t.Fatalf("the lab is %s: %s", s.State, s.Message)
		}
		s, err = r.LabSession(r.t.Context(), s.ID)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return s.ID
}

func (r resident) dial(session string) *ssh.Client {
	r.t.Helper()
	c, err := ssh.Dial("tcp", r.addr, &ssh.ClientConfig{
		User: session, Auth: []ssh.AuthMethod{ssh.PublicKeys(r.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// typist returns a function that presses a key in a lab's terminal and waits for its echo.
func (r resident) typist(session string) func() error {
	r.t.Helper()
	s, err := r.dial(session).NewSession()
	if err != nil {
		r.t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
		r.t.Fatal(err)
	}
	if err := s.Start("cat >/dev/null"); err != nil {
		r.t.Fatal(err)
	}
	buf, n := make([]byte, 1024), 0
	return func() error {
		n++
		key := []byte{byte('a' + n%26)}
		if n%60 == 0 { // before the line is full
			key = []byte("\n")
		}
		if _, err := in.Write(key); err != nil {
			return err
		}
		for {
			n, err := out.Read(buf)
			if bytes.Contains(buf[:n], key) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
}

// sets runs a bomb on a terminal, and reads all it says, the first of which is kept.
// off waits for its end.
func (r resident) sets(session, command string) (said *head, off func()) {
	r.t.Helper()
	c := r.dial(session)
	s, err := c.NewSession()
	if err != nil {
		r.t.Fatal(err)
	}
	said = new(head)
	s.Stdout, s.Stderr = said, said
	if err := s.RequestPty("xterm", 24, 80, ssh.TerminalModes{}); err != nil {
		r.t.Fatal(err)
	}
	if err := s.Start(command); err != nil {
		r.t.Fatal(err)
	}
	return said, func() { _ = s.Wait(); c.Close() }
}

// head keeps what was written first.
type head struct {
	mu   sync.Mutex
	kept []byte
}

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = append(h.kept, b[:min(len(b), 64<<10-len(h.kept))]...)
	return len(b), nil
}

// await waits until it says so.
func (h *head) await(re *regexp.Regexp) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); <-tick.C {
		if re.MatchString(h.String()) {
			return true
		}
	}
	return false
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.kept)
}

// times does something fifty times a second for as long as d, and twice at least.
func times(t *testing.T, d time.Duration, do func() error) (took []time.Duration) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); len(took) < 2 || time.Now().Before(end); <-tick.C {
		began := time.Now()
		if err := do(); err != nil {
			t.Errorf("%v", err)
			return took
		}
		took = append(took, time.Since(began))
	}
	return took
}

func p95(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[len(all)*95/100].Round(time.Microsecond)
}

// readyz asks what asks the database, until it is ready: it says that it isn't
// where an answer takes a second, and how long that may go on is the caller's to
// say.
func readyz(ctx context.Context, api string) error {
	for {
		status, err := askReadyz(ctx, api)
		if err != nil || status == http.StatusOK {
			return err
		}
		if status != http.StatusServiceUnavailable {
			return fmt.Errorf("readyz answers %d", status)
		}
	}
}

func askReadyz(ctx context.Context, api string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/readyz", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// watch looks at how large a process is until it is asked for the most.
func watch(t *testing.T, pid int) (peak func() int64) {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for m := int64(0); ; {
			m = max(m, rss(t, pid))
			select {
			case <-tick.C:
			case <-stop:
				most <- m
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}

func rss(t *testing.T, pid int) int64 {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Error(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	kib, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return kib << 10
}
