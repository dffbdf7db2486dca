package main

import (
	"context"
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// A direct is a sandbox's agent on a TCP port of loopback, without a gateway:
// stock clients reach no Unix socket. Bytes pass as they are, so the client does
// its key exchange with the agent, which then asks nobody to log in.
type direct struct {
	addr string
	l    net.Listener
	wg   sync.WaitGroup
}

func agentAlone(ctx context.Context, driver labs.Driver, id string) (*direct, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &direct{addr: l.Addr().String(), l: l}
	d.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.wg.Go(func() {
				defer c.Close()
				agent, err := driver.Dial(ctx, id)
				if err != nil {
					return
				}
				defer agent.Close()
				go func() {
					_, _ = io.Copy(agent, quick{c})
					agent.Close()
				}()
				_, _ = io.Copy(c, agent)
			})
		}
	})
	return d, nil
}

// close ends it; its connections have ended with their clients.
func (d *direct) close() {
	d.l.Close()
	d.wg.Wait()
}

// quick acknowledges what it reads at once, as the gateway does.
type quick struct{ net.Conn }

func (q quick) Read(b []byte) (int, error) {
	n, err := q.Conn.Read(b)
	if rc, rerr := q.Conn.(*net.TCPConn).SyscallConn(); rerr == nil {
		_ = rc.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return n, err
}
