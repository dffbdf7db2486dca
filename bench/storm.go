package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"
)

const (
	stormLabs    = 4
	stormWorkers = 16 // connections at once; an account may have twenty
	storm        = 1000
	afterStorm   = 5 * time.Second
)

// stormy is many learners coming at once: connections that are made, attached
// to a terminal up to its prompt, and then dropped without a goodbye.
func stormy(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.openssh(ctx)
	if err != nil {
		return nil, err
	}
	var learners []learner
	for i := range stormLabs {
		l, err := r.learner(ctx, p.api, fmt.Sprintf("storm-%d", i))
		defer l.stopLabs()
		if err != nil {
			return nil, err
		}
		learners = append(learners, l)
	}
	ours := func(ctx context.Context, i int) (*ssh.Client, error) { return p.dial(ctx, learners[i%stormLabs]) }
	theirs := func(ctx context.Context, _ int) (*ssh.Client, error) {
		return dialSSH(ctx, d.addr, d.user, d.signer)
	}
	if _, err := rush(ctx, 2*stormWorkers, ours); err != nil { // all terminals are there
		return nil, err
	}
	before, ptys := held(p.pid), terminals()
	n := r.rounds(storm)
	var mine, sshd []float64
	const parts = 5 // taken in turns, so that a busy moment meets both
	for range parts {
		rate, err := rush(ctx, n/parts, ours)
		if err != nil {
			return nil, fmt.Errorf("through the gateway: %w", err)
		}
		mine = append(mine, rate)
		if rate, err = rush(ctx, max(stormWorkers, n/parts/5), theirs); err != nil {
			return nil, fmt.Errorf("sshd: %w", err)
		}
		sshd = append(sshd, rate)
	}
	pause := time.NewTimer(afterStorm)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after := held(p.pid)
	return []table{
		{
			title: "A storm of attaches", head: []string{"", "attaches/s", "ours ÷ this"},
			rows: [][]string{
				{"labs, through the gateway", fmt.Sprintf("%.0f", quantile(mine, 0.5)), "1"},
				{"sshd of this host", fmt.Sprintf("%.0f", quantile(sshd, 0.5)), fmt.Sprintf("**%.2f**", ratio(mine, sshd))},
			},
			notes: []string{fmt.Sprintf("%d attaches to %d labs, %d at once, none failed: connection, login, terminal, prompt, and then dropped. A Go client for both.", n, stormLabs, stormWorkers)},
		},
		{
			title: fmt.Sprintf("What is left %v after the storm", afterStorm), head: []string{"", "before", "after"},
			rows: [][]string{
				{"descriptors of the server", strconv.Itoa(before.files), strconv.Itoa(after.files)},
				{"its threads", strconv.Itoa(before.threads), strconv.Itoa(after.threads)},
				{"its child processes, but for PostgreSQL's", strconv.Itoa(before.children), strconv.Itoa(after.children)},
				{"terminals (PTYs) of this machine", ptys, terminals()},
			},
			notes: []string{"The labs' own terminals stay, for their learners to come back to. Goroutines are counted by a test of the gateway."},
		},
	}, nil
}

// rush makes n attaches with a bounded number at once and returns how many it
// managed a second. The first that fails ends it.
func rush(ctx context.Context, n int, dial func(context.Context, int) (*ssh.Client, error)) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	began := time.Now()
	for range stormWorkers {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				_, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) { return dial(ctx, i) })(ctx)
				if err != nil {
					return errors.Join(fmt.Errorf("attach %d: %w", i, err), ctx.Err())
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// A holding is what a process has of its machine.
type holding struct{ files, threads, children int }

func held(pid int) (h holding) {
	count := func(dir string) int {
		entries, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), dir))
		return len(entries)
	}
	h.files, h.threads = count("fd"), count("task")
	for _, child := range children()[pid] {
		if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child)); err == nil && strings.TrimSpace(string(comm)) != "postgres" {
			h.children++
		}
	}
	return h
}

// terminals is how many PTYs there are.
func terminals() string {
	raw, err := os.ReadFile("/proc/sys/kernel/pty/nr")
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(raw))
}
