package labs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// ErrChecking is Check's answer while another check runs in the sandbox.
var ErrChecking = errors.New("labs: " + proto.ErrChecking)

// An AgentError is what the agent itself answered, as against a sandbox that
// could not be reached.
type AgentError struct{ Message string }

func (e *AgentError) Error() string { return "labs: agent: " + e.Message }

// A Sandbox is the platform's own line to the agent inside one sandbox: set-up
// and checks. It may be used from several goroutines. Learners don't come this
// way; package gateway copies their sessions.
type Sandbox struct {
	client *ssh.Client
}

// helloTimeout bounds dial and handshake with an agent that is there. One that has
// ended is told at once: only one that hangs takes so long, or a machine that has
// no time for it.
const helloTimeout = 30 * time.Second

// InnerConfig is the SSH of the hop between host and agent. The connection
// never leaves the machine's own sockets and whoever can open it owns the
// sandbox, so no key is asked for or, but of what is Proven, looked at, and the cipher is the cheapest.
func InnerConfig() *ssh.ClientConfig {
	return &ssh.ClientConfig{
		Config: ssh.Config{
			Ciphers:      []string{"aes128-gcm@openssh.com"},
			KeyExchanges: []string{"curve25519-sha256"},
		},
		User:            "root",
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // the socket is the proof, see above
	}
}

// Proven is what a connection of Driver.Dial may be: one that others could get
// in between, so that the agent has to prove itself by its host key.
type Proven interface {
	HostKey() ed25519.PublicKey
}

// Connect dials the agent in sandbox id and does the SSH handshake. The caller
// closes the client, which closes the connection. It answers ErrNotFound as
// Driver.Dial does.
func Connect(ctx context.Context, d Driver, id string) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	conn, err := d.Dial(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("dial sandbox %s: %w", id, err)
	}
	client, err := handshake(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("talk to sandbox %s: %w", id, err)
	}
	return client, nil
}

func handshake(ctx context.Context, conn net.Conn) (*ssh.Client, error) {
	// Closing the connection is what ends a handshake with a dead agent.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	conf := InnerConfig()
	if k, ok := conn.(Proven); ok {
		key, err := ssh.NewPublicKey(k.HostKey())
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		conf.HostKeyCallback = ssh.FixedHostKey(key)
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, "sandbox", conf)
	if !stop() && err == nil {
		_ = c.Close()
		return nil, ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// Open connects to the agent in sandbox id. The caller closes the Sandbox.
func Open(ctx context.Context, d Driver, id string) (*Sandbox, error) {
	c, err := Connect(ctx, d, id)
	if err != nil {
		return nil, err
	}
	return &Sandbox{c}, nil
}

// Close hangs up. What was started inside goes on.
func (s *Sandbox) Close() error { return s.client.Close() }

// Hello asks the agent who it is.
func (s *Sandbox) Hello(ctx context.Context) (proto.HelloInfo, error) {
	r, err := s.ask(ctx, proto.Request{Method: proto.Hello}, nil)
	if err != nil {
		return proto.HelloInfo{}, err
	}
	if r.Hello == nil {
		return proto.HelloInfo{}, errors.New("labs: agent said hello without its name")
	}
	return *r.Hello, nil
}

// Push unpacks a tar archive at the sandbox's root, as root. A part may have
// been written when it fails.
func (s *Sandbox) Push(ctx context.Context, tar []byte) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Push, Payload: int64(len(tar))}, tar)
	return err
}

// Start starts a script in the background and returns at once. A name that
// was started before is left as it is.
func (s *Sandbox) Start(ctx context.Context, script proto.Script) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Start, Script: &script}, nil)
	return err
}

// Scripts says how the started scripts are doing, in the order of their start.
func (s *Sandbox) Scripts(ctx context.Context) ([]proto.ScriptStatus, error) {
	r, err := s.ask(ctx, proto.Request{Method: proto.Status}, nil)
	return r.Scripts, err
}

// Check runs a script to its end. When ctx ends first the script is killed.
// It answers ErrChecking while another check runs.
func (s *Sandbox) Check(ctx context.Context, script proto.Script) (proto.CheckReport, error) {
	r, err := s.ask(ctx, proto.Request{Method: proto.Check, Script: &script}, nil)
	if err != nil {
		return proto.CheckReport{}, err
	}
	if r.Check == nil {
		return proto.CheckReport{}, errors.New("labs: agent checked without a report")
	}
	return *r.Check, nil
}

