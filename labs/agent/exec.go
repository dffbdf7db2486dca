package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func base(path string) string { return filepath.Base(path) }

// exec runs one command line with the learner's shell, byte for byte as it came.
func (s *session) exec(line string) int {
	return s.run(func(acc account) []string { return []string{base(acc.shell), "-c", line} })
}

// run runs the learner's shell with the arguments that argv makes, and returns its
// status once its output has gone out.
func (s *session) run(argv func(account) []string) int {
	acc := s.a.learner()
	c := command{env: s.a.environ(acc, s.env), dir: acc.dir}
	c.path, c.argv = acc.become(argv(acc))
	if s.pty {
		c.env = s.a.environ(acc, merge(map[string]string{"TERM": termOr(s.term)}, s.env))
		return s.runPTY(c)
	}
	return s.runPipes(c)
}

// runPipes runs c between three pipes. Once it has ended it is not waited for
// whoever else still holds them, a daemon it left behind for one.
func (s *session) runPipes(c command) int {
	stdin, childIn, err := pipe(false)
	if err != nil {
		return s.cannot(err)
	}
	stdout, childOut, err := pipe(true)
	if err != nil {
		stdin.Close()
		childIn.Close()
		return s.cannot(err)
	}
	stderr, childErr, err := pipe(true)
	if err != nil {
		for _, f := range []*os.File{stdin, childIn, stdout, childOut} {
			f.Close()
		}
		return s.cannot(err)
	}
	c.files = [3]*os.File{childIn, childOut, childErr}
	p, err := s.a.sp.start(c)
	for _, f := range c.files {
		f.Close()
	}
	if err != nil {
		stdin.Close()
		stdout.Close()
		stderr.Close()
		return s.cannot(err)
	}
	s.follow(nil, func(sig syscall.Signal) { s.a.sp.kill(p, sig) })
	s.ch.onEOW(func() { stdout.Close() }) // the program gets SIGPIPE when it writes on
	go func() {
		_, _ = io.Copy(stdin, s.ch)
		stdin.Close()
	}()
	var out sync.WaitGroup
	out.Go(func() { drain(s.ch, stdout) })
	out.Go(func() { drain(s.ch.Stderr(), stderr) })
	s.wait(p)
	now := time.Now()
	stdin.Close()
	_ = stdout.SetReadDeadline(now.Add(drainGrace))
	_ = stderr.SetReadDeadline(now.Add(drainGrace))
	out.Wait()
	return p.exit()
}

// runPTY runs c on a PTY that ends with it.
func (s *session) runPTY(c command) int {
	ptmx, tty, err := openPTY(s.size, s.modes)
	if err != nil {
		return s.cannot(err)
	}
	c.files, c.tty = [3]*os.File{tty, tty, tty}, true
	p, err := s.a.sp.start(c)
	tty.Close()
	if err != nil {
		ptmx.Close()
		return s.cannot(err)
	}
	defer ptmx.Close()
	s.follow(func(w unix.Winsize) { setSize(ptmx, w) }, func(sig syscall.Signal) {
		if pg := foreground(ptmx); pg > 0 {
			_ = syscall.Kill(-pg, sig)
		}
	})
	defer s.follow(nil, nil)
	s.ch.onEOW(s.ch.left)
	go func() { _, _ = io.Copy(ptmx, s.ch) }()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		drain(s.ch, ptmx)
	}()
	s.wait(p)
	_ = ptmx.SetReadDeadline(time.Now().Add(drainGrace))
	<-copied
	return p.exit()
}

// wait waits for p, and ends its process group when the client leaves first:
// politely, then not.
func (s *session) wait(p *proc) {
	select {
	case <-p.done:
		return
	case <-s.ch.gone:
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGKILL} {
		s.a.sp.kill(p, sig)
		t := time.NewTimer(2 * time.Second)
		select {
		case <-p.done:
			t.Stop()
			return
		case <-t.C:
		}
	}
	<-p.done
}

// drain copies until the end, a failed write or, after src was given a
// deadline, a pause in what comes. A writer that never pauses gets a bounded
// time.
func drain(dst io.Writer, src *os.File) {
	defer src.Close()
	buf := make([]byte, 32<<10)
	left := graces(maxPipe / len(buf))
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil && !left.more(src, err) {
			return
		}
	}
}

// maxPipe is the most a pipe can hold.
const maxPipe = 1 << 20

// graces is how often somebody reads on behind the deadline that the end of a
// program has set. It may have passed while a slow client took its time, or
// while the machine had none for us: what is there still is the program's last
// output.
type graces int

func (g *graces) more(src *os.File, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || *g <= 0 || !readable(src) {
		return false
	}
	*g--
	return src.SetReadDeadline(time.Now().Add(drainGrace)) == nil
}

func readable(f *os.File) (yes bool) {
	control(f, func(fd int) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		yes = err == nil && n > 0
	})
	return yes
}

func (s *session) cannot(err error) int {
	logf("exec: %v", err)
	s.ch.say(s.a.tongue.Tf("The lab could not start a program: %s", err))
	return 254
}

func termOr(term string) string {
	if plainTerm(term) {
		return term
	}
	return "xterm-256color"
}

func merge(a, b map[string]string) map[string]string {
	for k, v := range b {
		a[k] = v
	}
	return a
}
