package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// An sshdFloor is a stock OpenSSH server with a configuration, a host key and
// one user of its own.
type sshdFloor struct {
	addr    string
	user    string
	keyFile string
	signer  ssh.Signer
	pid     int
}

// The user exists in sshd's mount namespace alone: its passwd file covers the
// system's there, and nothing of the system is written to.
const sshdScript = `
set -e
mount --bind "$1/passwd" /etc/passwd
mount -t tmpfs -o mode=755 none /run
mkdir -m 755 /run/sshd
exec "$(command -v sshd)" -D -e -f "$1/sshd_config"`

// openssh starts the floor, once. It is nil where there's no root to do so.
func (r *rig) openssh(ctx context.Context) (*sshdFloor, error) {
	if r.sshd != nil {
		return r.sshd, nil
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("sshd can only be measured as root")
	}
	dir := filepath.Join(r.dir, "sshd")
	home := filepath.Join(dir, "home")
	for _, d := range []string{dir, home, filepath.Join(home, ".ssh")} {
		if err := os.Mkdir(d, 0o711); err != nil { //nolint:gosec // as any home
			return nil, err
		}
	}
	f := &sshdFloor{user: "cmhbench", keyFile: filepath.Join(r.dir, "sshd.key")}
	if _, err := newKey(filepath.Join(dir, "host_key")); err != nil {
		return nil, err
	}
	var err error
	if f.signer, err = newKey(f.keyFile); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	f.addr = fmt.Sprintf("127.0.0.1:%d", port)
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return nil, err
	}
	const id = 64123
	keys := filepath.Join(home, ".ssh", "authorized_keys")
	for name, content := range map[string]string{
		filepath.Join(dir, "passwd"): string(passwd) + fmt.Sprintf("\n%s:*:%d:%d::%s:/bin/sh\n", f.user, id, id, home),
		keys:                         string(ssh.MarshalAuthorizedKey(f.signer.PublicKey())),
		// Everything else is OpenSSH's default; PAM, a host's own affair, would
		// only make it slower.
		filepath.Join(dir, "sshd_config"): fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host_key\nPidFile none\nUsePAM no\nStrictModes no\nPrintMotd no\nMaxStartups 100\n", port, dir),
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil { //nolint:gosec // read by the user we made
			return nil, err
		}
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "unshare", "--mount", "--propagation", "private", "sh", "-c", sshdScript, "sh", dir)
	cmd.Stderr = r.log
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.started = append(r.started, cmd)
	f.pid = cmd.Process.Pid
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 250 {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.addr); err == nil {
			conn.Close()
			r.sshd = f
			return f, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	said, _ := os.ReadFile(r.log.Name())
	return nil, fmt.Errorf("sshd doesn't listen: %s", said)
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
