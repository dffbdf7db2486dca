package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/labs/pool"
)

var agent string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cmh-pool-test-")
	if err != nil {
		panic(err)
	}
	agent = filepath.Join(dir, "lab-agent")
	build := exec.CommandContext(context.Background(), "go", "build", "-cover=false", "-o", agent, "github.com/cloudmastershub/cmh/labs/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// host is this machine with an empty state, and the image that is there.
func host(t testing.TB) (open func() *local.Driver, img string) {
	t.Helper()
	dir := os.Getenv("CMH_IMAGE_DIR")
	img = image.Default
	if dir == "" {
		dir, img = t.TempDir(), image.Host
	}
	store, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Resolve(img); err != nil {
		img = image.Host
	}
	state := t.TempDir()
	heirtest.Leave(t, state)
	return func() *local.Driver {
		d, err := local.Open(t.Context(), local.Config{State: state, Images: store, Agent: agent})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := labs.Clear(context.Background(), d); err != nil {
				t.Error(err)
			}
			d.Close()
		})
		return d
	}, img
}

func never() string { return "" }

// start runs a pool until the returned function is called.
func start(t testing.TB, p *pool.Pool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// run is what a command in sandbox id prints.
func run(t testing.TB, d labs.Driver, id, command string) string {
	t.Helper()
	s, err := labs.Open(t.Context(), d, id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, errs, status, err := s.Run(t.Context(), command, nil)
	if err != nil || status != 0 {
		t.Fatalf("%s: %d %s %v", command, status, errs, err)
	}
	return strings.TrimSpace(string(out))
}

func list(t testing.TB, d labs.Driver) (ids, waiting []string) {
	t.Helper()
	all, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range all {
		if labs.Waits(id) {
			waiting = append(waiting, id)
		} else {
			ids = append(ids, id)
		}
	}
	return ids, waiting
}

// What waits is handed out once, becomes what was asked for, and is replaced;
// at the end nothing waits, and those in use go on.
func TestPool(t *testing.T) {
	before := goleak.IgnoreCurrent()
	open, img := host(t)
	d := open()
	p := pool.New(d, pool.Config{Size: 3, Busy: never, First: []labs.Spec{{Image: img}}})
	stop := start(t, p)
	until(t, "three wait", func() bool { return p.Waiting() == 3 })
	_, waited := list(t, d)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			spec := labs.Spec{ID: fmt.Sprintf("s-%d", i), Image: img, Hostname: fmt.Sprintf("host%d", i), Env: map[string]string{"N": fmt.Sprint(i)}}
			if err := p.Create(t.Context(), spec); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 8 {
		id := fmt.Sprintf("s-%d", i)
		if got, want := run(t, d, id, "hostname; echo $N; ls /root/used 2>/dev/null; touch /root/used"), fmt.Sprintf("host%d\n%d", i, i); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	_, still := list(t, d)
	for _, id := range waited {
		for _, other := range still {
			if id == other {
				t.Errorf("%s waits although somebody got it", id)
			}
		}
	}
	until(t, "three wait again", func() bool { return p.Waiting() == 3 })
	stop()
	if ids, waiting := list(t, d); len(ids) != 8 || len(waiting) != 0 {
		t.Errorf("after the end: %v, waiting %v", ids, waiting)
	}
	if got := run(t, d, "s-3", "hostname"); got != "host3" {
		t.Errorf("one in use: %q", got)
	}
	goleak.VerifyNone(t, before)
}

// A sandbox of another kind is made anew, and then its kind waits; one that
// nobody asks for any more gives way.
func TestKinds(t *testing.T) {
	open, img := host(t)
	d := open()
	small := labs.Limits{MemoryBytes: 256 << 20}
	p := pool.New(d, pool.Config{Size: 1, Kinds: 1, Busy: never, First: []labs.Spec{{Image: img}}})
	start(t, p)
	until(t, "one waits", func() bool { return p.Waiting() == 1 })
	_, first := list(t, d)
	for i := range 3 {
		if err := p.Create(t.Context(), labs.Spec{ID: fmt.Sprintf("s-%d", i), Image: img, Limits: small}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the other kind waits", func() bool {
		_, now := list(t, d)
		return len(now) == 1 && now[0] != first[0] && p.Waiting() == 1
	})
}

// A server that was killed leaves waiting ones. The next one destroys them,
// whatever was done to them, and leaves those in use alone.
func TestAfterACrash(t *testing.T) {
	open, img := host(t)
	d := open()
	for _, id := range []string{labs.WaitingID("left"), labs.WaitingID("taken")} {
		if err := d.Create(t.Context(), labs.Spec{ID: id, Image: img}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Claim(t.Context(), labs.WaitingID("taken"), "s-mine"); err != nil {
		t.Fatal(err)
	}
	p := pool.New(open(), pool.Config{Size: 1, Busy: func() string { return "always" }})
	start(t, p)
	until(t, "what was left is gone", func() bool { _, waiting := list(t, d); return len(waiting) == 0 })
	run(t, d, "s-mine", "true")
	if ids, _ := list(t, d); len(ids) != 1 {
		t.Errorf("there are %v", ids)
	}
}

// limited is a host with room for so many sandboxes.
type limited struct {
	*local.Driver
	room  int
	fails atomic.Bool
}

func (l *limited) Create(ctx context.Context, spec labs.Spec) error {
	if l.fails.Load() {
		return errors.New("broken")
	}
	if all, err := l.List(ctx); err != nil || len(all) >= l.room {
		return errors.Join(labs.ErrCapacity, err)
	}
	return l.Driver.Create(ctx, spec)
}

// Where there is little room those that wait give way to one that is asked for,
// and no more are made than the host may have.
func TestLittleRoom(t *testing.T) {
	open, img := host(t)
	d := &limited{Driver: open(), room: 3}
	var busy atomic.Bool
	p := pool.New(d, pool.Config{Size: 5, Most: 2, First: []labs.Spec{{Image: img}}, Busy: func() string {
		if busy.Load() {
			return "busy"
		}
		return ""
	}})
	start(t, p)
	until(t, "as many wait as may be", func() bool { return p.Waiting() == 2 })
	busy.Store(true)
	other := labs.Limits{MemoryBytes: 256 << 20}
	for i := range 3 {
		if err := p.Create(t.Context(), labs.Spec{ID: fmt.Sprintf("s-%d", i), Image: img, Limits: other}); err != nil {
			t.Errorf("start %d: %v", i, err)
		}
	}
	if ids, waiting := list(t, d); len(ids) != 3 || len(waiting) != 0 || p.Waiting() != 0 {
		t.Errorf("%v, waiting %v", ids, waiting)
	}
	if err := p.Create(t.Context(), labs.Spec{ID: "s-4", Image: img}); !errors.Is(err, labs.ErrCapacity) {
		t.Errorf("a full host: %v", err)
	}
}

// One that died while it waited is not handed out.
func TestDeadWaiting(t *testing.T) {
	open, img := host(t)
	d := open()
	p := pool.New(d, pool.Config{Size: 1, Busy: never, First: []labs.Spec{{Image: img}}})
	start(t, p)
	until(t, "one waits", func() bool { return p.Waiting() == 1 })
	_, waiting := list(t, d)
	if err := d.Destroy(t.Context(), waiting[0]); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), labs.Spec{ID: "s-1", Image: img}); err != nil {
		t.Fatal(err)
	}
	run(t, d, "s-1", "true")
}

// BenchmarkWarm is a claim, and a first command through the agent's SSH; the
// refill is not timed. BenchmarkCold is the same of a sandbox made anew.
func BenchmarkWarm(b *testing.B) { benchmark(b, true) }

// BenchmarkCold see BenchmarkWarm.
func BenchmarkCold(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, warm bool) {
	open, img := host(b)
	d := open()
	busy := never
	if !warm {
		busy = func() string { return "never mind" }
	}
	p := pool.New(d, pool.Config{Size: 1, Busy: busy, First: []labs.Spec{{Image: img}}})
	start(b, p)
	if err := d.Create(b.Context(), labs.Spec{ID: "first", Image: img}); err != nil { // makes the disk's template
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		if warm {
			until(b, "one waits", func() bool { return p.Waiting() == 1 })
		}
		b.StartTimer()
		if err := p.Create(b.Context(), labs.Spec{ID: "s-1", Image: img}); err != nil {
			b.Fatal(err)
		}
		prompt(b, d, "s-1")
		b.StopTimer()
		if err := d.Destroy(b.Context(), "s-1"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// prompt attaches as a learner does and waits for the shell's prompt.
func prompt(b *testing.B, d labs.Driver, id string) {
	b.Helper()
	c, err := labs.Connect(b.Context(), d, id)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		b.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(s.RequestPty("xterm", 24, 80, nil), s.Shell()); err != nil {
		b.Fatal(err)
	}
	seen, buf := "", make([]byte, 4096)
	for !strings.Contains(seen, "# ") {
		n, err := out.Read(buf)
		if err != nil {
			b.Fatalf("%v after %q", err, seen)
		}
		seen += string(buf[:n])
	}
}
