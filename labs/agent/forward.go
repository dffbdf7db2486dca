package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// forward connects a direct-tcpip channel to one of the sandbox's own ports, or
// to one of another host of its lab. Anything else is refused by name.
func (a *agent) forward(ctx context.Context, nc ssh.NewChannel) {
	var d struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &d); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	hosts := proto.ForwardsTo(d.Host)
	if hosts == nil || d.Port == 0 || d.Port > 65535 {
		_ = nc.Reject(ssh.Prohibited, "only ports of the lab and of its other hosts can be reached")
		return
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	var conn net.Conn
	var err error
	for _, h := range hosts {
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(h, strconv.Itoa(int(d.Port)))); err == nil {
			break
		}
	}
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, "nothing listens there")
		return
	}
	defer conn.Close()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	defer a.clock.busy()()
	go func() {
		_, _ = io.Copy(ch, conn)
		_ = ch.CloseWrite()
	}()
	go func() {
		_, _ = io.Copy(conn, ch)
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	}()
	ssh.DiscardRequests(reqs) // until the channel closes
}
