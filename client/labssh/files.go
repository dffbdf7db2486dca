package labssh

import (
	"context"
	"io"
	"net"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Files are those of a lab, as its learner sees them.
type Files struct {
	*sftp.Client
	conn *ssh.Client
	stop func() bool
}

// OpenFiles connects to the files of a lab. The caller closes them; ctx ends
// whatever is under way.
func OpenFiles(ctx context.Context, certify Certify) (*Files, error) {
	c, err := dial(ctx, certify)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	f, err := sftp.NewClient(c)
	if err != nil {
		stop()
		_ = c.Close()
		return nil, lost(ctx, err)
	}
	return &Files{Client: f, conn: c, stop: stop}, nil
}

// Close hangs up.
func (f *Files) Close() error {
	f.stop()
	_ = f.Client.Close()
	return f.conn.Close()
}

// Forward hands each connection that l takes to port of the lab, until ctx ends
// or the lab can't be entered any more. A connection to the gateway that breaks
// is made again for the next one. It closes l.
func Forward(ctx context.Context, certify Certify, l net.Listener, port string, say func(string)) error {
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	c, err := dial(ctx, certify)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		far, err := c.DialContext(ctx, "tcp", net.JoinHostPort("localhost", port))
		if err != nil && ended(c) {
			_ = c.Close()
			if c, err = dial(ctx, certify); err != nil {
				_ = conn.Close()
				return err
			}
			far, err = c.DialContext(ctx, "tcp", net.JoinHostPort("localhost", port))
		}
		if err != nil {
			say("Nothing listens on port " + port + " of the lab.")
			_ = conn.Close()
			continue
		}
		go join(conn, far)
	}
}

// ended reports whether a connection is of no use any more.
func ended(c *ssh.Client) bool {
	_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
	return err != nil
}

// join copies both ways until both ends are at their end.
func join(a, b net.Conn) {
	done := make(chan struct{})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	go func() {
		defer close(done)
		pass(a, b)
	}()
	pass(b, a)
	<-done
	_ = a.Close()
	_ = b.Close()
}
