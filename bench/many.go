package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

const (
	manySandboxes = 1000
	manyAtOnce    = 4
	killEvery     = 3 // of the second thousand, one in so many is killed by somebody else
)

// many is a host full of sandboxes, and what a thousand that came and went
// have left on it.
func many(ctx context.Context, r *rig) ([]table, error) {
	d, _, err := r.sandboxes(ctx, filepath.Join(r.dir, "many"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = labs.Clear(context.WithoutCancel(ctx), d) }()
	if err := d.Create(ctx, labs.Spec{ID: "first"}); err != nil { // what only the first one makes
		return nil, err
	}
	if err := d.Destroy(ctx, "first"); err != nil {
		return nil, err
	}
	before := leftovers()
	n := r.rounds(manySandboxes)
	began := time.Now()
	times, err := each(ctx, n, func(ctx context.Context, id string) (time.Duration, error) {
		began := time.Now()
		err := d.Create(ctx, labs.Spec{ID: id})
		return time.Since(began), err
	})
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	full := time.Since(began)
	memory := settled(ctx, r.sandboxMemory) / int64(n)
	began = time.Now()
	if err := labs.Clear(ctx, d); err != nil {
		return nil, err
	}
	emptied := time.Since(began)

	var killed atomic.Int64
	began = time.Now()
	if _, err := each(ctx, n, func(ctx context.Context, id string) (time.Duration, error) {
		err := d.Create(ctx, labs.Spec{ID: id})
		if rand.IntN(killEvery) == 0 { //nolint:gosec // any will do
			if pid := newest(); pid > 0 { // whoever's it is
				killed.Add(1)
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		if err != nil && ctx.Err() != nil {
			return 0, err
		}
		return 0, d.Destroy(ctx, id) // one that was killed in the making has failed, and must leave as little
	}); err != nil {
		return nil, fmt.Errorf("create and destroy: %w", err)
	}
	turned := time.Since(began)
	left := slices.DeleteFunc(leftovers(), func(s string) bool { return slices.Contains(before, s) })

	first, last := times[:max(1, n/10)], times[n-max(1, n/10):]
	return []table{{
		title: "A full host", head: []string{"", ""},
		rows: [][]string{
			{fmt.Sprintf("%d sandboxes at once, %d in the making", n, manyAtOnce), full.Round(10 * time.Millisecond).String()},
			{"create, the first tenth, median", ms(quantile(first, 0.5))},
			{"create, the last tenth, median", ms(quantile(last, 0.5))},
			{"memory of each: agent, no shell", kib(memory) + " KiB"},
			{"destroy all", emptied.Round(10 * time.Millisecond).String()},
			{fmt.Sprintf("%d more created and destroyed, %d killed meanwhile", n, killed.Load()), turned.Round(10 * time.Millisecond).String()},
			{"processes, mounts, loop devices, cgroups and folders left", fmt.Sprint(len(left))},
		},
		notes: append([]string{"Made through the driver, without a server."}, left...),
	}}, nil
}

// each runs do for n ids, a few at once, and returns their times in order.
func each(ctx context.Context, n int, do func(context.Context, string) (time.Duration, error)) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(manyAtOnce)
	for i := range n {
		g.Go(func() (err error) {
			times[i], err = do(ctx, fmt.Sprintf("many-%d", i))
			return err
		})
	}
	return times, g.Wait()
}

// newest is the latest of our children that is an agent, or 0.
func newest() (pid int) {
	for _, child := range children()[os.Getpid()] {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
		if err == nil && strings.HasPrefix(string(comm), "lab-") && child > pid {
			pid = child
		}
	}
	return pid
}

// leftovers is what a sandbox could leave on this host, by name.
func leftovers() (all []string) {
	for _, child := range children()[os.Getpid()] {
		all = append(all, fmt.Sprintf("process %d", child))
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		all = append(all, "mount "+strings.Fields(line)[4])
	}
	for _, pattern := range []string{"/sys/block/loop*/loop/backing_file", "/sys/fs/cgroup/*/cmh*/*", "/sys/fs/cgroup/cmh*/*"} {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			if st, err := os.Stat(path); err == nil && (st.IsDir() || strings.HasSuffix(path, "backing_file")) {
				all = append(all, path)
			}
		}
	}
	return all
}
