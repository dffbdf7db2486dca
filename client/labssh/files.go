package labssh

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"path"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
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
	return FilesOn(ctx, c)
}

// FilesOn is OpenFiles on a connection to the lab's own side, which is closed
// with them.
func FilesOn(ctx context.Context, c *ssh.Client) (*Files, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	f, err := sftp.NewClient(c)
	if err != nil {
		stop()
		_ = c.Close()
		return nil, lost(ctx, err)
	}
	return &Files{Client: f, conn: c, stop: stop}, nil
}

// maxFile bounds what Get reads: more than a text to be edited has.
const maxFile = 4 << 20

// Get returns a file's content, and false when there is no such file. One that
// is too large, or no plain file, is an error.
func (f *Files) Get(name string) (content []byte, exists bool, err error) {
	info, err := f.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, hub.Wrap(err, hub.Unavailable, "%s could not be looked at.", name)
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, true, hub.Errorf(hub.Invalid, "%s is no plain file, or too large.", name)
	}
	in, err := f.Open(name)
	if err == nil {
		defer in.Close()
		content, err = io.ReadAll(io.LimitReader(in, maxFile))
	}
	if err != nil {
		return nil, true, hub.Wrap(err, hub.Unavailable, "%s could not be read.", name)
	}
	return content, true, nil
}

// Put writes a file, and makes the folders it lies in.
func (f *Files) Put(name string, content []byte) error {
	err := f.MkdirAll(path.Dir(name))
	var out *sftp.File
	if err == nil {
		out, err = f.Create(name)
	}
	if err == nil {
		_, err = out.Write(content)
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		return hub.Wrap(err, hub.Unavailable, "%s could not be written.", name)
	}
	return nil
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
			say(words.Kept("Nothing listens on port %s of the lab.", port))
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
