package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"
)

// DefaultHost is the address of an engine of that name: what DOCKER_HOST or
// CONTAINER_HOST says, else the socket where its package puts it.
func DefaultHost(name string) string {
	if name == "podman" {
		if h := os.Getenv("CONTAINER_HOST"); h != "" {
			return h
		}
		if os.Geteuid() != 0 {
			return fmt.Sprintf("unix:///run/user/%d/podman/podman.sock", os.Geteuid())
		}
		return "unix:///run/podman/podman.sock"
	}
	if h := os.Getenv("DOCKER_HOST"); h != "" {
		return h
	}
	return "unix:///var/run/docker.sock"
}

// reach makes a client for the engine at host: unix:///path, tcp://name:port
// (with the certificates of DOCKER_CERT_PATH, if set), or ssh://user@name, which
// needs docker or podman there.
func reach(host string) (*client.Client, error) {
	scheme, _, _ := strings.Cut(host, "://")
	var c *client.Client
	var err error
	switch scheme {
	case "unix":
		c, err = client.New(client.WithHost(host))
	case "tcp":
		c, err = client.New(client.WithTLSClientConfigFromEnv(), client.WithHost(host))
	case "ssh":
		var dial func(context.Context, string, string) (net.Conn, error)
		if dial, err = overSSH(host); err == nil {
			c, err = client.New(client.WithHost("tcp://engine.invalid"), client.WithDialContext(dial))
		}
	default:
		err = fmt.Errorf("%q names no engine: unix:///path, tcp://name:port and ssh://user@name do", host)
	}
	if err != nil {
		return nil, fmt.Errorf("reach the engine: %w", err)
	}
	return c, nil
}

// overSSH dials the engine as docker -H ssh://… does: through the ssh program,
// with its keys and settings, and the engine's own one at the other end.
func overSSH(host string) (func(context.Context, string, string) (net.Conn, error), error) {
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || u.Path != "" && u.Path != "/" {
		return nil, errors.Join(fmt.Errorf("%q is no ssh://user@name:port", host), err)
	}
	args := []string{"-T", "-o", "ConnectTimeout=30", "-o", "BatchMode=yes"}
	if user := u.User.Username(); user != "" {
		args = append(args, "-l", user)
	}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	args = append(args, "--", u.Hostname(), "if command -v docker >/dev/null; then exec docker system dial-stdio; else exec podman system dial-stdio; fi")
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		ours, theirs := os.NewFile(uintptr(pair[0]), "ssh"), os.NewFile(uintptr(pair[1]), "ssh")
		defer ours.Close() // FileConn keeps a copy of its own
		defer theirs.Close()
		conn, err := net.FileConn(ours)
		if err != nil {
			return nil, err
		}
		// It outlives ctx, as a connection does, and ends with the connection.
		cmd := exec.CommandContext(context.WithoutCancel(ctx), "ssh", args...)
		cmd.Stdin, cmd.Stdout = theirs, theirs
		if err := cmd.Start(); err != nil {
			conn.Close()
			return nil, err
		}
		go func() { _ = cmd.Wait() }()
		return conn, nil
	}, nil
}
