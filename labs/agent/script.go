package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

const (
	runDir = "/run/lab" // copies of scripts, out of the learner's way
	logDir = "/var/log/killercoda"

	maxOutput    = 64 << 10 // of a check, per stream
	checkTimeout = 60 * time.Second
)

// reasonEnv names a file in which a check may say why it did not pass.
const reasonEnv = "VERIFICATION_FAILURE_REASON"

// scripts are the background scripts that were started.
type scripts struct {
	mu    sync.Mutex
	a     *agent
	order []*script
}

type script struct {
	name string
	p    *proc // nil: could not be started
}

// start starts a script and leaves it alone: its children may live as long as
// the sandbox does.
func (ss *scripts) start(s proto.Script) error {
	if !validName(s.Name) {
		return fmt.Errorf("start: %q is no name for a script", s.Name)
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, old := range ss.order {
		if old.name == s.Name {
			return nil // asked again after a lost answer
		}
	}
	file, err := ss.a.writeScript(s.Source, 0o700)
	if err != nil {
		return err
	}
	stdout, stderr, err := ss.a.logs(s.Name)
	if err != nil {
		return err
	}
	defer stdout.Close()
	defer stderr.Close()
	p, err := ss.a.runScript(s, file, nil, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return err
	}
	ss.order = append(ss.order, &script{s.Name, p})
	return nil
}

func (ss *scripts) status() []proto.ScriptStatus {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	out := []proto.ScriptStatus{}
	for _, s := range ss.order {
		st := proto.ScriptStatus{Name: s.name, Running: true}
		select {
		case <-s.p.done:
			st.Running, st.Exit = false, s.p.exit()
		default:
		}
		out = append(out, st)
	}
	return out
}

// logs opens the two files that learners are told to read.
func (a *agent) logs(name string) (stdout, stderr *os.File, err error) {
	dir := a.path(logDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	// A learner is root here too: no file of theirs may make us wait.
	const flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK
	open := func(stream string) (*os.File, error) {
		fd, err := unix.Open(filepath.Join(dir, name+"_"+stream+".log"), flags|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("log of %s: %w", name, err)
		}
		_ = unix.SetNonblock(fd, false)
		return os.NewFile(uintptr(fd), stream), nil
	}
	if stdout, err = open("stdout"); err != nil {
		return nil, nil, err
	}
	if stderr, err = open("stderr"); err != nil {
		stdout.Close()
		return nil, nil, err
	}
	return stdout, stderr, nil
}

// check runs one check to its end. Its processes are the learner's as far as
// limits go: what a check runs is mostly what the learner has built.
func (a *agent) check(s proto.Script, gone <-chan struct{}) (*proto.CheckReport, error) {
	if !a.checking.TryLock() {
		return nil, errors.New(proto.ErrChecking)
	}
	defer a.checking.Unlock()
	notRun := func(err error) (*proto.CheckReport, error) {
		return &proto.CheckReport{NotRun: err.Error(), Stdout: []byte{}, Stderr: []byte{}}, nil
	}
	file, err := a.writeScript(s.Source, 0o700)
	if err != nil {
		return notRun(err)
	}
	defer os.Remove(file)
	g, changed := a.guard(append([]proto.Relied{sealed(file, s.Source)}, s.Relies...))
	if changed != "" {
		return &proto.CheckReport{Changed: changed, Stdout: []byte{}, Stderr: []byte{}}, nil
	}
	defer g.end()
	reason := file + ".txt"
	if err := writeNew(reason, nil, 0o666); err != nil {
		return notRun(err)
	}
	defer os.Remove(reason)

	stdout, childOut, err := pipe(true)
	if err != nil {
		return notRun(err)
	}
	defer stdout.Close()
	stderr, childErr, err := pipe(true)
	if err != nil {
		childOut.Close()
		return notRun(err)
	}
	defer stderr.Close()
	p, err := a.runScript(s, file, map[string]string{reasonEnv: reason}, childOut, childErr)
	childOut.Close()
	childErr.Close()
	if err != nil {
		return notRun(err)
	}
	rep := &proto.CheckReport{}
	var out sync.WaitGroup
	out.Go(func() { rep.Stdout, _ = capture(stdout) })
	out.Go(func() { rep.Stderr, rep.Killed = capture(stderr) })

	timeout := checkTimeout
	if s.Timeout > 0 {
		timeout = time.Duration(s.Timeout) * time.Second
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		rep.TimedOut = true
		a.sp.kill(p, syscall.SIGKILL)
		<-p.done
	case <-gone: // nobody wants to know any more
		a.sp.kill(p, syscall.SIGKILL)
		<-p.done
	}
	deadline := time.Now().Add(drainGrace)
	_ = stdout.SetReadDeadline(deadline)
	_ = stderr.SetReadDeadline(deadline)
	out.Wait()
	rep.Exit, rep.Signaled = p.exit(), p.status.Signaled()
	rep.Reason = readReason(reason)
	rep.Changed = g.changed()
	return rep, nil
}

// capture reads to the end and keeps the beginning, so that a check that
// prints for ever is held up by its time and not by us. killed says that a
// shell told, somewhere in it, of a command that a signal ended.
func capture(f *os.File) (kept []byte, killed bool) {
	kept = []byte{}
	buf := make([]byte, 16<<10)
	held := 0 // bytes of an unfinished line at the front of buf
	left := graces(8)
	for {
		n, err := f.Read(buf[held:])
		kept = append(kept, buf[held:held+min(n, maxOutput-len(kept))]...)
		seen := buf[:held+n]
		killed = killed || killedLine.Match(seen)
		if at := bytes.LastIndexByte(seen, '\n'); at >= 0 {
			seen = seen[at+1:]
		}
		if held = copy(buf, seen); held == len(buf) {
			held = 0 // no line of a shell's is that long
		}
		if err != nil && !left.more(f, err) {
			return kept, killed
		}
	}
}

// killedLine is what bash ("FILE: line 3:  17 Killed  COMMAND") and dash say of
// a command that a signal has ended.
var killedLine = regexp.MustCompile(`(?m)^(?:/\S+: line \d+:\s+\d+ [A-Z][a-z]|(?:Killed|Terminated|Hangup|Aborted)$)`)

// readReason reads a file that the sandbox may have replaced meanwhile.
func readReason(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(f, maxOutput))
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "�"))
}

