// Command lab-agent is the program inside a sandbox, its PID 1. It reaps, owns
// the learner's terminals, runs commands, set-up scripts and checks, and moves
// files; all of it over SSH, on a listener the driver made. Whoever can open a
// connection owns the sandbox, so it asks for no authentication, and it
// decides nothing about courses: package proto is what it can be asked.
//
// Outside a sandbox, "lab-agent -listen SOCKET -root FOLDER" runs it as an
// ordinary process that keeps its own files below FOLDER.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/boot"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/local/stage0"
)

// An agent is the state of one sandbox.
type agent struct {
	tongue   tongue
	prefix   string // "" in a sandbox
	labEnv   map[string]string
	dir      string // where shells begin; empty is the home
	sp       *spawner
	terms    *terminals
	scripts  *scripts
	checking sync.Mutex
	login    atomic.Pointer[proto.Learner] // nil: the learner is root
	baseline baseline
	clock    clock
	queued   atomic.Int32                      // scripts to be sourced that no shell has begun
	given    atomic.Pointer[map[string]string] // with labEnv, when the sandbox was claimed
}

// path is where the agent's own file of that name lies.
func (a *agent) path(name string) string {
	if a.prefix == "" {
		return name
	}
	return filepath.Join(a.prefix, name)
}

func main() {
	switch filepath.Base(os.Args[0]) {
	case proto.InitName:
		stage0.Main()
	case proto.DockName:
		boot.DockMain()
	case proto.SpawnName:
		boot.SpawnMain()
	case sftpMode:
		shield()
		os.Exit(sftpServer())
	case pushMode:
		shield()
		os.Exit(unpack(os.Args[1]))
	case proto.LabName:
		os.Exit(askDesk(os.Args[1:], os.Stdout, os.Stderr))
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lab-agent:", err)
		os.Exit(1)
	}
}

// shield keeps the sandbox's other processes, root's too, out of ours.
func shield() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

func run() error {
	st, err := takeOver()
	if err != nil {
		return err
	}
	// Whoever started us may have left more open than the contract says.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	// PID 1 is protected from signals only while it has no handlers, and Go
	// installs them all: so we take every signal and drop it. Ignoring them
	// instead would be inherited by the learner's shell.
	signal.Notify(make(chan os.Signal, 1))
	// Memory matters more than time here: the agent shares the sandbox's host
	// with a thousand others.
	debug.SetGCPercent(25)
	// So do processors. What is left of our work is handing bytes on, and on one
	// a hand-over is a switch: with more, each wakes another thread.
	runtime.GOMAXPROCS(1)
	a := &agent{prefix: st.prefix, labEnv: st.env, dir: st.dir}
	a.baseline.begin()
	a.sp = newSpawner(st.begin) // opens oom_score_adj, so before shield
	a.terms = &terminals{a: a, byName: map[string]*terminal{}}
	a.sp.first = a.terms.giveUp
	a.scripts = &scripts{a: a}
	a.clock.touch()
	_ = os.WriteFile("/proc/self/comm", []byte(proto.AgentName), 0)
	shield()
	return a.serve(st.listener, st.secret)
}

// serve answers SSH connections for as long as the sandbox lives.
func (a *agent) serve(l net.Listener, secret []byte) error {
	// A key of its own, of the cheap kind: the library's choice is RSA, which
	// would be most of a sandbox's start. Nobody checks it where the socket is the
	// proof.
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if len(secret) > 0 {
		key = proto.HostKey(secret)
	}
	signer, err := gossh.NewSignerFromKey(key)
	if err != nil {
		return err
	}
	out, desk := newEgress(), newDesk(a)
	srv := &ssh.Server{
		// OpenSSH tells only its own kind that it has stopped reading.
		Version:     "OpenSSH_9.9-cmh",
		HostSigners: []ssh.Signer{signer},
		ChannelHandlers: map[string]ssh.ChannelHandler{
			"session": func(_ *ssh.Server, _ *gossh.ServerConn, nc gossh.NewChannel, _ ssh.Context) {
				a.serveSession(nc)
			},
			"direct-tcpip": func(_ *ssh.Server, _ *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
				a.forward(ctx, nc)
			},
			proto.EgressLine: func(_ *ssh.Server, conn *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
				out.serveLine(ctx, conn, nc)
			},
			proto.DeskLine: func(_ *ssh.Server, conn *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
				desk.serveLine(ctx, conn, nc)
			},
		},
	}
	return srv.Serve(l)
}

// A start is how the agent was started.
type start struct {
	listener net.Listener
	secret   []byte // decides the host key; empty where nobody looks at it
	prefix   string
	env      map[string]string
	dir      string // where shells begin; empty is the home
	begin    func(*exec.Cmd) error
}

// takeOver reads what the driver handed over, or the flags.
func takeOver() (start, error) {
	if len(os.Args) == 1 {
		b, err := boot.Load()
		if err != nil {
			return start{}, err
		}
		st := start{listener: b.Listener, secret: b.Secret, begin: b.Start, env: map[string]string{}}
		for _, kv := range os.Environ() {
			if k, v, ok := strings.Cut(kv, "="); ok {
				st.env[k] = v
			}
		}
		st.dir = st.env["PWD"]
		delete(st.env, "PWD")
		return st, nil
	}
	listen := flag.String("listen", "", "Unix socket to listen on")
	root := flag.String("root", "", "folder for the agent's own files")
	flag.Parse()
	if *listen == "" || *root == "" {
		return start{}, errors.New("outside a sandbox, -listen and -root are needed")
	}
	// In a sandbox orphans fall to process 1, which we are; here they would
	// fall to the host's.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return start{}, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", *listen)
	return start{listener: l, prefix: *root, begin: (*exec.Cmd).Start}, err
}
