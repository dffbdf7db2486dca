package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"
)

const (
	visitors  = 1000
	perSource = 200 // connections from one address; the gateway takes 256
	arriving  = 16  // at once
	looking   = 10 * time.Second
	starts    = 20
)

// drawn is on the first page that a learner sees, with what is theirs.
var drawn = []byte("Welcome")

// screens is what the full-screen program costs: here until its first page, and on
// the server while learners who came by ssh look at it.
func screens(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	here, err := r.screensHere(ctx, p)
	if err != nil {
		return nil, err
	}
	there, err := screensThere(ctx, r.rounds(visitors), p)
	return []table{here, there}, err
}

func (r *rig) screensHere(ctx context.Context, p *product) (table, error) {
	t := table{title: "The screens, on this machine", head: []string{"", "", "must", "aim"}}
	home := filepath.Join(r.dir, "screens")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return t, err
	}
	env := []string{"HOME=" + home, "CMH_SERVER=" + p.api, "CMH_TOKEN=" + p.token, "TERM=xterm-256color", "LANG=C.UTF-8", "CMH_THEME=dark"}
	var waits []time.Duration
	var most int
	for n := range r.rounds(starts) + 1 {
		took, rss, err := r.firstPage(ctx, env)
		if err != nil {
			return t, err
		}
		if n > 0 { // then what it shows is kept here
			waits, most = append(waits, took), max(most, rss)
		}
	}
	t.rows = [][]string{
		{"from its start to the learner's first page, with what is kept here: median", ms(quantile(waits, 0.5)), "50 ms", "25 ms"},
		{"the same, p95", ms(quantile(waits, 0.95)), "", ""},
		{"memory then (RSS), the most", fmt.Sprintf("%.1f MiB", float64(most)/(1<<20)), "", "40 MB"},
	}
	return t, nil
}

// firstPage starts cmh on a terminal and returns how long its first page took, and
// how much memory it has then.
func (r *rig) firstPage(ctx context.Context, env []string) (took time.Duration, rss int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, "cmh"))
	cmd.Env = env
	began := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		return 0, 0, err
	}
	defer tty.Close()
	if err = until(tty, drawn); err == nil {
		took, rss = time.Since(began), resident(cmd.Process.Pid)
		_, err = io.WriteString(tty, "q")
		_, _ = io.Copy(io.Discard, tty) // ends with the terminal
	} else {
		_ = cmd.Process.Kill()
	}
	return took, rss, errors.Join(err, cmd.Wait(), ctx.Err())
}

// until reads until there is that text.
func until(r io.Reader, text []byte) error {
	buf, seen := make([]byte, 16<<10), []byte(nil)
	for {
		n, err := r.Read(buf)
		if seen = append(seen, buf[:n]...); bytes.Contains(seen, text) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no %q in %q: %w", text, seen, err)
		}
	}
}

func screensThere(ctx context.Context, n int, p *product) (table, error) {
	t := table{title: "The screens over SSH, idle", head: []string{"", "each", "must", "aim"}}
	keys, err := manyKeys(ctx, p, n+1)
	if err != nil {
		return t, err
	}
	var (
		mu   sync.Mutex
		open []*ssh.Client
		sent atomic.Int64
		g    errgroup.Group
	)
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
		_ = g.Wait()
	}()
	come := func(ctx context.Context, i int) error {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/perSource))}
		conn, err := (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", p.ssh)
		if err != nil {
			return err
		}
		c, chans, reqs, err := ssh.NewClientConn(conn, p.ssh, &ssh.ClientConfig{
			User: "visitor", Auth: []ssh.AuthMethod{ssh.PublicKeys(keys[i])},
			HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // a server that we started, on loopback
		})
		if err != nil {
			conn.Close()
			return err
		}
		client := ssh.NewClient(c, chans, reqs)
		mu.Lock()
		open = append(open, client)
		mu.Unlock()
		defer context.AfterFunc(ctx, func() { _ = client.Close() })()
		s, err := client.NewSession()
		if err != nil {
			return err
		}
		out, err := s.StdoutPipe()
		if err == nil {
			_, err = s.StdinPipe() // somebody is there: without, it is at its end
		}
		if err == nil {
			err = s.RequestPty("xterm-256color", 24, 80, ssh.TerminalModes{})
		}
		if err == nil {
			err = s.Shell()
		}
		if err == nil {
			err = until(out, drawn)
		}
		g.Go(func() error {
			_, _ = io.Copy(counter{&sent}, out) // ends with the connection
			return nil
		})
		return err
	}
	if err := come(ctx, n); err != nil { // what only the first one costs
		return t, err
	}
	before := settled(ctx, func() int64 { return pss(p.pid) })
	arrivals, actx := errgroup.WithContext(ctx)
	arrivals.SetLimit(arriving)
	for i := range n {
		arrivals.Go(func() error { return come(actx, i) })
	}
	if err := arrivals.Wait(); err != nil {
		return t, err
	}
	size := (settled(ctx, func() int64 { return pss(p.pid) }) - before) / int64(n)
	bytesBefore, used, began := sent.Load(), cpuTime(p.pid), time.Now()
	pause := time.NewTimer(looking)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return t, ctx.Err()
	}
	each := (cpuTime(p.pid) - used).Seconds() * 1000 / time.Since(began).Seconds() / float64(n)
	t.rows = [][]string{
		{"memory of the server (PSS)", kib(size) + " KiB", "", "500 KiB"},
		{"its processor time", fmt.Sprintf("%.3f ms/s", each), "", "0.02 ms/s"},
		{fmt.Sprintf("sent in %v", looking), fmt.Sprintf("%d bytes", (sent.Load()-bytesBefore)/int64(n)), "", "0"},
	}
	t.notes = []string{fmt.Sprintf("%d learners at once, each on a connection of their own, who look at their first page. The server's other work, its jobs and its watch over who may stay, is in the figure.", n)}
	return t, nil
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
