package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

const (
	maxAsks  = 8                // that are being answered at once
	askTime  = 5 * time.Second  // to say what is asked
	deskWait = 10 * time.Second // for a host that is restarting
	deskTime = 2 * time.Minute  // for an answer: a check is waited for
)

// What is said to those whom the host can't answer.
const (
	sayAway = "The hub can't be reached right now. Your lab goes on: please try again in a moment.\n"
	sayBusy = "That is too much at once. Please try again in a moment.\n"
)

// A desk takes what is asked inside to the host. It decides nothing: whose lab
// this is and what may be asked is the host's business, and whoever is inside may
// ask.
type desk struct {
	hostLine
	a     *agent
	asks  chan struct{} // as many as are being answered
	place sync.Mutex    // held while the socket is made
	l     net.Listener  // guarded by place
}

func newDesk(a *agent) *desk {
	return &desk{hostLine: newHostLine(), a: a, asks: make(chan struct{}, maxAsks)}
}

// serveLine holds the host's line until it closes.
func (d *desk) serveLine(ctx context.Context, conn *ssh.ServerConn, nc ssh.NewChannel) {
	if err := d.open(ctx); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	d.hold(conn, nc)
}

// open makes the socket, also where the learner has removed it, and the command
// where neither driver nor image has put one.
func (d *desk) open(ctx context.Context) error {
	d.place.Lock()
	defer d.place.Unlock()
	if d.a.prefix == "" {
		placeLab()
	}
	path := d.a.path(proto.DeskSocket)
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		return conn.Close()
	}
	if d.l != nil { // nobody finds it any more
		d.l.Close()
		d.l = nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o666); err != nil { // the learner may be anybody
		l.Close()
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // by then it may be somebody else's
	d.l = l
	go d.serve(l)
	return nil
}

// placeLab links the command to the agent's binary, in sandboxes that have it
// in their tree.
func placeLab() {
	if _, err := os.Stat(proto.DockBinary); err != nil {
		return
	}
	if _, err := os.Lstat(proto.LabPath); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if os.MkdirAll(filepath.Dir(proto.LabPath), 0o755) == nil {
		_ = os.Symlink(proto.DockBinary, proto.LabPath)
	}
}

func (d *desk) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				logf("desk: %v", err)
			}
			return
		}
		select {
		case d.asks <- struct{}{}:
			go func() {
				defer func() { <-d.asks }()
				d.answer(conn)
			}()
		default:
			refuse(conn, d.a.tongue.T(sayBusy))
			conn.Close()
		}
	}
}

// answer carries one ask to the host and its reply back.
func (d *desk) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(askTime))
	ask, err := bufio.NewReader(io.LimitReader(conn, proto.MaxAsk)).ReadBytes('\n')
	if err != nil {
		return
	}
	var say tongue
	ask = inLanguage(ask, &say, &d.a.tongue)
	defer d.a.clock.busy()()
	_ = conn.SetDeadline(time.Now().Add(deskWait + deskTime))
	ch, reqs := d.dial(proto.DeskCall, ask, deskWait)
	if ch == nil {
		refuse(conn, say.T(sayAway))
		return
	}
	defer ch.Close()
	go ssh.DiscardRequests(reqs)
	late := time.AfterFunc(deskTime, func() { _ = ch.Close() })
	defer late.Stop()
	reply, err := io.ReadAll(io.LimitReader(ch, proto.MaxReply+1))
	if err != nil || len(reply) == 0 || len(reply) > proto.MaxReply {
		refuse(conn, say.T(sayAway))
		return
	}
	_, _ = conn.Write(reply)
}

// inLanguage is an ask with the language that it is answered in, which say learns: the
// one that the learner chose, else the shell's that asks, else the learner's locale.
func inLanguage(ask []byte, say, learner *tongue) []byte {
	var a proto.Ask
	if json.Unmarshal(ask, &a) != nil || !say.learn(learner.chosen()) && (say.learn(a.Language) || !say.learn(learner.locale())) {
		return ask
	}
	a.Language = say.locale()
	told, err := json.Marshal(a)
	if err != nil || len(told)+1 > proto.MaxAsk {
		return ask
	}
	return append(told, '\n')
}

// refuse answers in the host's place.
func refuse(conn net.Conn, why string) {
	b, _ := json.Marshal(proto.Reply{Status: proto.Later, Err: "lab: " + why}) // strings always encode
	_ = conn.SetWriteDeadline(time.Now().Add(askTime))
	_, _ = conn.Write(b)
}