// runScript starts the copy of s in file as scripts of a scenario expect it:
// root, at home, no terminal, nothing to read, messages in English.
func (a *agent) runScript(s proto.Script, file string, env map[string]string, stdout, stderr *os.File) (*proc, error) {
	acc := a.root()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	argv := append(append(interpreter(s.Source), file), s.Args...)
	if !executable(argv[0]) {
		return nil, fmt.Errorf("the interpreter %s is not installed", argv[0])
	}
	vars := map[string]string{"LC_ALL": "C.UTF-8"}
	return a.sp.start(command{
		path: argv[0], argv: argv, dir: acc.home,
		env:   a.environ(acc, merge(merge(vars, s.Env), env)),
		files: [3]*os.File{null, stdout, stderr},
	})
}

// interpreter is the program and its arguments that run a script: bash unless
// the first line says otherwise.
func interpreter(source []byte) []string {
	first, _, _ := bytes.Cut(source, []byte("\n"))
	line := strings.TrimSpace(string(first))
	rest, ok := strings.CutPrefix(line, "#!")
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 || strings.HasPrefix(fields[0], "/bin/bash") {
		return []string{"/bin/bash"}
	}
	if base(fields[0]) == "env" {
		fields = fields[1:]
		for len(fields) > 0 && strings.HasPrefix(fields[0], "-") {
			fields = fields[1:]
		}
		if len(fields) == 0 {
			return []string{"/bin/bash"}
		}
	}
	switch base(fields[0]) {
	case "bash":
		return []string{"/bin/bash"}
	case "sh":
		return []string{"/bin/sh"}
	}
	if !strings.HasPrefix(fields[0], "/") {
		for dir := range strings.SplitSeq(systemPath, ":") {
			if p := filepath.Join(dir, fields[0]); executable(p) {
				fields[0] = p
				break
			}
		}
	}
	return fields
}

// writeScript puts a copy of a script where only root looks, under a name that
// says nothing: checks search the process list for words.
func (a *agent) writeScript(source []byte, mode os.FileMode) (string, error) {
	dir := a.path(runDir)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", err
	}
	// A learner who has become another user sources from it too. It cannot
	// be listed, and what others may not read in it has a mode of its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", err
	}
	var b [4]byte
	_, _ = rand.Read(b[:])
	file := filepath.Join(dir, hex.EncodeToString(b[:]))
	return file, writeNew(file, bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n")), mode)
}

func writeNew(path string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if e := f.Chmod(mode); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}
