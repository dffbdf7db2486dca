package gateway_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charm.land/ssh"
	"go.uber.org/goleak"
	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/gateway"
)

var agentBinary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "gateway")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		agentBinary = filepath.Join(dir, "lab-agent")
		build := exec.CommandContext(context.Background(), "go", "build", "-o", agentBinary, "../agent")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		code := m.Run()
		// Every gateway has been shut down by now.
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return code
	}())
}

// A world is a gateway with one lab of Alice's and one of Bob's behind it. It
// is the gateway's Sandboxes and Driver.
type world struct {
	labs.Driver // nil: agents without sandboxes around them
	t           *testing.T
	gw          *gateway.Gateway
	addr        string
	stop        context.CancelFunc
	log         *logs
	ca          gossh.Signer
	alice       gossh.Signer
	bob         gossh.Signer
	key         string // Alice's, as a file
	home        string
	agents      map[string]string // sandbox -> its root folder

	mu     sync.Mutex
	events []string
	dials  atomic.Int32 // to agents

	revoked atomic.Bool  // Alice's key
	asked   atomic.Int32 // whose a key is
	looked  atomic.Int32 // whose all keys are that are inside
	shut    atomic.Pointer[gateway.Door]
	shared  atomic.Bool            // Alice lets Bob look on
	joined  atomic.Pointer[string] // a key that is Bob's, too
	record  atomic.Bool            // what shells print goes to recorded

	recorded recorded
}

// recorded is what a recording holds.
type recorded struct {
	rmu  sync.Mutex
	text bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error) {
	r.rmu.Lock()
	defer r.rmu.Unlock()
	return r.text.Write(p)
}

func (r *recorded) Resize(columns, rows int) { fmt.Fprintf(r, "<%dx%d>", columns, rows) }
func (r *recorded) Close() error             { fmt.Fprint(r, "<end>"); return nil }

func (r *recorded) String() string {
	r.rmu.Lock()
	defer r.rmu.Unlock()
	return r.text.String()
}

// The two sessions' ids.
const (
	alices = "s-aaaaaaaaaa"
	bobs   = "s-bbbbbbbbbb"
)

func (w *world) User(_ context.Context, who gateway.Identity) (string, error) {
	w.asked.Add(1)
	return w.owner(who)
}

func (w *world) Users(_ context.Context, who []gateway.Identity) (map[gateway.Identity]string, error) {
	defer w.looked.Add(1)
	users := map[gateway.Identity]string{}
	for _, id := range who {
		if user, err := w.owner(id); err == nil {
			users[id] = user
		}
	}
	return users, nil
}

func (w *world) owner(who gateway.Identity) (string, error) {
	switch {
	case w.revoked.Load() && who.Fingerprint == gossh.FingerprintSHA256(w.alice.PublicKey()):
		return "", labs.ErrNotFound
	case who.UserID == "alice", who.Fingerprint == gossh.FingerprintSHA256(w.alice.PublicKey()):
		return "alice", nil
	case w.joined.Load() != nil && who.Fingerprint == *w.joined.Load():
		return "bob", nil
	case who.UserID == "bob", who.Fingerprint == gossh.FingerprintSHA256(w.bob.PublicKey()):
		return "bob", nil
	}
	return "", labs.ErrNotFound
}

func (w *world) Resolve(ctx context.Context, who gateway.Identity, name string) (gateway.Place, error) {
	user, err := w.User(ctx, who)
	switch {
	case err != nil:
		return gateway.Place{}, err
	case user == "alice" && (name == alices || name == "first-lab" || name == alices+"+node01"):
		return gateway.Place{Sandbox: "box-a", Opens: w.opens}, nil
	case user == "bob" && (name == bobs || name == "first-lab"):
		return gateway.Place{Sandbox: "box-b", Opens: w.opens}, nil
	case name == "second-lab":
		return gateway.Place{}, gateway.ErrNotRunning
	}
	return gateway.Place{}, labs.ErrNotFound
}

func (w *world) opens(door gateway.Door) error {
	if shut := w.shut.Load(); shut != nil && *shut == door {
		return errors.New("shut")
	}
	return nil
}

func (w *world) event(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, s)
}

func (w *world) Watch(ctx context.Context, who gateway.Identity, session string) (id, name string, err error) {
	user, err := w.User(ctx, who)
	if err != nil || user != "bob" || session != alices || !w.shared.Load() {
		return "", "", labs.ErrNotFound
	}
	return "box-a", user, nil
}

