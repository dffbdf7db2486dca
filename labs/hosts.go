package labs

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// ErrAlone is Start's answer for a lab of several hosts where sandboxes can't be
// joined.
var ErrAlone = errors.New("labs: sandboxes can't be joined here")

// hostMark stands between a lab's id and the number of one of its hosts. The
// first host has the lab's own id.
const hostMark = "--"

// HostID is the sandbox of the nth host of the lab id, from 1.
func HostID(id string, n int) string {
	if n == 1 {
		return id
	}
	return fmt.Sprintf("%s%s%d", id, hostMark, n)
}

// linker is the driver, where it joins sandboxes.
func (e *Engine) linker() (Linker, bool) {
	l, ok := e.Driver.(Linker)
	return l, ok
}

// hosts are the sandboxes of the lab id besides the first, as far as they exist.
func (e *Engine) hosts(ctx context.Context, id string) ([]string, error) {
	if _, ok := e.linker(); !ok {
		return nil, nil
	}
	all, err := e.Driver.List(ctx)
	others := all[:0]
	for _, other := range all {
		if strings.HasPrefix(other, id+hostMark) {
			others = append(others, other)
		}
	}
	return others, err
}

// addHosts makes the lab's other hosts after the model of its first one, joins
// each with each, and lets root of each log in to the others.
func (e *Engine) addHosts(ctx context.Context, first Spec, sc *scenario.Scenario) error {
	l, ok := e.linker()
	if !ok {
		return ErrAlone
	}
	g, making := errgroup.WithContext(ctx)
	for i, h := range sc.Hosts {
		spec := first
		spec.ID, spec.Hostname, spec.Image = HostID(first.ID, i+2), h.Name, cmp.Or(h.Image, first.Image)
		if first.From != "" {
			spec.From, spec.Image = HostID(first.From, i+2), ""
		}
		g.Go(func() error { return e.Driver.Create(making, spec) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := 1; i <= len(sc.Hosts); i++ {
		for j := i + 1; j <= len(sc.Hosts)+1; j++ {
			if err := l.Link(ctx, end(first.ID, i, j), end(first.ID, j, i)); err != nil {
				return err
			}
		}
	}
	return e.introduce(ctx, first.ID, sc, first.From != "")
}

// end is where host n of the lab meets the line to another one. Its first line
// is eth0.
func end(id string, n, other int) End {
	device := other - 1
	if other < n {
		device = other
	}
	return End{ID: HostID(id, n), Device: fmt.Sprintf("eth%d", device-1), Addr: netip.MustParseAddr(scenario.Address(n))}
}

// introduce tells the hosts of a lab each other's names and keys, and starts
// their SSH servers. Where a learner was before, a server may be what the learner
// has broken, and the lab goes on without it.
func (e *Engine) introduce(ctx context.Context, id string, sc *scenario.Scenario, again bool) error {
	names := sc.HostNames()
	keys, err := newHostKeys(names)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for n := 1; n <= len(names); n++ {
		files, err := keys.files(n)
		if err != nil {
			return err
		}
		g.Go(func() error {
			return e.inside(ctx, HostID(id, n), func(s *Sandbox) error {
				if !again { // else they know each other, and what the learner wrote there stays
					if err := s.Push(ctx, files); err != nil {
						return fmt.Errorf("name the hosts: %w", err)
					}
				}
				report, err := s.Check(ctx, proto.Script{Name: "sshd", Source: []byte(startSSH), Timeout: seconds(checkTime)})
				if err == nil && (report.Exit != 0 || report.Signaled || report.NotRun != "") {
					err = fmt.Errorf("status %d: %s%s", report.Exit, report.NotRun, report.Stderr)
				}
				if err != nil && !again {
					return fmt.Errorf("start the SSH server of %s: %w", names[n-1][0], err)
				}
				return ctx.Err()
			})
		})
	}
	return g.Wait()
}

// pushToHosts puts the assets of the lab's other hosts in place.
func (e *Engine) pushToHosts(ctx context.Context, id string, sc *scenario.Scenario) error {
	for i, h := range sc.Hosts {
		if len(h.Assets) == 0 {
			continue
		}
		if err := e.inside(ctx, HostID(id, i+2), func(s *Sandbox) error { return s.Push(ctx, h.Assets) }); err != nil {
			return fmt.Errorf("push the assets of %s: %w", h.Name, err)
		}
	}
	return nil
}

// startSSH returns when the server listens: it goes into the background by
// itself, but not when process 1 is its parent: then it believes to be there. An
// image without a server has no logins from other hosts.
const startSSH = `[ -x /usr/sbin/sshd ] || exit 0
mkdir -p /run/sshd
/usr/sbin/sshd </dev/null >/dev/null 2>/run/lab/sshd.txt || { cat /run/lab/sshd.txt >&2; exit 1; }
`

// hostKeys are the keys of one lab. They exist nowhere but in its sandboxes.
type hostKeys struct {
	names [][]string
	hosts []ed25519.PrivateKey
	root  ed25519.PrivateKey // of root, the same everywhere
}

func newHostKeys(names [][]string) (hostKeys, error) {
	k := hostKeys{names: names}
	for range names {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return k, err
		}
		k.hosts = append(k.hosts, key)
	}
	var err error
	_, k.root, err = ed25519.GenerateKey(rand.Reader)
	return k, err
}

// Root's key lies beside the system's own settings, and the servers look for it
// there as well as in the home: whatever a learner does to /root/.ssh, the
// hosts go on reaching each other, and no key is where a lab wants to make one.
const (
	sshClient = "# The way to the other hosts of this lab.\nHost %s\n" +
		"  IdentityFile ~/.ssh/id_ed25519\n  IdentityFile ~/.ssh/id_ecdsa\n  IdentityFile ~/.ssh/id_rsa\n  IdentityFile /etc/ssh/lab_key\n"
	sshServer = "# Root of the other hosts of this lab may log in.\nPermitRootLogin prohibit-password\n" +
		"Match User root\n  AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/lab_authorized_keys\n"
)

// files are host n's, as a tar.
func (k hostKeys) files(n int) ([]byte, error) {
	hosts := &strings.Builder{}
	hosts.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	known, patterns := &strings.Builder{}, []string{}
	for i, names := range k.names {
		address := scenario.Address(i + 1)
		fmt.Fprintf(hosts, "%s\t%s\n", address, strings.Join(names, " "))
		line, err := publicLine(k.hosts[i])
		if err != nil {
			return nil, err
		}
		all := append([]string{address}, names...)
		patterns = append(patterns, all...)
		fmt.Fprintf(known, "%s %s\n", strings.Join(all, ","), line)
	}
	hostKey, err := privatePEM(k.hosts[n-1])
	if err != nil {
		return nil, err
	}
	rootKey, err := privatePEM(k.root)
	if err != nil {
		return nil, err
	}
	hostLine, err := publicLine(k.hosts[n-1])
	if err != nil {
		return nil, err
	}
	rootLine, err := publicLine(k.root)
	if err != nil {
		return nil, err
	}
	return archive([]file{
		{"etc/hosts", 0o644, hosts.String()},
		{"etc/ssh/ssh_host_ed25519_key", 0o600, hostKey},
		{"etc/ssh/ssh_host_ed25519_key.pub", 0o644, hostLine + "\n"},
		{"etc/ssh/ssh_known_hosts", 0o644, known.String()},
		{"etc/ssh/lab_key", 0o600, rootKey},
		{"etc/ssh/lab_authorized_keys", 0o644, rootLine + "\n"},
		{"etc/ssh/ssh_config.d/lab.conf", 0o644, fmt.Sprintf(sshClient, strings.Join(patterns, " "))},
		{"etc/ssh/sshd_config.d/lab.conf", 0o644, sshServer},
	})
}

func publicLine(k ed25519.PrivateKey) (string, error) {
	pub, err := ssh.NewPublicKey(k.Public())
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))), nil
}

func privatePEM(k ed25519.PrivateKey) (string, error) {
	block, err := ssh.MarshalPrivateKey(k, "lab")
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// file is one of ours to be unpacked inside.
type file struct {
	name    string
	mode    int64
	content string
}

func archive(files []file) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), w.Close()
}
