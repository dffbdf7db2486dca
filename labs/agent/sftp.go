package main

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/pkg/sftp"
)

// Child modes of this same binary, by argv[0]. They are processes of the
// learner, with the learner's limits: files named by a client or by a course
// are never opened by the agent itself, whose /proc/self/mem is among them.
const (
	sftpMode = "sftp-server"
	pushMode = "lab-push"
)

// self starts this binary again in one of its child modes.
func (a *agent) self(mode string, args []string, files [3]*os.File) (*proc, error) {
	acc := a.root()
	return a.sp.start(command{
		path: "/proc/self/exe", argv: append([]string{mode}, args...),
		env: a.environ(acc, nil), dir: acc.home, files: files,
	})
}

// sftp serves the subsystem of that name from a child.
func (s *session) sftp() int {
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
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		null = childOut
	}
	p, err := s.a.self(sftpMode, nil, [3]*os.File{childIn, childOut, null})
	childIn.Close()
	childOut.Close()
	null.Close()
	if err != nil {
		stdin.Close()
		stdout.Close()
		return s.cannot(err)
	}
	go func() {
		_, _ = io.Copy(stdin, s.ch)
		stdin.Close()
	}()
	var out sync.WaitGroup
	out.Go(func() { drain(s.ch, stdout) })
	s.wait(p)
	out.Wait()
	return p.exit()
}

// sftpServer is the child.
func sftpServer() int {
	srv, err := sftp.NewServer(stdio{})
	if err != nil {
		return 1
	}
	if err := srv.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return 1
	}
	return 0
}

type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdio) Close() error                { return os.Stdout.Close() }
