package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// commands is how long cmh takes to say something.
func commands(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	hello, err := build(ctx, r.dir, "./bench/floor/cobrahello")
	if err != nil {
		return nil, err
	}
	cmh := filepath.Join(r.bin, "cmh")
	env := []string{"HOME=" + r.dir, "CMH_CONFIG_DIR=" + filepath.Join(r.dir, "config"), "CMH_SERVER=" + p.api, "CMH_TOKEN=" + p.token}
	spawn := func(argv ...string) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Env = env
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			began := time.Now()
			err := cmd.Run()
			took := time.Since(began)
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out.Bytes())
			}
			return took, err
		}
	}
	results, err := race(ctx, r.rounds(80),
		runner{"Cobra hello", spawn(hello)},
		runner{"`cmh --version`", spawn(cmh, "--version")},
		runner{"`cmh --help`", spawn(cmh, "--help")},
		runner{"`cmh course list`, with its request", spawn(cmh, "course", "list")},
		runner{"the tab key behind `cmh course view`", spawn(cmh, "__complete", "course", "view", "")},
		runner{"the tab key behind `cmh api`", spawn(cmh, "__complete", "api", "")},
	)
	if err != nil {
		return nil, err
	}
	t := table{title: "Commands", head: []string{"", "median", "p95", "fastest", "÷ Cobra hello"}}
	for _, res := range results {
		t.rows = append(t.rows, []string{
			res.name, ms(quantile(res.times, 0.5)), ms(quantile(res.times, 0.95)), ms(quantile(res.times, 0)),
			fmt.Sprintf("**%.2f**", ratio(res.times, results[0].times)),
		})
	}
	took, allocs, err := packageInit(ctx, cmh, env)
	if err != nil {
		return nil, err
	}
	t.notes = append(t.notes, fmt.Sprintf("%d rounds.", len(results[0].times)),
		fmt.Sprintf("Package initialisation of `cmh`: %.2f ms in the quietest of 15 starts, %d allocations (`GODEBUG=inittrace=1`).", took, allocs))
	for _, bin := range []string{"cmh", "cmh-author", "cmh-format", "cmh-server", "lab-agent"} {
		st, err := os.Stat(filepath.Join(r.bin, bin))
		if err != nil {
			return nil, err
		}
		t.notes = append(t.notes, fmt.Sprintf("`%s` is %.1f MB.", bin, float64(st.Size())/1e6))
	}
	return []table{t}, nil
}

var initLine = regexp.MustCompile(`(?m)^init .* ([0-9.]+) ms clock, \d+ bytes, (\d+) allocs$`)

// packageInit sums what runs before main, in the quietest of several starts.
func packageInit(ctx context.Context, bin string, env []string) (best float64, allocs int, err error) {
	for range 15 {
		cmd := exec.CommandContext(ctx, bin, "--version")
		cmd.Env = append([]string{"GODEBUG=inittrace=1"}, env...)
		var trace bytes.Buffer
		cmd.Stderr = &trace
		if err := cmd.Run(); err != nil {
			return 0, 0, err
		}
		var took float64
		var n int
		for _, m := range initLine.FindAllSubmatch(trace.Bytes(), -1) {
			t, _ := strconv.ParseFloat(string(m[1]), 64)
			a, _ := strconv.Atoi(string(m[2]))
			took, n = took+t, n+a
		}
		if best == 0 || took < best {
			best, allocs = took, n
		}
	}
	return best, allocs, nil
}
