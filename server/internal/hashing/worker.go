package hashing

import (
	"encoding/gob"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	patience = 3 * time.Second  // fifteen times as long as a hash takes
	respite  = 10 * time.Second // before a process that has ended is replaced
	lull     = time.Minute      // before one that got no processor is
)

// A Worker is a process that hashes, with less of a claim to processors than its
// parent. What it can't do, because it has ended or gets no processor at all, is
// done in this process instead: a Worker never fails where Hash and Matches
// don't. A nil one does everything here.
type Worker struct {
	path string
	argv []string
	log  *slog.Logger

	patience, respite, lull time.Duration

	mu     sync.Mutex
	of     *process // nil for none
	next   time.Time
	closed bool
}

// NewWorker starts the program at path, which calls Serve, with argv. Close ends
// it, and so does the end of this process.
func NewWorker(log *slog.Logger, path string, argv ...string) *Worker {
	w := &Worker{path: path, argv: argv, log: log, patience: patience, respite: respite, lull: lull}
	w.process() // whoever signs in first needn't wait for it
	return w
}

// Hash is the function of that name.
func (w *Worker) Hash(secret []byte, cost int) ([]byte, error) {
	if a, ok := w.do(task{Secret: secret, Cost: cost}); ok {
		return a.Hash, a.err()
	}
	return Hash(secret, cost)
}

// Matches is the function of that name.
func (w *Worker) Matches(hash, secret []byte) (bool, error) {
	if a, ok := w.do(task{Secret: secret, Hash: hash}); ok {
		return a.Matches, a.err()
	}
	return Matches(hash, secret)
}

// Close ends the process, and waits for it. What is hashed after is hashed here.
func (w *Worker) Close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	p := w.of
	w.of, w.closed = nil, true
	w.mu.Unlock()
	if p != nil {
		p.end()
		<-p.ended
	}
}

// do has the process do a task; ok is false if it must be done here.
func (w *Worker) do(t task) (answer, bool) {
	p := w.process()
	if p == nil {
		return answer{}, false
	}
	to, err := p.ask(t)
	if err != nil {
		return answer{}, false
	}
	timer := time.NewTimer(w.patience)
	defer timer.Stop()
	select {
	case a, ok := <-to:
		return a, ok
	case <-timer.C: // stopped, or starved: so would the next one be
		w.mu.Lock()
		w.next = time.Now().Add(w.lull)
		w.mu.Unlock()
		p.end()
		return answer{}, false
	}
}

// process is the one that runs, or a new one unless the last has just begun.
func (w *Worker) process() *process {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of != nil {
		select {
		case <-w.of.ended:
			w.log.Warn("the process that hashes passwords has ended", "err", w.of.err)
			w.of = nil
		default:
			return w.of
		}
	}
	now := time.Now()
	if w.closed || now.Before(w.next) {
		return nil
	}
	w.next = now.Add(w.respite)
	p, err := start(w.path, w.argv)
	if err != nil {
		w.log.Warn("passwords are hashed beside everything else", "err", err)
		return nil
	}
	w.of = p
	return p
}

// A task is to hash a secret, or with a hash to compare it.
type task struct {
	ID           uint64
	Secret, Hash []byte
	Cost         int
}

type answer struct {
	ID      uint64
	Hash    []byte
	Matches bool
	Err     string
}

func (a answer) err() error {
	if a.Err == "" {
		return nil
	}
	return errors.New(a.Err)
}

// process is a running Serve.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{} // closed when it has
	err   error         // how; to be read after ended

	mu      sync.Mutex
	to      *gob.Encoder
	last    uint64
	waiting map[uint64]chan<- answer // nil once it has ended
}

func start(path string, argv []string) (*process, error) {
	cmd := &exec.Cmd{
		Path: path, Args: argv, Env: []string{}, Dir: "/", Stderr: os.Stderr,
		// A key of the terminal's is for its parent.
		SysProcAttr: &unix.SysProcAttr{Setpgid: true},
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in, ended: make(chan struct{}), to: gob.NewEncoder(in), waiting: map[uint64]chan<- answer{}}
	go p.listen(out) // ends with the process, which Close waits for
	return p, nil
}

// ask sends a task. Whoever waits is answered, or the channel is closed.
func (p *process) ask(t task) (<-chan answer, error) {
	to := make(chan answer, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		return nil, io.ErrClosedPipe
	}
	p.last++
	t.ID = p.last
	if err := p.to.Encode(t); err != nil {
		return nil, err
	}
	p.waiting[t.ID] = to
	return to, nil
}

// listen passes on answers until there are no more.
func (p *process) listen(out io.Reader) {
	defer close(p.ended)
	for from := gob.NewDecoder(out); ; {
		var a answer
		if err := from.Decode(&a); err != nil {
			break
		}
		p.mu.Lock()
		to := p.waiting[a.ID]
		delete(p.waiting, a.ID)
		p.mu.Unlock()
		if to != nil {
			to <- a
		}
	}
	p.end()
	p.mu.Lock()
	for _, to := range p.waiting {
		close(to)
	}
	p.waiting = nil
	p.mu.Unlock()
	p.err = p.cmd.Wait()
}

// end ends it at once: it keeps nothing.
func (p *process) end() {
	_ = p.in.Close()
	_ = p.cmd.Process.Kill()
}
