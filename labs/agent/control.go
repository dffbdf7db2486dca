package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// maxRequest bounds the line of a Request; a script's source is in it.
const maxRequest = 8 << 20

// control answers one request of the platform.
func (a *agent) control(ch *channel) int {
	r := bufio.NewReaderSize(ch, 64<<10)
	var req proto.Request
	line, err := readLine(r, maxRequest)
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	var resp proto.Response
	if err == nil {
		resp, err = a.answer(req, io.LimitReader(r, req.Payload), ch)
	}
	if err != nil {
		resp = proto.Response{Error: err.Error()}
	}
	b, err := json.Marshal(resp)
	if err != nil {
		logf("control: %v", err)
		return 1
	}
	if _, err := ch.Write(append(b, '\n')); err != nil {
		return 1
	}
	return 0
}

func (a *agent) answer(req proto.Request, payload io.Reader, ch *channel) (resp proto.Response, err error) {
	switch req.Method {
	case proto.Hello, proto.Status, proto.Expire, proto.Prepare: // the host looks; nobody works
	default:
		defer a.clock.busy()()
	}
	switch req.Method {
	case proto.Hello:
		resp.Hello = a.terms.hello()
		resp.Hello.IdleMS = a.idle().Milliseconds()
	case proto.Push:
		err = a.push(payload, ch)
	case proto.Start:
		if req.Script == nil {
			return resp, errors.New("start: no script")
		}
		err = a.scripts.start(*req.Script)
	case proto.Status:
		resp.Scripts = a.scripts.status()
	case proto.Check:
		if req.Script == nil {
			return resp, errors.New("check: no script")
		}
		resp.Check, err = a.check(*req.Script, ch.gone)
	case proto.Remember:
		a.remember(req.Relied)
	case proto.Type:
		if req.Typing == nil {
			return resp, errors.New("type: nothing to type")
		}
		err = a.typeIn(*req.Typing)
	case proto.Login:
		if req.Learner == nil || req.Learner.UID < 0 || req.Learner.GID < 0 {
			return resp, errors.New("login: nobody")
		}
		a.login.Store(req.Learner)
	case proto.Expire:
		if req.Expiry == nil {
			return resp, errors.New("expire: no time")
		}
		a.expireIn(time.Duration(req.Expiry.LeftMS) * time.Millisecond)
	case proto.Prepare:
		err = a.terms.prepare()
	case proto.Become:
		if req.Self == nil {
			return resp, errors.New("become: nobody")
		}
		err = a.become(*req.Self)
	default:
		err = fmt.Errorf("%q is not a request this agent knows", req.Method)
	}
	return resp, err
}

func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return nil, errors.New("the request is too long")
		}
		if err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

func (ts *terminals) hello() *proto.HelloInfo {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	h := &proto.HelloInfo{Version: proto.Version, Terminals: []string{}, Sourcing: ts.sourcing()}
	for name, t := range ts.byName {
		h.Terminals = append(h.Terminals, name)
		t.mu.Lock()
		h.Attached += t.attached
		t.mu.Unlock()
	}
	sort.Strings(h.Terminals)
	return h
}

// push unpacks a tar archive, in a child.
func (a *agent) push(tar io.Reader, ch *channel) error {
	stdin, childIn, err := pipe(false)
	if err != nil {
		return err
	}
	stderr, childErr, err := pipe(true)
	if err != nil {
		stdin.Close()
		childIn.Close()
		return err
	}
	p, err := a.self(pushMode, []string{a.path("/")}, [3]*os.File{childIn, childErr, childErr})
	childIn.Close()
	childErr.Close()
	if err != nil {
		stdin.Close()
		stderr.Close()
		return err
	}
	var said []byte
	var out sync.WaitGroup
	out.Go(func() {
		defer stderr.Close()
		said, _ = io.ReadAll(io.LimitReader(stderr, 4096))
	})
	_, _ = io.Copy(stdin, tar)
	stdin.Close()
	(&session{a: a, ch: ch}).wait(p)
	out.Wait()
	if p.exit() != 0 {
		return fmt.Errorf("unpack: %s", said)
	}
	return nil
}

func logf(format string, args ...any) { fmt.Fprintf(os.Stderr, "lab-agent: "+format+"\n", args...) }