func (w *world) Record(_ context.Context, id, term string, columns, rows int) (gateway.Recorder, string, error) {
	if !w.record.Load() {
		return nil, "", nil
	}
	fmt.Fprintf(&w.recorded, "<%s %s %dx%d>", id, term, columns, rows)
	return &w.recorded, "This shell is recorded.", nil
}

func (w *world) Attached(_ context.Context, id string) { w.event("+" + id) }
func (w *world) Detached(_ context.Context, id string) { w.event("-" + id) }

func (w *world) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, " ")
}

func (w *world) Dial(ctx context.Context, id string) (net.Conn, error) {
	w.mu.Lock()
	boxes := w.Driver
	w.mu.Unlock()
	if boxes != nil {
		return boxes.Dial(ctx, id)
	}
	w.dials.Add(1)
	root, ok := w.agents[id]
	if !ok {
		return nil, labs.ErrNotFound
	}
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(root, "s"))
}

// lobby says who came, what they want and what the session carries.
func (w *world) lobby(s ssh.Session, who gateway.Identity) {
	kind := "key"
	if who.Guest() {
		kind = "guest"
	} else if who.UserID != "" {
		kind = who.UserID
	}
	switch cmd := s.RawCommand(); cmd {
	case "mark":
		s.Context().SetValue("mark", true)
		fmt.Fprintln(s, "marked")
	case "marked":
		fmt.Fprintln(s, s.Context().Value("mark"))
	case "wait":
		fmt.Fprintln(s, "waiting")
		<-s.Context().Done()
		w.event("over")
	case "flood":
		for {
			if _, err := s.Write(bytes.Repeat([]byte("y\n"), 1024)); err != nil {
				return
			}
		}
	case "join":
		w.joined.Store(&who.Fingerprint)
		gateway.Joined(s, "bob")
		fmt.Fprintln(s, "joined")
	case "join and lose the key":
		gateway.Joined(s, "bob")
		fmt.Fprintln(s, "joined")
	case "panic":
		panic("on purpose")
	case "env":
		fmt.Fprintln(s, strings.Join(s.Environ(), " "))
	case "":
		pty, win, _ := s.Pty()
		fmt.Fprintf(s, "lobby of %s on %s %dx%d\n", kind, pty.Term, pty.Window.Width, pty.Window.Height)
		buf := make([]byte, 1)
		keys := make(chan byte)
		go func() {
			defer close(keys)
			for {
				if _, err := s.Read(buf); err != nil {
					return
				}
				select {
				case keys <- buf[0]:
				case <-s.Context().Done():
					return
				}
			}
		}()
		for {
			select {
			case size := <-win:
				fmt.Fprintf(s, "now %dx%d\n", size.Width, size.Height)
			case k, ok := <-keys:
				if !ok || k == 'q' {
					return
				}
				fmt.Fprintf(s, "key %x\n", k)
			case <-s.Context().Done():
				return
			}
		}
	default:
		fmt.Fprintf(s, "lobby of %s: %s\n", kind, cmd)
		_ = s.Exit(9)
	}
}

func newWorld(t *testing.T, limits gateway.Limits) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "gw") // short: socket addresses are
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{
		t: t, home: dir, log: &logs{}, ca: signer(t), alice: signer(t), bob: signer(t),
		key:    filepath.Join(dir, "alice"),
		agents: map[string]string{"box-dead": filepath.Join(dir, "nobody")},
	}
	if err := os.WriteFile(w.key, privatePEM(t, w.alice), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"box-a", "box-b"} {
		w.agents[id] = startAgent(t, filepath.Join(dir, id))
	}
	w.serve(privatePEM(t, signer(t)), limits)
	return w
}

// serve starts a gateway, which takes the place of one before.
func (w *world) serve(hostKey []byte, limits gateway.Limits) {
	t := w.t
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	w.gw, err = gateway.New(gateway.Config{
		Listener: l, HostKey: hostKey, UserCA: w.ca.PublicKey(),
		Sandboxes: w, Lobby: w.lobby, Driver: w, Limits: limits,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	gw, ended := w.gw, make(chan error, 1)
	w.stop = stop
	go func() { ended <- gw.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Logf("gateway's log:\n%s", w.log)
		}
	})
}

type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// keys holds the private halves, for what has to lie in a file.
var (
	keysMu sync.Mutex
	keys   = map[gossh.Signer]ed25519.PrivateKey{}
)
