package labs_test

import (
	"context"
	"crypto/ed25519"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// intercepted is a sandbox whose connections end at whoever holds key.
type intercepted struct {
	labs.Driver
	key    ed25519.PrivateKey
	meant  ed25519.PublicKey
	served chan error
}

type proven struct {
	net.Conn
	key ed25519.PublicKey
}

func (p proven) HostKey() ed25519.PublicKey { return p.key }

func (d intercepted) Dial(ctx context.Context, _ string) (net.Conn, error) {
	signer, err := ssh.NewSignerFromKey(d.key)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	near, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	far, err := l.Accept()
	if err != nil {
		return nil, err
	}
	conf := &ssh.ServerConfig{NoClientAuth: true}
	conf.AddHostKey(signer)
	go func() {
		defer far.Close()
		_, _, _, err := ssh.NewServerConn(far, conf)
		d.served <- err
	}()
	return proven{near, d.meant}, nil
}

// Root inside, in the middle of a connection that the agent should get, knows
// no secret and is not taken for the agent.
func TestWhoIsNotTheAgentIsNotTalkedTo(t *testing.T) {
	t.Parallel()
	agents := proto.HostKey([]byte("what only the driver and the agent know"))
	_, own, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		key ed25519.PrivateKey
		ok  bool
	}{"the agent": {agents, true}, "a learner": {own, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := intercepted{key: tt.key, meant: agents.Public().(ed25519.PublicKey), served: make(chan error, 1)}
			c, err := labs.Connect(t.Context(), d, "lab")
			if (err == nil) != tt.ok {
				t.Errorf("talked to: %v", err)
			}
			if c != nil {
				c.Close()
			}
			if err := <-d.served; (err == nil) != tt.ok {
				t.Errorf("served: %v", err)
			}
		})
	}
}
