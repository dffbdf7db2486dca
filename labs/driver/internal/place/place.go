// Package place is the folder that a driver on this machine keeps for each
// sandbox: the lock on it, the agent's socket and log in it. What else lies
// there is the driver's.
package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// Files of a place.
const (
	SocketFile = "agent.sock"
	LogFile    = "log"
)

func procFD(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// Listen makes the agent's socket on the host's side. The path is given
// relative to an open folder, because a socket's may have 107 bytes at most.
func Listen(dir string) (*os.File, error) {
	at, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "listener")
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: procFD(at) + "/" + SocketFile}); err != nil {
		f.Close()
		return nil, err
	}
	if err := unix.Listen(fd, 128); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// ValidID says that a sandbox, or what is kept of one, may be called id.
func ValidID(id string) bool { return validID.MatchString(id) }

// Dial is labs.Driver's, for sandboxes whose folders are in state. A dead one's
// socket has no listener, so nobody else needs to be asked.
func Dial(ctx context.Context, state, id string) (net.Conn, error) {
	if !ValidID(id) {
		return nil, labs.ErrNotFound
	}
	conn, err := Connect(ctx, filepath.Join(state, id))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %s", labs.ErrNotFound, id)
	}
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", id, err)
	}
	return conn, nil
}

// Connect connects to the socket in dir.
func Connect(ctx context.Context, dir string) (net.Conn, error) {
	at, err := folder(dir)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", procFD(at)+"/"+SocketFile)
}

// Await returns once the agent speaks.
func Await(ctx context.Context, dir string) error {
	conn, err := Connect(ctx, dir)
	if err != nil {
		return fmt.Errorf("reach the agent: %w", err)
	}
	return Greeted(ctx, conn)
}

// Greeted returns once the agent at the other end of conn speaks, and hangs up.
func Greeted(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	hello := make([]byte, 4)
	if _, err := conn.Read(hello); err != nil {
		return fmt.Errorf("the agent doesn't answer: %w", errors.Join(ctx.Err(), err))
	}
	if string(hello) != "SSH-" {
		return fmt.Errorf("the agent answers %q", hello)
	}
	return nil
}

// Said is the end of what the agent wrote to its log.
func Said(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, LogFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw[max(0, len(raw)-2000):]))
}
