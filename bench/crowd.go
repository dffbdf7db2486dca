package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	crowdSize = 10_000
	crowdTurn = 6 * time.Second
	perUser   = 0.2 // requests a second of somebody who learns
)

// crowdOf is ten thousand people with a connection each.
func crowdOf(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	ours := strings.TrimPrefix(p.api, "http://")
	mix := []func(int, int) []byte{
		plainGet(ours, "/v1/courses", "Accept-Encoding: gzip"),
		plainGet(ours, "/v1/users/keys", "Authorization: Bearer "+p.token),
		plainGet(ours, "/v1/users/profile", "Authorization: Bearer "+p.token),
		plainGet(ours, "/v1/users/keys", "Authorization: Bearer "+p.token),
	}
	next := func(conn, n int) []byte { return mix[(conn+n)%len(mix)](conn, n) }
	before := resident(p.pid)
	people, err := gatherCrowd(ctx, ours, crowdSize, mix[0])
	if err != nil {
		return nil, err
	}
	defer people.leave()
	each := (resident(p.pid) - before) / crowdSize
	t := table{
		title: "Ten thousand connections", head: []string{"requests/s, offered", "answered", "errors", "p50", "p95", "p99", "must", "aim", "server CPU each"},
		notes: []string{
			fmt.Sprintf("An open loop over %d connections that stay, each with a request every few seconds, for %v; waits count from when a request was due, and the client, the server and PostgreSQL share the cores. A quarter asks for the catalogue, a quarter for a profile, half asks the database.", crowdSize, crowdTurn),
			fmt.Sprintf("A learner makes %.1f requests a second (25 times what the largest hosts of this kind plan for), so on two cores 2,000 a second are 5,000 learners a core, and 4,000 are 10,000: both want a p95 below 100 ms.", perUser),
		},
	}
	for _, step := range []struct {
		rate      int
		must, aim string
	}{{1000, "", ""}, {2000, "p99 25 ms, 0", "p99 10 ms, 0"}, {4000, "p99 100 ms", "p99 30 ms"}} {
		used := cpuTime(p.pid)
		a, err := people.ask(ctx, step.rate, crowdTurn, next)
		if err != nil {
			return nil, err
		}
		wrong := a.failed + len(a.waits) - a.status[200]
		t.rows = append(t.rows, []string{
			strconv.Itoa(step.rate), strconv.Itoa(a.status[200]), strconv.Itoa(wrong),
			ms(quantile(a.waits, 0.5)), ms(quantile(a.waits, 0.95)), "**" + ms(quantile(a.waits, 0.99)) + "**", step.must, step.aim,
			fmt.Sprintf("%.0f µs", float64((cpuTime(p.pid)-used).Microseconds())/float64(len(a.waits))),
		})
	}
	m := table{title: "Memory of a connection", head: []string{"", "kB", "must", "aim"}, rows: [][]string{
		{"the server, for each of 10,000 that have asked once and stay", fmt.Sprintf("**%.0f**", float64(each)/1e3), "40", "22"},
	}, notes: []string{"Resident set, garbage that hasn't been collected included."}}
	return []table{t, m}, nil
}

// resident is the memory of a process, in bytes.
func resident(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n << 10
		}
	}
	return 0
}
