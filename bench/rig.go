package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
)

// A rig is what the sections share: a folder, the binaries, and one server of
// ours with a learner in a running lab.
type rig struct {
	scale  float64
	dir    string // ours alone, removed at the end
	bin    string // cmh, cmh-server and lab-agent
	images string

	started []*exec.Cmd
	log     *os.File
	product *product
	sshd    *sshdFloor
}

// A product is a running cmh-server, seen from outside.
type product struct {
	pid      int
	data     string
	api, ssh string // base URL, host:port
	learner
}

// A learner has an account, a key and a running lab.
type learner struct {
	client  *client.Client
	token   string
	session string // id, and the SSH user
	keyFile string
	signer  ssh.Signer
}

func newRig(_ context.Context, scale float64) (*rig, error) {
	r := &rig{scale: scale, images: os.Getenv("CMH_IMAGE_DIR")}
	if r.images == "" {
		return nil, errors.New("CMH_IMAGE_DIR isn't set; run make bench")
	}
	var err error
	if r.bin, err = filepath.Abs("bin"); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(r.bin, "cmh-server")); err != nil {
		return nil, fmt.Errorf("%w; run make bench", err)
	}
	if r.dir, err = os.MkdirTemp("", "cmh-bench-"); err != nil {
		return nil, err
	}
	// As root, the database and the login under sshd run as somebody else.
	if err := os.Chmod(r.dir, 0o711); err != nil { //nolint:gosec // others may pass through, and see nothing
		return nil, err
	}
	r.log, err = os.Create(filepath.Join(r.dir, "log"))
	return r, err
}

// clear destroys the sandboxes that a server, which is gone, has left.
func (r *rig) clear(ctx context.Context, state string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	d, _, err := r.sandboxes(ctx, state)
	if err != nil {
		return err
	}
	return labs.Clear(ctx, d)
}

func (r *rig) rounds(n int) int { return max(3, int(float64(n)*r.scale)) }

// close stops what was started, the latest first.
func (r *rig) close(ctx context.Context) error {
	var errs []error
	if r.product != nil && r.product.client != nil {
		r.product.stopLabs()
	}
	for i := len(r.started) - 1; i >= 0; i-- {
		cmd := r.started[i]
		_ = cmd.Process.Signal(unix.SIGTERM)
		timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
	}
	r.log.Close()
	if r.product != nil {
		errs = append(errs, r.clear(ctx, filepath.Join(r.product.data, "labs")))
	}
	errs = append(errs, os.RemoveAll(r.dir))
	return errors.Join(errs...)
}

// start runs a program until the rig is closed, and returns the first line
// that it prints.
func (r *rig) start(ctx context.Context, env []string, argv ...string) (*exec.Cmd, string, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = r.log
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGTERM}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	r.started = append(r.started, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		said, _ := os.ReadFile(r.log.Name())
		return nil, "", fmt.Errorf("%s: %w: %s", argv[0], err, said)
	}
	return cmd, strings.TrimSpace(line), nil
}

var listening = regexp.MustCompile(`API (http://[^ ,]+).*SSH ([^ ,]+:\d+)`)

// hub starts our server with a private database and a learner in a lab, once.
func (r *rig) hub(ctx context.Context) (*product, error) {
	if r.product != nil {
		return r.product, nil
	}
	p := &product{data: filepath.Join(r.dir, "hub")}
	cmd, line, err := r.start(ctx, []string{
		"CMH_DATA_DIR=" + p.data, "CMH_API_ADDR=127.0.0.1:0", "CMH_SSH_ADDR=127.0.0.1:0", "CMH_DATABASE_URL=",
		"CMH_LAB_AGENT=" + filepath.Join(r.bin, "lab-agent"),
		// Everything is counted as for anybody, and nothing refused.
		"CMH_LIMIT_GUEST=1000000000", "CMH_LIMIT_FREE=1000000000", "CMH_LIMIT_SIGN_IN=1000000000", "CMH_LAB_MINUTES=0",
	}, filepath.Join(r.bin, "cmh-server"), "serve")
	if err != nil {
		return nil, err
	}
	m := listening.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("cmh-server says %q", line)
	}
	p.pid, p.api, p.ssh = cmd.Process.Pid, m[1], m[2]
	r.product = p
	p.learner, err = r.learner(ctx, p.api, "bench")
	return p, err
}

// account signs somebody up, and returns their token.
func account(ctx context.Context, api, name string) (token string, err error) {
	login, err := client.New(api).Register(ctx, hub.Registration{Email: name + "@localhost", Username: name, Password: rand.Text()})
	if err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	return login.AccessToken, nil
}

// learner signs somebody up, gives them a key, and starts a lab for them.
func (r *rig) learner(ctx context.Context, api, name string) (learner, error) {
	l := learner{keyFile: filepath.Join(r.dir, name+".key")}
	var err error
	if l.token, err = account(ctx, api, name); err != nil {
		return l, err
	}
	l.client = client.New(api, client.Token(l.token))
	if l.signer, err = newKey(l.keyFile); err != nil {
		return l, err
	}
	if _, err := l.client.AddKey(ctx, hub.NewKey{Name: "bench", PublicKey: string(ssh.MarshalAuthorizedKey(l.signer.PublicKey()))}); err != nil {
		return l, fmt.Errorf("add a key: %w", err)
	}
	s, err := l.client.StartLab(ctx, "log-triage")
	if err != nil {
		return l, fmt.Errorf("start a lab: %w", err)
	}
	l.session = s.ID
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.State != hub.Ready {
		if s.EndedAt != nil {
			return l, fmt.Errorf("the lab is %s: %s", s.State, s.Message)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return l, ctx.Err()
		}
		if s, err = l.client.LabSession(ctx, s.ID); err != nil {
			return l, err
		}
	}
	return l, nil
}

// stopLabs ends the lab while the server that made it is there.
func (l learner) stopLabs() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) //nolint:forbidigo // cleans up after an interrupt too
	defer cancel()
	if l.session != "" {
		_, _ = l.client.StopLab(ctx, l.session)
	}
}

// dial connects to the gateway as the learner.
func (p *product) dial(ctx context.Context, l learner) (*ssh.Client, error) {
	return dialSSH(ctx, p.ssh, l.session, l.signer)
}

func dialSSH(ctx context.Context, addr, user string, key ssh.Signer) (*ssh.Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conf := &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // a server that we started, on loopback
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, addr, conf)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// newKey makes a key that OpenSSH reads.
func newKey(file string) (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}