// Remember takes files as they are now for good ones, besides what later checks
// say they may be.
func (s *Sandbox) Remember(ctx context.Context, relied []proto.Relied) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Remember, Relied: relied}, nil)
	return err
}

// Login says who the learner is, for all that is started after it.
func (s *Sandbox) Login(ctx context.Context, l proto.Learner) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Login, Learner: &l}, nil)
	return err
}

// Expire makes the sandbox end by itself a little after left, unless it is asked
// again before. Its learner is warned on the terminals.
func (s *Sandbox) Expire(ctx context.Context, left time.Duration) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Expire, Expiry: &proto.Expiry{LeftMS: left.Milliseconds()}}, nil)
	return err
}

// Type types into a learner's terminal, or queues a script for its shell to
// source at the next prompt; it makes the terminal when there is none.
func (s *Sandbox) Type(ctx context.Context, t proto.Typing) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Type, Typing: &t}, nil)
	return err
}

// session opens a channel. An agent that is there but doesn't answer, because
// root inside took its limits down say, must not hold us: when ctx ends first,
// so does the whole connection.
func (s *Sandbox) session(ctx context.Context) (*ssh.Session, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	return s.client.NewSession()
}

// ask sends one request on a channel of its own.
func (s *Sandbox) ask(ctx context.Context, req proto.Request, payload []byte) (resp proto.Response, err error) {
	sess, err := s.session(ctx)
	if err != nil {
		return resp, fmt.Errorf("ask the agent: %w", err)
	}
	defer sess.Close()
	stop := context.AfterFunc(ctx, func() { _ = sess.Close() })
	defer stop()
	in, err := sess.StdinPipe()
	if err != nil {
		return resp, err
	}
	out, err := sess.StdoutPipe()
	if err != nil {
		return resp, err
	}
	if err := sess.RequestSubsystem(proto.Subsystem); err != nil {
		return resp, fmt.Errorf("ask the agent: %w", err)
	}
	line, err := json.Marshal(req)
	if err != nil {
		return resp, err
	}
	// The answer may come before the payload has gone out, when it is refused.
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = in.Write(append(line, '\n'))
		_, _ = in.Write(payload)
		_ = in.Close()
	}()
	answer, err := bufio.NewReader(io.LimitReader(out, maxAnswer)).ReadBytes('\n')
	_ = sess.Close()
	<-sent
	if ctx.Err() != nil {
		return resp, ctx.Err()
	}
	if err != nil {
		return resp, fmt.Errorf("the agent's answer to %q: %w", req.Method, err)
	}
	if err := json.Unmarshal(answer, &resp); err != nil {
		return resp, fmt.Errorf("the agent's answer to %q: %w", req.Method, err)
	}
	switch resp.Error {
	case "":
		return resp, nil
	case proto.ErrChecking:
		return resp, ErrChecking
	}
	return resp, &AgentError{resp.Error}
}

// maxAnswer is far above what an honest agent sends: a report's two streams
// of 64 KiB, in base64.
const maxAnswer = 4 << 20

// Run runs one command line with the learner's shell in the sandbox, as "ssh HOST
// cmd" would, and returns what it printed. A command that ended with a status
// other than 0 is not an error.
func (s *Sandbox) Run(ctx context.Context, cmd string, stdin io.Reader) (stdout, stderr []byte, status int, err error) {
	sess, err := s.session(ctx)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("run in sandbox: %w", err)
	}
	defer sess.Close()
	stop := context.AfterFunc(ctx, func() { _ = sess.Close() })
	defer stop()
	var out, errs bytes.Buffer
	sess.Stdin, sess.Stdout, sess.Stderr = stdin, &out, &errs
	err = sess.Run(cmd)
	var exit *ssh.ExitError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return out.Bytes(), errs.Bytes(), 0, ctx.Err()
	case errors.As(err, &exit):
		status = exit.ExitStatus()
	default:
		return out.Bytes(), errs.Bytes(), 0, fmt.Errorf("run in sandbox: %w", err)
	}
	return out.Bytes(), errs.Bytes(), status, nil
}
