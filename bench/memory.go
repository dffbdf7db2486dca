package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

const (
	memoryLabs      = 4
	memoryTerminals = 15 // of each lab; sixteen are the most
	memorySandboxes = 20
)

// memory is what idle learners and idle sandboxes cost.
func memory(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.openssh(ctx)
	if err != nil {
		return nil, err
	}
	var learners []learner
	for i := range memoryLabs {
		l, err := r.learner(ctx, p.api, fmt.Sprintf("memory-%d", i))
		defer l.stopLabs()
		if err != nil {
			return nil, err
		}
		learners = append(learners, l)
	}
	const n = memoryLabs * memoryTerminals
	ours, err := attached(ctx, n, func() int64 { return pss(p.pid) }, func(i int) (*ssh.Client, error) {
		return p.dial(ctx, learners[i%memoryLabs])
	})
	if err != nil {
		return nil, err
	}
	theirs, err := attached(ctx, n, func() int64 { return below(d.pid) }, func(int) (*ssh.Client, error) {
		return dialSSH(ctx, d.addr, d.user, d.signer)
	})
	if err != nil {
		return nil, err
	}
	agent, err := r.idleSandboxes(ctx)
	if err != nil {
		return nil, err
	}
	return []table{{
		title: "Memory", head: []string{"", "KiB each", "ours ÷ this"},
		rows: [][]string{
			{"gateway, for an idle terminal on a connection of its own", kib(ours), "1"},
			{"sshd, the same (its processes and `/bin/sh`)", kib(theirs), fmt.Sprintf("**%.2f**", float64(ours)/float64(theirs))},
			{"idle sandbox: agent and `bash`", kib(agent), ""},
		},
		notes: []string{fmt.Sprintf("Proportional set size; %d terminals, %d sandboxes. The gateway shares its process with the API, whose garbage is in the figure.", n, memorySandboxes)},
	}}, nil
}

func kib(b int64) string { return strconv.FormatInt(b>>10, 10) }

// attached is what one of n idle terminals adds to a server's memory.
func attached(ctx context.Context, n int, size func() int64, dial func(i int) (*ssh.Client, error)) (int64, error) {
	open := func(i int) (*ssh.Client, error) {
		c, err := dial(i)
		if err != nil {
			return nil, err
		}
		defer context.AfterFunc(ctx, func() { _ = c.Close() })()
		_, _, _, err = shell(c, "")
		return c, err
	}
	first, err := open(0) // what only the first one costs
	if err != nil {
		return 0, err
	}
	first.Close()
	before := settled(ctx, size)
	for i := range n {
		c, err := open(i)
		if err != nil {
			return 0, err
		}
		defer c.Close()
	}
	return (settled(ctx, size) - before) / int64(n), nil
}

// settled waits until a size moves by less than a hundredth in a moment.
func settled(ctx context.Context, size func() int64) int64 {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	last := size()
	for range 8 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last
		}
		now := size()
		if diff := now - last; diff < now/100 && diff > -now/100 {
			return now
		}
		last = now
	}
	return last
}

// idleSandboxes is the memory of one of several sandboxes, each with its
// terminal left open.
func (r *rig) idleSandboxes(ctx context.Context) (int64, error) {
	d, _, err := r.sandboxes(ctx, filepath.Join(r.dir, "memory"))
	if err != nil {
		return 0, err
	}
	for i := range memorySandboxes {
		id := fmt.Sprintf("memory-%d", i)
		defer func() { _ = d.Destroy(context.WithoutCancel(ctx), id) }()
		if err := d.Create(ctx, labs.Spec{ID: id}); err != nil {
			return 0, err
		}
		c, err := labs.Connect(ctx, d, id)
		if err != nil {
			return 0, err
		}
		_, _, _, err = shell(c, "")
		c.Close()
		if err != nil {
			return 0, err
		}
	}
	return settled(ctx, r.sandboxMemory) / memorySandboxes, nil
}

// pss is a process's share of memory, pages in common divided by their users.
func pss(pid int) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "Pss:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(v, "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// sandboxMemory is that of our children that aren't servers: the sandboxes
// that this process made.
func (r *rig) sandboxMemory() int64 {
	servers := map[int]bool{}
	for _, cmd := range r.started {
		servers[cmd.Process.Pid] = true
	}
	var total int64
	for _, child := range children()[os.Getpid()] {
		if !servers[child] {
			total += below(child)
		}
	}
	return total
}

// below is the memory of a process and all its descendants.
func below(pid int) int64 {
	tree := children()
	var sum func(int) int64
	sum = func(pid int) int64 {
		total := pss(pid)
		for _, child := range tree[pid] {
			total += sum(child)
		}
		return total
	}
	return sum(pid)
}

// children of every process.
func children() map[int][]int {
	of := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		if f := strings.Fields(rest); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			of[parent] = append(of[parent], child)
		}
	}
	return of
}
