package main

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A clock knows when the sandbox ends and since when nothing has happened in
// it. Both live here rather than with the host, because the host's program may
// be down when it matters.
type clock struct {
	last    atomic.Int64 // uptime of the last sign of life
	working atomic.Int32 // what the learner or the platform is doing right now

	mu     sync.Mutex
	timers []*time.Timer
}

// uptime is a time that nobody can set and that goes on while the machine
// sleeps.
func uptime() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

func (c *clock) touch() { c.last.Store(uptime()) }

// busy keeps the sandbox from being idle until the returned function is called.
func (c *clock) busy() func() {
	c.working.Add(1)
	c.touch()
	return func() {
		c.touch()
		c.working.Add(-1)
	}
}

// idle is how long ago anything happened: somebody attached, typed, ran or
// copied something, a program printed to a terminal, the platform checked.
func (a *agent) idle() time.Duration {
	if a.clock.working.Load() > 0 {
		return 0
	}
	return time.Duration(max(0, uptime()-a.clock.last.Load()))
}

// Before the end the learner is told, this long before.
var warnings = []time.Duration{10 * time.Minute, 5 * time.Minute, time.Minute}

// expireIn replaces the end of the sandbox. Warnings whose moment has passed are
// not repeated.
func (a *agent) expireIn(left time.Duration) {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	for _, t := range a.clock.timers {
		t.Stop()
	}
	a.clock.timers = a.clock.timers[:0]
	after := func(d time.Duration, do func()) {
		a.clock.timers = append(a.clock.timers, time.AfterFunc(max(0, d), do))
	}
	for _, w := range warnings {
		if left > w {
			after(left-w, func() { a.terms.notify(a.ending(w)) })
		}
	}
	after(left+proto.GraceMS*time.Millisecond, a.end)
}

func (a *agent) ending(left time.Duration) string {
	if left == time.Minute {
		return a.tongue.T("This lab ends in 1 minute. More time: lab extend")
	}
	return a.tongue.Tf("This lab ends in %d minutes. More time: lab extend", int(left.Minutes()))
}

// end is the end of process 1, and the kernel ends the rest with it. Outside
// a sandbox nobody else would.
func (a *agent) end() {
	logf("the time is up")
	if a.prefix != "" {
		a.sp.killAll()
	}
	os.Exit(0)
}

func (sp *spawner) killAll() {
	sp.mu.Lock() // and never unlocked: nothing starts any more
	for pid := range sp.procs {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// notify tells everybody who looks at a terminal, or will, one line.
func (ts *terminals) notify(line string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.byName {
		go t.notify(line, noticeTries) // a reader that is slow holds up nobody else
	}
}

const (
	quiet       = 100 * time.Millisecond // of output, before a line may come in between
	noticeTries = 30
)

// notify puts line where it does least harm. Between two outputs of a program
// it would land within an escape sequence, so it waits for a pause. Beside a
// prompt, or a program that prints line by line, it is a line of its own. On a
// screen that a program draws, it is only a bell and the window's title.
func (t *terminal) notify(line string, tries int) {
	if pause := time.Duration(uptime() - t.printed.Load()); pause < quiet && tries > 0 {
		time.AfterFunc(quiet-pause, func() { t.notify(line, tries-1) })
		return
	}
	select {
	case <-t.done:
		return
	default:
	}
	if lineMode(t.ptmx) || t.shellInFront() && atPrompt(t.ptmx) {
		// Then the line it came between once more, as it was drawn: nobody else
		// knows that it is gone.
		t.out.write(append([]byte("\r\n\x1b[7m[ "+line+" ]\x1b[0m\r\n"), t.out.line()...))
		return
	}
	t.out.write([]byte("\x1b]2;" + line + "\x1b\\\a"))
}

// lineMode says whether the terminal's program leaves its lines to the kernel.
func lineMode(f *os.File) (canonical bool) {
	control(f, func(fd int) {
		if tio, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			canonical = tio.Lflag&unix.ICANON != 0
		}
	})
	return canonical
}
