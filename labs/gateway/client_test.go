package gateway_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

func signer(t *testing.T) gossh.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	keysMu.Lock()
	defer keysMu.Unlock()
	keys[s] = k
	return s
}

func privatePEM(t *testing.T, s gossh.Signer) []byte {
	t.Helper()
	keysMu.Lock()
	defer keysMu.Unlock()
	b, err := gossh.MarshalPrivateKey(keys[s], "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(b)
}

// dial logs in as user with the Go client.
func (w *world) dial(user string, auth ...gossh.Signer) (*gossh.Client, error) {
	cfg := &gossh.ClientConfig{User: user, HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: 2 * time.Minute}
	if len(auth) > 0 {
		cfg.Auth = append(cfg.Auth, gossh.PublicKeys(auth...))
	} else {
		cfg.Auth = append(cfg.Auth, gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil }))
	}
	c, err := gossh.Dial("tcp", w.addr, cfg)
	if err == nil {
		w.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func (w *world) client(user string, auth ...gossh.Signer) *gossh.Client {
	w.t.Helper()
	c, err := w.dial(user, auth...)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// result is how one command went.
type result struct {
	out, err string
	status   int
}

func run(t *testing.T, c *gossh.Client, cmd string) result {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out, errs bytes.Buffer
	s.Stdout, s.Stderr = &out, &errs
	err = s.Run(cmd)
	return result{out.String(), errs.String(), exitStatus(err)}
}

func exitStatus(err error) int {
	var e *gossh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitStatus()
	}
	return -1
}

// openssh runs a stock client program.
func (w *world) openssh(stdin io.Reader, name string, args ...string) result {
	w.t.Helper()
	host, port, _ := net.SplitHostPort(w.addr)
	opts := []string{
		"-F", "none", "-o", "Port=" + port, "-o", "IdentityFile=" + w.key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=120",
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "HOST", host)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append(opts, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home}
	cmd.Dir = w.home
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	cmd.WaitDelay = time.Minute // what has come must still be read, on a busy machine too
	err := cmd.Run()
	status := 0
	if err != nil {
		status = -1
		var e *exec.ExitError
		if errors.As(err, &e) {
			status = e.ExitCode()
		}
	}
	return result{out.String(), errs.String(), status}
}
