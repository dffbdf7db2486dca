package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A spawner starts every process of the sandbox and collects every one that
// ends, its own children and the orphans that fall to PID 1 alike. One place
// does both, because a wait for "any child" beside exec.Cmd would steal the
// statuses that exec.Cmd waits for.
type spawner struct {
	mu    sync.Mutex // held over fork and registration, and by kill
	procs map[int]*proc
	begin func(*exec.Cmd) error // starts it within the learner's limits

	started atomic.Int64 // how many were
	first   func()       // comes before each of them
	oom     *os.File     // our own oom_score_adj, open since before we became undumpable
}

// A proc is a process that the spawner started, the leader of a process group.
type proc struct {
	pid    int
	done   chan struct{} // closed once it was reaped
	status syscall.WaitStatus
}

// exit is the status a shell would report: 128+n for a signal.
func (p *proc) exit() int {
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// A command is what to start. The child gets the three files and no others.
type command struct {
	path  string
	argv  []string
	env   []string
	dir   string
	files [3]*os.File
	tty   bool // descriptor 0 becomes its controlling terminal
	uid   int  // whose terminal that is
}

// newSpawner starts the spawner's goroutine, which lives as long as the agent.
func newSpawner(begin func(*exec.Cmd) error) *spawner {
	sp := &spawner{procs: map[int]*proc{}, begin: begin, first: func() {}}
	if f, err := os.OpenFile("/proc/self/oom_score_adj", os.O_RDWR, 0); err == nil {
		sp.oom = f
	}
	// Asked for before the first child can end.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			sp.reap()
		}
	}()
	return sp
}

// reap collects whoever has ended.
func (sp *spawner) reap() {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if p := sp.procs[pid]; p != nil {
			p.status = ws
			delete(sp.procs, pid)
			close(p.done)
		}
	}
}

// start starts c as the leader of a new session and process group.
func (sp *spawner) start(c command) (*proc, error) {
	cmd := &exec.Cmd{
		Path: c.path, Args: c.argv, Env: c.env, Dir: c.dir,
		Stdin: c.files[0], Stdout: c.files[1], Stderr: c.files[2],
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: c.tty},
	}
	sp.started.Add(1)
	sp.first()
	sp.mu.Lock()
	defer sp.mu.Unlock()
	// The score is inherited at the fork; setting it afterwards would leave a
	// moment in which a child's own children keep ours.
	sp.setOOM("800")
	err := sp.begin(cmd)
	sp.setOOM("0")
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.path, err)
	}
	p := &proc{pid: cmd.Process.Pid, done: make(chan struct{})}
	sp.procs[p.pid] = p
	_ = cmd.Process.Release() // reap collects it
	return p, nil
}

func (sp *spawner) setOOM(score string) {
	if sp.oom != nil {
		_, _ = sp.oom.WriteAt([]byte(score), 0)
	}
}

// kill signals p's process group, unless p was already reaped: its number may
// be somebody else's by then.
func (sp *spawner) kill(p *proc, sig syscall.Signal) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if sp.procs[p.pid] == p {
		_ = syscall.Kill(-p.pid, sig)
	}
}

// pipe returns a pipe whose end for us takes deadlines and whose end for a
// child is an ordinary blocking one.
func pipe(oursReads bool) (ours, theirs *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("pipe: %w", err)
	}
	mine, other := fds[0], fds[1]
	if !oursReads {
		mine, other = fds[1], fds[0]
	}
	_ = unix.SetNonblock(mine, true)
	return os.NewFile(uintptr(mine), "pipe"), os.NewFile(uintptr(other), "pipe"), nil
}
